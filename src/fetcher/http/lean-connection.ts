import { Agent, type ClientRequestArgs } from 'node:http';
import type { Duplex } from 'node:stream';
import axios, { type AxiosAdapter, AxiosHeaders, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { Rooms } from '../rooms.js';
import { type LeanAnswer, LeanSocket } from './lean-socket.js';

/** Announced bodies up to this size get their place before they arrive. */
const LONGEST_BODY = 16 * 1_048_576;

interface Waiting {
  begin(): void;
}

const nodes = axios.getAdapter('http');

/**
 * axios' way to one agent that speaks plain HTTP: its answers are handed out as they came from the socket, as one Buffer.
 * What is not as simple as that (chunked, compressed, another status than 200, anything doubtful) goes to axios' own
 * adapter, answer and connection as they are: nothing is asked twice.
 */
export class LeanConnection {
  readonly #address: string;
  readonly #port: number;
  /** All of the request up to its length. */
  readonly #head: string;
  readonly #rooms = new Rooms();
  readonly #idle: LeanSocket[] = [];
  readonly #open = new Set<LeanSocket>();
  readonly #waiting: Waiting[] = [];
  #closed = false;
  maxSockets = Number.POSITIVE_INFINITY;

  constructor(address: string, port: number, headers: Readonly<Record<string, string>>) {
    this.#address = address;
    this.#port = port;
    const name = address.includes(':') ? `[${address}]` : address;
    const lines = Object.entries(headers).map(([header, value]) => `${header}: ${value}\r\n`);
    const host = port === 80 ? name : `${name}:${port}`;
    this.#head = `POST /jsonrpc HTTP/1.1\r\n${lines.join('')}Host: ${host}\r\nConnection: keep-alive\r\nContent-Length: `;
  }

  /** For a request whose `data` is a Buffer, and which gives `maxContentLength`. */
  readonly adapter: AxiosAdapter = (config) => this.#ask(config);

  /** Bytes of an answer that nobody looks at any more. */
  giveBack(bytes: Buffer): void {
    this.#rooms.giveBack(bytes);
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#open) socket.close();
  }

  #ask(config: InternalAxiosRequestConfig): Promise<AxiosResponse> {
    return new Promise((resolve, reject) => {
      const signal = config.signal as AbortSignal;
      let socket: LeanSocket | null = null;
      const onAbort = (): void => {
        settled();
        const index = this.#waiting.indexOf(waiting);
        if (index >= 0) this.#waiting.splice(index, 1);
        reject(signal.reason);
        socket?.close(signal.reason);
      };
      const settled = (): void => signal.removeEventListener('abort', onAbort);
      const waiting: Waiting = {
        begin: () => {
          socket = this.#socket();
          const longest = Math.min(LONGEST_BODY, config.maxContentLength ?? LONGEST_BODY);
          socket.ask(this.#requestOf(config), longest, {
            answered: (answer) => {
              settled();
              resolve(responseOf(answer, config));
            },
            odd: (bytes) => {
              settled();
              resolve(longWay(bytes, config));
            },
            failed: (error) => {
              settled();
              reject(error);
            },
          });
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      else if (this.#idle.length > 0 || this.#open.size < this.maxSockets) waiting.begin();
      else this.#waiting.push(waiting);
    });
  }

  #requestOf({ data }: InternalAxiosRequestConfig): string {
    const body = data as Buffer;
    return `${this.#head}${body.length}\r\n\r\n${body.toString('latin1')}`;
  }

  #socket(): LeanSocket {
    const known = this.#idle.pop();
    if (known !== undefined) return known;
    const socket = new LeanSocket(this.#address, this.#port, {
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
    this.#waiting.shift()?.begin();
  }
}

/** What comes of an answer that has begun, by axios' own adapter. Sizes are counted by whoever reads its stream. */
function longWay(bytes: Duplex, config: InternalAxiosRequestConfig): Promise<AxiosResponse> {
  return nodes({ ...config, httpAgent: new HandedOverAgent(bytes), maxContentLength: -1 });
}

/** Gives Node's client the connection that it is to read its answer from. */
class HandedOverAgent extends Agent {
  readonly #bytes: Duplex;

  constructor(bytes: Duplex) {
    super({ keepAlive: true });
    this.#bytes = bytes;
  }

  override createConnection(
    _options: ClientRequestArgs,
    created?: (error: Error | null, stream: Duplex) => void,
  ): Duplex {
    created?.(null, this.#bytes);
    return this.#bytes;
  }
}

function responseOf({ head, body }: LeanAnswer, config: InternalAxiosRequestConfig): AxiosResponse {
  const headers = new AxiosHeaders({ 'content-type': head.type });
  return { data: body, status: head.status, statusText: '', headers, config };
}
