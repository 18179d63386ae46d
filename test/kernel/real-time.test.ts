import { afterEach, describe, expect, it, vi } from 'vitest';
import { RealTime } from '../../src/kernel/index.js';

const DAY = 86_400_000;

/** The machine's timers and clocks, driven by the test: RealTime itself is what is under test here. */
function fakeMachine(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
}

afterEach(() => {
  // In this order: a spy on a fake timer would otherwise put the fake one back after the real ones are in place again.
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('RealTime', () => {
  it('tells the machine’s time', () => {
    fakeMachine();
    const time = new RealTime();
    const [wall, monotonic] = [time.now(), time.monotonic()];
    vi.advanceTimersByTime(1500);
    expect(time.now() - wall).toBe(1500);
    expect(time.monotonic() - monotonic).toBe(1500);
  });

  it('runs a task not before its time, and never inside the call', () => {
    fakeMachine();
    const time = new RealTime();
    const ran: string[] = [];
    time.after(100, () => ran.push('after'), 't');
    time.at(time.monotonic() + 50, () => ran.push('at'), 't');
    time.at(time.monotonic() - 50, () => ran.push('overdue'), 't');
    expect(ran).toEqual([]);
    vi.advanceTimersByTime(49);
    expect(ran).toEqual(['overdue']);
    vi.advanceTimersByTime(50);
    expect(ran).toEqual(['overdue', 'at']);
    vi.advanceTimersByTime(1);
    expect(ran).toEqual(['overdue', 'at', 'after']);
  });

  it('counts what waits, until it has run or is cancelled', () => {
    fakeMachine();
    const time = new RealTime();
    const first = time.after(10, () => undefined, 'planner');
    const second = time.after(20, () => undefined, 'planner');
    time.after(10, () => undefined, 'flush');
    expect(Object.fromEntries(time.waiting())).toEqual({ planner: 2, flush: 1 });
    second.cancel();
    second.cancel();
    expect(Object.fromEntries(time.waiting())).toEqual({ planner: 1, flush: 1 });
    vi.advanceTimersByTime(10);
    expect(Object.fromEntries(time.waiting())).toEqual({});
    first.cancel();
    expect(Object.fromEntries(time.waiting())).toEqual({});
  });

  it('no longer counts a task while it runs', () => {
    fakeMachine();
    const time = new RealTime();
    let during: number | undefined;
    time.after(1, () => (during = time.waiting().size), 't');
    vi.advanceTimersByTime(1);
    expect(during).toBe(0);
  });

  it('never runs a cancelled task', () => {
    fakeMachine();
    const time = new RealTime();
    const task = vi.fn();
    time.after(10, task, 't').cancel();
    vi.advanceTimersByTime(DAY);
    expect(task).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  // Node fires a timer of more than 2^31-1 ms (24.8 days) at once, with a warning.
  it('waits longer than a timer of Node can', () => {
    fakeMachine();
    const time = new RealTime();
    const task = vi.fn();
    time.after(60 * DAY, task, 'backup');
    for (let day = 1; day < 60; day++) vi.advanceTimersByTime(DAY);
    expect(task).not.toHaveBeenCalled();
    expect(time.waiting().get('backup')).toBe(1);
    vi.advanceTimersByTime(DAY);
    expect(task).toHaveBeenCalledTimes(1);
    expect(time.waiting().size).toBe(0);
  });

  it('asks Node for no timer that it cannot keep', () => {
    fakeMachine();
    const set = vi.spyOn(globalThis, 'setTimeout');
    const time = new RealTime();
    time.after(1000 * DAY, () => undefined, 't').cancel();
    expect(set.mock.calls.map(([, ms]) => ms)).toEqual([2 ** 31 - 1]);
  });

  it.each([0, 30])('cancels a long wait, also in its second part (day %i)', (days) => {
    fakeMachine();
    const time = new RealTime();
    const task = vi.fn();
    const timer = time.after(60 * DAY, task, 't');
    vi.advanceTimersByTime(days * DAY);
    timer.cancel();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(100 * DAY);
    expect(task).not.toHaveBeenCalled();
    expect(time.waiting().size).toBe(0);
  });

  it('tells its maker of an error, and goes on', () => {
    fakeMachine();
    const errors: unknown[] = [];
    const time = new RealTime({ onTaskError: (error, label) => errors.push([error, label]) });
    const error = new Error('no');
    const next = vi.fn();
    time.after(
      1,
      () => {
        throw error;
      },
      'bad',
    );
    time.after(2, next, 'good');
    vi.advanceTimersByTime(2);
    expect(errors).toEqual([[error, 'bad']]);
    expect(next).toHaveBeenCalledTimes(1);
  });

  it('does not swallow an error that nobody asked for', () => {
    fakeMachine();
    const time = new RealTime();
    time.after(
      1,
      () => {
        throw new Error('uncaught');
      },
      'bad',
    );
    expect(() => vi.advanceTimersByTime(1)).toThrow('uncaught');
  });

  it('yields to the event loop: promises and I/O that wait come first', async () => {
    const time = new RealTime();
    const order: string[] = [];
    setImmediate(() => order.push('waiting work'));
    const yielded = time.yield().then(() => order.push('yielded'));
    void Promise.resolve().then(() => order.push('promise'));
    await yielded;
    expect(order).toEqual(['promise', 'waiting work', 'yielded']);
  });
});
