import { parseAgentTime } from '../decode/agent-time.js';
import { type Body, endOfPlainText, isNumberByte, MINUS, NINE, POINT, QUOTE, sameBytes, ZERO } from './bytes.js';

/**
 * A tape: where in the bytes of one VM's entry the values stand that may differ while the entry stays the same in all that
 * matters. Per slot three numbers: the bytes between it and the slot before, its own length, and its code. In 16 bits, unless one
 * of them is larger than any known agent makes it: a fleet's tapes are as large as a third of its answers.
 */
export type Tape = Uint16Array | Int32Array;

const MOST = 0xffff;
export const tapeOf = (numbers: readonly number[]): Tape =>
  numbers.every((number) => number <= MOST) ? Uint16Array.from(numbers) : Int32Array.from(numbers);
export const PER_SLOT = 3;

/** What a slot's value means; how it is read is how Reader reads it. Another text of `state` is another state. */
export const kinds = { skipped: 0, float: 1, latency: 2, int: 3, count: 4, time: 5, state: 6 } as const;
export type Kind = (typeof kinds)[keyof typeof kinds];

const KIND = 0x7;
const QUOTED = 0x8;
const TARGET_SHIFT = 4;

/** `target`: where in the VM's numbers the value goes. */
export function slotCode(kind: Kind, quoted: boolean, target: number): number {
  return kind | (quoted ? QUOTED : 0) | (target << TARGET_SHIFT);
}

/** More slots are not made. */
export const MAX_SLOTS = 8192;
export const MAX_TARGETS = 8192;
/** As Reader. */
const LARGEST_FLOAT = 1e15;
const LARGEST_LATENCY = 1e18;
const LONGEST_NUMBER = 64;
const SAFE_DIGITS = 16;
/** So many digits are exact in a float64 whatever they are, and so is this power of ten: their quotient is rounded once. */
const EXACT_DIGITS = 15;
const powers = Array.from({ length: EXACT_DIGITS + 1 }, (_, n) => 10 ** n);

/** What one walk has found, until it is known to be good. */
const found = {
  slots: new Int32Array(MAX_SLOTS),
  lengths: new Int32Array(MAX_SLOTS),
  /** Where in the new bytes. */
  starts: new Int32Array(MAX_SLOTS),
  values: new Float64Array(MAX_SLOTS),
  count: 0,
};
/** What `readSlot` has read. In an array, where it needs no box: one for each number of each poll would be most of the garbage. */
const read = new Float64Array(1);

/** As agents write it: 2026-11-20T20:39:11 GMT. What stands before the seconds is the same for a minute. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d GMT$/;
const TIME_LENGTH = 23;

function readTime(bytes: Buffer, from: number, quoted: boolean): number {
  const end = from + TIME_LENGTH;
  if (!quoted || bytes[end] !== QUOTE) return -1;
  const text = bytes.toString('latin1', from, end);
  const time = TIME.test(text) ? parseAgentTime(text) : undefined;
  if (time === undefined) return -1;
  read[0] = time;
  return end;
}

/** Reads one value into `read`. Gives where it ends; -1: not of a form that is read here. */
function readSlot(bytes: Buffer, from: number, code: number): number {
  const kind = code & KIND;
  const quoted = (code & QUOTED) !== 0;
  if ((kind === kinds.skipped && quoted) || kind === kinds.state) return endOfPlainText(bytes, from);
  if (kind === kinds.time) return readTime(bytes, from, quoted);
  const { length } = bytes;
  let i = from;
  const negative = bytes[i] === MINUS;
  if (negative) i += 1;
  const first = i;
  let whole = 0;
  while (i < length) {
    const digit = (bytes[i] as number) - ZERO;
    if (digit < 0 || digit > 9) break;
    whole = whole * 10 + digit;
    i += 1;
  }
  const digits = i - first;
  if (digits === 0 || digits > SAFE_DIGITS || whole > Number.MAX_SAFE_INTEGER) return -1;
  // JSON has no such number; a text may be one.
  if (!quoted && digits > 1 && bytes[first] === ZERO) return -1;
  let value = whole;
  if (i < length && bytes[i] === POINT) {
    i += 1;
    const point = i;
    let mantissa = whole;
    while (i < length) {
      const byte = bytes[i] as number;
      if (byte < ZERO || byte > NINE) break;
      mantissa = mantissa * 10 + (byte - ZERO);
      i += 1;
    }
    const decimals = i - point;
    if (decimals === 0 || i - from > LONGEST_NUMBER) return -1;
    value =
      digits + decimals <= EXACT_DIGITS
        ? mantissa / (powers[decimals] as number)
        : Number(bytes.toString('latin1', first, i));
  }
  if (quoted ? bytes[i] !== QUOTE : isNumberByte(bytes[i])) return -1;
  if (kind === kinds.float || kind === kinds.latency) {
    if (value > (kind === kinds.float ? LARGEST_FLOAT : LARGEST_LATENCY)) return -1;
    read[0] = negative ? -value : value;
    return i;
  }
  // Of a counter that is a text the digits count, of all else the number.
  const cut = kind === kinds.count && quoted ? whole : Math.trunc(value);
  if (cut > Number.MAX_SAFE_INTEGER) return -1;
  if (!negative) read[0] = cut;
  else if (kind === kinds.count) {
    // -1 is how agents say that they do not know a counter; what is less is a fault.
    if (cut > 1) return -1;
    read[0] = cut === 1 ? Number.NaN : 0;
  } else read[0] = 0 - cut;
  return i;
}

