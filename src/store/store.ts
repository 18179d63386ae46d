import type { Store } from '../events/index.js';

/** What is left of the log after removal. */
export interface LogRetention {
  /** Records of before this time may go. */
  readonly olderThan?: number;
  /** No more records than this are kept. */
  readonly keep?: number;
}

/** A store of ours: the log can be kept from growing for ever. */
export interface LogStore extends Store {
  /** Removes the beginning of the log, as far as either limit asks for it; gives the number of records removed. */
  removeRecords(retention: LogRetention): Promise<number>;
}

/** One statement as the database counted it: proves what was written, and that nothing was. */
export interface Statement {
  readonly verb: string;
  /** null for transaction control and the like. */
  readonly table: string | null;
  /** Rows given back or changed; rows that an upsert found unchanged do not count. */
  readonly rows: number;
}

export type StatementListener = (statement: Statement) => void;
