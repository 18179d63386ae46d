import { connect, isIP, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type AnswerHead, readHead } from './answer-head.js';

/** Where all sockets read what has no place of its own yet: a read and its callback are one step. */
const scratch = Buffer.allocUnsafeSlow(65_536);
/** Longer heads are for Node's own parser, which has the same limit. */
const LONGEST_HEAD = 16_384;
const BEGINNING = 'HTTP/1.1 ';
const NOTHING = Buffer.alloc(0);

export interface LeanAnswer {
  readonly head: AnswerHead;
  readonly body: Buffer;
}

/** What comes of one question. Exactly one of the three is called, once. */
export interface Asking {
  answered(answer: LeanAnswer): void;
  /** The answer is of a kind that is not read here; `bytes` begin with its first byte, and the socket is theirs. */
  odd(bytes: Duplex): void;
  failed(error: unknown): void;
}

export interface LeanTarget {
  readonly address: string;
  readonly port: number;
  /** null: none. */
  readonly tls: ConnectionOptions | null;
}

export interface LeanSocketEvents {
  /** A place for a body of so many bytes. */
  room(bytes: number): Buffer;
  /** The socket can be asked again. */
  idle(socket: LeanSocket): void;
  closed(socket: LeanSocket): void;
}

/**
 * A connection to an agent that is asked one thing at a time. A body is read to where it stays: it is not copied, and no
 * stream is made of it.
 *
 * Modes: idle → head → body → idle; from `head` it may turn to `odd`, until the answer is over, and from each to `closed`.
 */
export class LeanSocket {
  readonly #socket: Socket;
  readonly #events: LeanSocketEvents;
  #longestBody = 0;
  #mode: 'idle' | 'head' | 'body' | 'odd' | 'closed' = 'idle';
  #asking: Asking | null = null;
  #before: Buffer = NOTHING;
  #head: AnswerHead | null = null;
  #body: Buffer = NOTHING;
  #filled = 0;
  #odd: HandedOver | null = null;
  #error: unknown = null;
  #hasTimeout = false;

