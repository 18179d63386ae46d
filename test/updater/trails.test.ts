import { describe, expect, it } from 'vitest';
import type { TrailStep } from '../../src/updater/index.js';
import { type TrailEntry, Trails } from '../../src/updater/trails.js';

const HOUR = 3_600_000;
const entry = (rule: string, seq: number, more: Partial<TrailEntry> = {}): TrailEntry => ({
  rule,
  source: { by: 'poll', host: 'h1', session: 1, seq, receivedAt: 0 },
  ...{ becomes: null, moves: null, said: null, figures: null, notDone: [] },
  ...more,
});
const rules = (steps: readonly TrailStep[]): string[] => steps.map(({ rule, times }) => `${rule} ${times}`);

describe('Trails', () => {
  it('keeps the latest eight decisions', () => {
    const trails = new Trails(() => false);
    for (let i = 0; i < 10; i++) trails.note('v1', i, entry(`r${i}`, i));
    expect(rules(trails.of('v1'))).toEqual(['r2 1', 'r3 1', 'r4 1', 'r5 1', 'r6 1', 'r7 1', 'r8 1', 'r9 1']);
  });

  it('tells the same decision in a row once, with its first and last time and its newest figures', () => {
    const trails = new Trails(() => false);
    for (let i = 0; i < 100; i++) trails.note('h1', i, entry('r', i, { figures: `attempt ${i}` }));
    expect(trails.of('h1')).toMatchObject([{ at: 0, lastAt: 99, times: 100, figures: 'attempt 99' }]);
  });

  it('counts a report once, however often it is judged', () => {
    const trails = new Trails(() => false);
    for (const seq of [1, 1, 2, 2]) trails.note('v1', seq, entry('r', seq));
    expect(rules(trails.of('v1'))).toEqual(['r 2']);
  });

  it('tells a change of status by itself', () => {
    const trails = new Trails(() => false);
    const becomes = { from: 'Up', to: 'Down' };
    trails.note('v1', 1, entry('r', 1));
    trails.note('v1', 2, entry('r', 2, { becomes }));
    trails.note('v1', 3, entry('r', 3));
    trails.note('v1', 4, entry('r', 4, { said: 'other' }));
    expect(trails.of('v1').map(({ times }) => times)).toEqual([1, 1, 1, 1]);
  });

  it('forgets after an hour without news what nobody needs, and keeps what somebody does', () => {
    const needed = new Set(['asked']);
    const trails = new Trails((id) => needed.has(id));
    trails.note('asked', 0, entry('r', 1));
    trails.note('quiet', 0, entry('r', 1));
    trails.note('other', HOUR, entry('r', 2));
    expect([trails.of('asked').length, trails.of('quiet').length]).toEqual([1, 0]);
    needed.clear();
    trails.note('other', 2 * HOUR, entry('r', 3));
    expect(trails.of('asked')).toEqual([]);
    expect(trails.size).toBe(1);
  });

  it('is bounded, whatever happens', () => {
    const trails = new Trails(() => true);
    for (let i = 0; i < 25_000; i++) trails.note(`v${i}`, 0, entry('r', i));
    expect(trails.size).toBe(20_000);
    expect(trails.of('v0')).toEqual([]);
    expect(trails.of('v24999')).toHaveLength(1);
  });
});
