import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { HostEndpoint } from '../../src/model/index.js';

/** A frame as an agent sends it. */
export interface Received {
  readonly command: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Longest wait for something on loopback. */
const PATIENCE_MS = 5000;

/** A STOMP client of the tests' own, written from the protocol text: it sends what it is told, right or wrong. */
export class StompPeer implements Disposable {
  readonly #socket: Socket;
  readonly #frames: Received[] = [];
  #buffer = Buffer.alloc(0);
  readonly #wake: (() => void)[] = [];
  /** Line ends between frames. */
  beats = 0;
  bytes = 0;
  /** How it ended: "end", or the code of the error. */
  ended: string | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#end(error.code ?? error.message));
    socket.on('close', () => this.#end('end'));
  }

  static async open(endpoint: HostEndpoint, tls = endpoint.tls): Promise<StompPeer> {
    const { address: host, port } = endpoint;
    const { ca, cert, key } = tls ?? {};
    const socket =
      tls === null
        ? connectPlain({ host, port })
        : connectTls({ host, port, ca, cert, key, checkServerIdentity: () => undefined });
    const peer = new StompPeer(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once(tls === null ? 'connect' : 'secureConnect', resolve);
      socket.once('error', reject);
    });
    return peer;
  }

  /** A connection that has been answered CONNECTED. */
  static async connected(endpoint: HostEndpoint, heartBeat = '0,0', tls = endpoint.tls): Promise<StompPeer> {
    const peer = await StompPeer.open(endpoint, tls);
    peer.write(`CONNECT\naccept-version:1.2\nhost:null\nheart-beat:${heartBeat}\n\n\0`);
    const frame = await peer.next();
    if (frame?.command !== 'CONNECTED') throw new Error(`Not connected: ${JSON.stringify(frame)}`);
    return peer;
  }

  write(bytes: string | Buffer): void {
    this.#socket.write(bytes);
  }

  subscribe(destination: string, id: string): void {
    this.write(`SUBSCRIBE\ndestination:${destination}\nid:${id}\nack:auto\n\n\0`);
  }

  send(body: string, replyTo?: string, destination = 'jms.topic.vdsm_requests'): void {
    const reply = replyTo === undefined ? '' : `reply-to:${replyTo}\n`;
    this.write(`SEND\ndestination:${destination}\n${reply}content-length:${Buffer.byteLength(body)}\n\n${body}\0`);
  }

  request(id: string, method: string, params: unknown = {}, replyTo?: string): void {
    this.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }), replyTo);
  }

  /** Sends a SEND that nobody may take and waits for its ERROR: all that was sent before has been dealt with. */
  async settled(): Promise<void> {
    this.write('SEND\ndestination:nowhere.at.all\n\n\0');
    await this.take((frame) => frame.command === 'ERROR');
  }

  /** The next frame; null when the connection ended before it, or none came. */
  next(): Promise<Received | null> {
    return this.take(() => true);
  }

  /** The first frame of this kind that has come and was not taken, else the next one. */
  async take(wanted: (frame: Received) => boolean, patienceMs = PATIENCE_MS): Promise<Received | null> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const at = this.#frames.findIndex(wanted);
      if (at >= 0) return this.#frames.splice(at, 1)[0] ?? null;
      if (this.ended !== null || performance.now() >= deadline) return null;
      await this.#change(deadline - performance.now());
    }
  }

  /** JSON of the next message with this id, or null. */
  async reply(id: string | null): Promise<Record<string, unknown> | null> {
    const frame = await this.take((one) => one.command === 'MESSAGE' && idOf(one) === id);
    return frame === null ? null : (JSON.parse(frame.body) as Record<string, unknown>);
  }

  /** Params of the next event whose method begins like this, with the method. */
  async event(begin: string): Promise<{ method: string; params: Record<string, unknown> } | null> {
    const frame = await this.take((one) => one.command === 'MESSAGE' && one.body.includes(`"method":"${begin}`));
    return frame === null ? null : (JSON.parse(frame.body) as { method: string; params: Record<string, unknown> });
  }

  /** All that has come and was not taken. */
  drain(): Received[] {
    return this.#frames.splice(0);
  }

  async closed(patienceMs = PATIENCE_MS): Promise<string> {
    const deadline = performance.now() + patienceMs;
    while (this.ended === null && performance.now() < deadline) await this.#change(deadline - performance.now());
    return this.ended ?? 'open';
  }

  /** Bytes that are no whole frame yet. */
  get rest(): string {
    return this.#buffer.toString('latin1');
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, ms));
      this.#wake.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #woken(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  #end(how: string): void {
    this.ended ??= how;
    this.#woken();
  }

  #take(chunk: Buffer): void {
    this.bytes += chunk.length;
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      while (this.#buffer[0] === 10) {
        this.beats += 1;
        this.#buffer = this.#buffer.subarray(1);
      }
      const headEnd = this.#buffer.indexOf('\n\n');
      if (headEnd < 0) break;
      const [command = '', ...lines] = this.#buffer.toString('utf8', 0, headEnd).split('\n');
      const headers = Object.fromEntries(lines.map((line) => line.split(/:(.*)/s).slice(0, 2) as [string, string]));
      const length = headers['content-length'];
      const to = length === undefined ? this.#buffer.indexOf(0, headEnd + 2) : headEnd + 2 + Number(length);
      if (to < 0 || this.#buffer.length <= to || this.#buffer[to] !== 0) break;
      this.#frames.push({ command, headers, body: this.#buffer.toString('utf8', headEnd + 2, to) });
      this.#buffer = this.#buffer.subarray(to + 1);
    }
    this.#woken();
  }
}

function idOf(frame: Received): unknown {
  try {
    const message = JSON.parse(frame.body) as { id?: unknown; method?: unknown };
    return message.method === undefined ? message.id : undefined;
  } catch {
    return undefined;
  }
}
