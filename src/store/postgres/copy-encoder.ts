import type { Field } from '../../model/index.js';

/** Appends one value as COPY … (FORMAT binary) wants it: its length (-1 for null) and its bytes. */
export type CopyColumn = (to: CopyEncoder, value: unknown) => void;

/** "PGCOPY" and the bytes that show whether something on the way changed line ends; no flags, no extension. */
const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const COPY_DATA = 0x64;
const COPY_DONE = 0x63;
/** No value but text and JSON takes as much, a count of 2^53 neither. */
const SMALL = 32;
/** Longer text is left to Node's own encoder. */
const SHORT_TEXT = 64;
/** 2000-01-01, from which PostgreSQL counts. */
const EPOCH_MS = 946_684_800_000;
const TWO_32 = 4_294_967_296;

/**
 * Rows as messages of PostgreSQL's protocol, ready for the socket, in one buffer that grows and is used again: what
 * `take` gave is gone with the next `begin`.
 */
export class CopyEncoder {
  #bytes = Buffer.allocUnsafeSlow(64 * 1024);
  #view = viewOf(this.#bytes);
  #at = 0;
  #message = 0;

  get size(): number {
    return this.#at;
  }

  /** Forgets all: the buffer is free. */
  clear(): void {
    this.#at = 0;
  }

  /** The last messages may still be on their way: another buffer from now on. */
  renew(): void {
    this.#bytes = Buffer.allocUnsafeSlow(64 * 1024);
    this.#view = viewOf(this.#bytes);
    this.#at = 0;
  }

  /** A COPY begins. */
  begin(): void {
    this.#room(SIGNATURE.length + 5);
    this.#bytes[this.#at] = COPY_DATA;
    this.#message = this.#at + 1;
    this.#at += 5;
    this.#at += SIGNATURE.copy(this.#bytes, this.#at);
  }

  row(columns: number): void {
    this.#room(2);
    this.#view.setInt16(this.#at, columns);
    this.#at += 2;
  }

  /** The COPY ends. */
  end(): void {
    this.#room(7);
    this.#view.setInt16(this.#at, -1);
    this.#at += 2;
    this.#view.setInt32(this.#message, this.#at - this.#message);
    this.#bytes[this.#at] = COPY_DONE;
    this.#view.setInt32(this.#at + 1, 4);
    this.#at += 5;
  }

  /** All since `clear`. */
  take(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  nothing(): void {
    this.#length(-1);
  }

  bool(value: boolean): void {
    this.#length(1);
    this.#bytes[this.#at] = value ? 1 : 0;
    this.#at += 1;
  }

  smallint(value: number): void {
    this.#length(2);
    this.#view.setInt16(this.#at, value);
    this.#at += 2;
  }

  /** Within ±2^53. */
  bigint(value: number): void {
    this.#length(8);
    const high = Math.floor(value / TWO_32);
    this.#view.setInt32(this.#at, high);
    this.#view.setUint32(this.#at + 4, value - high * TWO_32);
    this.#at += 8;
  }

  float(value: number): void {
    this.#length(8);
    // -0 becomes 0, as it does in text.
    this.#view.setFloat64(this.#at, value + 0);
    this.#at += 8;
  }

  /** ms since 1970, whole. */
  time(ms: number): void {
    this.#length(8);
    this.#view.setBigInt64(this.#at, BigInt(ms - EPOCH_MS) * 1000n);
    this.#at += 8;
  }

  text(value: string): void {
    this.#text(value, 0);
  }

  /** jsonb is text behind the number of its format. */
  json(text: string): void {
    this.#text(text, 1);
  }

  #text(value: string, prefix: 0 | 1): void {
    this.#room(5 + 3 * value.length);
    const from = this.#at + 4;
    let at = from;
    if (prefix === 1) this.#bytes[at++] = 1;
    at = value.length > SHORT_TEXT ? at + this.#bytes.write(value, at) : this.#short(value, at);
    this.#view.setInt32(this.#at, at - from);
    this.#at = at;
  }

  /** A call out of JavaScript takes longer than these few characters. */
  #short(value: string, from: number): number {
    const bytes = this.#bytes;
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return from + bytes.write(value, from);
      bytes[from + i] = code;
    }
    return from + value.length;
  }

  /** A whole numeric: digits to the base 10,000, the first one first. */
  numeric(value: bigint): void {
    const small = Number(value);
    if (!Number.isSafeInteger(small)) return this.#longNumeric(value);
    let rest = Math.abs(small);
    let digits = 0;
    for (let left = rest; left > 0; left = Math.floor(left / 10_000)) digits += 1;
    this.#numericHead(digits, small < 0);
    for (let i = digits - 1; i >= 0; i--) {
      const next = Math.floor(rest / 10_000);
      this.#view.setInt16(this.#at + 2 * i, rest - next * 10_000);
      rest = next;
    }
    this.#at += 2 * digits;
  }

  #longNumeric(value: bigint): void {
    const decimal = (value < 0n ? -value : value).toString();
    const digits = Math.ceil(decimal.length / 4);
    this.#room(12 + 2 * digits);
    this.#numericHead(digits, value < 0n);
    for (let end = decimal.length - 4 * (digits - 1); end <= decimal.length; end += 4) {
      this.#view.setInt16(this.#at, Number(decimal.slice(Math.max(0, end - 4), end)));
      this.#at += 2;
    }
  }

  #numericHead(digits: number, negative: boolean): void {
    this.#length(8 + 2 * digits);
    this.#view.setInt16(this.#at, digits);
    this.#view.setInt16(this.#at + 2, Math.max(0, digits - 1));
    this.#view.setUint16(this.#at + 4, negative ? 0x4000 : 0);
    this.#view.setInt16(this.#at + 6, 0);
    this.#at += 8;
  }

  #length(bytes: number): void {
    this.#room(SMALL);
    this.#view.setInt32(this.#at, bytes);
    this.#at += 4;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(2 * (this.#at + bytes));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
    this.#view = viewOf(grown);
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The values have gone through `storable`: they are of the field's kind, or null. */
export function copyColumn({ kind, ids = {} }: Field<unknown>): CopyColumn {
  return (to, value) => {
    if (value === null || value === undefined) return to.nothing();
    switch (kind) {
      case 'text':
        return to.text(value as string);
      case 'int':
        return to.bigint(value as number);
      case 'float':
        return to.float(value as number);
      case 'bool':
        return to.bool(value as boolean);
      case 'count':
        return to.numeric(value as bigint);
      case 'json':
        return to.json(JSON.stringify(value));
      case 'time':
        return to.time(value as number);
      case 'enum': {
        const id = ids[value as string];
        return id === undefined ? to.nothing() : to.smallint(id);
      }
    }
  };
}
