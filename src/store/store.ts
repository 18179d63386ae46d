import type { LogRetention, Store } from '../events/index.js';

/** A store of ours: the log can be kept from growing for ever. */
export interface LogStore extends Store {
  removeRecords(retention: LogRetention): Promise<number>;
}

/** One statement as the database counted it: proves what was written, and that nothing was. */
export interface Statement {
  readonly verb: string;
  /** null for transaction control and the like. */
  readonly table: string | null;
  /** Rows given back or changed; rows that an upsert found unchanged do not count. */
  readonly rows: number;
  /** Sent for it, about: text and values; 0 with the store in memory. */
  readonly bytes: number;
}

export type StatementListener = (statement: Statement) => void;
