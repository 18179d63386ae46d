import { Observable } from 'rxjs';
import { formatCursor, type LogReader, type LogRecord, parseCursor } from '../events/index.js';
import { type LogFilter, recordTest } from './filter.js';
import { LogSource, type LogSourceOptions } from './log-source.js';
import { gapError, type TailGap } from './places.js';
import { TailReader } from './tail-reader.js';

export interface TailQuery {
  /** Cursor text; "oldest" = from the first record kept. Absent: from the present head. */
  readonly after?: string;
  readonly filter?: LogFilter;
  /** false: end at the head instead of waiting for more. Default true. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

export type TailFrame =
  | { readonly is: 'record'; readonly cursor: string; readonly record: LogRecord }
  /** All records up to here were looked at; those after the last one given did not pass the filter. */
  | { readonly is: 'checkpoint'; readonly cursor: string }
  /** Records are missing here. Reading goes on after `cursor`. */
  | { readonly is: 'gap'; readonly cursor: string; readonly gap: TailGap };

const PAGE = 500;
/** Records that may go by unseen before a checkpoint tells of them. */
const CHECKPOINT_EVERY = 1000;

/**
 * Reads the log in order: what is kept, then what is committed.
 *
 * Contract of `resume`: the records after the cursor that pass the filter, each once, none missing, history first and
 * then live, without a seam. Every frame's cursor is a place to resume from: it moves with each record that was looked
 * at, whether it passed or not. A cursor that this log cannot go on from gives a gap frame, never silence, and reading
 * goes on where the frame says. A slow reader holds its place and one page; the newest records are held once for all.
 */
export class LogTail {
  readonly #source: LogSource;
  readonly #reader: LogReader;

  constructor(reader: LogReader, committed$: Observable<readonly LogRecord[]>, options: LogSourceOptions = {}) {
    this.#reader = reader;
    this.#source = new LogSource(reader, committed$, options);
  }

  /** Takes the newest records of the store into memory, for readers that come back after a restart. */
  warm(records = 1000): Promise<void> {
    return this.#source.warm(records);
  }

  /** Readers that listen for commits now; a test proves that none is left over. */
  get listeners(): number {
    return this.#source.listeners;
  }

  /** A place in the log for those who pull by themselves. @throws CURSOR_INVALID when it is no cursor at all */
  async open(after?: string): Promise<TailReader> {
    if (after !== undefined && after !== 'oldest') return new TailReader(this.#source, parseCursor(after), false);
    const bounds = await this.#source.bounds();
    return new TailReader(this.#source, after === 'oldest' ? bounds.oldest : bounds.head, true);
  }

  /** Called after each commit, and when nothing more will come; gives the way to stop it. */
  onCommit(listener: () => void): () => void {
    return this.#source.onCommit(listener);
  }

  async *resume(query: TailQuery = {}): AsyncGenerator<TailFrame, void, void> {
    const { signal } = query;
    const passes = recordTest(query.filter);
    const waker = new Waker(() => this.#source.ended);
    const stopListening = this.#source.onCommit(() => waker.wake());
    const onAbort = (): void => waker.close();
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      if (isAborted(signal)) return;
      const reader = await this.open(query.after);
      let unseen = 0;
      let live = false;
      while (!isAborted(signal)) {
        const { records, gap, atHead } = await reader.next(PAGE);
        if (gap !== null) yield { is: 'gap', cursor: gap.resumedAfter, gap };
        for (const record of records) {
          if (isAborted(signal)) return;
          unseen += 1;
          if (!passes(record)) continue;
          unseen = 0;
          yield { is: 'record', cursor: record.cursor, record };
        }
        // The end of history is worth a word; after it, a filter that lets nothing pass is not told at every commit.
        if (unseen >= CHECKPOINT_EVERY || (unseen > 0 && atHead && !live)) {
          unseen = 0;
          yield { is: 'checkpoint', cursor: reader.cursor };
        }
        if (!atHead) continue;
        live = true;
        if (query.follow === false || !(await waker.sleep())) return;
      }
    } finally {
      stopListening();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** The records alone. @throws CURSOR_TOO_OLD, CURSOR_INVALID where `resume` would tell of a gap */
  async *read(query: TailQuery = {}): AsyncGenerator<LogRecord, void, void> {
    for await (const frame of this.resume(query)) {
      if (frame.is === 'gap') throw gapError(frame.gap);
      if (frame.is === 'record') yield frame.record;
    }
  }

  /** `resume` as an Observable: each subscription reads for itself, as fast as its observer, and keeps nothing for it. */
  frames$(query: TailQuery = {}): Observable<TailFrame> {
    return new Observable((subscriber) => {
      const stop = new AbortController();
      const { signal } = query;
      const run = async (): Promise<void> => {
        const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
        for await (const frame of this.resume({ ...query, signal: both })) subscriber.next(frame);
        subscriber.complete();
      };
      run().catch((error: unknown) => subscriber.error(error));
      return () => stop.abort();
    });
  }

  latest(limit: number, before?: string): Promise<readonly LogRecord[]> {
    return this.#reader.readBackwards(before === undefined ? null : parseCursor(before), limit);
  }

  /** Cursor of a place before all records of that time (ms) and later. */
  async placeBefore(time: number): Promise<string> {
    return formatCursor(await this.#source.placeBefore(time));
  }
}

const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted ?? false;

/** Remembers a wake-up that comes while nobody sleeps, so that none is lost between a read and the sleep after it. */
class Waker {
  readonly #isOver: () => boolean;
  #woken = false;
  #closed = false;
  #resolve: (() => void) | undefined;

  constructor(isOver: () => boolean) {
    this.#isOver = isOver;
  }

  wake(): void {
    this.#woken = true;
    this.#resolve?.();
  }

  close(): void {
    this.#closed = true;
    this.#resolve?.();
  }

  /** True when there may be more; false when there never will be. */
  async sleep(): Promise<boolean> {
    if (!this.#woken && !this.#closed && !this.#isOver()) {
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
      this.#resolve = undefined;
    }
    // Woken at the end: what was committed last is still to be read.
    const more = this.#woken && !this.#closed;
    this.#woken = false;
    return more;
  }
}
