import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextCounter, nicFigures, ratePercent } from '../../src/rules/rates.js';
import { nicSample } from '../support/entities.js';

/** monitoring-rules.md §4.12, network. */
describe('nextCounter', () => {
  it.each<
    [string, { total: bigint | null; offset: bigint | null } | undefined, bigint | null, bigint | null, bigint | null]
  >([
    ['the first report is our zero', undefined, 1000n, 0n, -1000n],
    ['no offset yet', { total: null, offset: null }, 1000n, 0n, -1000n],
    ['it counts on', { total: 500n, offset: -1000n }, 2000n, 1000n, -1000n],
    ['it stands still', { total: 500n, offset: -1000n }, 1500n, 500n, -1000n],
    ['it was reset: what was counted is kept', { total: 500n, offset: -1000n }, 30n, 530n, 500n],
    ['it was reset to 0', { total: 500n, offset: -1000n }, 0n, 500n, 500n],
    ['not reported: no total, the offset stays', { total: 500n, offset: -1000n }, null, null, -1000n],
    ['reported again after that', { total: null, offset: -1000n }, 1700n, 700n, -1000n],
    ['never reported', undefined, null, null, null],
    ['beyond what a number can hold', { total: 0n, offset: 0n }, 2n ** 70n, 2n ** 70n, 0n],
  ])('%s', (_, previous, reported, total, offset) => {
    expect(nextCounter(previous, reported)).toEqual({ total, offset });
  });

  it('never goes back, and counts all that was counted between resets', () => {
    const step = fc.record({ delta: fc.bigInt({ min: 0n, max: 10n ** 12n }), reset: fc.boolean() });
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 15n }), fc.array(step), (start, steps) => {
        let agent = start;
        let counted = 0n;
        let state = nextCounter(undefined, agent);
        for (const { delta, reset } of steps) {
          // A reset is only seen when the counter is lower than before.
          const before = agent;
          agent = reset ? delta : agent + delta;
          counted += agent < before ? agent : agent - before;
          const next = nextCounter(state, agent);
          expect(next.total! >= state.total!).toBe(true);
          expect(next.total).toBe(counted);
          state = next;
        }
      }),
    );
  });
});

describe('ratePercent', () => {
  const at = (total: bigint | null, sampleTime: number | null) => ({ total, sampleTime });

  it.each<[string, ReturnType<typeof at> | undefined, ReturnType<typeof at>, number | null, number | null]>([
    ['12.5 MB in 1 s are 10 % of 1 Gbps', at(0n, 0), at(12_500_000n, 1), 1000, 10],
    ['… in 2 s 5 %', at(0n, 100), at(12_500_000n, 102), 1000, 5],
    ['nothing in 1 s is 0 %', at(5n, 0), at(5n, 1), 1000, 0],
    ['never more than 100 %', at(0n, 0), at(1_250_000_000n, 1), 1000, 100],
    ['the first report', undefined, at(5n, 1), 1000, null],
    ['no total before', at(null, 0), at(5n, 1), 1000, null],
    ['no total now', at(5n, 0), at(null, 1), 1000, null],
    ['no time before', at(0n, null), at(5n, 1), 1000, null],
    ['no time now', at(0n, 0), at(5n, null), 1000, null],
    ['time stands still', at(0n, 1), at(5n, 1), 1000, null],
    ['time goes back', at(0n, 2), at(5n, 1), 1000, null],
    ['no speed', at(0n, 0), at(5n, 1), null, null],
    ['speed 0', at(0n, 0), at(5n, 1), 0, null],
  ])('%s', (_, before, after, speed, expected) => {
    expect(ratePercent(before, after, speed)).toBe(expected);
  });
});

describe('nicFigures', () => {
  const measure = (rxBytes: bigint | null, sampleTime: number | null, more = {}) =>
    nicSample('eth0', { rxBytes, txBytes: 0n, rxDropped: 100n, txDropped: 7n, sampleTime, ...more });
  const first = nicFigures(undefined, measure(1000n, 10), 1000);

  it('begin with totals of 0 and without rates', () => {
    expect(first).toEqual({
      ...{ rxTotal: 0n, rxOffset: -1000n, txTotal: 0n, txOffset: 0n, sampleTime: 10 },
      ...{ rxRate: null, txRate: null, rxDrop: 100n, txDrop: 7n },
    });
  });

  it('go on in both directions', () => {
    const next = nicFigures(first, measure(12_501_000n, 11, { txBytes: 25_000_000n }), 1000);
    expect(next).toMatchObject({ rxTotal: 12_500_000n, rxRate: 10, txTotal: 25_000_000n, txRate: 20, sampleTime: 11 });
  });

  it('keep their rates when the same sample comes again', () => {
    const next = nicFigures(first, measure(12_501_000n, 11), 1000);
    expect(nicFigures(next, measure(12_501_000n, 11), 1000)).toEqual(next);
  });

  it('have rates again after a reset, from what was counted since', () => {
    const before = nicFigures(first, measure(12_501_000n, 11), 1000);
    const next = nicFigures(before, measure(6_250_000n, 12), 1000);
    expect(next).toMatchObject({ rxTotal: 18_750_000n, rxOffset: 12_500_000n, rxRate: 5 });
  });

  it('have no rate over a gap', () => {
    const gap = nicFigures(first, measure(null, 11), 1000);
    expect(gap).toMatchObject({ rxTotal: null, rxOffset: -1000n, rxRate: null });
    expect(nicFigures(gap, measure(2000n, 12), 1000)).toMatchObject({ rxTotal: 1000n, rxRate: null });
    expect(nicFigures(first, measure(2000n, null), 1000)).toMatchObject({
      rxTotal: 1000n,
      sampleTime: null,
      rxRate: null,
    });
  });
});
