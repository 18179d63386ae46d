import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LogRecord, type LogRecordDraft, parseCursor } from '../../src/events/index.js';
import { VirtualTime } from '../../src/kernel/index.js';
import { MemoryStore } from '../../src/store/index.js';
import { type LogFilter, LogTail, recordTest, type TailFrame } from '../../src/tail/index.js';
import { intent, T0, vmChange, vmEvent } from '../store/samples.js';

const settled = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
};

const filters: readonly LogFilter[] = [
  {},
  { kinds: ['event'] },
  { kinds: ['change', 'intent'] },
  { severity: 'ERROR' },
  { vmIds: ['vm-1'] },
  { hostIds: ['nobody'] },
  { types: ['VM_PAUSED', 'vm.changed'], clusterIds: ['cluster-1'], vmIds: ['vm-0', 'vm-2'] },
];

function draft(n: number): LogRecordDraft {
  const vm = `vm-${n % 3}`;
  if (n % 7 === 0) return intent(`key ${n}`);
  if (n % 2 === 0) return vmChange(vm, n, T0 + n);
  const event = vmEvent(vm, `event ${n}`, T0 + n);
  return n % 5 === 0 ? { ...event, severity: 'ERROR' } : event;
}

/** A log that is written, cut and started again, and readers that come, go, stall and come back. */
class World {
  readonly time = new VirtualTime();
  store = this.#open();
  tail = this.#tail();
  readonly all: LogRecord[] = [];
  readonly readers = filters.map((filter) => new Reader(this, filter));

  async commit(count: number): Promise<void> {
    const records = Array.from({ length: count }, (_, i) => draft(this.all.length + i));
    const subscription = this.store.committer.committed$.subscribe((batch) => this.all.push(...batch));
    this.store.committer.commit({ rows: [], records });
    await this.store.committer.flushed();
    subscription.unsubscribe();
  }

  /** clean: it let go of the log. Else a new epoch begins. */
  async restart(clean: boolean): Promise<void> {
    for (const reader of this.readers) await reader.disconnect();
    if (clean) await this.store.close();
    this.store = this.#open(this.store);
    this.tail = this.#tail();
    await this.tail.warm(3);
  }

  #open(previous?: MemoryStore): MemoryStore {
    const { time } = this;
    return new MemoryStore({ clock: time, scheduler: time, ...(previous === undefined ? {} : { previous }) });
  }

  #tail(): LogTail {
    const { logReader, committer } = this.store;
    return new LogTail(logReader, committer.committed$, { recentRecords: 8, historyReads: 1 });
  }
}

class Reader {
  readonly frames: TailFrame[] = [];
  readonly #world: World;
  readonly #filter: LogFilter;
  #stop = new AbortController();
  #frames: AsyncGenerator<TailFrame, void> | null = null;
  #pending: Promise<void> | null = null;
  #waits = false;

  constructor(world: World, filter: LogFilter) {
    this.#world = world;
    this.#filter = filter;
  }

  get cursor(): string {
    return this.frames.at(-1)?.cursor ?? 'e1.0';
  }

  /** Takes up to so many frames; fewer at the end of the log. */
  async pull(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.#pending ??= this.#next();
      await settled();
      if (this.#waits) return;
    }
  }

  async disconnect(): Promise<void> {
    this.#stop.abort();
    await this.#pending;
    await this.#frames?.return();
    this.#frames = null;
    this.#stop = new AbortController();
  }

  async #next(): Promise<void> {
    this.#frames ??= this.#world.tail.resume({
      after: this.cursor,
      filter: this.#filter,
      signal: this.#stop.signal,
    });
    this.#waits = true;
    const next = await this.#frames.next();
    this.#waits = false;
    this.#pending = null;
    if (next.done !== true) this.frames.push(next.value);
  }

  /** What is wrong with what it was given, against the whole log. */
  faults(): string[] {
    const { all } = this.#world;
    const passes = recordTest(this.#filter);
    const faults: string[] = [];
    let at = 0;
    const nothingPassed = (from: number, to: number): void => {
      for (const record of all.slice(from, to)) if (passes(record)) faults.push(`${record.cursor} is missing`);
    };
    for (const frame of this.frames) {
      const { seq } = parseCursor(frame.cursor);
      if (frame.is === 'gap') {
        if (frame.gap.reason !== 'removed') faults.push(`a gap ${frame.gap.reason} at ${frame.cursor}`);
        if (frame.gap.missing !== seq - parseCursor(frame.gap.after).seq) faults.push(`a wrong count: ${frame.gap}`);
        if (parseCursor(frame.gap.after).seq < at) faults.push(`${frame.gap.after} comes twice`);
        nothingPassed(at, parseCursor(frame.gap.after).seq);
      } else if (frame.is === 'record') {
        if (seq <= at) faults.push(`${frame.cursor} comes twice`);
        if (!passes(frame.record)) faults.push(`${frame.cursor} should not have passed`);
        expect(frame.record).toEqual(all[seq - 1]);
        nothingPassed(at, seq - 1);
      } else {
        if (seq <= at) faults.push(`checkpoint ${frame.cursor} tells nothing new`);
        nothingPassed(at, seq);
      }
      at = seq;
    }
    nothingPassed(at, all.length);
    return faults;
  }
}

