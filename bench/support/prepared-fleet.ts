import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { VirtualTime } from '../../src/kernel/index.js';
import type { AgentMethod } from '../../src/model/index.js';
import { Fleet, type SimulatedEndpoint } from '../../src/simulator/index.js';

/** Made once, served in turn: serving costs next to nothing, and every poll finds other figures. */
const VARIANTS = 8;
const JSON_TYPE = 'application/json';
/** Asked at every poll, with the parameters by which an HTTP agent is asked. */
const PREPARED = {
  'Host.getAllVmStats': { limit: 1000 },
  'Host.getStats': {},
} as const satisfies Partial<Record<AgentMethod, object>>;
const DATE_TIME = '"dateTime":"';
/** 2026-11-20T20:39:11 GMT */
const DATE_TIME_LENGTH = 23;

/** An answer as it goes over the wire, but for the request's id and the agent's time, which are written into it. */
interface Prepared {
  readonly method: string;
  readonly bytes: Buffer;
  readonly timeAt: number;
}

interface Question {
  readonly id: string;
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/**
 * Agents whose usual answers are ready-made, on plain HTTP: a port each. What a fleet takes to make its figures would be
 * taken from the caches and the core of the one that is measured.
 */
export class PreparedFleet {
  readonly fleet: Fleet;
  readonly #servers: Server[] = [];
  #endpoints: readonly SimulatedEndpoint[] = [];

  private constructor(fleet: Fleet) {
    this.fleet = fleet;
  }

  static async start(order: { hosts: number; vms: number; sampleMs: number }): Promise<PreparedFleet> {
    const time = new VirtualTime({ startAt: Date.now() });
    const prepared = new PreparedFleet(new Fleet({ ...order, statistics: 'live', clock: time, scheduler: time }));
    await prepared.#start(time, order.sampleMs);
    return prepared;
  }

  endpoints(): readonly SimulatedEndpoint[] {
    return this.#endpoints;
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  async #start(time: VirtualTime, sampleMs: number): Promise<void> {
    const hosts = this.fleet.hosts();
    const all = hosts.map((): Prepared[][] => []);
    for (let turn = 0; turn < VARIANTS; turn++) {
      for (const [i, { id }] of hosts.entries()) all[i]?.push(this.#prepare(id));
      await time.runFor(sampleMs);
    }
    this.#endpoints = await Promise.all(
      hosts.map(async ({ id, name, cluster }, i) => {
        const port = await this.#serve(id, all[i] ?? []);
        return { id, name, cluster, address: '127.0.0.1', port, protocol: 'http', tls: null } as const;
      }),
    );
  }

  #prepare(host: string): Prepared[] {
    return Object.entries(PREPARED).map(([method, params]) => {
      const bytes = Buffer.from(this.#answer(host, { id: '0'.repeat(36), method, params }));
      return { method, bytes, timeAt: bytes.indexOf(DATE_TIME) };
    });
  }

  #answer(host: string, { id, method, params = {} }: Question): string {
    const answer = this.fleet.host(host).ask(method, params);
    const result = 'error' in answer ? `"error":${JSON.stringify(answer.error)}` : `"result":${answer.result}`;
    return `{"jsonrpc":"2.0","id":"${id}",${result}}`;
  }

  async #serve(host: string, turns: readonly Prepared[][]): Promise<number> {
    let asked = 0;
    const answer = (question: Question): Buffer | string => {
      const ready = turns[asked % VARIANTS]?.find(({ method }) => method === question.method);
      if (ready === undefined) return this.#answer(host, question);
      if (question.method === 'Host.getAllVmStats') asked += 1;
      // One question at a time of a kind: what is written into was sent.
      ready.bytes.write(question.id, '{"jsonrpc":"2.0","id":"'.length, 'latin1');
      if (ready.timeAt >= 0) ready.bytes.write(agentTime(), ready.timeAt + DATE_TIME.length, 'latin1');
      return ready.bytes;
    };
    const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => serve(request, response, answer));
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }
}

function serve(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (question: Question) => Buffer | string,
): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = answer(JSON.parse(Buffer.concat(chunks).toString()) as Question);
    response.writeHead(200, { 'content-type': JSON_TYPE, 'content-length': Buffer.byteLength(body) });
    response.end(body);
  });
}

function agentTime(): string {
  return `${new Date().toISOString().slice(0, DATE_TIME_LENGTH - 4)} GMT`;
}
