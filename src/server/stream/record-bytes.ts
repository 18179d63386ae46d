import type { LogRecord } from '../../events/index.js';
import type { Monitor } from '../../monitor/index.js';
import { Names } from '../convert.js';
import { apiChange, apiEvent, apiIntent } from '../convert-records.js';
import { changesBefore } from '../decisions.js';
import { frameText } from './sse.js';

/**
 * Records as bytes of their frames. The tail gives all readers the same objects of the newest records, so each is encoded
 * once; what is kept goes with its record.
 */
export class RecordBytes {
  readonly #plain = new WeakMap<LogRecord, Buffer>();
  readonly #withChanges = new WeakMap<LogRecord, Buffer>();
  readonly #monitor: () => Monitor;
  /** Frames made, for tests. */
  made = 0;

  constructor(monitor: () => Monitor) {
    this.#monitor = monitor;
  }

  /** For one batch: entities are looked up once. */
  names(): Names {
    return new Names(this.#monitor());
  }

  plain(record: LogRecord, names: Names): Buffer {
    const known = this.#plain.get(record);
    if (known !== undefined) return known;
    const bytes = this.#make(record, names);
    this.#plain.set(record, bytes);
    return bytes;
  }

  /** Events with what changed with them: it stands in the records right before. */
  withChanges(records: readonly LogRecord[], index: number, names: Names): Buffer {
    const record = records[index] as LogRecord;
    if (record.kind !== 'event') return this.plain(record, names);
    const known = this.#withChanges.get(record);
    if (known !== undefined) return known;
    const { changes, whole } = changesBefore(records, index);
    this.made += 1;
    const bytes = Buffer.from(frameText('event', record.cursor, apiEvent(record, names, changes)));
    if (whole) this.#withChanges.set(record, bytes);
    return bytes;
  }

  #make(record: LogRecord, names: Names): Buffer {
    this.made += 1;
    switch (record.kind) {
      case 'event':
        return Buffer.from(frameText('event', record.cursor, apiEvent(record, names)));
      case 'change':
        return Buffer.from(frameText('change', record.cursor, apiChange(record, names)));
      case 'intent':
        return Buffer.from(frameText('intent', record.cursor, apiIntent(record, names)));
    }
  }
}
