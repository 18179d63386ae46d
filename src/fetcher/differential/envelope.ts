import {
  CLOSE_OBJECT,
  COLON,
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
import { kinds, slotAt, slotCode } from './slots.js';

type Scalar = string | number | boolean | null;

const words: readonly { readonly text: string; readonly value: boolean | null }[] = [
  { text: 'null', value: null },
  { text: 'true', value: true },
  { text: 'false', value: false },
];
const bareNumber = slotCode(kinds.float, false, 0);

/**
 * What stands around the result of an answer, and around the list of VMs: `{"jsonrpc":"2.0","id":…,"result":[…]}`, or a
 * page of it, `"result":{"items":[…],"next":…}`. Members in any order; what is not as simple as that is not read here.
 */
export class Envelope {
  readonly #bytes: Buffer;
  readonly #outer = new Map<string, Scalar>();
  readonly #inner = new Map<string, Scalar>();
  #paged = false;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get paged(): boolean {
    return this.#paged;
  }

  /** Levels of nesting around an entry. */
  get depth(): number {
    return this.#paged ? 3 : 2;
  }

  /** undefined: there is none. */
  get id(): Scalar | undefined {
    return this.#outer.get('id');
  }

  get error(): Scalar | undefined {
    return this.#outer.get('error');
  }

  get next(): Scalar | undefined {
    return this.#inner.get('next');
  }

  /** Reads up to the result. Gives the position of its value; -1: not known. */
  toResult(): number {
    this.#at = skipSpace(this.#bytes, 0);
    return this.#take(OPEN_OBJECT) && this.#until('result', this.#outer) ? this.#at : -1;
  }

  /** Reads up to the list. Gives the position behind its bracket; -1: not known. */
  open(): number {
    if (this.toResult() < 0) return -1;
    if (this.#take(OPEN_LIST)) return this.#at;
    if (!this.#take(OPEN_OBJECT)) return -1;
    this.#paged = true;
    return this.#until('items', this.#inner) && this.#take(OPEN_LIST) ? this.#at : -1;
  }

  /** Reads from behind the list's closing bracket, or behind the result itself, to the end of the body. */
  close(at: number): boolean {
    this.#at = at;
    if (this.#paged && !this.#rest(this.#inner)) return false;
    return this.#rest(this.#outer) && skipSpace(this.#bytes, this.#at) === this.#bytes.length;
  }

  #take(byte: number): boolean {
    if (this.#bytes[this.#at] !== byte) return false;
    this.#at = skipSpace(this.#bytes, this.#at + 1);
    return true;
  }

  /** Members up to this one, whose value comes next. */
  #until(wanted: string, members: Map<string, Scalar>): boolean {
    for (;;) {
      const name = this.#name();
      if (name === undefined || members.has(name)) return false;
      if (name === wanted) {
        members.set(name, null);
        return true;
      }
      if (!this.#scalar(name, members) || !this.#take(COMMA)) return false;
    }
  }

  /** The members that are left, and the closing brace. */
  #rest(members: Map<string, Scalar>): boolean {
    this.#at = skipSpace(this.#bytes, this.#at);
    while (this.#take(COMMA)) {
      const name = this.#name();
      if (name === undefined || members.has(name) || !this.#scalar(name, members)) return false;
    }
    return this.#take(CLOSE_OBJECT);
  }

  #name(): string | undefined {
    const name = this.#text();
    return name !== undefined && this.#take(COLON) ? name : undefined;
  }

  #text(): string | undefined {
    const bytes = this.#bytes;
    if (bytes[this.#at] !== QUOTE) return undefined;
    const end = endOfPlainText(bytes, this.#at + 1);
    if (end < 0) return undefined;
    const text = bytes.toString('utf8', this.#at + 1, end);
    this.#at = skipSpace(bytes, end + 1);
    return text;
  }

  #scalar(name: string, members: Map<string, Scalar>): boolean {
    const bytes = this.#bytes;
    const byte = bytes[this.#at] as number;
    if (byte === QUOTE) {
      const text = this.#text();
      if (text === undefined) return false;
      members.set(name, text);
    } else if (byte === MINUS || (byte >= ZERO && byte <= NINE)) {
      const slot = slotAt(bytes, this.#at, bareNumber);
      if (slot === undefined) return false;
      members.set(name, slot.value);
      this.#at = skipSpace(bytes, slot.end);
    } else {
      const word = words.find(({ text }) => bytes.toString('latin1', this.#at, this.#at + text.length) === text);
      if (word === undefined) return false;
      members.set(name, word.value);
      this.#at = skipSpace(bytes, this.#at + word.text.length);
    }
    return true;
  }
}

/** The id of an answer whose result comes behind it, found without reading that; undefined: read it all to know. */
export function idOf(bytes: Buffer): string | undefined {
  const envelope = new Envelope(bytes);
  if (envelope.toResult() < 0) return undefined;
  return typeof envelope.id === 'string' ? envelope.id : undefined;
}
