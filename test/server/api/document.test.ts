import { expect, it } from 'vitest';
import { operations } from '../../../src/server/api/operations.js';
import { apiDocument } from '../../../src/server/index.js';

const page = apiDocument('');

it('has every route, and each of its parameters', () => {
  for (const { method, path, ...rest } of Object.values(operations)) {
    expect(page).toContain(`### ${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}\n`);
    if ('query' in rest) for (const name of Object.keys(rest.query.shape)) expect(page).toContain(`| \`${name}\` |`);
  }
});

it('leads nowhere that there is nothing', () => {
  const headings = new Set([...page.matchAll(/^### (.*)$/gm)].map(([, text]) => `#${(text ?? '').toLowerCase()}`));
  const links = [...page.matchAll(/\]\((#[^)]*)\)/g)].map(([, link]) => link ?? '');
  expect(links.length).toBeGreaterThan(40);
  for (const link of links) expect([...headings]).toContain(link);
});
