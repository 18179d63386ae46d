import type { LogRecord } from '../../events/index.js';
import { type LogFilter, type RecordTest, recordTest } from '../../monitor/index.js';
import { LOOK_BACK } from '../decisions.js';
import type { RecordBytes } from './record-bytes.js';

export interface Encoded {
  readonly bytes: Buffer;
  /** Cursor of the last record in it; null when none passed. */
  readonly last: string | null;
  /** Records after that one. */
  readonly unseen: number;
}

const NO_BYTES = Buffer.alloc(0);

/**
 * What readers with the same filters see. In one round those of them that stand at the same place, all of them as a rule,
 * get the same bytes, made once.
 */
export class StreamView {
  readonly #passes: RecordTest;
  readonly #bytes: RecordBytes;
  readonly #changes: boolean;
  readonly #round = new Map<string, Encoded>();

  constructor(filter: LogFilter, changes: boolean, bytes: RecordBytes) {
    this.#passes = recordTest(filter);
    this.#changes = changes;
    this.#bytes = bytes;
  }

  endRound(): void {
    this.#round.clear();
  }

  /** `after`: where the records begin. Kept until the end of the round. */
  ofRound(after: string, before: readonly LogRecord[], records: readonly LogRecord[]): Encoded {
    const key = `${after} ${records.length}`;
    const known = this.#round.get(key);
    if (known !== undefined) return known;
    const made = this.encode(before, records);
    this.#round.set(key, made);
    return made;
  }

  /** `before`: the records right before, as far as they are at hand. */
  encode(before: readonly LogRecord[], records: readonly LogRecord[]): Encoded {
    const passing: Buffer[] = [];
    let last: string | null = null;
    let unseen = 0;
    const all = this.#changes ? [...before, ...records] : records;
    const names = this.#bytes.names();
    for (let i = all.length - records.length; i < all.length; i++) {
      const record = all[i] as LogRecord;
      unseen += 1;
      if (!this.#passes(record)) continue;
      unseen = 0;
      passing.push(this.#changes ? this.#bytes.withChanges(all, i, names) : this.#bytes.plain(record, names));
      last = record.cursor;
    }
    const [only = NO_BYTES] = passing;
    return { bytes: passing.length < 2 ? only : Buffer.concat(passing), last, unseen };
  }

  /** What the next batch may have to look back at. */
  keep(before: readonly LogRecord[], records: readonly LogRecord[]): readonly LogRecord[] {
    if (!this.#changes) return [];
    return records.length >= LOOK_BACK ? records.slice(-LOOK_BACK) : [...before, ...records].slice(-LOOK_BACK);
  }
}
