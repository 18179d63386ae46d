import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { plainDoc, ruleAnchor, ruleBook, ruleDoc, rulesDocument } from '../../src/rules/index.js';

const src = new URL('../../src/', import.meta.url);
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
const book = ruleBook.flatMap(({ tables }) => tables.flatMap(({ rows }) => rows));
const names = new Set(book.map((row) => row.name));

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
    expect([...found].filter(([name]) => !names.has(name))).toEqual([]);
  });

  it('names every rule once', () => {
    const seen = new Set<string>();
    expect(book.filter(({ name }) => seen.has(name) || !seen.add(name)).map(({ name }) => name)).toEqual([]);
  });

  it.each(book)('$name says in sentences when it applies and why', ({ name, doc }) => {
    expect(name).toMatch(/^[a-z]+(\.[a-z0-9-]+)*$/);
    expect(doc).toMatch(/^\S[^\n]*\.$/);
    expect(ruleAnchor(name)).toMatch(/^[a-z0-9-]+$/);
  });
});

describe('docs/rules.md', () => {
  const text = rulesDocument('<!-- generated -->');

  it('has one anchor for each rule', () => {
    for (const { name } of book) expect(text.split(`<a id="${ruleAnchor(name)}"></a>`)).toHaveLength(2);
  });

  it('links to nothing that is not there', () => {
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
    expect(text).not.toMatch(/§|monitoring-rules|\(D\d/);
  });

  it('says what a rule needs to know', () => {
    expect(text).toContain('*Off without: networks of the cluster.*');
  });
});
