import type { Field } from '../../model/index.js';

/** Signature and flags; how long the extension is that follows them. */
const HEAD = 15;
const EPOCH_MS = 946_684_800_000;
const TWO_32 = 4_294_967_296;
const TRAILER = -1;

type StoredRow = Record<string, unknown>;
type Read = (from: Buffer, at: number, length: number) => unknown;

/**
 * Rows from the messages of COPY … TO STDOUT (FORMAT binary), each of them one row, the first one with a header. All rows
 * share one shape, and text that many rows have in a column is held once.
 */
export class CopyDecoder {
  readonly #names: readonly string[];
  readonly #reads: readonly Read[];
  /** An object whose properties were added one by one would be a hash table, at three times the memory. */
  readonly #shape: StoredRow;
  #atHead = true;

  constructor(fields: Readonly<Record<string, Field<unknown>>>) {
    this.#names = Object.keys(fields);
    this.#reads = Object.values(fields).map(readerOf);
    this.#shape = JSON.parse(JSON.stringify(Object.fromEntries(this.#names.map((name) => [name, null])))) as StoredRow;
  }

  /** Another COPY begins. */
  begin(): void {
    this.#atHead = true;
  }

  /**
   * The row of this message; null if it holds the end alone. Columns that are not understood are given to `onError` and
   * stay null.
   */
  row(message: Buffer, onError: (error: unknown) => void): StoredRow | null {
    let at = 0;
    if (this.#atHead) {
      at = HEAD + 4 + message.readInt32BE(HEAD);
      this.#atHead = false;
    }
    if (at >= message.length || message.readInt16BE(at) === TRAILER) return null;
    at += 2;
    const row = { ...this.#shape };
    for (let i = 0; i < this.#reads.length; i++) {
      const length = message.readInt32BE(at);
      at += 4;
      if (length < 0) continue;
      try {
        row[this.#names[i] as string] = (this.#reads[i] as Read)(message, at, length);
      } catch (error) {
        onError(error);
      }
      at += length;
    }
    return row;
  }
}

function readerOf(field: Field<unknown>): Read {
  const { column, kind, ids = {} } = field;
  switch (kind) {
    case 'text':
      return textReader();
    case 'int':
      return (from, at) => {
        const value = int8(from, at);
        if (!Number.isSafeInteger(value)) throw new RangeError(`${column}: ${value} is not within ±2^53`);
        return value;
      };
    case 'float':
      return (from, at) => from.readDoubleBE(at);
    case 'bool':
      return (from, at) => from[at] === 1;
    case 'count':
      return (from, at) => numeric(from, at, column);
    case 'json':
      // Behind the number of its format.
      return (from, at, length) => JSON.parse(from.toString('utf8', at + 1, at + length)) as unknown;
    case 'time':
      return (from, at) => Math.round(int8(from, at) / 1000) + EPOCH_MS;
    case 'enum': {
      const names = new Map(Object.entries(ids).map(([name, id]) => [id, name]));
      return (from, at) => {
        const id = from.readInt16BE(at);
        const name = names.get(id);
        if (name === undefined) throw new RangeError(`${column}: nothing is known by the id ${id}`);
        return name;
      };
    }
  }
}

/** Beyond ±2^53 the nearest number. */
function int8(from: Buffer, at: number): number {
  return from.readInt32BE(at) * TWO_32 + from.readUInt32BE(at + 4);
}

/** Digits to the base 10,000. @throws RangeError if it is not whole */
function numeric(from: Buffer, at: number, column: string): bigint {
  const digits = from.readInt16BE(at);
  const weight = from.readInt16BE(at + 2);
  const sign = from.readUInt16BE(at + 4);
  const isWhole = (sign === 0 || sign === 0x4000) && digits <= weight + 1;
  if (!isWhole && digits !== 0) throw new RangeError(`${column}: a value is not a whole number`);
  if (sign !== 0 && sign !== 0x4000) throw new RangeError(`${column}: a value is not a whole number`);
  const digit = (i: number): number => (i < digits ? from.readInt16BE(at + 8 + 2 * i) : 0);
  // Three of them are below 2^53.
  let value = 0n;
  if (weight < 3) {
    let small = 0;
    for (let i = 0; i <= weight; i++) small = small * 10_000 + digit(i);
    value = BigInt(small);
  } else {
    for (let i = 0; i <= weight; i++) value = value * 10_000n + BigInt(digit(i));
  }
  return sign === 0 ? value : -value;
}

const MOST_SHARED = 64;

/** Of a column where many rows say the same, each text is made once. Where they do not, nothing is looked for. */
function textReader(): Read {
  let shared = new Map<string, string>();
  let misses = 0;
  return (from, at, length) => {
    const text = from.toString('utf8', at, at + length);
    if (misses > 4 * MOST_SHARED) return text;
    const found = shared.get(text);
    if (found !== undefined) {
      misses = 0;
      return found;
    }
    misses += 1;
    if (shared.size >= MOST_SHARED) shared = new Map();
    shared.set(text, text);
    return text;
  };
}
