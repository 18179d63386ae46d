import {
  type Freshness,
  notRunning,
  type Unsettled,
  type Vm,
  type VmReader,
  type VmStatus,
  type VmUsage,
} from '../model/index.js';
import { IndexBy } from './index-by.js';
import { type ReadView, Versioned } from './read-view.js';
import { type Watcher, Watchers } from './watchers.js';

/** What freshness needs to know of the host that runs a VM. */
export interface HostFacts {
  /** Whether the host counts as lost, so that nothing is known of its VMs. */
  lost(hostId: string): boolean;
  /** How often its VMs are reported when all is well. */
  intervalMs(hostId: string): number;
}

/**
 * The VMs on the hosts of one VdsRepository, and those on no host of its clusters.
 *
 * When a VM was last seen is kept once per host (its last complete report) plus once per VM that was missing from it, so
 * that a steady state writes nothing here either.
 */
export class VmRepository implements VmReader {
  readonly #vms = new Map<string, Vm>();
  readonly #usage = new Map<string, VmUsage>();
  readonly #unsettled = new Map<string, { readonly host: string; readonly state: Unsettled }>();
  readonly #unsettledByHost = new IndexBy<string>();
  /** Host → when its last VM report came. */
  readonly #reportedAt = new Map<string, number>();
  /** Host → when the one before came. */
  readonly #reportedBefore = new Map<string, number>();
  /** VMs whose last sighting is not their host's last report. */
  readonly #seenAt = new Map<string, number | null>();
  readonly #seenAtByHost = new IndexBy<string>();
  readonly #byHost = new IndexBy<string>();
  readonly #byCluster = new IndexBy<string>();
  readonly #byStatus = new IndexBy<VmStatus>();
  readonly #byName = new IndexBy<string>();
  readonly #watchers = new Watchers<Vm>();
  readonly #versioned = new Versioned(this.#vms);
  readonly #hosts: HostFacts;

  constructor(hosts: HostFacts) {
    this.#hosts = hosts;
  }

  get size(): number {
    return this.#vms.size;
  }

  get(id: string): Vm | undefined {
    return this.#vms.get(id);
  }

  usage(id: string): VmUsage | undefined {
    return this.#usage.get(id);
  }

  ids(): Iterable<string> {
    return this.#vms.keys();
  }

  byHost(hostId: string): ReadonlySet<string> {
    return this.#byHost.get(hostId);
  }

  byCluster(clusterId: string): ReadonlySet<string> {
    return this.#byCluster.get(clusterId);
  }

  byStatus(status: VmStatus): ReadonlySet<string> {
    return this.#byStatus.get(status);
  }

  byName(name: string): ReadonlySet<string> {
    return this.#byName.get(name);
  }

  unsettled(id: string): Unsettled | undefined {
    return this.#unsettled.get(id)?.state;
  }

  /** VMs to decide again at every report of this host. */
  unsettledOn(hostId: string): ReadonlySet<string> {
    return this.#unsettledByHost.get(hostId);
  }

  put(vm: Vm): void {
    const before = this.#vms.get(vm.id);
    if (before === vm) return;
    this.#vms.set(vm.id, vm);
    if (before !== undefined && before.dynamic.runOnVds !== vm.dynamic.runOnVds) {
      // The old host's reports say nothing about it any more, and the new host's last one may not have had it.
      this.#seenAt.set(vm.id, this.#heardAtOf(before));
      this.#seenAtByHost.move(vm.id, before.dynamic.runOnVds, vm.dynamic.runOnVds);
    }
    this.#byHost.move(vm.id, before?.dynamic.runOnVds, vm.dynamic.runOnVds);
    this.#byCluster.move(vm.id, before?.static.clusterId, vm.static.clusterId);
    this.#byStatus.move(vm.id, before?.dynamic.status, vm.dynamic.status);
    this.#byName.move(vm.id, before?.static.name, vm.static.name);
    this.#versioned.changed();
    this.#watchers.tell(vm.id, vm);
  }

