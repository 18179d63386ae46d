import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { AgentTls, HostEndpoint } from '../../../src/model/index.js';
import type { Json } from './fixtures.js';

/** How answers go: the same tests are run over all ways. */
export const ways = {
  /** In pieces, without a length. */
  chunked: false,
  /** Plain HTTP by sockets of our own. */
  ownSockets: true,
};

/** One request as the gateway got it. */
interface Asked {
  readonly request: IncomingMessage;
  readonly method: string;
  readonly params: Json;
  readonly id: unknown;
}

export type Answering = (asked: Asked, response: ServerResponse) => void;

export interface Gateway {
  readonly host: HostEndpoint;
  readonly asked: Arrivals<Asked>;
  /** All sockets that were ever accepted. */
  readonly sockets: Arrivals<Socket>;
}

/** A list that can be waited for. */
export class Arrivals<T> extends Array<T> {
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  override push(...items: T[]): number {
    const length = super.push(...items);
    for (const { count, resolve } of this.#waiting) if (length >= count) resolve();
    return length;
  }

  /** Resolves when there are so many. */
  until(count: number): Promise<void> {
    if (this.length >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }

  /** What map and filter make of it is a plain list. */
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}

/** A server on the loopback interface, closed with its sockets at the end of the test. */
export async function listen(
  server: Server,
  tls: AgentTls | null = null,
  name = 'kvm-07',
): Promise<{ host: HostEndpoint; sockets: Arrivals<Socket> }> {
  const sockets = new Arrivals<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.push(socket);
    // A test that breaks a connection is not interested in how the server likes it.
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { host: { id: name, name, address: '127.0.0.1', port, protocol: 'http', tls }, sockets };
}

/** A gateway that speaks HTTP; `answering` gets each request with its body read and understood. */
export async function startGateway(
  answering: Answering,
  tls?: { server: ServerOptions; client: AgentTls },
): Promise<Gateway> {
  const asked = new Arrivals<Asked>();
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, params, id } = JSON.parse(Buffer.concat(chunks).toString()) as {
        method: string;
        params: Json;
        id: unknown;
      };
      const one = { request, method, params, id };
      asked.push(one);
      answering(one, response);
    });
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls.server, listener);
  server.on('tlsClientError', () => undefined);
  // The idle limit of a real gateway is its own affair; here it would only disturb.
  server.keepAliveTimeout = 0;
  const { host, sockets } = await listen(server, tls?.client ?? null);
  return { host, asked, sockets };
}

/** A server that does not even speak HTTP. */
export async function startRaw(
  onSocket: (socket: Socket) => void,
  name?: string,
): Promise<{ host: HostEndpoint; sockets: Arrivals<Socket> }> {
  const server = createTcpServer((socket) => {
    onSocket(socket);
    // Only a socket that is read notices that the other side has closed it.
    socket.resume();
  });
  return listen(server, null, name);
}

export function json(response: ServerResponse, body: unknown, headers: Record<string, string> = {}): void {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const length = ways.chunked ? {} : { 'content-length': String(bytes.length) };
  response.writeHead(200, { 'content-type': 'application/json', ...length, ...headers });
  response.end(bytes);
}

/** Answers well: a method's result by name. */
export function resultsOf(results: Json): Answering {
  return ({ method, id }, response) => json(response, { jsonrpc: '2.0', id, result: results[method] });
}

/** Resolves when the socket is closed by either side. */
export function closed(socket: Socket | undefined): Promise<void> {
  if (socket === undefined || socket.destroyed) return Promise.resolve();
  return new Promise((resolve) => socket.once('close', () => resolve()));
}
