import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { PostgresConnection } from '../../../src/store/index.js';

/** A TCP relay before the test database that can be told to misbehave. */
export class Relay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #pairs = new Map<Socket, Socket>();
  /** The next client data that holds this text is passed on, and then both ends hang up before the answer. */
  #hangUpAfter: string | null = null;
  #silent = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async before(url: string): Promise<{ relay: Relay; connection: PostgresConnection }> {
    const target = new URL(url);
    const host = decodeURIComponent(target.hostname);
    const relay = new Relay(
      createServer((client) => {
        const server = host.startsWith('/')
          ? createConnection(join(host, `.s.PGSQL.${target.port}`))
          : createConnection(Number(target.port), host);
        relay.#relay(client, server);
      }),
    );
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve));
    const address = relay.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const password = decodeURIComponent(target.password);
    return {
      relay,
      connection: {
        host: '127.0.0.1',
        port: address.port,
        user: target.username,
        database: target.pathname.slice(1),
        ...(password === '' ? {} : { password }),
      },
    };
  }

  hangUpAfter(text: string): void {
    this.#hangUpAfter = text;
  }

  get hungUp(): boolean {
    return this.#hangUpAfter === null;
  }

  /** From now on nothing passes, in either direction, and nobody is told. */
  silence(): void {
    this.#silent = true;
  }

  speak(): void {
    this.#silent = false;
  }

  /** Hangs up on all clients. The server is not told. */
  cut(): void {
    for (const [client, server] of this.#pairs) {
      server.removeAllListeners('close');
      client.removeAllListeners('close');
      client.destroy();
    }
    this.#pairs.clear();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #relay(client: Socket, server: Socket): void {
    this.#pairs.set(client, server);
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        this.#pairs.delete(client);
        client.destroy();
        server.destroy();
      });
    }
    client.on('data', (data) => {
      if (this.#silent) return;
      if (this.#hangUpAfter !== null && data.includes(this.#hangUpAfter)) {
        this.#hangUpAfter = null;
        // The server gets it and the goodbye after it; the client gets nothing more.
        client.removeAllListeners('close');
        client.destroy();
        server.end(data);
        return;
      }
      server.write(data);
    });
    server.on('data', (data) => {
      if (!this.#silent && !client.destroyed) client.write(data);
    });
  }
}
