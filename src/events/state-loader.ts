import type { Row, RowKind } from '../model/index.js';

/** Reads the stored state at start. Rows of one kind come in key order (usage of VMs in parts, each in its order), in chunks, so that the event loop stays free. */
export interface StateLoader {
  load<K extends RowKind>(kind: K): AsyncIterable<readonly Row<K>[]>;
}
