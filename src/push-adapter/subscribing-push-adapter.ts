import type { Channel, Evidence } from '../events/index.js';
import type { AgentSession, PushFetcher, PushSubscription } from '../fetcher/index.js';
import { type Clock, type Telemetry, VurtiError } from '../kernel/index.js';
import type { AgentPush, EvidenceStamp, HostEndpoint, VmReader } from '../model/index.js';
import { pushEvidence } from './push-evidence.js';

/** Numbers the evidence of a host; shared with whoever polls it, so that there is one order. */
export interface HostStamps {
  /** undefined: the host is gone. */
  stampPush(hostId: string, requestedAt: number, agentTime: number | null): EvidenceStamp | undefined;
  /** A connection is made: what it says is of a new session. */
  beginSession(hostId: string): void;
}

/** What becomes of a connection. Called before the evidence of it is published. */
export interface PushGate {
  connected(hostId: string): void;
  /** false: whoever said so keeps the push, and hands it to `publish` later or not at all. */
  admits(hostId: string, arrival: Arrival): boolean;
  lost(hostId: string): void;
  /** The evidence of a connection that was made is published. */
  ready(hostId: string): void;
}

/** A push that has come. */
export interface Arrival {
  readonly push: AgentPush;
  /** Monotonic ms. */
  readonly at: number;
}

interface SubscribingPushAdapterOptions {
  readonly fetcher: PushFetcher;
  readonly vms: VmReader;
  readonly evidence: Channel<Evidence>;
  readonly stamps: HostStamps;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly gate?: PushGate;
}

/**
 * Subscribes to what agents say by themselves, and publishes it as evidence: connections made and lost, and each push. It
 * decides nothing and remembers nothing but the subscriptions. Without a gate every push is published as it comes.
 */
export class SubscribingPushAdapter {
  readonly #o: SubscribingPushAdapterOptions;
  readonly #subscriptions = new Map<string, PushSubscription>();
  readonly #connected = new Set<string>();

  constructor(options: SubscribingPushAdapterOptions) {
    this.#o = options;
  }

  get size(): number {
    return this.#subscriptions.size;
  }

  /** False: this host's protocol knows no pushes. */
  subscribe(endpoint: HostEndpoint): boolean {
    const { id } = endpoint;
    this.unsubscribe(id);
    const subscription = this.#o.fetcher.listen(endpoint, {
      connected: (session) => this.#onConnected(id, session),
      pushed: (push) => this.#onPush(id, push),
      lost: (error) => this.#onLost(id, error),
    });
    if (subscription === null) return false;
    this.#subscriptions.set(id, subscription);
    return true;
  }

  unsubscribe(hostId: string): void {
    this.#subscriptions.get(hostId)?.close();
    this.#subscriptions.delete(hostId);
    if (!this.#connected.has(hostId)) return;
    this.#onLost(hostId, new VurtiError('AGENT_ABORTED', 'This host is not listened to any more'));
  }

  stop(): void {
    for (const subscription of this.#subscriptions.values()) subscription.close();
    this.#subscriptions.clear();
    this.#connected.clear();
  }

  /** Publishes one push, now or when it was kept back. */
  publish(hostId: string, { push, at }: Arrival): void {
    const stamp = this.#o.stamps.stampPush(hostId, at, push.notifyTime);
    if (stamp === undefined) return;
    // Found before any is published: whoever listens may change the repository at once.
    for (const piece of pushEvidence(hostId, stamp, push, this.#o.vms)) this.#o.evidence.publish(piece);
  }

  #onConnected(host: string, session: AgentSession): void {
    this.#o.telemetry.count('vurti_push_connections_total');
    this.#connected.add(host);
    this.#o.stamps.beginSession(host);
    this.#o.gate?.connected(host);
    const stamp = this.#o.stamps.stampPush(host, this.#o.clock.monotonic(), null);
    if (stamp !== undefined) this.#o.evidence.publish({ name: 'VdsConnected', host, stamp, ...session });
    this.#o.gate?.ready(host);
  }

  #onPush(hostId: string, push: AgentPush): void {
    this.#o.telemetry.count('vurti_pushes_total', 1, { kind: push.kind });
    const arrival = { push, at: this.#o.clock.monotonic() };
    if (this.#o.gate?.admits(hostId, arrival) === false) return;
    this.publish(hostId, arrival);
  }

  #onLost(host: string, error: VurtiError): void {
    this.#connected.delete(host);
    this.#o.gate?.lost(host);
    const stamp = this.#o.stamps.stampPush(host, this.#o.clock.monotonic(), null);
    if (stamp !== undefined) this.#o.evidence.publish({ name: 'VdsDisconnected', host, stamp, error });
  }
}
