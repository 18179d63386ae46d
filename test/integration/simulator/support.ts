import http from 'node:http';
import { VirtualTime } from '../../../src/kernel/index.js';
import {
  Fleet,
  type FleetOptions,
  type SimulatedEndpoint,
  SimulatorServer,
  type SimulatorServerOptions,
} from '../../../src/simulator/index.js';

export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** A caller with one connection that it keeps, as a poller has. */
export class Caller implements Disposable {
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  readonly #port: number;
  readonly #address: string;

  constructor(endpoint: { readonly port: number; readonly address: string }) {
    this.#port = endpoint.port;
    this.#address = endpoint.address;
  }

  post(body: string, options: { path?: string; method?: string } = {}): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const request = http.request({
        host: this.#address,
        port: this.#port,
        path: options.path ?? '/jsonrpc',
        method: options.method ?? 'POST',
        agent: this.#agent,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      });
      request.on('error', reject);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('error', reject);
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            type: response.headers['content-type'] ?? '',
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      });
      request.end(body);
    });
  }

  /** The whole JSON-RPC answer. */
  async call(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const reply = await this.post(JSON.stringify({ jsonrpc: '2.0', id: 'q', method, params }));
    return JSON.parse(reply.body) as Record<string, unknown>;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/** How a promise stands after some time of the real clock. */
export function stateAfter(ms: number, promise: Promise<unknown>): Promise<string> {
  return Promise.race([
    promise.then(
      () => 'answered',
      (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'failed'),
    ),
    new Promise<string>((resolve) => setTimeout(resolve, ms, 'waiting')),
  ]);
}

export interface Served extends AsyncDisposable {
  readonly fleet: Fleet;
  readonly server: SimulatorServer;
  /** World time is virtual: it moves only when told to. */
  readonly time: VirtualTime;
  caller(host?: string): Caller;
  endpoint(host?: string): SimulatedEndpoint;
}

type WireOption = 'bind' | 'maxPage' | 'onProblem' | 'protocol' | 'tls' | 'onFrame';

type ServeOptions = Partial<FleetOptions> &
  Pick<SimulatorServerOptions, WireOption> & {
    /** Time of the wire alone: heart-beats, delays. Default: that of the world. */
    readonly wireTime?: SimulatorServerOptions['time'];
  };

/** A fleet on real sockets whose world and whose delays stand still until the virtual clock is run. */
export async function serve(options: ServeOptions = {}): Promise<Served> {
  const { bind, maxPage, onProblem, protocol, tls, onFrame, wireTime, ...fleetOptions } = options;
  const time = new VirtualTime();
  const fleet = new Fleet({ clock: time, scheduler: time, hosts: 2, vms: 10, ...fleetOptions });
  const wire = {
    ...(bind === undefined ? {} : { bind }),
    ...(maxPage === undefined ? {} : { maxPage }),
    ...(onProblem === undefined ? {} : { onProblem }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(tls === undefined ? {} : { tls }),
    ...(onFrame === undefined ? {} : { onFrame }),
  };
  const server = new SimulatorServer({ fleet, time: wireTime ?? time, ...wire });
  await server.start();
  const callers: Caller[] = [];
  const endpoint = (host = 'kvm-01'): SimulatedEndpoint => {
    const found = server.endpoints().find(({ name }) => name === host);
    if (found === undefined) throw new Error(`no endpoint ${host}`);
    return found;
  };
  return {
    fleet,
    server,
    time,
    endpoint,
    caller: (host) => {
      const caller = new Caller(endpoint(host));
      callers.push(caller);
      return caller;
    },
    [Symbol.asyncDispose]: async () => {
      for (const caller of callers) caller[Symbol.dispose]();
      await server.stop();
    },
  };
}

/** Waits in real time until the condition holds, for at most two seconds. */
export async function eventually(condition: () => Promise<boolean> | boolean): Promise<boolean> {
  for (let i = 0; i < 200; i++) {
    if (await condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

/** Sockets and listening ports that this process holds, by kind. */
export function openHandles(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((kind) => /TCP/.test(kind))
    .sort();
}
