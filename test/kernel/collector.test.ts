import { describe, expect, it } from 'vitest';
import { HeapGrowth } from '../../src/kernel/collector.js';

const MIB = 2 ** 20;
const SECOND = 1000;

describe('how much the heap may grow until all of it is collected', () => {
  it.each([
    [0, 300],
    [100, 300],
    [256, 200],
    [512, 100],
    [1024, 50],
    [8192, 50],
  ])('%d MiB alive: %d %%', (mib, perCent) => {
    expect(new HeapGrowth().afterFull(60 * SECOND, mib * MIB)).toBe(perCent);
  });

  it.each([
    [0, 300],
    [32, 300],
    [64, 200],
    [128, 100],
    [256, 50],
    [8192, 50],
  ])('%d MiB alive while the process starts: %d %%', (mib, perCent) => {
    expect(new HeapGrowth().afterFull(60 * SECOND - 1, mib * MIB)).toBe(perCent);
  });

  const perCents = (...seconds: number[]): number[] => {
    const growth = new HeapGrowth();
    return seconds.map((at) => growth.afterFull(at * SECOND, 256 * MIB));
  };

  it('stays little beyond the first minute as long as collections come soon after each other', () => {
    expect(perCents(55, 60, 70, 84, 98, 113)).toEqual([50, 50, 50, 50, 50, 200]);
  });

  it('stays large once the start is over, however soon they come', () => {
    expect(perCents(30, 60, 61, 62)).toEqual([50, 200, 200, 200]);
  });

  it('takes a start for over after five minutes, however soon they come', () => {
    expect(perCents(280, 290, 299, 300, 301)).toEqual([200, 200, 200, 200, 200]);
    expect(perCents(...Array.from({ length: 31 }, (_, i) => i * 10)).slice(-3)).toEqual([50, 50, 200]);
  });

  it('is large as soon as the start is over, before the next full collection', () => {
    const growth = new HeapGrowth();
    growth.afterFull(50 * SECOND, 256 * MIB);
    expect([59, 64, 65].map((at) => growth.afterYoung(at * SECOND))).toEqual([50, 50, 200]);
    expect(growth.afterFull(66 * SECOND, 512 * MIB)).toBe(100);
  });
});