type Step =
  | { readonly do: 'commit'; readonly count: number }
  | { readonly do: 'pull'; readonly reader: number; readonly count: number }
  | { readonly do: 'disconnect'; readonly reader: number }
  | { readonly do: 'keep'; readonly count: number }
  | { readonly do: 'restart'; readonly clean: boolean };

const reader = fc.nat({ max: filters.length - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('commit' as const), count: fc.integer({ min: 1, max: 12 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('pull' as const), reader, count: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('disconnect' as const), reader }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('keep' as const), count: fc.nat({ max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), clean: fc.boolean() }) },
);

async function play(world: World, steps: readonly Step[]): Promise<void> {
  for (const one of steps) {
    if (one.do === 'commit') await world.commit(one.count);
    if (one.do === 'pull') await world.readers[one.reader]?.pull(one.count);
    if (one.do === 'disconnect') await world.readers[one.reader]?.disconnect();
    if (one.do === 'keep') await world.store.removeRecords({ keep: one.count });
    if (one.do === 'restart') await world.restart(one.clean);
  }
  for (const each of world.readers) await each.pull(Number.POSITIVE_INFINITY);
}

describe('LogTail.resume', () => {
  it('gives each reader all of the log, once, whatever happens between', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const world = new World();
        await play(world, steps);
        expect(world.readers.flatMap((each) => each.faults())).toEqual([]);
        for (const each of world.readers) await each.disconnect();
        expect(world.tail.listeners).toBe(0);
      }),
      { numRuns: process.env['VURTI_SOAK'] === '1' ? 1000 : 60 },
    );
  });

  it('tells a reader that sees nothing how far it has come, and not at every commit', async () => {
    const world = new World();
    const blind = world.readers[5] as Reader;
    await world.commit(700);
    await blind.pull(10);
    expect(blind.frames).toEqual([{ is: 'checkpoint', cursor: 'e1.700' }]);
    for (let i = 0; i < 100; i++) {
      await world.commit(11);
      await blind.pull(1);
    }
    expect(blind.frames.map((frame) => frame.cursor)).toEqual(['e1.700', 'e1.1701']);
    await blind.disconnect();
  });
});

describe('a cursor that the log cannot go on from', () => {
  async function gapAt(world: World, after: string): Promise<TailFrame | undefined> {
    for await (const frame of world.tail.resume({ after, follow: false })) return frame;
    return undefined;
  }

  /** Epoch 1: 1 to 10, epoch 2: 11 to 20. */
  async function twoEpochs(): Promise<World> {
    const world = new World();
    await world.commit(10);
    await world.restart(false);
    await world.commit(10);
    return world;
  }

  it.each<[string, object | null]>([
    ['e1.10', null],
    ['e2.10', null],
    ['e2.20', null],
    // A backup of epoch 1 was restored, which went on to 14 before: the later epoch is all new.
    ['e1.14', { reason: 'foreign', resumedAfter: 'e1.10', missing: null, repeats: false }],
    ['e1.25', { reason: 'foreign', resumedAfter: 'e1.10', missing: null, repeats: false }],
    ['e2.5', { reason: 'foreign', resumedAfter: 'e1.0', missing: null, repeats: true }],
    ['e2.21', { reason: 'future', resumedAfter: 'e1.0', missing: null, repeats: true }],
    ['e7.3', { reason: 'future', resumedAfter: 'e1.0', missing: null, repeats: true }],
  ])('%s', async (after, gap) => {
    const first = await gapAt(await twoEpochs(), after);
    if (gap === null) expect(first?.is).not.toBe('gap');
    else expect(first).toMatchObject({ is: 'gap', gap: { after, ...gap } });
  });

  it('too old: the number of records that are missing is told, and reading goes on at the oldest', async () => {
    const world = await twoEpochs();
    await world.restart(true);
    await world.store.removeRecords({ keep: 4 });
    const frames: TailFrame[] = [];
    for await (const frame of world.tail.resume({ after: 'e1.3', follow: false })) frames.push(frame);
    expect(frames[0]).toMatchObject({ is: 'gap', gap: { reason: 'removed', missing: 13, resumedAfter: 'e2.16' } });
    expect(frames.slice(1).map((frame) => frame.cursor)).toEqual(['e2.17', 'e2.18', 'e2.19', 'e2.20']);
    const codes = ['e1.3', 'e7.3', 'x'].map(async (after) => {
      for await (const _ of world.tail.read({ after, follow: false })) return 'none';
      return 'none';
    });
    const outcomes = await Promise.allSettled(codes);
    expect(outcomes.map((one) => one.status === 'rejected' && one.reason.code)).toEqual([
      'CURSOR_TOO_OLD',
      'CURSOR_INVALID',
      'CURSOR_INVALID',
    ]);
  });
});

