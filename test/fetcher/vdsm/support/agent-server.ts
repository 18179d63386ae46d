import type { Duplex } from 'node:stream';
import type { Clock, Scheduler, Timer } from '../../../../src/kernel/index.js';
import { asciiJson, type Frame, FrameReader, frameBytes, looksLikeStomp } from './agent-wire.js';

/**
 * An agent as vdsm-protocol.md describes it, for tests of the client. It knows nothing of the client's code: what both
 * misunderstand in the same way would otherwise look right.
 */

type Json = Record<string, unknown>;

/** One request as the agent got it. */
export interface Received {
  readonly connection: AgentConnection;
  readonly destination: string;
  readonly replyTo: string;
  readonly id: unknown;
  readonly method: string;
  readonly params: Json;
  /** Sends the reply, now or later; only the first counts. */
  readonly result: (value: unknown) => void;
  readonly error: (code: number, message?: string) => void;
}

export class AgentError extends Error {
  readonly code: number;
  constructor(code: number, message = 'made by the test') {
    super(message);
    this.code = code;
  }
}

/** What the agent does with a request: a result, an error thrown, or `hold` and nothing until the test says so. */
export type Answering = (request: Received) => unknown;
export const hold = Symbol('hold');

interface Subscription {
  readonly connection: AgentConnection;
  readonly id: string;
}

const WORKERS = 8;
const QUEUE = 80;
const REQUEST_QUEUES = ['jms.topic.vdsm_requests', 'jms.topic.vdsm_irs_requests'];

export class AgentServer {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** All that ever came, open or not. */
  readonly connections: AgentConnection[] = [];
  /** All requests, in the order in which they came. */
  readonly requests: Received[] = [];
  /** Destination → who hears it: one table for the whole server. */
  readonly subscriptions = new Map<string, Subscription[]>();
  /** Methods that are served; others are -32601. */
  readonly methods = new Map<string, Answering>();
  /** Code 99 for everything; events are dropped. */
  recovering = false;
  /** Set by a request without an id: the thread that serves requests has ended. */
  deaf = false;
  /** false: a connection is accepted, and then nothing is ever said. */
  talks = true;
  /** false: promised heart-beats are not sent. */
  beats = true;
  /** true: a client's promise to send is not held against it. */
  patient = false;
  /** What is written goes out in pieces of so many bytes. */
  pieceBytes = Infinity;
  /** Changes the bytes of a frame before they leave; null = as they are. */
  tamper: ((frame: Buffer, connection: AgentConnection) => Buffer) | null = null;
  readonly #replyTo = new Map<unknown, string | undefined>();
  #working = 0;

  constructor(time: Clock & Scheduler) {
    this.clock = time;
    this.scheduler = time;
  }

  /** Serves one connection from its first byte. */
  accept(stream: Duplex): AgentConnection {
    const connection = new AgentConnection(this, stream);
    this.connections.push(connection);
    return connection;
  }

  get open(): AgentConnection[] {
    return this.connections.filter((connection) => !connection.closed);
  }

