import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { metricsDocument } from '../../../src/server/index.js';

const folder = 'deploy/grafana/dashboards';

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
  readonly panels: readonly {
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
}

const dashboards = readdirSync(folder).map(
  (file) => JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as Dashboard,
);
const rules = readFileSync('deploy/prometheus/vurti.rules.yml', 'utf8');

/** Family → its labels, as docs/metrics.md has them. */
const families = new Map<string, { readonly type: string; readonly labels: ReadonlySet<string> }>();
for (const [, name, type, labels] of metricsDocument('').matchAll(/^\| `(\w+)` \| (\w+) \| ([^|]*) \|/gm)) {
  families.set(name as string, {
    type: type as string,
    labels: new Set((labels as string).split(',').map((one) => one.trim())),
  });
}
/** Of the scrape, not of us. */
const given = new Set(['le', 'job', 'instance']);

/** What an expression names that we do not have. */
function unknownIn(expr: string): string[] {
  const unknown: string[] = [];
  const known = new Set<string>(given);
  const text = expr.replaceAll(/\$\{?\w+\}?/g, '');
  for (const [, metric, , selector = ''] of text.matchAll(/\b((?:vurti|process|nodejs)_\w+)(\{([^}]*)\})?/g)) {
    const name = (metric as string).replace(/_(bucket|sum|count)$/, '');
    const family = families.get(name) ?? families.get(metric as string);
    if (family === undefined) {
      if (!/^(process|nodejs)_/.test(metric as string)) unknown.push(metric as string);
      continue;
    }
    if (metric !== name && family.type !== 'histogram') unknown.push(metric as string);
    for (const label of family.labels) known.add(label);
    for (const [, label] of selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)) {
      if (!family.labels.has(label as string) && !given.has(label as string)) unknown.push(`${metric}{${label}}`);
    }
  }
  for (const [, , labels = ''] of text.matchAll(/\b(by|on|group_left|without|ignoring)\s*\(([^)]*)\)/g)) {
    for (const label of labels.split(',').map((one) => one.trim())) {
      if (label !== '' && !known.has(label)) unknown.push(`(${label})`);
    }
  }
  return unknown;
}

describe('dashboards', () => {
  it('there are three, each panel on a place of its own', () => {
    expect(dashboards.map(({ uid }) => uid).sort()).toEqual(['vurti-fleet', 'vurti-host', 'vurti-service']);
    for (const { panels } of dashboards) {
      expect(panels.length).toBeGreaterThan(8);
      const taken = new Set<string>();
      for (const { gridPos } of panels) {
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
            expect(x).toBeLessThan(24);
            expect(taken.has(`${x},${y}`)).toBe(false);
            taken.add(`${x},${y}`);
          }
        }
      }
    }
  });

  it.each(
    dashboards.flatMap(({ title, panels }) =>
      panels.flatMap((panel) => panel.targets.map(({ expr }) => [title, panel.title, expr])),
    ),
  )('%s, %s: every metric and label exists', (_, __, expr) => {
    expect(unknownIn(expr as string)).toEqual([]);
  });

  it('variables are filled from series that exist, and every variable that is used is defined', () => {
    for (const { templating, panels } of dashboards) {
      const names = templating.list.map(({ name }) => name);
      for (const { definition = '' } of templating.list) {
        const asked = /^label_values\((\w+), (\w+)\)$/.exec(definition);
        if (asked !== null) expect(families.get(asked[1] as string)?.labels.has(asked[2] as string)).toBe(true);
      }
      const used = panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => expr.match(/\$(\w+)/g) ?? []));
      for (const name of used) expect([...names, '__rate_interval']).toContain(name.slice(1));
    }
  });
});

describe('alert rules', () => {
  const expressions = [...rules.matchAll(/expr: (?:>-\n)?((?:.|\n)*?)\n\s+(?:for|labels):/g)].map(
    ([, expr]) => expr as string,
  );

  it.each(expressions)('name only what exists: %s', (expr) => {
    expect(unknownIn(expr)).toEqual([]);
  });
});

describe('the check itself', () => {
  it('finds what does not exist', () => {
    expect(unknownIn('sum(vurti_nothing)')).toEqual(['vurti_nothing']);
    expect(unknownIn('vurti_hosts{colour="red"}')).toEqual(['vurti_hosts{colour}']);
    expect(unknownIn('sum by (colour) (vurti_hosts)')).toEqual(['(colour)']);
    expect(unknownIn('rate(vurti_hosts_bucket[5m])')).toEqual(['vurti_hosts_bucket']);
    expect(unknownIn('sum by (le) (rate(vurti_scrape_seconds_bucket[5m]))')).toEqual([]);
  });
});
