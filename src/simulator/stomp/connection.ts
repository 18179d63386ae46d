import type { Duplex } from 'node:stream';
import type { Clock, Scheduler, Timer } from '../../kernel/index.js';
import type { Condition } from '../condition.js';
import { BadFrame, detect, type Frame, FrameReader } from './frames.js';
import { Output } from './output.js';

/** Time to recognise what a connection speaks. */
const DETECT_MS = 10_000;

export interface ConnectionOptions {
  readonly number: number;
  readonly socket: Duplex;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly condition: () => Condition;
  readonly nextGarbage: () => number;
  readonly onFrame: (connection: Connection, frame: Frame) => void;
  /** Why the agent ends it by itself. */
  readonly onEnding: (reason: 'bad-frame' | 'not-detected' | 'heart-beat') => void;
  readonly onClosed: (connection: Connection) => void;
}

/**
 * One client's connection, TLS or plain.
 *
 * Modes: *detecting* – too few bytes to say what is spoken; *speaking* – frames; *closed*.
 */
export class Connection {
  readonly number: number;
  readonly #options: ConnectionOptions;
  readonly #reader = new FrameReader();
  readonly #output: Output;
  readonly #timers = new Map<'detect' | 'in' | 'out', Timer>();
  #mode: 'detecting' | 'speaking' | 'closed' = 'detecting';
  #first: Buffer = Buffer.alloc(0);
  #heardAt: number;
  #sentAt: number;

  constructor(options: ConnectionOptions) {
    const { number, socket, clock } = options;
    this.number = number;
    this.#options = options;
    this.#output = new Output(options);
    this.#heardAt = clock.monotonic();
    this.#sentAt = this.#heardAt;
    // A client that goes away in the middle is no failure of the agent.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#closed());
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#arm('detect', DETECT_MS, () => this.#endFor('not-detected'));
  }

  send(command: string, headers: Readonly<Record<string, string | number>>, body = ''): void {
    if (this.#mode !== 'closed' && this.#output.frame(command, headers, body)) {
      this.#sentAt = this.#options.clock.monotonic();
    }
  }

  /** Agreed at CONNECT, ms; 0 = none. In: the client is heard within that time, or else. Out: a sign of life by then. */
  heartBeats(agreed: { readonly in: number; readonly out: number }): void {
    const { clock } = this.#options;
    this.#watch(
      'in',
      agreed.in,
      () => this.#heardAt,
      () => this.#endFor('heart-beat'),
    );
    this.#watch(
      'out',
      agreed.out,
      () => this.#sentAt,
      () => {
        this.#output.beat();
        this.#sentAt = clock.monotonic();
      },
    );
  }

  cutAfter(bytes: number): void {
    this.#output.cutAfter(bytes);
  }

  destroy(): void {
    this.#options.socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#heardAt = this.#options.clock.monotonic();
    if (this.#mode === 'closed') return;
    if (this.#mode === 'detecting') {
      this.#first = Buffer.concat([this.#first, chunk]);
      this.#detect();
      return;
    }
    this.#read(chunk);
  }

  #detect(): void {
    const spoken = detect(this.#first);
    if (spoken === null) return;
    this.#disarm('detect');
    if (spoken === 'unknown') this.#endFor('not-detected');
    else if (spoken === 'http') {
      // Images are moved over HTTP on this port; without their headers it is a bad request.
      this.#mode = 'closed';
      this.#options.socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    } else {
      this.#mode = 'speaking';
      this.#read(this.#first);
      this.#first = Buffer.alloc(0);
    }
  }

  #read(chunk: Buffer): void {
    try {
      this.#reader.push(chunk);
      for (let frame = this.#reader.next(); frame !== null; frame = this.#reader.next()) {
        this.#options.onFrame(this, frame);
        if (this.#options.socket.destroyed) return;
      }
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error;
      this.#endFor('bad-frame');
    }
  }

  /** One timer that is late by choice: it looks, when it fires, how long ago the last sign really was. */
  #watch(name: 'in' | 'out', limit: number, last: () => number, act: () => void): void {
    this.#disarm(name);
    if (limit === 0) return;
    const look = (): void => {
      const left = last() + limit - this.#options.clock.monotonic();
      if (left <= 0) act();
      if (this.#options.socket.destroyed) return;
      this.#arm(name, left > 0 ? left : limit, look);
    };
    this.#arm(name, limit, look);
  }

  #endFor(reason: 'bad-frame' | 'not-detected' | 'heart-beat'): void {
    this.#options.onEnding(reason);
    this.#options.socket.destroy();
  }

  #closed(): void {
    this.#mode = 'closed';
    for (const name of [...this.#timers.keys()]) this.#disarm(name);
    this.#output.end();
    this.#options.onClosed(this);
  }

  #arm(name: 'detect' | 'in' | 'out', ms: number, act: () => void): void {
    this.#timers.get(name)?.cancel();
    const timer = this.#options.scheduler.after(
      ms,
      () => {
        this.#timers.delete(name);
        act();
      },
      'simulator-wire',
    );
    this.#timers.set(name, timer);
  }

  #disarm(name: 'detect' | 'in' | 'out'): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
  }
}
