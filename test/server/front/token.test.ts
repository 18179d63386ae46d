import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ensureToken } from '../../../src/server/front/index.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'vurti-token-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const mode = (file: string): number => statSync(file).mode & 0o777;

it('makes a token once, for its owner alone', () => {
  const file = join(dir, 'token');
  const token = ensureToken(file);
  expect(token).toMatch(/^[\w-]{43}$/);
  expect(readFileSync(file, 'utf8')).toBe(`${token}\n`);
  expect(mode(file)).toBe(0o600);
  expect(ensureToken(file)).toBe(token);
});

it('closes a file that was open to others, and replaces one that is too short to be safe', () => {
  const file = join(dir, 'token');
  const token = ensureToken(file);
  chmodSync(file, 0o644);
  expect(ensureToken(file)).toBe(token);
  expect(mode(file)).toBe(0o600);
  writeFileSync(file, 'short');
  expect(ensureToken(file)).toHaveLength(43);
});

it('says which file it is that cannot be used', () => {
  expect(() => ensureToken(join(dir, 'none', 'token'))).toThrow(/token cannot be used/);
});
