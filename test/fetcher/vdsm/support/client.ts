import { onTestFinished } from 'vitest';
import type { AgentSession, PushListener } from '../../../../src/fetcher/index.js';
import { type Sockets, VdsmFetcher, type VdsmFetcherOptions } from '../../../../src/fetcher/index.js';
import { CountedIds, SeededRandom, VirtualTime, type VurtiError } from '../../../../src/kernel/index.js';
import { type AgentPush, agentMethods, type HostEndpoint } from '../../../../src/model/index.js';
import { AgentServer } from './agent-server.js';
import { streamPair } from './memory-streams.js';

export const host: HostEndpoint = {
  id: 'kvm-07',
  name: 'kvm-07',
  address: '127.0.0.1',
  port: 54_321,
  protocol: 'vdsm',
  tls: null,
};

/** How the next attempts to connect end: with an agent, an error of Node, or not at all. */
export type Opening = 'agent' | 'never' | { readonly code: string };

class MemorySockets implements Sockets {
  /** Times of all attempts. */
  readonly attempts: number[] = [];
  opening: Opening = 'agent';
  readonly #agent: AgentServer;

  constructor(agent: AgentServer) {
    this.#agent = agent;
  }

  open(_host: HostEndpoint, signal: AbortSignal): ReturnType<Sockets['open']> {
    this.attempts.push(this.#agent.clock.monotonic());
    const { opening } = this;
    if (opening === 'never') {
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
    }
    if (opening !== 'agent') return Promise.reject(Object.assign(new Error(`connect ${opening.code}`), opening));
    const { client, agent } = streamPair();
    client.on('error', () => undefined);
    this.#agent.accept(agent);
    return Promise.resolve({
      stream: client,
      session: { agentCertificateExpiresAt: null, clientCertificateExpiresAt: null },
    });
  }
}

/** A client and an agent in memory, on a clock that stands still. */
export function inMemory(options: Partial<VdsmFetcherOptions> = {}) {
  const time = new VirtualTime();
  const agent = new AgentServer(time);
  agent.serve({ 'Host.ping2': true, 'Host.getStats': { memFree: 5 } });
  const sockets = new MemorySockets(agent);
  const fetcher = new VdsmFetcher({
    ids: new CountedIds(),
    clock: time,
    scheduler: time,
    random: new SeededRandom(1),
    allowed: new Set(agentMethods),
    sockets,
    ...options,
  });
  onTestFinished(() => fetcher.close());
  return { time, agent, sockets, fetcher };
}

export type Memory = ReturnType<typeof inMemory>;

/** A call, watched: its end shows without waiting for it. */
export class Watched {
  ended: 'no' | 'yes' = 'no';
  value: unknown;
  error: VurtiError | null = null;
  readonly controller = new AbortController();

  constructor(call: (signal: AbortSignal) => Promise<unknown>) {
    call(this.controller.signal).then(
      (value) => Object.assign(this, { ended: 'yes', value }),
      (error: VurtiError) => Object.assign(this, { ended: 'yes', error }),
    );
  }
}

export const ask = (
  fetcher: VdsmFetcher,
  method: Parameters<VdsmFetcher['call']>[1] = 'Host.ping2',
  params = {},
  at = host,
): Watched => new Watched((signal) => fetcher.call(at, method, params, { signal }));

/** What a listener heard, one entry per call. */
export class Heard implements PushListener {
  readonly log: ('connected' | 'pushed' | 'lost')[] = [];
  readonly sessions: AgentSession[] = [];
  readonly pushes: AgentPush[] = [];
  readonly losses: VurtiError[] = [];
  onConnected: () => void = () => undefined;
  onLost: () => void = () => undefined;

  connected(session: AgentSession): void {
    this.log.push('connected');
    this.sessions.push(session);
    this.onConnected();
  }

  pushed(push: AgentPush): void {
    this.log.push('pushed');
    this.pushes.push(push);
  }

  lost(error: VurtiError): void {
    this.log.push('lost');
    this.losses.push(error);
    this.onLost();
  }

  /** What the contract forbids. */
  breaches(): string[] {
    let connected = false;
    return this.log.flatMap((word, index) => {
      const allowed = word === 'connected' ? !connected : connected;
      if (word !== 'pushed') connected = word === 'connected';
      return allowed ? [] : [`${index}: ${word}`];
    });
  }
}
