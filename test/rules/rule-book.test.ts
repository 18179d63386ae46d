import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { plainDoc, ruleAnchor, ruleBook, ruleDoc, rulesDocument } from '../../src/rules/index.js';

const src = new URL('../../src/', import.meta.url);
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
// Read in each test, not here: a book that cannot be read is a test that fails, not a file without tests.
const rulesOf = () => ruleBook.flatMap(({ tables }) => tables.flatMap(({ rows }) => rows));

interface Named {
  readonly name: string;
  readonly doc: string;
}
const isRow = (value: unknown): value is Named =>
  typeof value === 'object' && value !== null && 'name' in value && 'doc' in value && 'when' in value;
const isCheck = (value: unknown): value is Named =>
  typeof value === 'object' && value !== null && 'name' in value && 'doc' in value && 'broken' in value;

describe('the rule book', () => {
  it('has every row of every table, as it stands there', async () => {
    const rows: [string, Named][] = [];
    for (const file of files.filter((path) => path.startsWith('rules/'))) {
      const module = (await import(new URL(file, src).href)) as Record<string, unknown>;
      for (const value of Object.values(module)) {
        for (const row of Array.isArray(value) ? (value as unknown[]) : [value]) {
          if (isRow(row) || isCheck(row)) rows.push([file, row]);
        }
      }
    }
    expect(rows.length).toBeGreaterThan(80);
    const missing = rows
      .filter(([, row]) => ruleDoc(row.name) !== plainDoc(row.doc))
      .map(([file, row]) => `${file}: ${row.name}`);
    expect(missing).toEqual([]);
  });

  it('knows every rule that can stand in a cause', () => {
    const found = new Map<string, string>();
    for (const file of files.filter((path) => /^(rules|updater|monitor)\//.test(path))) {
      const text = readFileSync(new URL(file, src), 'utf8');
      for (const pattern of [
        /\brule: '([\w.-]+)'/g,
        /\b(?:causeOf|byCommand)\('([\w.-]+)'/g,
        /\breturn '((?:host|vm)\.[\w.-]+)'/g,
      ]) {
        for (const [, name] of text.matchAll(pattern)) found.set(name as string, file);
      }
    }
    expect(found.size).toBeGreaterThan(6);
    const names = new Set(rulesOf().map((row) => row.name));
    expect([...found].filter(([name]) => !names.has(name))).toEqual([]);
  });

  it('names every rule once', () => {
    const seen = new Set<string>();
    const twice = rulesOf().filter(({ name }) => seen.has(name) || !seen.add(name));
    expect(twice.map(({ name }) => name)).toEqual([]);
  });

  it('says in sentences when each applies and why', () => {
    for (const { name, doc } of rulesOf()) {
      expect(name).toMatch(/^[a-z]+(\.[a-z0-9-]+)*$/);
      expect(doc, name).toMatch(/^\S[^\n]*\.$/);
      expect(ruleAnchor(name)).toMatch(/^[a-z0-9-]+$/);
    }
  });

  it('has no situation without a table, and no table without a rule', () => {
    for (const { title, intro, tables } of ruleBook) {
      expect(title).toMatch(/^\S/);
      expect(intro, title).toMatch(/^\S/);
      expect(tables.length, title).toBeGreaterThan(0);
      for (const table of tables) {
        expect(table.title, title).toMatch(/^\S/);
        expect(['one', 'each', 'first', 'none'], title).toContain(table.choice);
        expect(table.rows.length, `${title}: ${table.title}`).toBeGreaterThan(0);
      }
    }
  });

  it('knows of no rule that is not there', () => {
    expect(ruleDoc('vm.here.nothing')).toBeUndefined();
  });

  it.each([
    ['It is gone (D9).', 'It is gone.'],
    ['It is gone (D9, D23): Down.', 'It is gone: Down.'],
    ['It is gone (§4.9, D30) at last (§3).', 'It is gone at last.'],
    ['It is gone (10 %).', 'It is gone (10 %).'],
  ])('leaves references out: %s', (doc, plain) => {
    expect(plainDoc(doc)).toBe(plain);
  });
});

describe('docs/rules.md', () => {
  const written = (): string => rulesDocument('<!-- generated -->');

  it('begins with where it comes from, and a list of its situations', () => {
    const text = written();
    const titles = ruleBook.map(({ title }) => title);
    expect(text.startsWith('# Rules\n\n<!-- generated -->\n')).toBe(true);
    expect([...text.matchAll(/^(\d+)\. \[(.+)\]\(#\S+\)$/gm)].map(([, n, title]) => [Number(n), title])).toEqual(
      [...titles, 'Advice'].map((title, i) => [i + 1, title]),
    );
    const headings = [...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title as string);
    expect(headings.filter((title) => [...titles, 'Advice'].includes(title))).toEqual([...titles, 'Advice']);
  });

  it('has each table with how its rows go together, then the rows', () => {
    const say = {
      one: 'Exactly one of these applies.\n\n',
      each: 'Each of these that applies does, in this order.\n\n',
      first: 'In this order; the first that applies decides.\n\n',
      none: '',
    };
    const text = written();
    for (const { title, choice, rows } of ruleBook.flatMap(({ tables }) => tables)) {
      expect(text).toContain(`### ${title}\n\n${say[choice]}- <a id="${ruleAnchor(rows[0]!.name)}"></a>`);
      for (const { name, doc } of rows) expect(text).toContain(`**\`${name}\`** – ${plainDoc(doc)}`);
    }
  });

  it('says of no rule that it is off which needs nothing', () => {
    const lines = written().split('\n');
    const off = rulesOf().filter(({ name }) =>
      lines.some((l) => l.includes(`\`${name}\``) && l.includes('Off without')),
    );
    expect(off.map(({ name }) => name)).toEqual(
      rulesOf()
        .filter(({ needs }) => typeof needs === 'string')
        .map(({ name }) => name),
    );
  });

  it('names what may flap, and all kinds of advice with what withdraws them', () => {
    const text = written();
    expect(text).toContain('\n- nic: `HOST_INTERFACE_STATE_DOWN`, `HOST_INTERFACE_STATE_UP`\n');
    expect(text).toContain(
      '\n| `importVm` | The VM was made outside: take it into the inventory. | the VM is taken into the inventory, or removed |\n',
    );
    expect([...text.matchAll(/^\| `\w+` \| \S.*\. \| \S.* \|$/gm)].length).toBeGreaterThan(12);
  });

  it('has one anchor for each rule', () => {
    const text = written();
    for (const { name } of rulesOf()) expect(text.split(`<a id="${ruleAnchor(name)}"></a>`)).toHaveLength(2);
  });

  it('links to nothing that is not there', () => {
    const text = written();
    const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
      (title as string)
        .toLowerCase()
        .replaceAll(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-'),
    );
    const anchors = new Set([...headings, ...[...text.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id as string)]);
    const links = [...text.matchAll(/\]\(#([^)]+)\)/g)].map(([, id]) => id as string);
    expect(links.filter((id) => !anchors.has(id))).toEqual([]);
  });

  it('sends nobody to papers that he does not have', () => {
    expect(written()).not.toMatch(/§|monitoring-rules|\(D\d/);
  });

  it('says what a rule needs to know', () => {
    expect(written()).toContain('*Off without: networks of the cluster.*');
  });
});
