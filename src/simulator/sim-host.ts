import { hashOf } from '../kernel/index.js';
import { stream, uuidFrom } from './chance.js';
import type { Domain } from './domain.js';
import type { Planned } from './planner.js';

/** How an agent behaves towards its callers. The VMs of its host run on, whatever it is. */
export type Condition =
  | { readonly kind: 'ok' }
  /** Accepts connections and answers nothing. */
  | { readonly kind: 'hang' }
  /** Its port is closed. */
  | { readonly kind: 'refuse' }
  /** Answers what is no answer. */
  | { readonly kind: 'garbage' }
  /** Breaks the connection in the middle of the body. */
  | { readonly kind: 'cut' }
  /** Sends the body byte by byte. */
  | { readonly kind: 'loris' }
  /** Answers well, but late. */
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** Answers every call with an error; 99 = re-adopts its VMs after a restart. */
  | { readonly kind: 'error'; readonly code: number; readonly message: string };
export type ConditionKind = Condition['kind'];

export const healthy: Condition = { kind: 'ok' };
export const recovering: Condition = { kind: 'error', code: 99, message: 'Recovering from crash or Initializing' };

export interface HostSize {
  readonly sockets: number;
  readonly threads: number;
  readonly memoryMb: number;
}

export interface HostNic {
  readonly name: string;
  readonly mac: string;
  readonly speedMbps: number;
  up: boolean;
}

const DAY = 86_400_000;

/** A host of the world and what its agent has counted. */
export class SimHost {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly cluster: string;
  /** Its address in the management network; where its agent is reached is the server's affair. */
  readonly address: string;
  readonly size: HostSize;
  readonly nics: readonly HostNic[];
  readonly serial: string;
  /** What its agent lists, in the order of coming. */
  readonly domains = new Map<string, Domain>();
  /** Key of its noise. */
  readonly key: number;
  condition: Condition = healthy;
  powered = true;
  /** What happens to it next: the end of a fault, a step of a restart. */
  step: Planned | null = null;
  bootedAt: number;
  agentStartedAt: number;
  bootId: string;
  readonly #random;
  readonly #sampleMs: number;
  readonly #phase: number;
  #order = 0;
  #tap = 0;

  /** `sampleMs` 0: the statistics stand still. */
  constructor(seed: number, index: number, name: string, cluster: string, size: HostSize, sampleMs: number) {
    const random = stream(seed, 'host', index);
    this.index = index;
    this.id = uuidFrom(random);
    this.name = name;
    this.cluster = cluster;
    this.address = `10.0.${4 + ((index + 10) >> 8)}.${(index + 10) & 255}`;
    this.size = size;
    const mac = (nic: number): string =>
      `52:54:00:${[index >> 8, index, nic].map((n) => (n & 255).toString(16).padStart(2, '0')).join(':')}`;
    this.nics = ['eno1', 'eno2'].map((nic, n) => ({ name: nic, mac: mac(n), speedMbps: 10_000, up: true }));
    this.serial = `EX${String(hashOf(this.id) % 1_000_000).padStart(6, '0')}`;
    this.key = hashOf(this.id) | 0;
    this.bootId = uuidFrom(random);
    this.bootedAt = -(5 * DAY + random.next() * 200 * DAY);
    this.agentStartedAt = this.bootedAt + 60_000;
    this.#sampleMs = sampleMs;
    this.#phase = random.next() * sampleMs;
    this.#random = random;
  }

  /** The statistics stand still. */
  get still(): boolean {
    return this.#sampleMs === 0;
  }

  /** Number of the agent's last sample. */
  sampleIndex(now: number): number {
    return this.still ? 0 : Math.floor((now - this.#phase) / this.#sampleMs);
  }

  /** When the agent took its last sample. */
  sampleTime(now: number): number {
    return this.still ? 0 : this.sampleIndex(now) * this.#sampleMs + this.#phase;
  }

  /** The agent's event clock: whole ms since the boot, plus 2^31 - 1. */
  statusTime(now: number): number {
    return Math.floor(this.#steady(now) - this.bootedAt) + 2_147_483_647;
  }

  /** Whole seconds since `start`, as the agent says them. */
  secondsSince(start: number, now: number): number {
    return Math.max(0, Math.floor((this.#steady(now) - start) / 1000));
  }

  /** After a boot all that its agent knew is gone. */
  boot(now: number): void {
    this.powered = true;
    this.bootedAt = now;
    this.agentStartedAt = now;
    this.bootId = uuidFrom(this.#random);
    this.#tap = 0;
    this.domains.clear();
  }

  nextOrder(): number {
    this.#order += 1;
    return this.#order;
  }

  takeTaps(count: number): number {
    const first = this.#tap;
    this.#tap += count;
    return first;
  }

  liveCount(): number {
    let count = 0;
    for (const domain of this.domains.values()) if (domain.live) count += 1;
    return count;
  }

  /** With standing statistics not even the clocks in an answer move, so that it is the same to the byte. */
  #steady(now: number): number {
    return this.still ? Math.max(0, this.bootedAt) : now;
  }
}
