import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type Cursor, formatCursor, type LogReader, type LogRecord } from '../../src/events/index.js';
import { VurtiError } from '../../src/kernel/index.js';
import { LogTail } from '../../src/tail/index.js';

const EPOCH = 3;

/** A log in memory that commits as the store does: the records can be read first, then those who wait are told. */
class FakeLog implements LogReader {
  readonly records: LogRecord[] = [];
  readonly committed$ = new Subject<readonly LogRecord[]>();
  readonly tail: LogTail;
  /** Numbers after which was read, in order. */
  readonly reads: number[] = [];
  /** What happens while a page is on its way to the reader. */
  duringRead: () => void = () => undefined;
  #oldest = 0;
  readonly limits: number[] = [];

  constructor(recentRecords = 0) {
    this.tail = new LogTail(this, this.committed$, { recentRecords });
  }

  commit(count: number): void {
    const from = this.#head() + 1;
    const records = Array.from({ length: count }, (_, i) => recordOf(from + i));
    this.records.push(...records);
    this.committed$.next(records);
  }

  /** Forgets the records up to this number. */
  removeUpTo(seq: number): void {
    this.#oldest = seq;
    this.records.splice(0, this.records.findLastIndex((record) => record.seq <= seq) + 1);
  }

  async read({ seq }: Cursor, limit: number): Promise<readonly LogRecord[]> {
    this.reads.push(seq);
    this.limits.push(limit);
    await Promise.resolve();
    if (seq < this.#oldest) throw new VurtiError('CURSOR_TOO_OLD', 'gone');
    if (seq > this.#head()) throw new VurtiError('CURSOR_INVALID', 'not yet');
    const page = this.records.filter((record) => record.seq > seq).slice(0, limit);
    this.duringRead();
    return page;
  }

  readBackwards(before: Cursor | null, limit: number): Promise<readonly LogRecord[]> {
    const older = this.records.filter((record) => before === null || record.seq < before.seq);
    return Promise.resolve(older.toReversed().slice(0, limit));
  }

  peek(seq: number) {
    const found = this.records.find((record) => record.seq === seq);
    return Promise.resolve(found === undefined ? null : { epoch: EPOCH, time: found.time });
  }

  bounds() {
    return Promise.resolve({ oldest: { epoch: EPOCH, seq: this.#oldest }, head: { epoch: EPOCH, seq: this.#head() } });
  }

  #head(): number {
    return this.records.at(-1)?.seq ?? this.#oldest;
  }
}

function recordOf(seq: number): LogRecord {
  return {
    ...{ kind: 'change', entity: 'vm', entityId: 'v1', what: 'changed', changes: [], seq },
    ...{ time: 0, hostId: null, vmId: 'v1', clusterId: null, correlation: null },
    cause: { rule: 'r', source: { by: 'timer', at: 0 } },
    cursor: formatCursor({ epoch: EPOCH, seq }),
  };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Reads in the background as fast as it can; the numbers so far, and whether it has ended. */
function follow(log: FakeLog, query: Parameters<LogTail['read']>[0] = {}) {
  const state: { seen: number[]; ended: boolean; error?: unknown } = { seen: [], ended: false };
  const run = async (): Promise<void> => {
    for await (const record of log.tail.read(query)) state.seen.push(record.seq);
    state.ended = true;
  };
  run().catch((error: unknown) => Object.assign(state, { error, ended: true }));
  return state;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe.each([0, 3, 4096])('LogTail with %i records in memory', (memory) => {
  describe('where it begins', () => {
    it.each<[string, string | undefined, number[]]>([
      ['at the present head', undefined, []],
      ['at the first record kept', 'oldest', [3, 4, 5]],
      ['after a cursor', 'e3.3', [4, 5]],
      ['after the head', 'e3.5', []],
    ])('%s', async (_, after, history) => {
      const log = new FakeLog(memory);
      log.commit(5);
      log.removeUpTo(2);
      const state = follow(log, { follow: false, ...(after === undefined ? {} : { after }) });
      await settled();
      expect(state).toEqual({ seen: history, ended: true });
    });

    it('passes on that a cursor is too old, and that it is none', async () => {
      const log = new FakeLog(Math.min(3, memory));
      log.commit(5);
      log.removeUpTo(2);
      const [old, none] = [follow(log, { after: 'e3.1' }), follow(log, { after: 'yesterday' })];
      await settled();
      expect(old.error).toMatchObject({ code: 'CURSOR_TOO_OLD' });
      expect(none.error).toMatchObject({ code: 'CURSOR_INVALID' });
      expect(log.tail.listeners).toBe(0);
    });
  });

  describe('history and then live', () => {
    it('goes on without a hole or a double', async () => {
      const log = new FakeLog(memory);
      log.commit(3);
      const state = follow(log, { after: 'oldest' });
      await settled();
      expect(state).toEqual({ seen: [1, 2, 3], ended: false });
      log.commit(2);
      await settled();
      log.commit(1);
      log.commit(1);
      await settled();
      expect(state).toEqual({ seen: range(1, 7), ended: false });
    });

    it('reads a long history in pages', async () => {
      const log = new FakeLog(memory);
      log.commit(1200);
      const state = follow(log, { after: 'oldest', follow: false });
      await settled();
      expect(state).toEqual({ seen: range(1, 1200), ended: true });
      expect(log.reads).toEqual(memory < 1200 ? [0, 500, 1000, 1200].slice(0, memory === 0 ? 4 : 3) : []);
      expect(Math.max(0, ...log.limits)).toBe(memory < 1200 ? 500 : 0);
    });

    it.each(['the page is on its way', 'the last record is given'])(
      'loses no commit that comes while %s',
      async (when) => {
        const log = new FakeLog(when === 'the page is on its way' ? 0 : memory);
        log.commit(2);
        let times = 0;
        if (when === 'the page is on its way') {
          log.duringRead = () => {
            times += 1;
            // After the page was read, and before its reader can wait: nobody sleeps who could be woken.
            if (times <= 3) log.commit(1);
          };
        }
        const seen: number[] = [];
        const reading = (async () => {
          for await (const { seq } of log.tail.read({ after: 'oldest' })) {
            seen.push(seq);
            if (when === 'the last record is given' && seq < 5) log.commit(seq === log.records.length ? 1 : 0);
            if (seq === 5) return;
          }
        })();
        await reading;
        expect(seen).toEqual([1, 2, 3, 4, 5]);
      },
    );

    it('sees what is committed while it finds out where the head is', async () => {
      const log = new FakeLog(memory);
      log.commit(2);
      const state = follow(log);
      // Its question for the bounds is answered, but has not arrived.
      log.commit(1);
      await settled();
      expect(state.seen).toEqual([3]);
    });

    it('ends at the head when it is not to follow, with all that came meanwhile', async () => {
      const log = new FakeLog();
      log.commit(2);
      log.duringRead = () => {
        log.duringRead = () => undefined;
        log.commit(1);
      };
      const state = follow(log, { after: 'oldest', follow: false });
      await settled();
      expect(state).toEqual({ seen: [1, 2, 3], ended: true });
      expect(log.tail.listeners).toBe(0);
    });

    it('ends with the store, after what was committed last', async () => {
      const log = new FakeLog(memory);
      const state = follow(log);
      await settled();
      log.commit(2);
      log.committed$.complete();
      await settled();
      expect(state).toEqual({ seen: [1, 2], ended: true });
    });

    it('ends at once when the store has ended before', async () => {
      const log = new FakeLog(memory);
      log.commit(2);
      log.committed$.complete();
      const state = follow(log, { after: 'oldest' });
      await settled();
      expect(state).toEqual({ seen: [1, 2], ended: true });
    });
  });

  describe('how it is given up', () => {
    it('by its signal while it waits', async () => {
      const log = new FakeLog(memory);
      const controller = new AbortController();
      const state = follow(log, { signal: controller.signal });
      await settled();
      expect(state.ended).toBe(false);
      controller.abort();
      await settled();
      expect(state).toEqual({ seen: [], ended: true });
      expect(log.tail.listeners).toBe(0);
    });

    it('by its signal in the midst of a page', async () => {
      const log = new FakeLog(memory);
      log.commit(10);
      const controller = new AbortController();
      const seen: number[] = [];
      for await (const { seq } of log.tail.read({ after: 'oldest', signal: controller.signal })) {
        seen.push(seq);
        if (seq === 3) controller.abort();
      }
      expect(seen).toEqual([1, 2, 3]);
      expect(log.tail.listeners).toBe(0);
    });

    it('by a signal that was given before: nothing is read', async () => {
      const log = new FakeLog(memory);
      log.commit(3);
      const state = follow(log, { after: 'oldest', signal: AbortSignal.abort() });
      await settled();
      expect(state).toEqual({ seen: [], ended: true });
      expect(log.reads).toEqual([]);
    });

    it('by leaving the loop', async () => {
      const log = new FakeLog(memory);
      log.commit(3);
      for await (const { seq } of log.tail.read({ after: 'oldest' })) if (seq === 2) break;
      expect(log.tail.listeners).toBe(0);
    });

    it('does not listen before it is read', () => {
      const log = new FakeLog(memory);
      log.tail.read({ after: 'oldest' });
      expect(log.tail.listeners).toBe(0);
    });
  });

  describe('slow readers', () => {
    it('hold their own place and no more, and miss nothing', async () => {
      const log = new FakeLog(memory);
      const slow = log.tail.read({ after: 'oldest' });
      const first = slow.next();
      await settled();
      log.commit(1);
      expect((await first).value?.seq).toBe(1);
      // Thousands of commits while it is busy: it is only woken, nothing is kept for it.
      for (let i = 0; i < 3000; i++) log.commit(1);
      await settled();
      expect(log.reads.length).toBeLessThanOrEqual(3);
      const fast = follow(log, { after: 'oldest' });
      await settled();
      expect(fast.seen).toEqual(range(1, 3001));
      const rest: number[] = [];
      for await (const { seq } of slow) {
        rest.push(seq);
        if (seq === 3001) break;
      }
      expect(rest).toEqual(range(2, 3001));
    });
  });
});

describe('LogTail.latest', () => {
  it('gives the newest first, before a cursor if there is one', async () => {
    const log = new FakeLog();
    log.commit(5);
    const seqs = async (...args: Parameters<LogTail['latest']>) =>
      (await log.tail.latest(...args)).map(({ seq }) => seq);
    expect(await seqs(3)).toEqual([5, 4, 3]);
    expect(await seqs(10, 'e3.3')).toEqual([2, 1]);
    expect(await seqs(10, 'e3.1')).toEqual([]);
  });
});
