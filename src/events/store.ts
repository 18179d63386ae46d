import type { Backfills } from './backfill.js';
import type { Bookmarks } from './bookmarks.js';
import type { Committer } from './committer.js';
import type { LogReader } from './log-reader.js';
import type { LogRetention } from './retention.js';
import type { StateLoader } from './state-loader.js';

/** What a monitor keeps its state and log in. The maker opened it; the monitor closes it at its stop. */
export interface Store {
  readonly kind: 'postgres' | 'memory';
  readonly committer: Committer;
  readonly logReader: LogReader;
  readonly stateLoader: StateLoader;
  readonly backfills?: Backfills;
  /** Without them sinks begin at the head of the log at each start. */
  readonly bookmarks?: Bookmarks;
  /** Removes the beginning of the log as far as either limit asks for it; gives the number of records removed. */
  removeRecords?(retention: LogRetention): Promise<number>;
  close(): Promise<void>;
}
