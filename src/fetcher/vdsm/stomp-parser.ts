import { BodyParts } from './body-parts.js';
import { StompError, type StompFrame, unescapeHeader } from './stomp-frame.js';

const MAX_HEAD_BYTES = 8192;
const MAX_HEADERS = 64;
/** Longer bodies never stay where they arrived: whoever keeps one keeps no bytes that are read into again. */
const LONGEST_VIEW = 8192;
const NO_HEADERS: ReadonlyMap<string, string> = new Map();

const LF = 0x0a;
const CR = 0x0d;
const NUL = 0;

export interface StompParserOptions {
  /** Looked at when a frame's body begins. */
  readonly maxBodyBytes: () => number;
  readonly onFrame: (frame: StompFrame) => void;
  /** A place for a body. Default: of its own. */
  readonly room?: (bytes: number) => Buffer;
}

/**
 * Frames out of bytes that arrive in pieces of any size. No piece is kept: the bytes can be read into again. A long body is
 * put together in a place of its own, where its rest can be read to without a copy (`rest`, `filled`); a short one within
 * one piece is a view of it. What is kept of an unfinished frame is bounded by the limits of head and body.
 *
 * Modes:
 *   between  line ends are skipped: they are heart-beats
 *   head     command and headers, until the empty line
 *   counted  a body whose length was announced, and the NUL after it
 *   ended    a body without an announced length: it ends at the first NUL
 *   stopped  by its owner, or by bytes that are not STOMP; takes nothing more
 */
export class StompParser {
  readonly #maxBodyBytes: () => number;
  readonly #onFrame: (frame: StompFrame) => void;
  #mode: 'between' | 'head' | 'counted' | 'ended' | 'stopped' = 'between';
  /** Beginning of a head that arrives in several pieces. */
  #scratch: Buffer | null = null;
  #scratched = 0;
  #command = '';
  #headers = NO_HEADERS;
  #maxBody = 0;
  /** Announced length of the body. */
  #length = 0;
  readonly #body: BodyParts;
  #frames = 0;

  constructor(options: StompParserOptions) {
    this.#maxBodyBytes = options.maxBodyBytes;
    this.#onFrame = options.onFrame;
    this.#body = new BodyParts(options.room ?? Buffer.allocUnsafeSlow);
  }

  /** Frames read since the start. */
  get frames(): number {
    return this.#frames;
  }

  /** Whether a frame has begun and is not whole. */
  get isWithinFrame(): boolean {
    return this.#mode !== 'between' && this.#mode !== 'stopped';
  }

  /** Nothing more is read or kept; may be called while a frame is handed over. */
  stop(): void {
    this.#mode = 'stopped';
    this.#scratch = null;
    this.#body.clear();
  }

  /** Where the next bytes can be read to instead of being pushed; null: nowhere. */
  get rest(): Buffer | null {
    return this.#mode === 'counted' && this.#body.size > 0 && this.#body.size < this.#length ? this.#body.rest : null;
  }

  /** So many bytes were read to `rest`. */
  filled(bytes: number): void {
    this.#body.filled(bytes);
  }

