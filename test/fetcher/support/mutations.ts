import fc from 'fast-check';
import type { Json } from './fixtures.js';

/** Values that a hostile or broken agent could put anywhere; made by JSON.parse, so that __proto__ is a real member. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    '',
    '-1',
    -1,
    0,
    1e308,
    '1e999',
    'True',
    '9'.repeat(400),
    '\0',
    '\ud800x',
    'x'.repeat(5000),
    [],
    {},
  ),
  fc
    .constantFrom(
      '{"__proto__":{"polluted":true}}',
      '{"constructor":{"prototype":{"polluted":true}}}',
      '{"length":4294967295}',
      '{"toString":null,"valueOf":1}',
      `${'['.repeat(60)}${']'.repeat(60)}`,
      '[[{"__proto__":1}],{"":{}},null]',
    )
    .map((text) => JSON.parse(text) as unknown),
  fc.json({ stringUnit: 'binary', maxDepth: 4 }).map((text) => JSON.parse(text) as unknown),
  fc.string({ unit: 'binary' }),
  fc.double(),
);

/** Where to change (by fractions of what is there) and to what. */
export interface Mutation {
  readonly path: readonly number[];
  readonly kind: 'replace' | 'remove' | 'add';
  readonly key: string;
  readonly value: unknown;
}

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  path: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 5 }),
  kind: fc.constantFrom('replace', 'remove', 'add'),
  key: fc.oneof(
    fc.constantFrom('__proto__', 'constructor', 'a\0b', '', 'hasOwnProperty'),
    fc.string({ unit: 'binary', maxLength: 8 }),
  ),
  value: hostileValue,
});

/** Changes `root` in place. Members named in `keep` on the first level stay as they are. */
export function mutate(root: Json, { path, kind, key, value }: Mutation, keep: readonly string[] = []): void {
  let target: Json = root;
  let name: string | undefined;
  for (const [depth, fraction] of path.entries()) {
    const names = Object.keys(target).filter((candidate) => depth > 0 || !keep.includes(candidate));
    if (names.length === 0) break;
    name = names[Math.floor(fraction * names.length)] as string;
    const next = target[name];
    if (depth === path.length - 1 || typeof next !== 'object' || next === null) break;
    target = next as Json;
    name = undefined;
  }
  if (Array.isArray(target)) mutateList(target, kind, Number(name ?? 0), value);
  else if (kind === 'add' || name === undefined)
    define(target, kind === 'add' && !keep.includes(key) ? key : 'added', value);
  else if (kind === 'remove') delete target[name];
  else define(target, name, value);
}

function mutateList(list: unknown[], kind: Mutation['kind'], index: number, value: unknown): void {
  if (kind === 'add') list.push(value);
  else list.splice(index, 1, ...(kind === 'remove' ? [] : [value]));
}

/** Like JSON.parse: __proto__ becomes a member, not a prototype. */
function define(target: Json, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true });
}
