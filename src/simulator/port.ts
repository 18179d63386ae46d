import type { AddressInfo, Server } from 'node:net';
import { messageOf, type Scheduler, type Timer, VurtiError } from '../kernel/index.js';

/** While its port is closed somebody else may take it: tried again this often. */
const RETRY_MS = 1000;

export interface PortOptions {
  readonly scheduler: Scheduler;
  /** Of the host, for messages. */
  readonly name: string;
  readonly address: string;
  /** 0 = any; kept from the first opening on. */
  readonly port: number;
  /** Makes what listens. */
  readonly make: () => Server;
  /** Ends the connections of what listened. */
  readonly disconnect: (server: Server) => void;
  readonly onProblem: (message: string) => void;
}

/** A port that opens and closes as its host's condition says; the last word counts, however fast they come. */
export class Port {
  readonly #options: PortOptions;
  #number: number;
  #server: Server | null = null;
  #wanted: 'open' | 'closed' = 'closed';
  #work: Promise<void> = Promise.resolve();
  #retry: Timer | null = null;

  constructor(options: PortOptions) {
    this.#options = options;
    this.#number = options.port;
  }

  get number(): number {
    return this.#number;
  }

  /** What listens now. */
  get server(): Server | null {
    return this.#server;
  }

  /** @throws LISTEN_FAILED */
  async start(): Promise<void> {
    await this.#listen();
    this.#wanted = 'open';
  }

  /** Closes for good; safe to call twice. */
  async stop(): Promise<void> {
    await this.turn('closed');
    this.#retry?.cancel();
    this.#retry = null;
  }

  turn(wanted: 'open' | 'closed'): Promise<void> {
    this.#wanted = wanted;
    this.#work = this.#work.then(() => this.#reach());
    return this.#work;
  }

  async #reach(): Promise<void> {
    if ((this.#server === null) === (this.#wanted === 'closed')) return;
    if (this.#server !== null) {
      const server = this.#server;
      this.#server = null;
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        this.#options.disconnect(server);
      });
      return;
    }
    try {
      await this.#listen();
    } catch (error) {
      this.#options.onProblem(`${messageOf(error)}; tried again each second`);
      this.#retry?.cancel();
      this.#retry = this.#options.scheduler.after(
        RETRY_MS,
        () => {
          this.#retry = null;
          if (this.#wanted === 'open') void this.turn('open');
        },
        'simulator-wire',
      );
    }
  }

  #listen(): Promise<void> {
    const { address, name, make, onProblem } = this.#options;
    const server = make();
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        const place = `${address}:${this.#number}`;
        reject(
          new VurtiError('LISTEN_FAILED', `${name} cannot listen on ${place}: ${error.message}`, { cause: error }),
        );
      };
      server.once('error', fail);
      server.listen(this.#number, address, () => {
        server.off('error', fail);
        server.on('error', (error) => onProblem(`${name}: ${error.message}`));
        this.#number = (server.address() as AddressInfo).port;
        this.#server = server;
        resolve();
      });
    });
  }
}
