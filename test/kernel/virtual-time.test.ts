import { describe, expect, it } from 'vitest';
import { VirtualTime, VurtiError } from '../../src/kernel/index.js';

/** Notes what runs, and when. */
function diary(time: VirtualTime) {
  const lines: string[] = [];
  return { lines, note: (what: string) => (): void => void lines.push(`${time.monotonic()} ${what}`) };
}

const limit = expect.objectContaining({ code: 'VIRTUAL_TIME_LIMIT' });

describe('VirtualTime as a clock', () => {
  it.each([
    ['2026-01-01 by default', {}, Date.UTC(2026, 0, 1)],
    ['a number', { startAt: 5 }, 5],
    ['RFC 3339', { startAt: '2030-05-06T07:08:09Z' }, Date.UTC(2030, 4, 6, 7, 8, 9)],
  ])('starts at %s', (_, options, expected) => {
    expect(new VirtualTime(options).now()).toBe(expected);
  });

  it('refuses a start that is no time', () => {
    expect(() => new VirtualTime({ startAt: 'soon' })).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }));
  });

  it('stands still until it is told to run, and moves both of its hands alike', async () => {
    const time = new VirtualTime({ startAt: 1000 });
    expect([time.now(), time.monotonic()]).toEqual([1000, 0]);
    await time.runFor(250);
    expect([time.now(), time.monotonic()]).toEqual([1250, 250]);
  });
});

describe('VirtualTime as a scheduler', () => {
  it('runs tasks by due time, and those of one instant in the order given', async () => {
    const time = new VirtualTime();
    const { lines, note } = diary(time);
    time.at(20, note('c'), 't');
    time.at(10, note('a'), 't');
    time.after(20, note('d'), 't');
    time.at(10, note('b'), 't');
    await time.runFor(20);
    expect(lines).toEqual(['10 a', '10 b', '20 c', '20 d']);
  });

  it('runs a task that is overdue as soon as possible, never inside the call that gave it', async () => {
    const time = new VirtualTime();
    await time.runFor(100);
    const { lines, note } = diary(time);
    time.at(5, note('late'), 't');
    expect(lines).toEqual([]);
    await time.runFor(0);
    expect(lines).toEqual(['100 late']);
  });

  it('takes an overdue task as one of this instant, after those that were given before', async () => {
    const time = new VirtualTime();
    await time.runFor(100);
    const { lines, note } = diary(time);
    time.at(100, note('first'), 't');
    time.at(5, note('overdue'), 't');
    await time.runFor(0);
    expect(lines).toEqual(['100 first', '100 overdue']);
  });

  it('runs what tasks give for the same instant after what was there', async () => {
    const time = new VirtualTime();
    const { lines, note } = diary(time);
    time.at(
      10,
      () => {
        note('first')();
        time.after(0, note('third'), 't');
      },
      't',
    );
    time.at(10, note('second'), 't');
    await time.runFor(10);
    expect(lines).toEqual(['10 first', '10 second', '10 third']);
  });

  it('stops at the end of the run and keeps the rest', async () => {
    const time = new VirtualTime();
    const { lines, note } = diary(time);
    time.at(10, note('in'), 't');
    time.at(11, note('out'), 't');
    await time.runFor(10);
    expect(lines).toEqual(['10 in']);
    await time.runFor(1);
    expect(lines).toEqual(['10 in', '11 out']);
  });

  it('forgets a cancelled task; cancelling twice or too late does nothing', async () => {
    const time = new VirtualTime();
    const { lines, note } = diary(time);
    const timer = time.after(10, note('cancelled'), 't');
    const other = time.after(10, note('stays'), 't');
    timer.cancel();
    timer.cancel();
    expect(time.waiting()).toEqual(new Map([['t', 1]]));
    await time.runFor(10);
    other.cancel();
    expect(lines).toEqual(['10 stays']);
    expect(time.waiting()).toEqual(new Map());
    expect(time.executed).toBe(1);
  });

  it('counts waiting tasks by label', () => {
    const time = new VirtualTime();
    for (const label of ['planner', 'flush', 'planner']) time.after(1, () => undefined, label);
    expect(time.waiting()).toEqual(
      new Map([
        ['planner', 2],
        ['flush', 1],
      ]),
    );
  });

  it('lets promises settle between two tasks of one instant', async () => {
    const time = new VirtualTime();
    const { lines, note } = diary(time);
    time.at(
      10,
      () => {
        void (async () => {
          for (let i = 0; i < 20; i++) await Promise.resolve();
          note('promise')();
        })();
      },
      't',
    );
    time.at(10, note('task'), 't');
    await time.runFor(10);
    expect(lines).toEqual(['10 promise', '10 task']);
  });

  it('yields to what waits for the same instant, without moving', async () => {
    const time = new VirtualTime();
    const { lines, note } = diary(time);
    time.at(
      10,
      () => {
        note('before')();
        void time.yield().then(note('after'));
      },
      't',
    );
    time.at(10, note('other'), 't');
    await time.runFor(10);
    expect(lines).toEqual(['10 before', '10 other', '10 after']);
  });

  it('collects what tasks throw and goes on', async () => {
    const time = new VirtualTime();
    const { lines, note } = diary(time);
    const error = new Error('no');
    time.at(
      1,
      () => {
        throw error;
      },
      'bad',
    );
    time.at(2, note('next'), 't');
    await time.runFor(5);
    expect(lines).toEqual(['2 next']);
    expect(time.takeErrors()).toEqual([{ error, label: 'bad' }]);
    expect(time.takeErrors()).toEqual([]);
  });
});

