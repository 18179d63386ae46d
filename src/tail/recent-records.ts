import type { LogRecord } from '../events/index.js';

export interface RecentLimits {
  /** Records held at most. */
  readonly records: number;
  /** Their size at most, in characters of text as a rough measure. */
  readonly characters: number;
}

interface Held {
  readonly record: LogRecord;
  readonly size: number;
}

/**
 * The newest records of the log, in order and without a hole, up to a bound. All readers get the same objects: what one
 * of them makes of a record (its encoded bytes) can be kept by the record and used by all.
 */
export class RecentRecords {
  readonly #limits: RecentLimits;
  /** From #start on; the part before is cut off now and then. */
  #held: Held[] = [];
  #start = 0;
  #size = 0;

  constructor(limits: RecentLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#held.length - this.#start;
  }

  /** Number of the oldest record held; null when there is none. */
  get first(): number | null {
    return this.#held[this.#start]?.record.seq ?? null;
  }

  get last(): LogRecord | null {
    return this.count === 0 ? null : (this.#held.at(-1)?.record ?? null);
  }

  /** Newly committed ones. What is held already is passed over; a hole (there is none by contract) begins anew. */
  add(records: readonly LogRecord[]): void {
    for (const record of records) {
      const last = this.last?.seq;
      if (last !== undefined && record.seq <= last) continue;
      if (last !== undefined && record.seq !== last + 1) this.#clear();
      const size = sizeOf(record);
      this.#held.push({ record, size });
      this.#size += size;
    }
    this.#trim();
  }

  /** Older ones, newest first, as far as they join on to what is held and there is room. */
  addOlder(newestFirst: readonly LogRecord[]): void {
    const older: Held[] = [];
    let next = this.first;
    for (const record of newestFirst) {
      if (next !== null && record.seq >= next) continue;
      const size = sizeOf(record);
      const full = this.count + older.length >= this.#limits.records || this.#size + size > this.#limits.characters;
      if (full || (next !== null && record.seq !== next - 1)) break;
      older.push({ record, size });
      this.#size += size;
      next = record.seq;
    }
    if (older.length === 0) return;
    this.#held = [...older.reverse(), ...this.#held.slice(this.#start)];
    this.#start = 0;
  }

  /** The records after this number, at most `limit`; null when some of them are not held any more, or not known of. */
  after(seq: number, limit: number): readonly LogRecord[] | null {
    const { first, last } = this;
    if (first === null || last === null || seq < first - 1 || seq > last.seq) return null;
    const from = this.#start + seq + 1 - first;
    return this.#held.slice(from, from + limit).map(({ record }) => record);
  }

  /** The record of this number, if it is held. */
  at(seq: number): LogRecord | null {
    const { first } = this;
    return first === null || seq < first ? null : (this.#held[this.#start + seq - first]?.record ?? null);
  }

  #trim(): void {
    while (this.count > this.#limits.records || (this.#size > this.#limits.characters && this.count > 0)) {
      this.#size -= this.#held[this.#start]?.size ?? 0;
      this.#start += 1;
    }
    // Cutting each time would cost the whole length for every record.
    if (this.#start > this.#limits.records) {
      this.#held = this.#held.slice(this.#start);
      this.#start = 0;
    }
  }

  #clear(): void {
    this.#held = [];
    this.#start = 0;
    this.#size = 0;
  }
}

const DEEPEST = 4;

/** Characters of text inside, other values counted as a few; exact enough to bound memory. */
function sizeOf(value: unknown, depth = 0): number {
  if (typeof value === 'string') return value.length + 8;
  if (typeof value !== 'object' || value === null) return 8;
  if (depth > DEEPEST) return 1000;
  let size = 16;
  // Records are plain: what `in` finds is their own.
  for (const name in value) size += 16 + sizeOf(value[name as keyof typeof value], depth + 1);
  return size;
}
