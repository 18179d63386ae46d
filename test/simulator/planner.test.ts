import { expect, it } from 'vitest';
import { VirtualTime } from '../../src/kernel/index.js';
import { Planner } from '../../src/simulator/planner.js';

function setUp(): { time: VirtualTime; planner: Planner; seen: string[]; note: (what: string) => () => void } {
  const time = new VirtualTime();
  const planner = new Planner(time, time);
  const seen: string[] = [];
  return { time, planner, seen, note: (what) => () => seen.push(`${what}@${planner.now}`) };
}

it('runs what is due in order, each at its own time, however late it is looked at', async () => {
  const { time, planner, seen, note } = setUp();
  planner.after(30, note('c'));
  planner.after(10, () => {
    note('a')();
    planner.after(5, note('b'));
  });
  await time.runFor(1000);
  expect(seen).toEqual([]);
  planner.settle();
  expect(seen).toEqual(['a@10', 'b@15', 'c@30']);
  expect(planner.now).toBe(1000);
});

it('keeps the order of those of one time', () => {
  const { planner, seen, note } = setUp();
  for (const name of ['a', 'b', 'c']) planner.after(0, note(name));
  planner.settle();
  expect(seen).toEqual(['a@0', 'b@0', 'c@0']);
});

it('runs by itself after start, with one timer, and leaves none after stop', async () => {
  const { time, planner, seen, note } = setUp();
  for (let i = 1; i <= 100; i++) planner.after(i, note(String(i)));
  planner.start();
  expect(time.waiting().get('simulator')).toBe(1);
  await time.runFor(50);
  expect(seen).toHaveLength(50);
  planner.after(0.5, note('soon'));
  await time.runFor(0.5);
  expect(seen.at(-1)).toBe('soon@50.5');
  planner.stop();
  expect(time.waiting().size).toBe(0);
  await time.runFor(1000);
  expect(seen).toHaveLength(51);
});

it('forgets what was cancelled, also in memory', () => {
  const { planner, seen, note } = setUp();
  const kept = planner.after(5, note('kept'));
  for (let i = 0; i < 10_000; i++) {
    const planned = planner.after(1_000_000, note('never'));
    planned.cancel();
    planned.cancel();
  }
  expect(planner.size).toBeLessThan(1000);
  planner.settle();
  kept.cancel();
  planner.settle();
  expect(seen).toEqual([]);
});

it('lets a happening look at the world without running it again', async () => {
  const { time, planner, seen, note } = setUp();
  planner.after(10, () => {
    planner.settle();
    note('outer')();
  });
  planner.after(20, note('inner'));
  await time.runFor(30);
  planner.settle();
  expect(seen).toEqual(['outer@10', 'inner@20']);
});

it('goes on after a happening that throws', async () => {
  const { time, planner, seen, note } = setUp();
  planner.start();
  planner.after(10, () => {
    throw new Error('listener broke');
  });
  planner.after(20, note('next'));
  await time.runFor(30);
  expect(time.takeErrors()).toHaveLength(1);
  expect(seen).toEqual(['next@20']);
});