describe('what readers share', () => {
  it('a page of history that many want is read once, and few pages at a time', async () => {
    const world = new World();
    await world.commit(50);
    await world.restart(true);
    const { logReader } = world.store;
    let [reads, now, most] = [0, 0, 0];
    const counting = Object.assign(Object.create(logReader) as typeof logReader, {
      read: async (...args: Parameters<typeof logReader.read>) => {
        reads += 1;
        now += 1;
        most = Math.max(most, now);
        await settled();
        now -= 1;
        return logReader.read(...args);
      },
    });
    const tail = new LogTail(counting, world.store.committer.committed$, { historyReads: 2 });
    const read = async (after: string): Promise<number> => {
      let count = 0;
      for await (const _ of tail.read({ after, follow: false })) count += 1;
      return count;
    };
    const counts = await Promise.all(Array.from({ length: 300 }, (_, i) => read(`e1.${10 + (i % 3)}`)));
    expect(counts.reduce((sum, count) => sum + count)).toBe(100 * (40 + 39 + 38));
    expect(most).toBe(2);
    // Three places, and the end of the log.
    expect(reads).toBeLessThanOrEqual(6);
  });

  it('the newest records are the same objects for all readers, and no more than the bound', async () => {
    const world = new World();
    const [one, other] = [await world.tail.open(), await world.tail.open()];
    await world.commit(8);
    const records = (await one.next(100)).records;
    expect(records).toHaveLength(8);
    expect((await other.next(100)).records.every((record, i) => record === records[i])).toBe(true);
    await world.commit(9);
    expect(one.take(100)).toBeNull();
    expect((await one.next(100)).records).toHaveLength(9);
  });

  it('after a restart the newest ones come from memory', async () => {
    const world = new World();
    await world.commit(20);
    await world.restart(true);
    const back = await world.tail.open('e1.18');
    expect(back.take(10)?.map((record) => record.seq)).toEqual([19, 20]);
  });
});

describe('LogTail.placeBefore', () => {
  it('finds a place before all records since a time, though times are not quite in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 59_000 }), { minLength: 1, maxLength: 40 }),
        fc.nat({ max: 500_000 }),
        fc.nat({ max: 40 }),
        async (jitter, since, keep) => {
          const world = new World();
          const records = jitter.map((ms, i) => vmEvent('vm-1', 'x', T0 + i * 10_000 + ms));
          world.store.committer.commit({ rows: [], records });
          await world.store.committer.flushed();
          await world.store.removeRecords({ keep });
          const place = parseCursor(await world.tail.placeBefore(T0 + since));
          const kept = await world.store.logReader.read(place, 100);
          const wanted = records.slice(-keep || records.length).filter((record) => record.time >= T0 + since);
          expect(kept.filter((record) => record.time >= T0 + since)).toHaveLength(keep === 0 ? 0 : wanted.length);
        },
      ),
    );
  });
});

describe('LogTail.frames$', () => {
  it('gives the same frames, and ends with its subscription', async () => {
    const world = new World();
    await world.commit(3);
    const seen: string[] = [];
    const subscription = world.tail
      .frames$({ after: 'e1.0', filter: { kinds: ['change'] } })
      .subscribe((frame) => seen.push(`${frame.is} ${frame.cursor}`));
    await settled();
    await world.commit(2);
    await settled();
    expect(seen).toEqual(['record e1.3', 'record e1.5']);
    subscription.unsubscribe();
    await settled();
    expect(world.tail.listeners).toBe(0);
  });

  it('ends when the store is closed, with what was committed last', async () => {
    const world = new World();
    const seen: string[] = [];
    world.tail
      .frames$({ after: 'e1.0' })
      .subscribe({ next: (frame) => seen.push(frame.cursor), complete: () => seen.push('end') });
    await settled();
    await world.commit(2);
    await world.store.close();
    await settled();
    expect(seen).toEqual(['e1.1', 'e1.2', 'end']);
  });
});