/** The number at `from`; undefined: not of a form that is read here. */
export function slotAt(bytes: Buffer, from: number, code: number): { end: number; value: number } | undefined {
  const end = readSlot(bytes, from, code);
  return end < 0 ? undefined : { end, value: read[0] as number };
}

/** What a walk compares with: one entry as it was last read. */
export interface Walked {
  body: Body;
  start: number;
  size: number;
  readonly tape: Tape;
  readonly values: Float64Array;
}

/**
 * Walks a new entry beside the last one. Gives where it ends, or -1 when anything but the values of slots differs, or one
 * of them is of another form. Changes nothing: `takeFound` does, if the walk was good. `withState`: also texts of state may
 * differ; what they say is for others to read.
 */
export function walk(last: Walked, body: Body, at: number, withState = false): number {
  const { tape } = last;
  const { bytes } = body;
  const slots = tape.length;
  const end = last.start + last.size;
  found.count = 0;
  /** Where the two are: all before is the same or taken. */
  let from = last.start;
  let to = at;
  let slot = 0;
  let slotStart = slots > 0 ? last.start + (tape[0] as number) : end;
  for (;;) {
    const rest = end - from;
    const room = bytes.length - to;
    const same = sameBytes(last.body, from, body, to, rest < room ? rest : room);
    if (same === rest) return to + rest;
    const difference = from + same;
    // A value that goes on differs at the place behind the old one.
    while (slot < slots && slotStart + (tape[slot + 1] as number) < difference) {
      slotStart += tape[slot + 1] as number;
      slot += PER_SLOT;
      if (slot < slots) slotStart += tape[slot] as number;
    }
    if (slot >= slots || difference < slotStart) return -1;
    const newStart = to + slotStart - from;
    const code = tape[slot + 2] as number;
    if (!withState && (code & KIND) === kinds.state) return -1;
    const newEnd = readSlot(bytes, newStart, code);
    // A longer value is for a new tape.
    if (newEnd < 0 || newEnd - newStart > MOST) return -1;
    const n = found.count++;
    found.slots[n] = slot;
    found.lengths[n] = newEnd - newStart;
    found.starts[n] = newStart;
    found.values[n] = read[0] as number;
    from = slotStart + (tape[slot + 1] as number);
    to = newEnd;
    slotStart = from;
    slot += PER_SLOT;
    if (slot < slots) slotStart += tape[slot] as number;
  }
}

/**
 * Texts of state that the last walk found to be others, by the names of their members in the new bytes. A text of state is
 * a member of the entry itself, and its name is plain: else it would not have a slot.
 */
export function foundTexts({ tape }: Walked, { bytes }: Body): Map<string, string> {
  const texts = new Map<string, string>();
  for (let n = 0; n < found.count; n++) {
    const code = tape[(found.slots[n] as number) + 2] as number;
    if ((code & KIND) !== kinds.state) continue;
    const start = found.starts[n] as number;
    const nameEnd = bytes.lastIndexOf(QUOTE, start - 2);
    const name = bytes.toString('utf8', bytes.lastIndexOf(QUOTE, nameEnd - 1) + 1, nameEnd);
    texts.set(name, bytes.toString('utf8', start, start + (found.lengths[n] as number)));
  }
  return texts;
}

/** Writes one thing that the last walk found. Gives its target; -1: nothing reads it, or it is the value that was there. */
function takeOne({ tape, values }: Walked, n: number): number {
  const slot = found.slots[n] as number;
  tape[slot + 1] = found.lengths[n] as number;
  const code = tape[slot + 2] as number;
  if ((code & KIND) === kinds.skipped || (code & KIND) === kinds.state) return -1;
  const target = code >> TARGET_SHIFT;
  const value = found.values[n] as number;
  if (Object.is(values[target], value)) return -1;
  values[target] = value;
  return target;
}

/**
 * Writes what the last walk found. Gives the parts of which a value is another one than before, one bit each; `partOf` says
 * to which part a target belongs.
 */
export function takeFoundParts(walked: Walked, partOf: Uint8Array): number {
  let parts = 0;
  for (let n = 0; n < found.count; n++) {
    const target = takeOne(walked, n);
    if (target >= 0) parts |= 1 << (partOf[target] as number);
  }
  return parts;
}

/** Writes what the last walk found. Gives the highest target with a new value, -1 for none; `free` is not counted. */
export function takeFound(walked: Walked, free: number): number {
  let highest = -1;
  for (let n = 0; n < found.count; n++) {
    const target = takeOne(walked, n);
    if (target !== free && target > highest) highest = target;
  }
  return highest;
}
