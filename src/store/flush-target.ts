import type { LogRecord, LogRecordDraft } from '../events/index.js';
import { VurtiError } from '../kernel/index.js';
import type { RowKind, RowWrite, VmColumns } from '../model/index.js';

/** The last write of one row that waits for a flush. */
export interface WaitingRow {
  readonly kind: RowKind;
  readonly key: string;
  readonly write: RowWrite;
  /** Number of the change set that gave this write. */
  readonly ticket: number;
}

/**
 * What one flush writes: rows, each key once, in a fixed order (kind, then key), behind them statistics in the order given;
 * records in the order given; VMs whose usage is written behind all rows, as it is then.
 */
export interface FlushContent {
  readonly rows: readonly WaitingRow[];
  readonly records: readonly LogRecordDraft[];
  readonly usage?: readonly VmColumns[];
}

/** Tells flushes apart for good: the writer (one start of one process) and its own count of them. */
export interface FlushMark {
  readonly writer: string;
  readonly number: number;
}

/** A flush, named before it is tried for the first time. */
export interface Batch extends FlushContent {
  readonly mark: FlushMark;
}

/**
 * Where a BatchingCommitter writes to.
 *
 * Contract: calls come one at a time. `write` commits the whole batch and its mark or nothing, and gives the records with
 * their numbers. When it throws DataRefused or DATABASE_FENCED nothing was written; after any other error the committer
 * gives a batch of the same mark again, and a target that cannot know whether its commit went through finds out then.
 */
export interface FlushTarget {
  write(batch: Batch): Promise<readonly LogRecord[]>;
  /** Whether `write` would be refused for its data, without writing anything. @throws DataRefused or as `write` does */
  probe(content: FlushContent): Promise<void>;
  /** The mark of the latest flush that is committed, whoever wrote it; null if there is none. */
  lastMark(): Promise<FlushMark | null>;
}

export function isEmpty({ rows, records, usage = [] }: FlushContent): boolean {
  return rows.length === 0 && records.length === 0 && usage.length === 0;
}

export function sameMark(a: FlushMark | null, b: FlushMark | null): boolean {
  return a === b || (a !== null && b !== null && a.writer === b.writer && a.number === b.number);
}

/** The data is at fault, not the database: trying again is of no use before the data changes. */
export class DataRefused extends VurtiError {
  constructor(message: string, cause?: unknown) {
    super('ROW_REFUSED', message, { cause });
  }
}
