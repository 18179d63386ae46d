import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { found } from './program.js';

const folder = fileURLToPath(new URL('../../../deploy/grafana/dashboards/', import.meta.url));

it.runIf(found('promtool'))('Prometheus reads every expression of the dashboards', () => {
  const expressions = readdirSync(folder).flatMap((file) => {
    const { panels } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as {
      panels: { targets: { expr: string }[] }[];
    };
    return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  });
  expect(expressions.length).toBeGreaterThan(50);
  // As Grafana fills them in.
  const rules = expressions.map((expr, i) => ({
    record: `dashboard:expression:${i}`,
    expr: expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$(cluster|host)\b/g, 'x'),
  }));
  const made = mkdtempSync(join(tmpdir(), 'vurti-dashboards-'));
  try {
    const file = join(made, 'rules.json');
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboards', rules }] }));
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
    expect([status, status === 0 ? '' : stdout + stderr]).toEqual([0, '']);
    expect(stdout).toContain(`${rules.length} rules found`);
  } finally {
    rmSync(made, { recursive: true });
  }
});
