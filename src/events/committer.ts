import type { Observable } from 'rxjs';
import type { VmColumns } from '../model/index.js';
import type { ChangeSet } from './change-set.js';
import type { LogRecord } from './records.js';

export interface JournalFigures {
  /** Flushes, rows and records that wait in it. */
  readonly flushes: number;
  readonly rows: number;
  readonly records: number;
  readonly bytes: number;
  readonly maxBytes: number;
  /** The folder. */
  readonly place: string;
  /** Files that were kept for people: damaged ones, and those of another database. */
  readonly setAside: readonly string[];
}

export interface JournalState extends JournalFigures {
  /**
   * idle: the database works. keeping: flushes are kept before they are shown. full, failed: they wait in memory, as if
   * there were no journal.
   */
  readonly mode: 'idle' | 'keeping' | 'full' | 'failed';
  /** Why it failed. */
  readonly lastError: string | null;
}

export interface CommitterState {
  /** Rows and records that wait for a flush, in memory or in the journal, the one in flight included. */
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
  /** null = there is none: what waits is lost with the process. */
  readonly journal: JournalState | null;
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
 *
 * `usage` takes VMs whose figures are to be written. They explain nothing either: each waits once, is read from its columns
 * when it is written, so that the newest figures count, and goes behind the rows that were given before. What was written
 * of a VM is replaced as a whole: by its next usage, by a row of vm_statistics or by that row's deletion. The row of a disk
 * that the usage lists no more is left as it is.
 *
 * `show` is called once, in the order of the calls: within `commit` while the database works; while it does not and there
 * is a journal, when the change set is kept there, so that what was shown outlasts the process. It must not throw.
 */
export interface Committer {
  commit(changes: ChangeSet, show?: () => void): void;
  usage(vms: readonly VmColumns[]): void;
  /** Resolves when all that was given before the call is committed. Rejects with STOPPED or DATABASE_FENCED. */
  flushed(): Promise<void>;
  readonly committed$: Observable<readonly LogRecord[]>;
  state(): CommitterState;
  stop(): Promise<void>;
}