  setUsage(id: string, usage: VmUsage | null): void {
    if (usage === null) this.#usage.delete(id);
    else if (this.#vms.has(id)) this.#usage.set(id, usage);
  }

  setUnsettled(id: string, host: string, state: Unsettled | null): void {
    const before = this.#unsettled.get(id);
    if (state === null) {
      if (before === undefined) return;
      this.#unsettled.delete(id);
      this.#unsettledByHost.move(id, before.host, null);
      return;
    }
    this.#unsettled.set(id, { host, state });
    this.#unsettledByHost.move(id, before?.host, host);
  }

  /** A VM report of the host was received: whatever runs there counts as seen now, but for those noted as missing. */
  noteReport(hostId: string, receivedAt: number, has: (vmId: string) => boolean): void {
    for (const id of [...this.#seenAtByHost.get(hostId)]) if (has(id)) this.noteSeen(id);
    const before = this.#reportedAt.get(hostId);
    if (before !== undefined) this.#reportedBefore.set(hostId, before);
    this.#reportedAt.set(hostId, receivedAt);
  }

  /** The VM was not in its host's last report. */
  noteMissing(id: string): void {
    const host = this.#vms.get(id)?.dynamic.runOnVds;
    if (host === null || host === undefined || this.#seenAt.has(id)) return;
    this.#seenAt.set(id, this.#reportedBefore.get(host) ?? null);
    this.#seenAtByHost.move(id, null, host);
  }

  /** The VM was in its host's last report. */
  noteSeen(id: string): void {
    const vm = this.#vms.get(id);
    if (vm !== undefined) this.#noteSeenOf(vm);
  }

  heardAt(id: string): number | null {
    const vm = this.#vms.get(id);
    return vm === undefined ? null : this.#heardAtOf(vm);
  }

  freshness(id: string, now: number): Freshness {
    const vm = this.#vms.get(id);
    if (vm === undefined) return 'unknown';
    const host = vm.dynamic.runOnVds;
    // Nobody reports a VM that runs nowhere: its state is final until a host lists it.
    if (host === null) return notRunning.has(vm.dynamic.status) ? 'live' : 'unknown';
    const heardAt = this.#heardAtOf(vm);
    if (heardAt === null || this.#hosts.lost(host)) return 'unknown';
    return now - heardAt <= 2 * this.#hosts.intervalMs(host) ? 'live' : 'stale';
  }

  delete(id: string): boolean {
    const before = this.#vms.get(id);
    if (before === undefined) return false;
    this.#vms.delete(id);
    this.#usage.delete(id);
    this.#noteSeenOf(before);
    this.setUnsettled(id, '', null);
    this.#byHost.move(id, before.dynamic.runOnVds, null);
    this.#byCluster.move(id, before.static.clusterId, null);
    this.#byStatus.move(id, before.dynamic.status, null);
    this.#byName.move(id, before.static.name, null);
    this.#versioned.changed();
    this.#watchers.tell(id, undefined);
    return true;
  }

  /** The host is gone: nothing of it is kept. */
  forgetHost(hostId: string): void {
    this.#reportedAt.delete(hostId);
    this.#reportedBefore.delete(hostId);
    for (const id of [...this.#unsettledByHost.get(hostId)]) this.setUnsettled(id, hostId, null);
  }

  view(): ReadView<Vm> {
    return this.#versioned.view();
  }

  watch(id: string, watcher: Watcher<Vm>): () => void {
    return this.#watchers.add(id, watcher);
  }

  #noteSeenOf(vm: Vm): void {
    this.#seenAt.delete(vm.id);
    this.#seenAtByHost.move(vm.id, vm.dynamic.runOnVds, null);
  }

  #heardAtOf(vm: Vm): number | null {
    const own = this.#seenAt.get(vm.id);
    if (own !== undefined) return own;
    return vm.dynamic.runOnVds === null ? null : (this.#reportedAt.get(vm.dynamic.runOnVds) ?? null);
  }
}
