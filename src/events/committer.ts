import type { Observable } from 'rxjs';
import type { ChangeSet } from './change-set.js';
import type { LogRecord } from './records.js';

export interface CommitterState {
  /** Rows and records that wait for a flush, the one in flight included. */
  readonly waitingRows: number;
  readonly waitingRecords: number;
  /** Rows that the database refused; they are set aside and tried again when they change (D28). */
  readonly setAside: readonly { readonly kind: string; readonly key: string; readonly message: string }[];
  /** When the database began to fail; null while it works. */
  readonly failingSince: number | null;
  readonly lastError: string | null;
  readonly flushes: number;
  /** 99th percentile of the latest flushes; null before the first. */
  readonly flushP99Ms: number | null;
}

/**
 * Writes changes down.
 *
 * Contract: `commit` only takes the change set in and never throws or waits. Change sets are committed in the order
 * given, possibly several in one transaction: rows of the same kind and key coalesce to the last one, records never do.
 * Rows and records of one change set are committed together, and records get gapless, rising numbers. One flush is in
 * flight at a time; what comes meanwhile makes up the next one. When the database is slow or away everything waits (no
 * record is dropped); rows waiting are bounded by the number of entities and of records, since they coalesce. Change sets
 * of statistics rows alone explain nothing: they may be committed after later ones. Records are stored as JSON: `committed$`
 * gives them as they will be read (BigInt as text), after their commit, in order, each once. `stop` flushes what waits,
 * within its deadline, and completes `committed$`.
 */
export interface Committer {
  commit(changes: ChangeSet): void;
  /** Resolves when all that was given before the call is committed. Rejects with STOPPED or DATABASE_FENCED. */
  flushed(): Promise<void>;
  readonly committed$: Observable<readonly LogRecord[]>;
  state(): CommitterState;
  stop(): Promise<void>;
}
