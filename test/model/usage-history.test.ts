import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageHistory, vmHistory } from '../../src/model/index.js';

/** §4.12 as it stands there: the last `limit` values. */
function plainly(values: readonly number[], value: number | null, limit: number): number[] {
  if (value === null) return [...values];
  return limit === 0 ? [] : [...values, value].slice(-limit);
}

const percent = fc.option(
  fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 300 }) }, fc.constantFrom(-1, 0.5)),
);

describe('UsageHistory', () => {
  it('is what a plain list would be, whatever the limit does meanwhile', () => {
    const step = fc.tuple(percent, fc.constantFrom(0, 1, 2, 3, 5, 40));
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

  it('shares its room with the others of a VM, and nothing else', () => {
    const step = fc.tuple(fc.constantFrom('cpu', 'memory', 'network'), percent);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 9 }), (steps, limit) => {
        const history = vmHistory();
        const plain = { cpu: [] as number[], memory: [] as number[], network: [] as number[] };
        for (const [name, value] of steps) {
          history[name].add(value, limit);
          plain[name] = plainly(plain[name], value, limit);
        }
        for (const name of ['cpu', 'memory', 'network'] as const) expect(history[name].values()).toEqual(plain[name]);
      }),
    );
  });

  it('keeps the latest of all when the limit falls', () => {
    const { cpu, memory, network } = vmHistory();
    for (const value of [1, 2, 3, 4, 5]) {
      cpu.add(value, 4);
      memory.add(value * 100, 4);
    }
    cpu.add(6, 2);
    expect([cpu.values(), memory.values(), network.values()]).toEqual([[5, 6], [400, 500], []]);
  });

  it('begins empty, and can be emptied', () => {
    const history = new UsageHistory();
    expect(history.values()).toEqual([]);
    history.add(1, 3);
    history.clear();
    expect(history.values()).toEqual([]);
  });
});
