import { describe, expect, it } from 'vitest';
import { growthPerCent } from '../../src/kernel/collector.js';

const MIB = 2 ** 20;

describe('how much the heap may grow until all of it is collected', () => {
  it.each([
    [0, 300],
    [100, 300],
    [256, 200],
    [512, 100],
    [1024, 50],
    [8192, 50],
  ])('%d MiB alive: %d %%', (mib, perCent) => expect(growthPerCent(mib * MIB)).toBe(perCent));
});
