import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { addToken, readTokens, removeToken, TokenBook, tokensFile } from '../../../src/server/front/index.js';

const at = '2026-01-01T00:00:00.000Z';
let dir = '';
let file = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'vurti-tokens-'));
  file = tokensFile(dir);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

it('keeps a hash of 256 random bits, for its owner alone', () => {
  const token = addToken(file, 'grafana', 'read', at);
  expect(token).toMatch(/^vurti_[\w-]{43}$/);
  expect(addToken(file, 'other', 'admin', at)).not.toBe(token);
  const text = readFileSync(file, 'utf8');
  expect(text).not.toContain(token.slice(6));
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readTokens(file).map(({ name, scope, createdAt }) => [name, scope, createdAt])).toEqual([
    ['grafana', 'read', at],
    ['other', 'admin', at],
  ]);
  expect(readdirSync(dir)).toEqual(['tokens.json']);
});

it('finds the one that was given, and follows the file', () => {
  const problems: string[] = [];
  const book = new TokenBook(file, (error) => problems.push(error.message));
  expect(book.find('x')).toBeUndefined();
  const one = addToken(file, 'one', 'read', at);
  const two = addToken(file, 'two', 'admin', at);
  expect([book.find(one)?.name, book.find(two)?.name, book.find(`${two}x`)]).toEqual(['one', 'two', undefined]);
  removeToken(file, 'one');
  expect([book.find(one), book.find(two)?.scope]).toEqual([undefined, 'admin']);
  writeFileSync(file, '{');
  expect([book.find(two), book.find(two)]).toEqual([undefined, undefined]);
  expect(problems).toEqual([expect.stringContaining(`The tokens in ${file} cannot be used`)]);
});

it.each([
  ['an entry without a scope', '{"tokens":[{"name":"a","sha256":""}]}'],
  ['no list', '{}'],
  ['half a file', '{"tokens":'],
])('refuses %s', (_, text) => {
  writeFileSync(file, text, { mode: 0o600 });
  expect(() => readTokens(file)).toThrow(expect.objectContaining({ code: 'CONFIG_UNREADABLE' }));
  expect(() => addToken(file, 'b', 'read', at)).toThrow(expect.objectContaining({ code: 'CONFIG_UNREADABLE' }));
  expect(readFileSync(file, 'utf8')).toBe(text);
  expect(readdirSync(dir)).toEqual(['tokens.json']);
});

it('refuses a file that others may write', () => {
  addToken(file, 'a', 'read', at);
  chmodSync(file, 0o666);
  expect(() => readTokens(file)).toThrow(/others may write it/);
});

it('refuses names twice, and names that mean something else', () => {
  addToken(file, 'a', 'read', at);
  expect(() => addToken(file, 'a', 'admin', at)).toThrow(expect.objectContaining({ code: 'ALREADY_EXISTS' }));
  for (const name of ['', 'local', 'anonymous', 'a b', '../x', 'x'.repeat(65), '-x'])
    expect(() => addToken(file, name, 'read', at)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }));
  expect(() => removeToken(file, 'b')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
});

it('does not lose the change of another command at work', () => {
  writeFileSync(`${file}.new`, '');
  expect(() => addToken(file, 'a', 'read', at)).toThrow(/EEXIST/);
  rmSync(`${file}.new`);
  addToken(file, 'a', 'read', at);
  expect(readTokens(file)).toHaveLength(1);
});
