import { type Cursor, formatCursor, type LogRecord, parseCursor } from '../events/index.js';
import { VurtiError } from '../kernel/index.js';
import type { LogSource } from './log-source.js';
import type { TailGap } from './places.js';

/** What comes next in the log, unfiltered: consecutive records right after the place, or after the gap if there is one. */
export interface TailBatch {
  readonly records: readonly LogRecord[];
  readonly gap: TailGap | null;
  /** The end of the log was reached, as it was then. */
  readonly atHead: boolean;
}

const MOST_TRIES = 3;

/**
 * One reader's place in the log. It holds nothing but the place.
 *
 * Contract: what `take` and `next` give, put together, is the log after the place it began at: each record once, in
 * order, none missing, unless a gap says so. A call of `next` at a time.
 *
 * Modes: *unproven* – the cursor came from outside, and the store has to know it first; *proven* – it is a place in
 * this log, and memory may serve it.
 */
export class TailReader {
  readonly #source: LogSource;
  #at: Cursor;
  #proven: boolean;
  /** Commits there were when the end of the log was seen. */
  #headAt = -1;

  constructor(source: LogSource, at: Cursor, proven: boolean) {
    this.#source = source;
    this.#at = at;
    this.#proven = proven || isIn(source, at);
  }

  /** Everything up to here was given. */
  get cursor(): string {
    return formatCursor(this.#at);
  }

  /** There is nothing more to read now. */
  get atHead(): boolean {
    if (!this.#proven) return false;
    return this.#headAt === this.#source.commits || this.#source.recent.after(this.#at.seq, 1)?.length === 0;
  }

  /** What memory has after the place, at once. null: memory does not reach back so far; ask `next`. */
  take(limit: number): readonly LogRecord[] | null {
    if (!this.#proven) return null;
    const records = this.#source.recent.after(this.#at.seq, limit);
    if (records === null) return this.#headAt === this.#source.commits ? [] : null;
    this.#moveTo(records);
    return records;
  }

  /** From memory if it reaches back so far, else from the store. Without records: the end of the log. */
  async next(limit: number): Promise<TailBatch> {
    let gap: TailGap | null = null;
    for (let tries = 1; ; tries += 1) {
      const recent = this.take(limit);
      if (recent !== null) return { records: recent, gap, atHead: recent.length < limit };
      const { commits } = this.#source;
      try {
        const records = await this.#source.page(this.#at, limit);
        this.#proven = true;
        this.#moveTo(records);
        const atHead = records.length === 0 && commits === this.#source.commits;
        if (records.length === 0) this.#headAt = commits;
        if (records.length > 0 || atHead) return { records, gap, atHead };
      } catch (error) {
        if (!isOfCursor(error)) throw error;
        const found = await this.#source.gapAt(this.#at);
        // Retention may overtake a reader again while the gap is being told; it must not do so for ever.
        if (tries >= MOST_TRIES) throw error;
        if (found !== null) {
          gap = gap === null ? found : joined(gap, found);
          this.#at = parseCursor(found.resumedAfter);
        }
      }
    }
  }

  #moveTo(records: readonly LogRecord[]): void {
    const last = records.at(-1);
    if (last !== undefined) this.#at = parseCursor(last.cursor);
  }
}

/** Whether memory holds the very record that the cursor names, so that the store need not be asked. */
function isIn(source: LogSource, at: Cursor): boolean {
  return source.recent.at(at.seq)?.cursor === formatCursor(at);
}

function joined(first: TailGap, second: TailGap): TailGap {
  return {
    ...first,
    resumedAfter: second.resumedAfter,
    missing: first.missing === null || second.missing === null ? null : first.missing + second.missing,
    repeats: first.repeats || second.repeats,
  };
}

function isOfCursor(error: unknown): boolean {
  return error instanceof VurtiError && (error.code === 'CURSOR_TOO_OLD' || error.code === 'CURSOR_INVALID');
}
