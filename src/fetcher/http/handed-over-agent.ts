import { Agent, type ClientRequestArgs } from 'node:http';
import type { Duplex } from 'node:stream';

/** Gives Node's client the connection that it is to read its answer from. */
export class HandedOverAgent extends Agent {
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
