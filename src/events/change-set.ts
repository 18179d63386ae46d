import type { RowWrite } from '../model/index.js';
import type { LogRecordDraft } from './records.js';

/** One decision, as the store gets it: what changed, and the records that explain it. Written together or not at all. */
export interface ChangeSet {
  readonly rows: readonly RowWrite[];
  readonly records: readonly LogRecordDraft[];
}
