import type { Cursor } from './cursor.js';
import type { LogRecord } from './records.js';

export interface LogBounds {
  /** The cursor before the first record kept. */
  readonly oldest: Cursor;
  /** The last committed record. */
  readonly head: Cursor;
}

/** What is asked of a record when only its place matters. */
export interface LogPeek {
  readonly epoch: number;
  /** ms since the epoch. */
  readonly time: number;
}

/**
 * Reads committed records.
 *
 * Contract: `read` gives the records after `after` in order of their numbers, at most `limit`, none missing. A cursor
 * at the head gives none. Reads do not disturb the writer. @throws CURSOR_TOO_OLD when records
 * after the cursor were removed, CURSOR_INVALID when it belongs to another log or the future.
 */
export interface LogReader {
  read(after: Cursor, limit: number): Promise<readonly LogRecord[]>;
  /** Newest records first, at most `limit`, older than `before` (default: the head). */
  readBackwards(before: Cursor | null, limit: number): Promise<readonly LogRecord[]>;
  bounds(): Promise<LogBounds>;
  /** The record of this number; null when there is none, or none any more. Numbers have no holes between the bounds. */
  peek(seq: number): Promise<LogPeek | null>;
}
