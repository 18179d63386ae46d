import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { onTestFinished } from 'vitest';
import { VdsmFetcher } from '../../../../src/fetcher/index.js';
import { RealTime, SeededRandom, systemIds } from '../../../../src/kernel/index.js';
import type { AgentTls, HostEndpoint } from '../../../../src/model/index.js';
import { AgentServer } from './agent-server.js';
import { host } from './client.js';

export const pem = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/tls/${name}`, import.meta.url), 'utf8');

/** An agent on the loopback interface, and a client with real time; both end with the test. */
export async function onTheNetwork(server: TlsOptions | null = null, tls: AgentTls | null = null) {
  const time = new RealTime();
  const agent = new AgentServer(time);
  agent.serve({ 'Host.ping2': true, 'Host.getStats': { memFree: 5 } });
  const accept = (socket: Socket): void => void agent.accept(socket);
  const listener = server === null ? createServer(accept) : createTlsServer(server, accept);
  listener.on('tlsClientError', () => undefined);
  const port = await listen(listener);
  const fetcher = newFetcher(time);
  const at: HostEndpoint = { ...host, port, tls };
  return { time, agent, fetcher, host: at };
}

export function newFetcher(time: RealTime): VdsmFetcher {
  const fetcher = new VdsmFetcher({ ids: systemIds, clock: time, scheduler: time, random: new SeededRandom(1) });
  onTestFinished(() => fetcher.close());
  return fetcher;
}

/** Port of a server that is closed with its sockets at the end of the test. */
export async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}
