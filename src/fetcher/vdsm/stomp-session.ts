import { asVurtiError, type Clock, type Scheduler, seconds, type Timer, type VurtiError } from '../../kernel/index.js';
import type { HostEndpoint } from '../../model/index.js';
import { agentError, badAnswer, type Question } from '../agent-errors.js';
import type { AgentSession } from '../ports.js';
import { excerpt } from '../text.js';
import { transportError } from '../transport-errors.js';
import { HeartBeats, heartBeatHeader } from './heart-beats.js';
import type { BytesReader, OpenSocket, Sockets } from './sockets.js';
import { encodeFrame, StompError, type StompFrame } from './stomp-frame.js';
import { StompParser } from './stomp-parser.js';

/** For TCP and TLS together. Below the usual deadline of a poll, so that the poll can say what it was. */
const OPEN_MS = seconds(8);
/** From then until CONNECTED. VDSM drops connections itself that it does not recognise within 10 s. */
const GREETING_MS = seconds(10);
/** A text that ends up in messages. */
const SHOWN_BYTES = 200;

const LINE_END = Buffer.from('\n');
/** Where all connections read what has no place of its own yet: a read and what comes of it are one step. */
const scratch = Buffer.allocUnsafeSlow(65_536);

export interface SessionCore {
  readonly sockets: Sockets;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
}

/** What a session tells its owner; after `lost` nothing more, and nothing at all after `close()`. */
export interface SessionOwner {
  maxFrameBytes(): number;
  /** A place for a body of so many bytes. */
  room(bytes: number): Buffer;
  /** CONNECTED was read: the agent accepts us. */
  ready(session: AgentSession): void;
  message(frame: StompFrame): void;
  /** An ERROR frame: one of our frames was refused, it does not say which. */
  refused(text: string): void;
  /** What was written has left; more may follow. */
  drained(): void;
  lost(error: VurtiError): void;
}

/**
 * One connection to one agent, from its first byte to its last.
 *
 * Modes, each at most once and in this order:
 *   opening   TCP and TLS are being set up
 *   greeting  CONNECT is sent, and nothing before it: VDSM tells by the first bytes what is spoken. CONNECTED is awaited;
 *             only with it is it sure that our certificate is accepted
 *   ready     frames go both ways, heart-beats too
 *   closed    lost or closed by us
 */
export class StompSession {
  readonly #core: SessionCore;
  readonly #owner: SessionOwner;
  readonly #ask: Question;
  readonly #beats: HeartBeats;
  readonly #parser: StompParser;
  readonly #opening = new AbortController();
  #mode: 'opening' | 'greeting' | 'ready' | 'closed' = 'opening';
  #deadline: Timer | null;
  #open: OpenSocket | null = null;
  /** The place of the parser's that is being read to; null: it is `scratch`. */
  #rest: Buffer | null = null;
  /** What came before the connection was handed over. */
  readonly #early: Buffer[] = [];