  /** The newest connection. */
  get last(): AgentConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error('Nobody has connected');
    return connection;
  }

  serve(results: Readonly<Record<string, unknown>>): this {
    for (const [method, result] of Object.entries(results)) {
      this.methods.set(method, typeof result === 'function' ? (result as Answering) : () => result);
    }
    return this;
  }

  /** To everybody who hears the event queue; lost if nobody does. */
  push(method: string, params: Json, notifyTime = 2_233_900_001): void {
    if (this.recovering) return;
    this.send(
      'jms.queue.events',
      asciiJson({ jsonrpc: '2.0', method, params: { ...params, notify_time: notifyTime } }),
    );
  }

  /** A message to all subscribers of a destination, whoever they are. */
  send(destination: string, body: string): void {
    for (const { connection, id } of this.subscriptions.get(destination) ?? []) {
      connection.send('MESSAGE', { destination, 'content-type': 'application/json', subscription: id }, body);
    }
  }

  forget(connection: AgentConnection, id?: string): void {
    for (const [destination, all] of this.subscriptions) {
      const rest = all.filter((one) => one.connection !== connection || (id !== undefined && one.id !== id));
      if (rest.length === 0) this.subscriptions.delete(destination);
      else this.subscriptions.set(destination, rest);
    }
  }

  /** A SEND: forwarded to subscribers, executed if it goes to a request queue or a child of one. */
  onSend(connection: AgentConnection, frame: Frame): void {
    const destination = frame.headers.get('destination') ?? '';
    const subscribed = this.subscriptions.has(destination);
    if (subscribed) this.send(destination, frame.body.toString());
    const queue = REQUEST_QUEUES.some((name) => destination === name || destination.startsWith(`${name}.`));
    if (queue) this.#execute(connection, destination, frame.headers.get('reply-to'), frame.body.toString());
    else if (!subscribed) connection.send('ERROR', {}, 'Subscription not available');
  }

  #execute(connection: AgentConnection, destination: string, replyTo: string | undefined, text: string): void {
    if (this.deaf) return;
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      this.#reply(null, { error: { code: -32_700, message: 'Invalid JSON was received by the server.' } });
      return;
    }
    if (Array.isArray(message)) {
      // Two or more are executed and never answered; one is answered as a plain object.
      if (message.length !== 1) return;
      message = message[0];
    }
    const request = message as Json;
    if (request['jsonrpc'] !== '2.0') {
      this.#reply(null, { error: { code: -32_600, message: 'The JSON sent is not a valid Request object.' } });
      return;
    }
    if (!('id' in request)) {
      this.deaf = true;
      return;
    }
    const { id } = request;
    this.#replyTo.set(id, replyTo);
    this.#work(connection, destination, replyTo ?? '', request);
  }

  #work(connection: AgentConnection, destination: string, replyTo: string, request: Json): void {
    const id = request['id'];
    const method = String(request['method']);
    let answered = false;
    const reply = (answer: Json): void => {
      if (answered) return;
      answered = true;
      this.#working -= 1;
      this.#reply(id, answer);
    };
    const received: Received = {
      ...{ connection, destination, replyTo, id, method },
      params: (request['params'] ?? {}) as Json,
      result: (value) => reply({ result: value ?? true }),
      error: (code, message = 'made by the test') => reply({ error: { code, message } }),
    };
    this.requests.push(received);
    this.#working += 1;
    if (this.#working > WORKERS + QUEUE) {
      received.error(1100, 'Not enough resources');
      return;
    }
    if (this.recovering) {
      received.error(99, 'Recovering from crash or Initializing');
      return;
    }
    const serve = this.methods.get(method);
    if (serve === undefined) {
      received.error(-32_601, `The method does not exist or is not available: {'method': '${method}'}`);
      return;
    }
    void Promise.resolve()
      .then(() => serve(received))
      .then(
        (value) => {
          if (value !== hold) received.result(value);
        },
        (error: unknown) => {
          if (error instanceof AgentError) received.error(error.code, error.message);
          else received.error(-32_603, String(error));
        },
      );
  }

  #reply(id: unknown, answer: Json): void {
    const destination = this.#replyTo.get(id) ?? 'jms.topic.vdsm_responses';
    this.#replyTo.delete(id);
    this.send(destination, asciiJson({ jsonrpc: '2.0', id, ...answer }));
  }
}

export class AgentConnection {
  readonly frames: Frame[] = [];
  /** All bytes that came. */
  bytes = Buffer.alloc(0);
  closed = false;
  /** Line ends between frames that came. */
  beatsHeard = 0;
  readonly stream: Duplex;
  readonly #server: AgentServer;
  readonly #reader: FrameReader;
  readonly #subscriptionIds = new Set<string>();
  #detected = false;
  #waiting: Buffer[] = [];
  #lastHeard: number;
  #lastSent = 0;
  #timers: Timer[] = [];

