import type { LightMyRequestResponse } from 'fastify';
import { silentTelemetry, VirtualTime } from '../../src/kernel/index.js';
import { Front, type FrontOptions } from '../../src/server/front/index.js';
import { createServer, type ServerOptions, type VurtiServer } from '../../src/server/index.js';
import { type FakeMonitor, fakeMonitor, T0 } from './fake-monitor.js';

export const token = 'a-token-of-more-than-thirty-two-characters';

export interface Setup {
  readonly server: VurtiServer;
  readonly monitor: FakeMonitor;
  readonly time: VirtualTime;
  get(url: string, headers?: Record<string, string>): Promise<LightMyRequestResponse>;
  send(
    method: 'POST' | 'DELETE' | 'PUT' | 'PATCH',
    url: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<LightMyRequestResponse>;
}

/** Of the sockets, too, which are opened by `server.listen()` alone. */
export type SetupOptions = Partial<ServerOptions & FrontOptions>;

export function setup(options: SetupOptions = {}): Setup {
  const time = new VirtualTime({ startAt: T0 });
  const monitor = fakeMonitor();
  const common = { phase: () => 'not ready yet', clock: time, scheduler: time, telemetry: silentTelemetry, ...options };
  const server = createServer({
    monitor: () => monitor,
    front: new Front({ listen: { host: '127.0.0.1', port: 8680 }, maxConnections: 1000, ...common }),
    token,
    settings: () => [{ path: 'mode', value: 'observer', origin: { layer: 'default', where: '' } }],
    ...common,
  });
  const base = { host: '127.0.0.1:8680' };
  return {
    server,
    monitor,
    time,
    get: (url, headers = {}) => server.inject({ method: 'GET', url, headers: { ...base, ...headers } }),
    send: (method, url, body, headers = {}) =>
      server.inject({
        method,
        url,
        headers: {
          ...base,
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
  };
}
