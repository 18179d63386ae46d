/** Bytes of JSON that the readers of this folder look for. */
export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const MINUS = 0x2d;
export const POINT = 0x2e;
export const ZERO = 0x30;
export const NINE = 0x39;
export const COLON = 0x3a;
export const OPEN_LIST = 0x5b;
export const BACKSLASH = 0x5c;
export const CLOSE_LIST = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
const SPACE = 0x20;
const TAB = 0x09;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const PLUS = 0x2b;
const UPPER_E = 0x45;
const LOWER_E = 0x65;

/** Bytes that stay as they are while a reader refers to them. */
export interface Body {
  readonly bytes: Buffer;
  readonly view: DataView;
}

export function bodyOf(bytes: Buffer): Body {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
}

export function skipSpace(bytes: Buffer, from: number): number {
  let i = from;
  while (i < bytes.length) {
    const byte = bytes[i];
    if (byte !== SPACE && byte !== LINE_FEED && byte !== RETURN && byte !== TAB) break;
    i += 1;
  }
  return i;
}

/** Position of the closing quote of a text that is the same in the bytes as in the value; -1: it is none. */
export function endOfPlainText(bytes: Buffer, from: number): number {
  for (let i = from; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (byte === QUOTE) return i;
    if (byte === BACKSLASH || byte < SPACE) return -1;
  }
  return -1;
}

/** Whether a number could go on with this byte. */
export function isNumberByte(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  if (byte >= ZERO && byte <= NINE) return true;
  return byte === POINT || byte === MINUS || byte === PLUS || byte === LOWER_E || byte === UPPER_E;
}

/**
 * How many of `length` bytes are the same from both positions on. `one` is known to be valid JSON.
 *
 * Eight bytes at a time are compared as one float64: numbers that are equal have the same bits unless they are zeros, of
 * which one is all zero bytes, and the other all but one; and valid JSON holds no zero byte. NaN, which is equal to
 * nothing, is looked at byte by byte.
 */
export function sameBytes(one: Body, from: number, other: Body, otherFrom: number, length: number): number {
  const a = one.view;
  const b = other.view;
  const wide = length - 8;
  let i = 0;
  for (;;) {
    while (i <= wide && a.getFloat64(from + i, true) === b.getFloat64(otherFrom + i, true)) i += 8;
    const stop = Math.min(i + 8, length);
    while (i < stop && a.getUint8(from + i) === b.getUint8(otherFrom + i)) i += 1;
    if (i < stop || stop === length) return i;
  }
}

interface Extent {
  /** After the closing brace; -1: it does not end. */
  end: number;
  depth: number;
  containers: number;
}

/** The object that begins at `from`, by its braces alone: what is between them may still be no JSON. */
export function extentOf(bytes: Buffer, from: number): Extent {
  let depth = 0;
  let deepest = 0;
  let containers = 0;
  for (let i = from; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) {
      i += 1;
      while (i < bytes.length && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1;
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      depth += 1;
      containers += 1;
      if (depth > deepest) deepest = depth;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      depth -= 1;
      if (depth === 0) return { end: i + 1, depth: deepest, containers };
    }
  }
  return { end: -1, depth: deepest, containers };
}