  constructor({ address, port, tls }: LeanTarget, events: LeanSocketEvents) {
    this.#events = events;
    // With TLS what is read is clear text.
    const onread = { buffer: () => this.#room(), callback: (bytes: number) => this.#onRead(bytes) };
    const options = { host: address, port, onread };
    this.#socket =
      tls === null
        ? connect(options)
        : connectTls({ ...tls, ...options, servername: isIP(address) === 0 ? address : '' });
    this.#socket.setNoDelay(true).setKeepAlive(true);
    this.#socket.on('error', (error) => {
      this.#error = error;
    });
    this.#socket.on('timeout', () => this.close());
    this.#socket.on('close', () => this.#onGone());
  }

  /** `longestBody`: bytes; a longer one is odd. */
  ask(request: Buffer, longestBody: number, asking: Asking): void {
    if (this.#hasTimeout) this.#socket.setTimeout(0);
    this.#hasTimeout = false;
    this.#socket.ref();
    this.#longestBody = longestBody;
    this.#asking = asking;
    this.#mode = 'head';
    this.#before = NOTHING;
    this.#socket.write(request);
  }

  /** A question under way fails, with `error` if there is one. */
  close(error?: unknown): void {
    if (error !== undefined) this.#error = error;
    this.#socket.destroy();
    // Nothing that still arrives is for anybody.
    this.#onClose();
  }

  /** Where the next bytes are to go. */
  #room(): Buffer {
    return this.#mode === 'body' ? this.#body.subarray(this.#filled) : scratch;
  }

  /** false: no more for now. */
  #onRead(count: number): boolean {
    switch (this.#mode) {
      case 'head':
        this.#onHead(scratch.subarray(0, count));
        return true;
      case 'body':
        this.#filled += count;
        if (this.#filled === this.#body.length) this.#done(true);
        return true;
      case 'odd':
        return this.#odd?.push(Buffer.from(scratch.subarray(0, count))) ?? false;
      default:
        // Nobody was asked.
        this.close();
        return false;
    }
  }

  #onHead(piece: Buffer): void {
    const bytes = this.#before.length === 0 ? piece : Buffer.concat([this.#before, piece]);
    const end = bytes.indexOf('\r\n\r\n');
    const begins = bytes.toString('latin1', 0, BEGINNING.length);
    if (end < 0 && bytes.length <= LONGEST_HEAD && BEGINNING.startsWith(begins)) {
      this.#before = Buffer.from(bytes);
      return;
    }
    const head = end < 0 ? null : readHead(bytes.toString('latin1', 0, end));
    if (head === null || head.length === null || head.length > this.#longestBody) {
      this.#handOver(bytes, head);
      return;
    }
    const from = end + 4;
    const here = Math.min(head.length, bytes.length - from);
    this.#head = head;
    this.#body = this.#events.room(head.length);
    this.#filled = bytes.copy(this.#body, 0, from, from + here);
    this.#mode = 'body';
    // What comes after an answer belongs to no question: such a connection is not asked again.
    if (this.#filled === head.length) this.#done(bytes.length === from + here);
  }

  #handOver(bytes: Buffer, head: AnswerHead | null): void {
    const keptMs = head?.keptMs ?? null;
    const asking = this.#asking;
    this.#asking = null;
    this.#mode = 'odd';
    this.#odd = new HandedOver(this.#socket, () => {
      this.#odd = null;
      this.#socket.resume();
      this.#rest(keptMs);
    });
    this.#odd.push(Buffer.from(bytes));
    asking?.odd(this.#odd);
  }

  #done(clean: boolean): void {
    const asking = this.#asking;
    const head = this.#head as AnswerHead;
    const body = this.#body;
    this.#asking = null;
    this.#head = null;
    this.#body = NOTHING;
    if (clean) this.#rest(head.keptMs);
    else this.close();
    asking?.answered({ head, body });
  }

  #rest(keptMs: number | null): void {
    this.#mode = 'idle';
    if (keptMs === 0) {
      this.close();
      return;
    }
    // The agent closes it then; a question that is on its way at that moment would be lost.
    if (keptMs !== null) this.#socket.setTimeout(keptMs);
    this.#hasTimeout = keptMs !== null;
    // An idle connection keeps no process alive.
    this.#socket.unref();
    this.#events.idle(this);
  }

  /** The other side has closed it, or it broke. */
  #onGone(): void {
    // What is not even a head is for Node's parser to name.
    if (this.#mode === 'head' && this.#before.length > 0 && this.#error === null) this.#handOver(this.#before, null);
    this.#onClose();
  }

  #onClose(): void {
    if (this.#mode === 'closed') return;
    const { message } = this.#mode === 'body' ? { message: 'aborted' } : { message: 'socket hang up' };
    const asking = this.#asking;
    this.#mode = 'closed';
    this.#asking = null;
    this.#odd?.over(this.#error);
    this.#events.closed(this);
    asking?.failed(this.#error ?? Object.assign(new Error(message), { code: 'ECONNRESET' }));
  }
}

/**
 * A connection in the middle of an answer, for Node's own client: what it asks was asked already and is dropped. When the
 * client is done with the answer and would ask again, the connection goes back to where it came from.
 */
class HandedOver extends Duplex {
  #socket: Socket | null;

  constructor(socket: Socket, onBack: () => void) {
    super();
    this.#socket = socket;
    // Said by the client when the answer was read to its end and the agent keeps the connection.
    this.once('free', () => {
      if (this.#socket === null) return;
      if (this.readableLength > 0) this.destroy();
      else {
        this.#socket = null;
        onBack();
      }
    });
  }

  /** The client treats it as a socket; its idle time is not the client's affair. */
  setTimeout(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  override _read(): void {
    this.#socket?.resume();
  }

  override _write(_chunk: unknown, _encoding: BufferEncoding, done: () => void): void {
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket?.destroy();
    this.#socket = null;
    done(error);
  }

  over(error: unknown): void {
    this.#socket = null;
    if (error instanceof Error) this.destroy(error);
    else if (!this.destroyed) this.push(null);
  }
}