describe('VirtualTime.runUntil', () => {
  it('stands where the condition came true, at the end of that instant', async () => {
    const time = new VirtualTime();
    const { lines, note } = diary(time);
    time.at(10, note('makes it true'), 't');
    time.at(10, note('same instant'), 't');
    time.at(11, note('later'), 't');
    await time.runUntil(() => lines.length > 0, { within: 1000 });
    expect(time.monotonic()).toBe(10);
    expect(lines).toEqual(['10 makes it true', '10 same instant']);
  });

  it('does not move when the condition holds already', async () => {
    const time = new VirtualTime();
    time.after(10, () => undefined, 't');
    await time.runUntil(() => true, { within: 1000 });
    expect(time.monotonic()).toBe(0);
  });

  it('fails at its limit, and can go on after that', async () => {
    const time = new VirtualTime();
    const { lines, note } = diary(time);
    time.at(150, note('late'), 't');
    await expect(time.runUntil(() => lines.length > 0, { within: 100 })).rejects.toEqual(limit);
    expect(time.monotonic()).toBe(100);
    await time.runUntil(() => lines.length > 0, { within: 100 });
    expect(lines).toEqual(['150 late']);
  });
});

describe('VirtualTime limits', () => {
  it('names the timer that gives itself work without time moving', async () => {
    const time = new VirtualTime({ maxDepth: 50 });
    const again = (): void => void time.after(0, again, 'runaway-flush');
    again();
    await expect(time.runFor(1)).rejects.toThrow(/runaway-flush.*51 times without time moving/);
  });

  it.each([0, -1])('is not deceived by due times in the past (%i)', async (due) => {
    const time = new VirtualTime({ maxDepth: 50, maxTasks: 1000 });
    const again = (): void => void time.at(due, again, 'runaway');
    again();
    await expect(time.runFor(1)).rejects.toThrow(/without time moving/);
  });

  it('lets any number of tasks wait for one instant as long as they do not chain', async () => {
    const time = new VirtualTime({ maxDepth: 50 });
    for (let i = 0; i < 500; i++) time.at(10, () => undefined, 't');
    await time.runFor(10);
    expect(time.executed).toBe(500);
  });

  it('begins a new chain when time moves', async () => {
    const time = new VirtualTime({ maxDepth: 3 });
    const again = (): void => void time.after(1, again, 't');
    again();
    await time.runFor(100);
    expect(time.executed).toBe(100);
  });

  it('names the timer that runs too often', async () => {
    const time = new VirtualTime({ maxTasks: 10 });
    const again = (): void => void time.after(1, again, 'heart-beat');
    again();
    const run = time.runFor(1000);
    await expect(run).rejects.toBeInstanceOf(VurtiError);
    await expect(run).rejects.toThrow(/"heart-beat".*more than 10 tasks/);
  });

  it('is not run twice at once', async () => {
    const time = new VirtualTime();
    const first = time.runFor(10);
    await expect(time.runFor(10)).rejects.toEqual(expect.objectContaining({ code: 'BAD_ARGUMENT' }));
    await first;
    expect(time.monotonic()).toBe(10);
  });
});
