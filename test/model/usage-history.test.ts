import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageHistory } from '../../src/model/index.js';

/** §4.12 as it stands there: the last `limit` values. */
function plainly(values: readonly number[], value: number | null, limit: number): number[] {
  if (value === null) return [...values];
  return limit === 0 ? [] : [...values, value].slice(-limit);
}

describe('UsageHistory', () => {
  it('is what a plain list would be, whatever the limit does meanwhile', () => {
    const step = fc.tuple(fc.option(fc.integer({ min: 0, max: 100 })), fc.constantFrom(0, 1, 2, 3, 5, 40));
    fc.assert(
      fc.property(fc.array(fc.integer(), { maxLength: 8 }), fc.array(step, { maxLength: 60 }), (begin, steps) => {
        const history = UsageHistory.of(begin);
        let plain = [...begin];
        for (const [value, limit] of steps) {
          history.add(value, limit);
          plain = plainly(plain, value, limit);
          expect(history.values()).toEqual(plain);
          expect(history.size).toBe(plain.length);
        }
      }),
    );
  });

  it('begins empty, and can be emptied', () => {
    const history = new UsageHistory();
    expect(history.values()).toEqual([]);
    history.add(1, 3);
    history.clear();
    expect(history.values()).toEqual([]);
  });
});
