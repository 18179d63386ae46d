import type { Duplex } from 'node:stream';
import type { Rooms } from '../rooms.js';
import { type Asking, type LeanAnswer, LeanSocket, type LeanTarget } from './lean-socket.js';

/** Announced bodies up to this size get their place before they arrive. */
const LONGEST_BODY = 16 * 1_048_576;

/**
 * The usual way to one agent that speaks HTTP: its answers are handed out as they came from the socket, as one
 * Buffer. What is not as simple as that (chunked, compressed, another status than 200, anything doubtful) is handed out as
 * the connection itself, from the first byte of the answer on, for Node's client to read: nothing is asked twice.
 */
export class LeanConnection {
  readonly #target: LeanTarget;
  /** All of the request up to its length. */
  readonly #head: string;
  readonly #rooms: Rooms;
  readonly #idle: LeanSocket[] = [];
  readonly #open = new Set<LeanSocket>();
  readonly #waiting: Call[] = [];
  #closed = false;
  maxSockets = Number.POSITIVE_INFINITY;

  constructor(target: LeanTarget, headers: Readonly<Record<string, string>>, rooms: Rooms) {
    this.#target = target;
    this.#rooms = rooms;
    const { address, port, tls } = target;
    const name = address.includes(':') ? `[${address}]` : address;
    const lines = Object.entries(headers).map(([header, value]) => `${header}: ${value}\r\n`);
    const host = port === (tls === null ? 80 : 443) ? name : `${name}:${port}`;
    this.#head = `POST /jsonrpc HTTP/1.1\r\n${lines.join('')}Host: ${host}\r\nConnection: keep-alive\r\nContent-Length: `;
  }

  /**
   * Posts this text. Longer bodies than `longestBody` are odd. Rejects with the reason of `signal`, of `close`, or with
   * Node's own error.
   */
  ask(body: string, longestBody: number, signal: AbortSignal): Promise<LeanAnswer | Duplex> {
    if (signal.aborted) return Promise.reject(signal.reason);
    const request = Buffer.from(`${this.#head}${Buffer.byteLength(body)}\r\n\r\n${body}`);
    return new Promise((resolve, reject) => {
      const call = new Call(request, Math.min(LONGEST_BODY, longestBody), signal, resolve, reject, () =>
        this.#leave(call),
      );
      if (this.#idle.length > 0 || this.#open.size < this.maxSockets) call.begin(this.#socket());
      else this.#waiting.push(call);
    });
  }

  /** What is under way fails with this reason. */
  close(reason?: unknown): void {
    this.#closed = true;
    for (const call of this.#waiting.splice(0)) call.failed(reason);
    for (const socket of this.#open) socket.close(reason);
  }

  #leave(call: Call): void {
    const index = this.#waiting.indexOf(call);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  #socket(): LeanSocket {
    const known = this.#idle.pop();
    if (known !== undefined) return known;
    const socket = new LeanSocket(this.#target, {
      room: (bytes) => this.#rooms.take(bytes),
      idle: (free) => {
        this.#idle.push(free);
        this.#next();
      },
      closed: (gone) => {
        this.#open.delete(gone);
        const index = this.#idle.indexOf(gone);
        if (index >= 0) this.#idle.splice(index, 1);
        this.#next();
      },
    });
    this.#open.add(socket);
    return socket;
  }

  #next(): void {
    if (this.#closed || this.#open.size - this.#idle.length >= this.maxSockets) return;
    if (this.#waiting.length > 0) this.#waiting.shift()?.begin(this.#socket());
  }
}

/** One question and who waits for its answer; hears of its signal until it is over. */
class Call implements Asking {
  readonly #request: Buffer;
  readonly #longestBody: number;
  readonly #signal: AbortSignal;
  readonly #resolve: (answer: LeanAnswer | Duplex) => void;
  readonly #reject: (error: unknown) => void;
  readonly #leave: () => void;
  #socket: LeanSocket | null = null;

  constructor(
    request: Buffer,
    longestBody: number,
    signal: AbortSignal,
    resolve: (answer: LeanAnswer | Duplex) => void,
    reject: (error: unknown) => void,
    leave: () => void,
  ) {
    this.#request = request;
    this.#longestBody = longestBody;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#leave = leave;
    signal.addEventListener('abort', this);
  }

  begin(socket: LeanSocket): void {
    this.#socket = socket;
    socket.ask(this.#request, this.#longestBody, this);
  }

  /** The signal has aborted. */
  handleEvent(): void {
    this.#leave();
    this.failed(this.#signal.reason);
    this.#socket?.close(this.#signal.reason);
  }

  answered(answer: LeanAnswer): void {
    this.#over();
    this.#resolve(answer);
  }

  odd(bytes: Duplex): void {
    this.#over();
    this.#resolve(bytes);
  }

  failed(error: unknown): void {
    this.#over();
    this.#reject(error);
  }

  #over(): void {
    this.#signal.removeEventListener('abort', this);
  }
}
