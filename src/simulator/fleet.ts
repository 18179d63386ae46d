import type { Clock, Scheduler } from '../kernel/index.js';
import { startAmbient } from './ambient.js';
import type { Condition, Disturbance } from './condition.js';
import { HostHandle, VmHandle } from './handles.js';
import type { HappeningListener } from './happening.js';
import { type ClusterShare, populate } from './population.js';
import {
  type FaultKind,
  type FaultPreset,
  faultRates,
  type LifeKind,
  type LifePreset,
  lifeRates,
  type Rates,
  troubleLimit,
} from './rates.js';
import { type DownDomains, type NotificationListener, World } from './world.js';

export interface FleetOptions {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** The same seed and the same time give the same world. Default 1. */
  readonly seed?: number;
  /** Default 20. */
  readonly hosts?: number;
  /** Dealt out evenly. Default 400. */
  readonly vms?: number;
  /** Default: prod with four fifths of the hosts, lab with the rest. */
  readonly clusters?: readonly ClusterShare[];
  /** What people and guests do, as a preset or in happenings per hour. Default `none`. */
  readonly life?: LifePreset | Rates<LifeKind>;
  /** What goes wrong. Default `none`; without life and faults nothing changes its state but by command. */
  readonly faults?: FaultPreset | Rates<FaultKind>;
  /** `frozen`: not even the statistics move, and the answer of Host.getAllVmStats stays the same to the byte. */
  readonly statistics?: 'live' | 'frozen';
  /** What becomes of Down VMs. Default `linger`. */
  readonly downDomains?: DownDomains;
  /** Interval in which agents sample. Default 15,000, as VDSM does. */
  readonly sampleMs?: number;
  /** Factor of all durations, those of booting, migrating, faults …: 0.1 = ten times as fast. Default 1. */
  readonly pace?: number;
  /** Hosts that chance may have in trouble at one time. Default: by preset (demo 2, storm a third). */
  readonly maxTroubledHosts?: number;
}

/** What the manager of the fleet knows of a VM: for an inventory. */
export interface VmFacts {
  readonly id: string;
  readonly name: string;
  readonly cluster: string;
  readonly ha: boolean;
  readonly vcpus: number;
  readonly memoryMb: number;
  readonly nics: readonly { readonly mac: string; readonly name: string }[];
  readonly imageIds: readonly string[];
}

export interface HostFacts {
  readonly id: string;
  readonly name: string;
  readonly cluster: string;
}

/** The fleet in figures. */
export interface FleetCount {
  readonly hosts: number;
  readonly troubled: number;
  readonly vms: number;
  /** VMs that are not off. */
  readonly running: number;
  /** Entries of all agents' lists, Down ones and both ends of migrations included. */
  readonly listed: number;
}

/**
 * A world of hosts and VMs, without a wire. It lives by the given clock: every call first lets happen what is due. After
 * `start` things also happen while nobody asks, and listeners are told in time.
 */
export class Fleet {
  readonly seed: number;
  readonly #world: World;

  constructor(options: FleetOptions) {
    const size = { hosts: options.hosts ?? 20, vms: options.vms ?? 400 };
    const clusters = options.clusters ?? [
      { name: 'prod', share: 4 },
      { name: 'lab', share: 1 },
    ];
    this.seed = options.seed ?? 1;
    this.#world = new World({
      clock: options.clock,
      scheduler: options.scheduler,
      seed: this.seed,
      downDomains: options.downDomains ?? 'linger',
      pace: options.pace ?? 1,
    });
    const sampleMs = options.statistics === 'frozen' ? 0 : (options.sampleMs ?? 15_000);
    populate(this.#world, { ...size, clusters, sampleMs });
    const faults = options.faults ?? 'none';
    startAmbient(this.#world, {
      life: lifeRates(options.life ?? 'none', size),
      faults: faultRates(faults, size),
      maxTroubledHosts: options.maxTroubledHosts ?? troubleLimit(faults, size),
    });
  }

  /** By name or id. @throws NOT_FOUND */
  host(ref: string): HostHandle {
    return new HostHandle(this.#world, this.#world.host(ref));
  }

  /** By name or id. @throws NOT_FOUND */
  vm(ref: string): VmHandle {
    return new VmHandle(this.#world, this.#world.machine(ref));
  }

  hosts(): HostFacts[] {
    return this.#world.hosts.map(({ id, name, cluster }) => ({ id, name, cluster }));
  }

  vms(): VmFacts[] {
    return this.#world.machines.map(({ id, name, cluster, role, nics, disks }) => ({
      id,
      name,
      cluster,
      ha: role.ha,
      vcpus: role.vcpus,
      memoryMb: role.memoryMb,
      nics: nics.map(({ mac }, n) => ({ mac, name: `nic${n + 1}` })),
      imageIds: disks.map(({ imageId }) => imageId),
    }));
  }

  count(): FleetCount {
    this.#world.planner.settle();
    const { hosts, machines } = this.#world;
    return {
      hosts: hosts.length,
      troubled: hosts.filter((host) => host.condition.kind !== 'ok').length,
      vms: machines.length,
      running: machines.filter((machine) => machine.domain !== null).length,
      listed: hosts.reduce((sum, host) => sum + host.domains.size, 0),
    };
  }

  /** Things that are going to happen: a measure of the memory that the world's course takes. */
  get planned(): number {
    return this.#world.planner.size;
  }

  /** Tells of all that happens from now on, in order. Returns how to end it. */
  subscribe(listener: HappeningListener): () => void {
    return this.#world.subscribe(listener);
  }

  /** Told when an agent's behaviour towards its callers changes: for those who serve it. */
  onCondition(listener: (hostId: string, now: Condition, before: Condition) => void): () => void {
    return this.#world.onCondition((host, before) => listener(host.id, host.condition, before));
  }

  /** Told when connections are to be disturbed: for those who serve them. */
  onDisturbance(listener: (hostId: string, disturbance: Disturbance) => void): () => void {
    return this.#world.onDisturbance((host, disturbance) => listener(host.id, disturbance));
  }

  /** Told what a host's agent tells by itself: for the one who serves it. */
  onNotification(host: string, listener: NotificationListener): () => void {
    return this.#world.onNotification(this.#world.host(host), listener);
  }

  /** Lets happen what is due. */
  settle(): void {
    this.#world.planner.settle();
  }

  start(): void {
    this.#world.planner.start();
  }

  /** Nothing happens by itself any more, and no timer is left. */
  stop(): void {
    this.#world.planner.stop();
  }
}