  /** @throws StompError, and then the parser has stopped. */
  push(piece: Buffer): void {
    try {
      let at = 0;
      while (at < piece.length && this.#mode !== 'stopped') at = this.#step(piece, at);
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  /** Reads on from `at`; gives how far it came. */
  #step(piece: Buffer, at: number): number {
    switch (this.#mode) {
      case 'between':
        if (piece[at] === LF || piece[at] === CR) return at + 1;
        this.#mode = 'head';
        return at;
      case 'head':
        return this.#scratch === null ? this.#beginHead(piece, at) : this.#continueHead(this.#scratch, piece, at);
      case 'counted':
        return this.#countedBody(piece, at);
      case 'ended':
        return this.#endedBody(piece, at);
      case 'stopped':
        return piece.length;
    }
  }

  #beginHead(piece: Buffer, at: number): number {
    const end = endOfHead(piece, at);
    if (end >= 0) {
      this.#takeHead(piece.subarray(at, end));
      return end;
    }
    if (piece.length - at >= MAX_HEAD_BYTES) throw headTooLong();
    this.#scratch = Buffer.allocUnsafe(MAX_HEAD_BYTES);
    this.#scratched = piece.copy(this.#scratch, 0, at);
    return piece.length;
  }

  #continueHead(scratch: Buffer, piece: Buffer, at: number): number {
    const before = this.#scratched;
    this.#scratched += piece.copy(scratch, before, at);
    const end = endOfHead(scratch.subarray(0, this.#scratched), Math.max(0, before - 2));
    if (end >= 0) {
      this.#scratch = null;
      this.#takeHead(scratch.subarray(0, end));
      return at + end - before;
    }
    if (this.#scratched === MAX_HEAD_BYTES) throw headTooLong();
    return piece.length;
  }

  #takeHead(head: Buffer): void {
    if (head.includes(NUL)) throw new StompError('a frame ends within its headers');
    const text = head.toString('utf8');
    const end = text.indexOf('\n');
    const command = text.slice(0, endOfLine(text, 0, end));
    if (!/^[A-Z]{1,16}$/.test(command)) throw new StompError('a frame begins with no STOMP command');
    this.#command = command;
    this.#headers = headersOf(text, end + 1);
    this.#maxBody = this.#maxBodyBytes();
    const length = this.#headers.get('content-length');
    if (length === undefined) {
      this.#mode = 'ended';
      return;
    }
    if (!/^\d{1,15}$/.test(length)) throw new StompError('content-length is not a number');
    this.#length = Number(length);
    if (this.#length > this.#maxBody) throw this.#bodyTooLarge();
    this.#mode = 'counted';
  }

  #countedBody(piece: Buffer, at: number): number {
    const missing = this.#length - this.#body.size;
    const available = piece.length - at;
    if (available <= missing) {
      if (this.#body.size === 0) this.#body.begin(this.#length);
      this.#body.add(piece.subarray(at));
      return piece.length;
    }
    const end = at + missing;
    if (piece[end] !== NUL) throw new StompError('the body is not as long as its content-length says');
    this.#takeBody(piece.subarray(at, end));
    return end + 1;
  }

  #endedBody(piece: Buffer, at: number): number {
    const found = piece.indexOf(NUL, at);
    const end = found < 0 ? piece.length : found;
    if (this.#body.size + end - at > this.#maxBody) throw this.#bodyTooLarge();
    if (found < 0) {
      this.#body.add(piece.subarray(at));
      return end;
    }
    this.#takeBody(piece.subarray(at, end));
    return end + 1;
  }

  /** `last`: what is left of the body, all of it if it came in one piece. */
  #takeBody(last: Buffer): void {
    let body = last;
    if (this.#body.size > 0 || last.length > LONGEST_VIEW) {
      if (this.#body.size === 0) this.#body.begin(last.length);
      this.#body.add(last);
      body = this.#body.take();
    }
    const frame = { command: this.#command, headers: this.#headers, body };
    // Until the next frame nothing of this one is kept: there are many connections, and each would keep its last one.
    this.#headers = NO_HEADERS;
    this.#mode = 'between';
    this.#frames += 1;
    this.#onFrame(frame);
  }

  #bodyTooLarge(): StompError {
    return new StompError(`a frame has more than ${this.#maxBody} bytes`, true);
  }
}

/** Position after the empty line that ends a head, -1 if it is not there. */
function endOfHead(bytes: Buffer, from: number): number {
  for (let i = bytes.indexOf(LF, from); i >= 0; i = bytes.indexOf(LF, i + 1)) {
    if (bytes[i + 1] === LF) return i + 2;
    if (bytes[i + 1] === CR && bytes[i + 2] === LF) return i + 3;
  }
  return -1;
}

/** Up to the line end, with which a head ends too, and without the CR before it. */
function endOfLine(text: string, from: number, lineEnd: number): number {
  return lineEnd > from && text[lineEnd - 1] === '\r' ? lineEnd - 1 : lineEnd;
}

/** Of the lines from `at` on. Every frame comes through here: the text is not cut into lines first. */
function headersOf(text: string, at: number): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (let from = at; from < text.length; ) {
    const lineEnd = text.indexOf('\n', from);
    const end = endOfLine(text, from, lineEnd);
    if (end > from) {
      const colon = text.indexOf(':', from);
      if (colon <= from || colon >= end) throw new StompError('a header has no name or no colon');
      if (headers.size === MAX_HEADERS) throw new StompError(`a frame has more than ${MAX_HEADERS} headers`);
      const name = unescapeHeader(text.slice(from, colon));
      if (!headers.has(name)) headers.set(name, unescapeHeader(text.slice(colon + 1, end)));
    }
    from = lineEnd + 1;
  }
  return headers;
}

function headTooLong(): StompError {
  return new StompError(`a frame has no end of its headers within ${MAX_HEAD_BYTES} bytes`);
}
