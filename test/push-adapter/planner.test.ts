import { beforeEach, describe, expect, it } from 'vitest';
import { seconds, silentTelemetry, type Telemetry, VirtualTime } from '../../src/kernel/index.js';
import { Planner, type Tick } from '../../src/push-adapter/planner.js';

describe('planner', () => {
  let time: VirtualTime;
  let ticks: Tick[];
  let planner: Planner;
  let onTick: (tick: Tick) => void;
  let errors: string[];

  beforeEach(() => {
    time = new VirtualTime();
    ticks = [];
    errors = [];
    onTick = () => undefined;
    const telemetry: Telemetry = { ...silentTelemetry, log: (_, message) => void errors.push(message) };
    planner = new Planner({
      ...{ clock: time, scheduler: time, telemetry },
      onTick: (tick) => {
        ticks.push(tick);
        onTick(tick);
      },
    });
  });

  const due = (key: string) => ticks.filter((tick) => tick.key === key).map((tick) => tick.dueMs);

  it('puts the first statistics point within one interval, the others every step', async () => {
    for (let i = 0; i < 100; i++) planner.add(`h${i}`, seconds(15), 5);
    await time.runFor(seconds(45));
    for (let i = 0; i < 100; i++) {
      const own = ticks.filter((tick) => tick.key === `h${i}`);
      const first = own.find((tick) => tick.number === 1);
      expect(first?.dueMs).toBeLessThan(seconds(15));
      expect(own[0]?.dueMs).toBeLessThanOrEqual(seconds(3));
      for (const [n, tick] of own.entries()) {
        expect(tick.dueMs).toBe((own[0]?.dueMs ?? 0) + n * seconds(3));
        expect(tick.number).toBe((own[0]?.number ?? 0) + n);
      }
    }
  });

  it('spreads hosts over the interval', () => {
    for (let i = 0; i < 1500; i++) planner.add(`host-${i}.example.com`, seconds(15), 5);
    const perSecond = new Array<number>(15).fill(0);
    for (let i = 0; i < 1500; i++) {
      const next = planner.next(`host-${i}.example.com`);
      const first = ((next?.dueMs ?? 0) + (1 - (next?.number ?? 0)) * seconds(3)) % seconds(15);
      perSecond[Math.floor(first / 1000)]! += 1;
    }
    expect(Math.min(...perSecond)).toBeGreaterThan(60);
    expect(Math.max(...perSecond)).toBeLessThan(150);
  });

  it('keeps a host on the same points whenever it is added', async () => {
    planner.add('h', seconds(15), 5);
    await time.runFor(seconds(60));
    const points = due('h').map((at) => at % seconds(3));
    planner.remove('h');
    await time.runFor(4321);
    ticks = [];
    planner.add('h', seconds(15), 5);
    await time.runFor(seconds(60));
    expect(new Set([...points, ...due('h').map((at) => at % seconds(3))]).size).toBe(1);
  });

  it('sets one timer for all hosts, and none for none', async () => {
    for (let i = 0; i < 50; i++) planner.add(`h${i}`, seconds(15), 5);
    expect([...time.waiting()]).toEqual([['planner', 1]]);
    await time.runFor(seconds(20));
    expect([...time.waiting()]).toEqual([['planner', 1]]);
    for (let i = 0; i < 50; i++) planner.remove(`h${i}`);
    expect(time.waiting().size).toBe(0);
    expect(planner.size).toBe(0);
  });

  it('never holds more than twice as many entries as hosts', async () => {
    planner.add('stays', seconds(15), 5);
    for (let i = 0; i < 1000; i++) {
      planner.add(`h${i}`, seconds(15), 5);
      planner.remove(`h${i}`);
      expect(planner.size).toBeLessThanOrEqual(3);
    }
    await time.runFor(seconds(6));
    expect(new Set(ticks.map((tick) => tick.key))).toEqual(new Set(['stays']));
  });

  it('serves a late point late, counts those it passed over, and goes on with the grid', async () => {
    planner.add('h', seconds(15), 5);
    planner.add('other', seconds(15), 5);
    await time.runFor(seconds(15));
    const last = due('h').at(-1) ?? 0;
    ticks = [];
    // As an event loop that is held up: the timer fires, but the clock shows a later time.
    const late = last + seconds(10);
    time.monotonic = () => Math.max(late, VirtualTime.prototype.monotonic.call(time));
    await time.runFor(seconds(12));
    const own = ticks.filter((tick) => tick.key === 'h');
    expect(own.map(({ dueMs, missed }) => [dueMs - last, missed])).toEqual([
      [seconds(3), 0],
      [seconds(12), 2],
    ]);
  });

  it('gives a host its new grid, and says so', async () => {
    expect(planner.add('h', seconds(15), 5)).toBe(false);
    expect(planner.add('h', seconds(15), 5)).toBe(false);
    expect(planner.add('h', seconds(60), 5)).toBe(true);
    await time.runFor(seconds(60) - 1);
    expect(ticks.length).toBe(5);
  });

  it('lets a tick remove its own host, stop everything, or fail', async () => {
    planner.add('a', seconds(15), 5);
    planner.add('b', seconds(15), 5);
    onTick = (tick) => {
      if (tick.key === 'a') planner.remove('a');
      else throw new Error('no');
    };
    await time.runFor(seconds(30));
    expect(due('a')).toHaveLength(1);
    expect(due('b').length).toBeGreaterThan(8);
    expect(new Set(errors)).toEqual(new Set(['tick failed']));
    onTick = () => planner.stop();
    await time.runFor(seconds(30));
    expect(time.waiting().size).toBe(0);
    expect(planner.next('b')).toBeUndefined();
  });
});
