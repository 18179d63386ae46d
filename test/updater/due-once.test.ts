import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualTime } from '../../src/kernel/index.js';
import { DueOnce } from '../../src/updater/due-once.js';

function setup() {
  const time = new VirtualTime();
  const lines: string[] = [];
  const due = new DueOnce(time, 'recovery', (key) => void lines.push(`${time.monotonic()} ${key}`));
  return { time, due, lines, timers: () => time.waiting().get('recovery') ?? 0 };
}

describe('DueOnce', () => {
  it('looks at each key once, at its time', async () => {
    const { time, due, lines } = setup();
    for (const [key, at] of [
      ['c', 30],
      ['a', 10],
      ['b', 20],
    ] as const) {
      due.set(key, at);
    }
    await time.runFor(100);
    expect(lines).toEqual(['10 a', '20 b', '30 c']);
  });

  it('has one timer for all keys, and none when there is none', async () => {
    const { time, due, timers } = setup();
    expect(timers()).toBe(0);
    for (let i = 100; i > 0; i--) due.set(`h${i}`, i);
    expect(timers()).toBe(1);
    await time.runFor(50);
    expect(timers()).toBe(1);
    await time.runFor(50);
    expect(timers()).toBe(0);
  });

  it('replaces the time of a key: later, earlier, and the same', async () => {
    const { time, due, lines, timers } = setup();
    due.set('later', 10);
    due.set('later', 40);
    due.set('earlier', 30);
    due.set('earlier', 20);
    due.set('same', 30);
    due.set('same', 30);
    expect(timers()).toBe(1);
    await time.runFor(100);
    expect(lines).toEqual(['20 earlier', '30 same', '40 later']);
  });

  it('does not look at a key that was cancelled, and keeps the others', async () => {
    const { time, due, lines, timers } = setup();
    due.set('a', 10);
    due.set('b', 20);
    due.cancel('a');
    due.cancel('unknown');
    await time.runFor(100);
    expect(lines).toEqual(['20 b']);
    due.set('c', 200);
    due.cancel('c');
    expect(timers()).toBe(0);
  });

  it('takes a key anew after it was cancelled, also for the same time', async () => {
    const { time, due, lines } = setup();
    due.set('a', 10);
    due.cancel('a');
    due.set('a', 10);
    await time.runFor(100);
    expect(lines).toEqual(['10 a']);
  });

  it('takes what is set while it looks', async () => {
    const time = new VirtualTime();
    const lines: string[] = [];
    const due: DueOnce = new DueOnce(time, 'recovery', (key) => {
      lines.push(`${time.monotonic()} ${key}`);
      if (lines.length < 3) due.set(key, time.monotonic() + 5);
    });
    due.set('a', 10);
    await time.runFor(100);
    expect(lines).toEqual(['10 a', '15 a', '20 a']);
    expect(time.waiting().size).toBe(0);
  });

  it('looks at once at what is overdue', async () => {
    const { time, due, lines } = setup();
    await time.runFor(50);
    due.set('a', 10);
    expect(lines).toEqual([]);
    await time.runFor(0);
    expect(lines).toEqual(['50 a']);
  });

  it('stops', async () => {
    const { time, due, lines, timers } = setup();
    due.set('a', 10);
    due.stop();
    due.stop();
    expect(timers()).toBe(0);
    await time.runFor(100);
    expect(lines).toEqual([]);
  });

  it('agrees with a plain list of due times, whatever is set and cancelled', async () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      /** null: cancel. */
      inMs: fc.option(fc.integer({ min: 1, max: 30 }), { nil: null }),
      wait: fc.integer({ min: 0, max: 15 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const { time, due, lines, timers } = setup();
        const model = new Map<string, number>();
        const expected: string[] = [];
        const pass = async (ms: number): Promise<void> => {
          const end = time.monotonic() + ms;
          const over = [...model].filter(([, at]) => at <= end).toSorted(([, a], [, b]) => a - b);
          for (const [key, at] of over) {
            expected.push(`${at} ${key}`);
            model.delete(key);
          }
          await time.runFor(ms);
        };
        for (const { key, inMs, wait } of steps) {
          if (inMs === null) {
            due.cancel(key);
            model.delete(key);
          } else {
            due.set(key, time.monotonic() + inMs);
            model.set(key, time.monotonic() + inMs);
          }
          expect(timers()).toBeLessThanOrEqual(1);
          if (model.size === 0) expect(timers()).toBe(0);
          await pass(wait);
        }
        await pass(100);
        // Keys that are due at the same moment may come in any order.
        expect(lines.toSorted()).toEqual(expected.toSorted());
        expect(timers()).toBe(0);
      }),
    );
  });
});
