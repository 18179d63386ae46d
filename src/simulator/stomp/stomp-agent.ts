import { createServer as createPlainServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions, Server as TlsServer } from 'node:tls';
import type { Clock, Scheduler, Timer } from '../../kernel/index.js';
import type { Condition, Disturbance } from '../condition.js';
import { Port } from '../port.js';
import type { Ask } from '../rpc.js';
import type { WireAgent } from '../wire-agent.js';
import { Broker, EVENTS } from './broker.js';
import { Connection } from './connection.js';
import { Counters, type WireFigures } from './figures.js';
import type { Frame } from './frames.js';
import type { LabCertificate } from './lab-ca.js';
import { Requests } from './requests.js';
import { Workers } from './workers.js';

/** Time to finish a TLS handshake. */
const HANDSHAKE_MS = 10_000;
/** A connection to an agent that drops them lives so long. */
const DROP_MS = 400;

export interface AgentTlsFiles {
  /** Clients must show a certificate of this authority. */
  readonly ca: string;
  readonly own: LabCertificate;
  readonly expired: LabCertificate;
}

export interface StompAgentOptions {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly name: string;
  readonly address: string;
  /** 0 = any; kept from the first opening on. */
  readonly port: number;
  /** null: plain TCP. */
  readonly tls: AgentTlsFiles | null;
  readonly ask: Ask;
  readonly condition: () => Condition;
  /** How long a method takes now, ms. */
  readonly duration: (method: string) => number;
  /** Whether a request without id kills it, as it does VDSM. */
  readonly mortal: () => boolean;
  readonly onProblem: (message: string) => void;
  /** Sees every frame of every client. */
  readonly onFrame: (connection: number, frame: Frame) => void;
}

/** One agent on the wire as VDSM is: JSON-RPC over its subset of STOMP 1.2, and its own events. */
export class StompAgent implements WireAgent {
  readonly #options: StompAgentOptions;
  readonly #port: Port;
  readonly #counters = new Counters();
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Set<Connection>();
  readonly #drops = new Set<Timer>();
  readonly #broker: Broker;
  readonly #workers: Workers;
  readonly #requests: Requests;
  #garbage = 0;
  #served = 0;

  constructor(options: StompAgentOptions) {
    const { scheduler, name, address, port, onProblem } = options;
    this.#options = options;
    this.#port = new Port({
      ...{ scheduler, name, address, port, onProblem },
      make: () => this.#make(),
      disconnect: () => this.#disconnect(),
    });
    this.#workers = new Workers(scheduler);
    this.#requests = new Requests({
      ask: options.ask,
      workers: this.#workers,
      duration: (method) => {
        const condition = options.condition();
        return condition.kind === 'slow' ? condition.delayMs : options.duration(method);
      },
      reply: (destination, text) => {
        this.#counters.add(this.#broker.publish(destination, () => text) > 0 ? 'replies' : 'repliesDropped');
      },
      onNotification: () => {
        this.#counters.add('notifications');
        return options.mortal();
      },
      onOverload: () => this.#counters.add('overloads'),
    });
    this.#broker = new Broker({
      onRequest: (body, replyTo) => {
        this.#counters.add('requests');
        this.#requests.take(body, replyTo);
      },
      onError: () => this.#counters.add('errors'),
    });
  }

  get port(): number {
    return this.#port.number;
  }

  get figures(): WireFigures {
    return {
      open: this.#connections.size,
      listeners: this.#broker.subscribers(EVENTS),
      busyWorkers: this.#workers.busy,
      waitingRequests: this.#workers.waiting,
      dead: this.#requests.dead,
      ...this.#counters.all(),
    };
  }

  async start(): Promise<void> {
    await this.#port.start();
    if (this.#options.condition().kind === 'refuse') await this.#port.turn('closed');
  }

  async stop(): Promise<void> {
    this.#requests.reset();
    await this.#port.stop();
    this.#disconnect();
    for (const timer of this.#drops) timer.cancel();
    this.#drops.clear();
  }

  /** An agent whose port closes has been stopped: all that it worked on is forgotten. */
  apply(now: Condition, before: Condition): void {
    if (now.kind === 'refuse') {
      this.#requests.reset();
      void this.#port.turn('closed');
    } else if (before.kind === 'refuse') {
      void this.#port.turn('open');
    } else if (now.kind === 'drop') {
      for (const socket of this.#sockets) this.#dropLater(socket);
    } else if (now.kind === 'expired' || before.kind === 'expired') {
      const { server } = this.#port;
      if (server instanceof TlsServer) server.setSecureContext(this.#tlsOptions());
      this.#disconnect();
    } else if (before.kind === 'hang' || before.kind === 'stall' || before.kind === 'loris') {
      // Who waits for what will not come is let go.
      this.#requests.reset();
      this.#disconnect();
    }
  }

  disturb({ afterBytes }: Disturbance): void {
    if (afterBytes === 0) this.#disconnect();
    else for (const connection of this.#connections) connection.cutAfter(afterBytes);
  }

  /** Pushes an event to all who listen; if nobody does, it is lost. */
  notify(message: () => string): void {
    const heard = this.#broker.publish(EVENTS, message);
    this.#counters.add(heard > 0 ? 'events' : 'eventsLost');
  }

  #make(): Server {
    const server =
      this.#options.tls === null
        ? createPlainServer((socket) => this.#serve(socket))
        : createTlsServer({ ...this.#tlsOptions(), handshakeTimeout: HANDSHAKE_MS }, (socket) => this.#serve(socket));
    // Also those that never finish a handshake.
    server.on('connection', (socket: Socket) => {
      this.#counters.add('accepted');
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
      if (this.#options.condition().kind === 'drop') this.#dropLater(socket);
    });
    return server;
  }

  #tlsOptions(): TlsOptions {
    const { tls, condition } = this.#options;
    if (tls === null) return {};
    const shown = condition().kind === 'expired' ? tls.expired : tls.own;
    return {
      ...{ ca: tls.ca, cert: shown.cert, key: shown.key },
      ...{ requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2' },
    };
  }

  #serve(socket: Socket): void {
    const { clock, scheduler, condition } = this.#options;
    const connection = new Connection({
      number: ++this.#served,
      ...{ socket, clock, scheduler, condition },
      nextGarbage: () => this.#garbage++,
      onFrame: (from, frame) => {
        this.#counters.add('frames');
        this.#options.onFrame(from.number, frame);
        if (this.#broker.take(from, frame)) return;
        this.#counters.add('badFrames');
        from.destroy();
      },
      onEnding: (reason) => this.#counters.add(endings[reason]),
      onClosed: (from) => {
        this.#connections.delete(from);
        this.#broker.forget(from);
      },
    });
    this.#connections.add(connection);
  }

  #disconnect(): void {
    for (const connection of this.#connections) connection.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }

  #dropLater(socket: Socket): void {
    const forget = (): void => {
      timer.cancel();
      this.#drops.delete(timer);
    };
    const timer = this.#options.scheduler.after(
      DROP_MS,
      () => {
        forget();
        socket.destroy();
      },
      'simulator-wire',
    );
    this.#drops.add(timer);
    socket.once('close', forget);
  }
}

const endings = {
  'bad-frame': 'badFrames',
  'not-detected': 'notDetected',
  'heart-beat': 'heartBeatsMissed',
} as const;
