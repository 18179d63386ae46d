import type { LogRecord, LogRecordDraft } from '../events/index.js';
import { VurtiError } from '../kernel/index.js';
import type { RowKind, RowWrite } from '../model/index.js';

/** The last write of one row that waits for a flush. */
export interface WaitingRow {
  readonly kind: RowKind;
  readonly key: string;
  readonly write: RowWrite;
  /** Number of the change set that gave this write. */
  readonly ticket: number;
}

/** What one flush writes: rows in a fixed order (kind, then key), each key once; records in the order given. */
export interface Batch {
  readonly rows: readonly WaitingRow[];
  readonly records: readonly LogRecordDraft[];
}

/**
 * Where a BatchingCommitter writes to.
 *
 * Contract: calls come one at a time. `write` commits the whole batch or nothing and gives the records with their
 * numbers. When it throws DataRefused or DATABASE_FENCED nothing was written; after any other error the committer gives
 * the very same batch again, and a target that cannot know whether its commit went through finds out then.
 */
export interface FlushTarget {
  write(batch: Batch): Promise<readonly LogRecord[]>;
  /** Whether `write` would be refused for its data, without writing anything. @throws DataRefused or as `write` does */
  probe(batch: Batch): Promise<void>;
}

/** The data is at fault, not the database: trying again is of no use before the data changes. */
export class DataRefused extends VurtiError {
  constructor(message: string, cause?: unknown) {
    super('ROW_REFUSED', message, { cause });
  }
}