  constructor(server: AgentServer, stream: Duplex) {
    this.#server = server;
    this.stream = stream;
    this.#lastHeard = server.clock.monotonic();
    this.#reader = new FrameReader(
      (frame) => this.#onFrame(frame),
      () => {
        this.beatsHeard += 1;
      },
    );
    stream.on('error', () => undefined);
    stream.on('close', () => this.#end());
    stream.on('end', () => this.close());
    stream.on('data', (piece: Buffer) => this.#onData(piece));
  }

  /** Frames of one command. */
  of(command: string): Frame[] {
    return this.frames.filter((frame) => frame.command === command);
  }

  send(command: string, headers: Readonly<Record<string, string>>, body?: string): void {
    const bytes = frameBytes(command, headers, body);
    this.raw(this.#server.tamper === null ? bytes : this.#server.tamper(bytes, this));
  }

  /** Bytes as they are. */
  raw(bytes: Buffer | string): void {
    if (this.closed) return;
    const all = Buffer.from(bytes);
    this.#lastSent = this.#server.clock.monotonic();
    const step = Math.min(this.#server.pieceBytes, Math.max(1, all.length));
    for (let at = 0; at < all.length; at += step) this.stream.write(all.subarray(at, at + step));
  }

  close(): void {
    if (this.closed) return;
    this.#end();
    this.stream.destroy();
  }

  #end(): void {
    this.closed = true;
    this.#server.forget(this);
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
  }

  #onData(piece: Buffer): void {
    if (this.closed) return;
    this.#lastHeard = this.#server.clock.monotonic();
    this.bytes = Buffer.concat([this.bytes, piece]);
    if (!this.#server.talks) return;
    if (!this.#detected) {
      this.#waiting.push(piece);
      const begin = Buffer.concat(this.#waiting);
      if (begin.length < 11) return;
      if (!looksLikeStomp(begin)) {
        this.close();
        return;
      }
      this.#detected = true;
      this.#waiting = [];
      this.#read(begin);
    } else this.#read(piece);
  }

  #read(bytes: Buffer): void {
    try {
      this.#reader.push(bytes);
    } catch {
      this.close();
    }
  }

  #onFrame(frame: Frame): void {
    if (this.closed) return;
    this.frames.push(frame);
    switch (frame.command) {
      case 'CONNECT':
        this.#connect(frame);
        break;
      case 'SUBSCRIBE':
        this.#subscribe(frame);
        break;
      case 'UNSUBSCRIBE':
        this.#unsubscribe(frame);
        break;
      case 'SEND':
        this.#server.onSend(this, frame);
        break;
      case 'DISCONNECT': {
        const receipt = frame.headers.get('receipt');
        if (receipt !== undefined) this.send('RECEIPT', { 'receipt-id': receipt });
        break;
      }
      default:
        this.close();
    }
  }

  #connect(frame: Frame): void {
    if (frame.headers.get('accept-version') !== '1.2') {
      this.send('ERROR', {}, 'Version unsupported');
      return;
    }
    const [x = 0, y = 0] = (frame.headers.get('heart-beat') ?? '0,0').split(',').map((value) => {
      const ms = Number.parseInt(value, 10) || 0;
      return ms === 0 ? 0 : Math.max(ms, 1000);
    });
    this.send('CONNECTED', { version: '1.2', 'heart-beat': `${y},${x}` });
    if (y > 0)
      this.#every(
        y,
        () => this.#lastSent,
        () => this.#server.beats && this.raw('\n'),
      );
    // No grace at all.
    if (x > 0)
      this.#every(
        x,
        () => this.#lastHeard,
        () => !this.#server.patient && this.close(),
      );
  }

  /** Runs `act` whenever `ms` have passed since `since()`. */
  #every(ms: number, since: () => number, act: () => void): void {
    const { clock, scheduler } = this.#server;
    const index = this.#timers.length;
    const arm = (due: number): void => {
      this.#timers[index] = scheduler.at(
        due,
        () => {
          if (this.closed) return;
          if (clock.monotonic() >= since() + ms) {
            act();
            if (this.closed) return;
            arm(clock.monotonic() + ms);
          } else arm(since() + ms);
        },
        'agent-beat',
      );
    };
    arm(clock.monotonic() + ms);
  }

  #subscribe(frame: Frame): void {
    const destination = frame.headers.get('destination');
    const id = frame.headers.get('id');
    if (destination === undefined || destination === '' || id === undefined || id === '') {
      this.send('ERROR', {}, 'Missing destination or subscription id header');
      return;
    }
    if (this.#subscriptionIds.has(id)) {
      this.send('ERROR', {}, 'Subscription id already exists');
      return;
    }
    this.#subscriptionIds.add(id);
    const all = this.#server.subscriptions.get(destination) ?? [];
    this.#server.subscriptions.set(destination, [...all, { connection: this, id }]);
  }

  #unsubscribe(frame: Frame): void {
    const id = frame.headers.get('id');
    if (id === undefined) {
      this.send('ERROR', {}, 'Missing id header');
      return;
    }
    if (this.#subscriptionIds.delete(id)) this.#server.forget(this, id);
  }
}
