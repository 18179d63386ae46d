import type { Committer } from './committer.js';
import type { LogReader } from './log-reader.js';
import type { StateLoader } from './state-loader.js';

/** What a monitor keeps its state and log in. The maker opened it; the monitor closes it at its stop. */
export interface Store {
  readonly kind: 'postgres' | 'memory';
  readonly committer: Committer;
  readonly logReader: LogReader;
  readonly stateLoader: StateLoader;
  close(): Promise<void>;
}
