import { randomUUID } from 'node:crypto';
import type { HostEndpoint } from '../../src/model/index.js';
import { StompPeer } from './stomp-peer.js';

const REPLIES = 'jms.topic.vdsm_responses';
/** Data of its VMs are read in every so manieth cycle. */
const VM_CYCLE = 5;

/**
 * An agent's other client, of the kind that an engine has: its topics, its heart-beats, its rhythm (vdsm-protocol.md §2,
 * §3). It keeps account of what a neighbour on the same agent could spoil.
 */
export class EngineClient implements AsyncDisposable {
  readonly #peer: StompPeer;
  readonly #pending = new Set<string>();
  readonly #reading: Promise<void>;
  #cycles = 0;
  /** Replies that answer none of its calls. */
  readonly foreign: string[] = [];
  readonly events: { readonly method: string; readonly params: Readonly<Record<string, unknown>> }[] = [];
  readonly errors: string[] = [];
  answered = 0;
  /** Calls that had no answer when the next cycle began. */
  late = 0;

  private constructor(peer: StompPeer) {
    this.#peer = peer;
    this.#reading = this.#read();
  }

  static async open(endpoint: HostEndpoint, tls = endpoint.tls): Promise<EngineClient> {
    const peer = await StompPeer.connected(endpoint, '0,15000', tls);
    peer.subscribe(REPLIES, randomUUID());
    peer.subscribe('jms.queue.events', randomUUID());
    const engine = new EngineClient(peer);
    engine.call('Host.getCapabilities');
    return engine;
  }

  get unanswered(): number {
    return this.#pending.size;
  }

  get connected(): boolean {
    return this.#peer.ended === null;
  }

  call(method: string, params: Readonly<Record<string, unknown>> = {}): void {
    const id = randomUUID();
    this.#pending.add(id);
    this.#peer.request(id, method, params, REPLIES);
  }

  /** What it does every 3 s. */
  cycle(): void {
    this.late += this.#pending.size;
    this.call('Host.getStats');
    if (this.#cycles % VM_CYCLE === 0) this.call('Host.getAllVmStats');
    this.#cycles += 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#peer[Symbol.dispose]();
    await this.#reading;
  }

  async #read(): Promise<void> {
    while (this.connected) {
      const frame = await this.#peer.next();
      if (frame === null) continue;
      if (frame.command === 'ERROR') this.errors.push(frame.body);
      if (frame.command !== 'MESSAGE') continue;
      const message = JSON.parse(frame.body) as { id?: string; method?: string; params?: Record<string, unknown> };
      if (message.method !== undefined) this.events.push({ method: message.method, params: message.params ?? {} });
      else if (this.#pending.delete(message.id ?? '')) this.answered += 1;
      else this.foreign.push(frame.body.slice(0, 200));
    }
  }
}