  constructor(core: SessionCore, host: HostEndpoint, owner: SessionOwner) {
    this.#core = core;
    this.#owner = owner;
    this.#ask = { host, method: 'connect' };
    this.#beats = new HeartBeats({
      ...core,
      beat: () => this.#write(LINE_END),
      silent: (what) => this.#lose(agentError('AGENT_NETWORK', this.#ask, `${what}; the connection is given up`)),
    });
    this.#parser = new StompParser({
      maxBodyBytes: () => owner.maxFrameBytes(),
      onFrame: (frame) => this.#onFrame(frame),
      room: (bytes) => owner.room(bytes),
    });
    this.#deadline = core.scheduler.after(
      OPEN_MS,
      () => this.#late(`does not answer: no connection within ${OPEN_MS / 1000} s`),
      'agent-connect',
    );
    void this.#connect();
  }

  get isReady(): boolean {
    return this.#mode === 'ready';
  }

  /** Whether a frame that is sent now leaves at once, as far as is known. */
  get isWritable(): boolean {
    return this.#mode === 'ready' && this.#open?.stream.writableNeedDrain === false;
  }

  /** Only when ready. */
  send(frame: Buffer): void {
    this.#write(frame);
  }

  close(): void {
    if (this.#mode !== 'closed') this.#end();
  }

  async #connect(): Promise<void> {
    const { host } = this.#ask;
    try {
      const open = await this.#core.sockets.open(host, this.#opening.signal, this.#reader);
      if (this.#mode === 'opening') this.#greet(open);
      else open.stream.destroy();
    } catch (error) {
      this.#lose(transportError(this.#ask, error));
    }
  }

  #greet(open: OpenSocket): void {
    this.#mode = 'greeting';
    this.#open = open;
    const { stream } = open;
    stream.on('error', (error) => this.#lose(this.#broken(error)));
    stream.on('close', () => this.#lose(this.#broken(null)));
    stream.on('end', () => this.#lose(this.#broken(null)));
    stream.on('drain', () => this.#drained());
    stream.on('data', (piece: Buffer) => this.#onData(piece));
    if (stream.destroyed) {
      this.#lose(this.#broken(null));
      return;
    }
    this.#deadline?.cancel();
    this.#deadline = this.#core.scheduler.after(
      GREETING_MS,
      () => this.#late(`does not say CONNECTED within ${GREETING_MS / 1000} s`),
      'agent-connect',
    );
    // Exactly 1.2, no list of versions. The agent does not look at the host; a colon in it would end the connection.
    const headers = { 'accept-version': '1.2', host: 'vurti', 'heart-beat': heartBeatHeader };
    this.#write(encodeFrame('CONNECT', headers));
    for (const piece of this.#early.splice(0)) this.#onData(piece);
  }

  /** Without a copy and without a stream's buffers: pieces of TLS would be 16 KiB of garbage each. */
  readonly #reader: BytesReader = {
    place: () => {
      this.#rest = this.#parser.rest;
      return this.#rest ?? scratch;
    },
    read: (bytes) => this.#onRead(bytes),
  };

  #onRead(bytes: number): void {
    const rest = this.#rest;
    // Before it is asked an agent has nothing to say: what it says is heard when it can be judged.
    if (this.#mode === 'opening') this.#early.push(Buffer.from(scratch.subarray(0, bytes)));
    else if (rest === null) this.#onData(scratch.subarray(0, bytes));
    else if (this.#mode !== 'closed') {
      this.#parser.filled(bytes);
      this.#beats.heard('same');
    }
  }

  #onData(piece: Buffer): void {
    if (this.#mode === 'closed') return;
    const { frames } = this.#parser;
    const was = this.#parser.isWithinFrame;
    try {
      this.#parser.push(piece);
    } catch (error) {
      this.#lose(this.#unreadable(error));
      return;
    }
    if (!this.#parser.isWithinFrame) this.#beats.heard('none');
    else this.#beats.heard(was && frames === this.#parser.frames ? 'same' : 'new');
  }

  #onFrame(frame: StompFrame): void {
    const text = (): string => excerpt(frame.body.toString('utf8', 0, SHOWN_BYTES), SHOWN_BYTES);
    if (this.#mode === 'greeting') {
      if (frame.command === 'CONNECTED') this.#connected(frame);
      else if (frame.command === 'ERROR') this.#lose(badAnswer(this.#ask, 'it refuses to connect', text()));
      else this.#lose(badAnswer(this.#ask, `a frame ${frame.command} instead of CONNECTED`));
      return;
    }
    if (frame.command === 'MESSAGE') this.#owner.message(frame);
    else if (frame.command === 'ERROR') this.#owner.refused(text());
    else if (frame.command !== 'RECEIPT') this.#lose(badAnswer(this.#ask, `a frame ${frame.command}`));
  }

  #connected(frame: StompFrame): void {
    const version = frame.headers.get('version');
    if (version !== undefined && version !== '1.2') {
      this.#lose(badAnswer(this.#ask, `it speaks STOMP ${excerpt(version)}, not 1.2`));
      return;
    }
    this.#deadline?.cancel();
    this.#deadline = null;
    this.#mode = 'ready';
    this.#beats.start(frame.headers.get('heart-beat'));
    if (this.#open !== null) this.#owner.ready(this.#open.session);
  }

  #write(bytes: Buffer): void {
    const stream = this.#open?.stream;
    if (stream === undefined || this.#mode === 'closed') return;
    this.#beats.sent();
    if (!stream.write(bytes)) this.#beats.blocked(true);
  }

  #drained(): void {
    this.#beats.blocked(false);
    if (this.#mode === 'ready') this.#owner.drained();
  }

  #late(what: string): void {
    this.#lose(agentError('AGENT_UNREACHABLE', this.#ask, what));
  }

  /** How the connection ended, seen from where it had come to. `error`: null = closed without a word. */
  #broken(error: Error | null): VurtiError {
    const cause = error ?? Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' });
    const named = transportError(this.#ask, cause);
    if (named.code !== 'AGENT_UNREACHABLE') return named;
    if (this.#mode === 'ready') return agentError('AGENT_NETWORK', this.#ask, 'broke the connection', { cause });
    const { tls } = this.#ask.host;
    // A reset can overtake the alert by which an agent refuses a certificate.
    const hint =
      tls === null
        ? 'It may want TLS (agents.tls), or something else listens on this port.'
        : 'It may not accept our certificate (agents.tls): the CA of the agents must have signed it.';
    const what = 'closed the connection without saying CONNECTED';
    return agentError('AGENT_UNREACHABLE', this.#ask, what, { cause, hint });
  }

  #unreadable(error: unknown): VurtiError {
    if (error instanceof StompError && error.tooLarge) {
      return agentError('AGENT_ANSWER_TOO_LARGE', this.#ask, `sent too much at once: ${error.message}`);
    }
    // A bug of ours costs this connection, not the service.
    if (!(error instanceof StompError))
      return asVurtiError(error, `${this.#ask.host.name} sent what we failed to handle`);
    return badAnswer(this.#ask, `it is not STOMP: ${error.message}`);
  }

  #lose(error: VurtiError): void {
    if (this.#mode === 'closed') return;
    this.#end();
    this.#owner.lost(error);
  }

  #end(): void {
    this.#mode = 'closed';
    this.#deadline?.cancel();
    this.#deadline = null;
    this.#beats.stop();
    this.#parser.stop();
    this.#opening.abort();
    this.#open?.stream.destroy();
  }
}
