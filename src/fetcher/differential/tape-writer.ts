import {
  BACKSLASH,
  CLOSE_LIST,
  CLOSE_OBJECT,
  COMMA,
  endOfPlainText,
  MINUS,
  NINE,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
  skipSpace,
  ZERO,
} from './bytes.js';
import { type Kind, kinds, MAX_SLOTS, MAX_TARGETS, PER_SLOT, slotAt, slotCode, type Tape, tapeOf } from './slots.js';

/** Longer texts that nobody reads are compared as they are. */
const LONGEST_SKIPPED = 4096;

/** Handles the value at this position, and gives where it ends. */
export type OnMember = (name: string, at: number) => number;

/** The value says something in a way that only a plain reader understands. */
export class Strange extends Error {}

/** Writes the tape of one value, which is known to be valid JSON, while that is gone through from its start to its end. */
export class TapeWriter {
  readonly bytes: Buffer;
  readonly #mostSlots: number;
  readonly #tape: number[] = [];
  readonly #targets = new Set<number>();
  #lastEnd: number;

  constructor(bytes: Buffer, start: number, mostSlots = MAX_SLOTS) {
    this.bytes = bytes;
    this.#mostSlots = Math.min(mostSlots, MAX_SLOTS);
    this.#lastEnd = start;
  }

  tape(): Tape {
    return tapeOf(this.#tape);
  }

  /** `targetOf` says where the number goes that the reader of slots finds; -1: it is not followed. */
  measured(kind: Kind, at: number, targetOf: (value: number) => number): number {
    const quoted = this.bytes[at] === QUOTE;
    const from = quoted ? at + 1 : at;
    const slot = slotAt(this.bytes, from, slotCode(kind, quoted, 0));
    const target = slot === undefined ? -1 : targetOf(slot.value);
    if (slot === undefined || target < 0 || target >= MAX_TARGETS) return this.same(at);
    if (this.#targets.has(target)) throw new Strange('twice');
    this.#targets.add(target);
    this.#slot(from, slot.end, slotCode(kind, quoted, target));
    return quoted ? slot.end + 1 : slot.end;
  }

  /** A value that nobody reads, whatever it is: all plain texts and numbers in it may differ. */
  skipped(at: number): number {
    const byte = this.bytes[at] as number;
    if (byte === OPEN_OBJECT) return this.object(at, (_, from) => this.skipped(from), false);
    if (byte === OPEN_LIST) return this.list(at, (from) => this.skipped(from));
    if (byte === QUOTE) {
      const end = endOfPlainText(this.bytes, at + 1);
      if (end < 0 || end - at > LONGEST_SKIPPED) return this.same(at);
      this.#slot(at + 1, end, slotCode(kinds.skipped, true, 0));
      return end + 1;
    }
    if (byte !== MINUS && (byte < ZERO || byte > NINE)) return this.same(at);
    const code = slotCode(kinds.skipped, false, 0);
    const slot = slotAt(this.bytes, at, code);
    if (slot === undefined) return this.same(at);
    this.#slot(at, slot.end, code);
    return slot.end;
  }

  /** A value that is part of the state, and is a text most of the time. */
  state(at: number): number {
    const end = this.bytes[at] === QUOTE ? endOfPlainText(this.bytes, at + 1) : -1;
    if (end < 0) return this.same(at);
    this.#slot(at + 1, end, slotCode(kinds.state, true, 0));
    return end + 1;
  }

  /** A value that stays as it is, or all is read anew. */
  same(at: number): number {
    const byte = this.bytes[at];
    if (byte === OPEN_OBJECT) return this.object(at, (_, from) => this.same(from), false);
    if (byte === OPEN_LIST) return this.list(at, (from) => this.same(from));
    if (byte === QUOTE) return this.#endOfText(at + 1) + 1;
    let end = at;
    // A number or a word: valid as it is, it ends where something else begins.
    while (!endsWord(this.bytes[end])) end += 1;
    return end;
  }

  /** `named`: its names are of interest, and none may stand in it twice. */
  object(at: number, onMember: OnMember, named = true): number {
    const { bytes } = this;
    const names = new Set<string>();
    let i = skipSpace(bytes, at + 1);
    if (bytes[i] === CLOSE_OBJECT) return i + 1;
    for (;;) {
      const end = this.#endOfText(i + 1);
      let name = '';
      if (named) {
        // A name with an escape in it may be any.
        if (endOfPlainText(bytes, i + 1) !== end) throw new Strange('escape');
        name = bytes.toString('utf8', i + 1, end);
        if (names.has(name)) throw new Strange('twice');
        names.add(name);
      }
      i = skipSpace(bytes, onMember(name, skipSpace(bytes, skipSpace(bytes, end + 1) + 1)));
      if (bytes[i] !== COMMA) return i + 1;
      i = skipSpace(bytes, i + 1);
    }
  }

  list(at: number, onItem: (at: number) => number): number {
    const { bytes } = this;
    let i = skipSpace(bytes, at + 1);
    if (bytes[i] === CLOSE_LIST) return i + 1;
    for (;;) {
      i = skipSpace(bytes, onItem(i));
      if (bytes[i] !== COMMA) return i + 1;
      i = skipSpace(bytes, i + 1);
    }
  }

  #slot(from: number, end: number, code: number): void {
    if (this.#tape.length >= this.#mostSlots * PER_SLOT) return;
    this.#tape.push(from - this.#lastEnd, end - from, code);
    this.#lastEnd = end;
  }

  /** Position of the closing quote. */
  #endOfText(from: number): number {
    let i = from;
    while (this.bytes[i] !== QUOTE) {
      if (i >= this.bytes.length) throw new Strange('no end');
      i += this.bytes[i] === BACKSLASH ? 2 : 1;
    }
    return i;
  }
}

function endsWord(byte: number | undefined): boolean {
  return byte === undefined || byte <= 0x20 || byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_LIST;
}
