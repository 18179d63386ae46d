import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { differs, diffOf, type Fields, sameValue, type VmDynamic, vmDynamicFields } from '../../src/model/index.js';
import { vm } from '../support/entities.js';

/** Few leaves and keys, so that two drawn values are often equal, or nearly. */
const { value } = fc.letrec<{ value: unknown; leaf: unknown }>((tie) => ({
  leaf: fc.constantFrom(null, 0, 1, Number.NaN, 1n, 2n, '', 'a', '1', true, false),
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('leaf'),
    fc.array(tie('value'), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('a', 'b', '0'), tie('value'), { maxKeys: 2, noNullPrototype: true }),
  ),
}));

describe('sameValue', () => {
  it('is equality by content', () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(sameValue(a, b)).toBe(isDeepStrictEqual(a, b));
        expect(sameValue(b, a)).toBe(sameValue(a, b));
      }),
      { numRuns: 1000 },
    );
  });

  it('finds a copy the same', () => {
    fc.assert(
      fc.property(value, (a) => {
        expect(sameValue(a, structuredClone(a))).toBe(true);
      }),
    );
  });

  it.each<[string, unknown, unknown]>([
    ['a counter and a number', 1n, 1],
    ['nothing and an empty list', null, []],
    ['an empty list and an empty object', [], {}],
    ['a key with undefined and no key', { a: undefined }, {}],
    ['other keys', { a: 1 }, { b: 1 }],
    ['other keys, of which one is undefined', { a: undefined }, { b: 1 }],
    ['a key of every object', {}, { toString: 1 }],
    ['order in a list', [1, 2], [2, 1]],
    ['text and number', '1', 1],
  ])('tells apart: %s', (_, a, b) => {
    expect([sameValue(a, b), sameValue(b, a)]).toEqual([false, false]);
  });

  it('does not mind the order of keys', () => {
    expect(sameValue({ a: 1, b: [2n] }, { b: [2n], a: 1 })).toBe(true);
  });
});

const stored: VmDynamic = vm('v1', 'Up', {
  guestOs: 'RHEL',
  guestContainers: [{ id: 'x' }],
  lastWatchdogEvent: 1,
}).dynamic;

describe('diffOf', () => {
  it('lists what differs, in the order of the table, with both values', () => {
    const next = { lastWatchdogEvent: 2, guestOs: null, status: 'Paused' } as const;
    expect(diffOf(vmDynamicFields, stored, next)).toEqual([
      { path: 'status', from: 'Up', to: 'Paused' },
      { path: 'guestOs', from: 'RHEL', to: null },
      { path: 'lastWatchdogEvent', from: 1, to: 2 },
    ]);
  });

  it('takes a field that is absent as unchanged, and null as a value', () => {
    expect(diffOf(vmDynamicFields, stored, {})).toEqual([]);
    expect(diffOf(vmDynamicFields, stored, { guestOs: null }).map((change) => change.path)).toEqual(['guestOs']);
  });

  it('compares structured values by content', () => {
    expect(diffOf(vmDynamicFields, stored, { guestContainers: [{ id: 'x' }] })).toEqual([]);
    expect(diffOf(vmDynamicFields, stored, { guestContainers: [{ id: 'y' }] })).toHaveLength(1);
  });

  it('looks only at the fields of its table', () => {
    const { guestOs } = vmDynamicFields;
    expect(diffOf({ guestOs }, stored, { status: 'Down' })).toEqual([]);
  });
});

describe('differs', () => {
  const fields: Fields = vmDynamicFields;
  /** Some of the fields, with values that often are the stored ones. */
  const next = fc.record(
    Object.fromEntries(
      Object.keys(fields).map((name) => [name, fc.oneof(fc.constant(stored[name as keyof VmDynamic]), value)]),
    ),
    { requiredKeys: [] },
  );

  it('says what diffOf would find', () => {
    fc.assert(
      fc.property(next, (partial) => {
        const row = partial as Partial<VmDynamic>;
        expect(differs(fields, stored, row)).toBe(diffOf(fields, stored, row).length > 0);
      }),
    );
  });

  it('finds a difference in any single field', () => {
    for (const name of Object.keys(fields)) expect(differs(fields, stored, { [name]: 'another' }), name).toBe(true);
    expect(differs(fields, stored, structuredClone(stored))).toBe(false);
  });
});
