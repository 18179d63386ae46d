import {
  type Freshness,
  notRunning,
  type Unsettled,
  type Vm,
  type VmColumns,
  type VmReader,
  type VmStatus,
  type VmUsage,
} from '../model/index.js';
import { HostRevisions } from './host-revisions.js';
import { IndexBy } from './index-by.js';
import { type ReadView, Versioned } from './read-view.js';
import { UsageTable } from './usage-table.js';
import { VmFacts } from './vm-facts.js';
import { type Watcher, Watchers } from './watchers.js';

/** What freshness needs to know of the host that runs a VM. */
export interface HostFacts {
  /** Whether the host counts as lost, so that nothing is known of its VMs. */
  lost(hostId: string): boolean;
  /** How often its VMs are reported when all is well. */
  intervalMs(hostId: string): number;
  /** How often that is at full pace. */
  leastIntervalMs(hostId: string): number;
  /** Whether every monitored host was heard, or has had its chance, since the start. */
  synced(): boolean;
}

/** How many VMs are how fresh. */
export interface FreshnessCounts extends Record<Freshness, number> {
  /** When the oldest report came by which a VM that runs counts as live. */
  readonly oldestLiveAt: number | null;
  /** Host → VMs on it that are not live, where there are any. */
  readonly notLive: ReadonlyMap<string, number>;
}

/** When a VM was last in a report, and how long that counts as fresh: two intervals, as they were at the time. */
interface Sighting {
  readonly at: number;
  readonly freshUntil: number;
}

/**
 * The VMs on the hosts of one VdsRepository, and those on no host of its clusters.
 *
 * When a VM was last seen is kept once per host (its last complete report) plus once per VM that was missing from it, so
 * that a steady state writes nothing here either.
 */
export class VmRepository implements VmReader {
  readonly #vms = new Map<string, Vm>();
  readonly #usage = new Map<string, VmColumns>();
  readonly #unsettled = new Map<string, { readonly host: string; readonly state: Unsettled }>();
  readonly #unsettledByHost = new IndexBy<string>();
  /** Host → when its last VM report came. */
  readonly #reportedAt = new Map<string, number>();
  /** Host → when the one before came. */
  readonly #reportedBefore = new Map<string, number>();
  /** VMs whose last sighting is not their host's last report. */
  readonly #seenAt = new Map<string, Sighting | null>();
  readonly #seenAtByHost = new IndexBy<string>();
  readonly #byHost = new IndexBy<string>();
  readonly #byCluster = new IndexBy<string>();
  readonly #byStatus = new IndexBy<VmStatus>();
  readonly facts = new VmFacts();
  readonly #watchers: Watchers<Vm>;
  readonly #table: UsageTable;
  readonly #revisions: HostRevisions;
  readonly #versioned = new Versioned(this.#vms);
  readonly #hosts: HostFacts;

  /** Sets that hand VMs over to each other share what is named here. */
  constructor(
    hosts: HostFacts,
    watchers = new Watchers<Vm>(),
    table = new UsageTable(),
    revisions = new HostRevisions(),
  ) {
    this.#hosts = hosts;
    this.#watchers = watchers;
    this.#table = table;
    this.#revisions = revisions;
  }

  get size(): number {
    return this.#vms.size;
  }

  get(id: string): Vm | undefined {
    return this.#vms.get(id);
  }

  usage(id: string): VmUsage | undefined {
    return this.#usage.get(id)?.usage();
  }

  /** The same, as it is kept. undefined: nothing was measured yet. */
  columns(id: string): VmColumns | undefined {
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

  revisionOf(hostId: string): number {
    return this.#revisions.of(hostId);
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
      this.#seenAt.set(vm.id, this.#sightingOf(before));
      this.#seenAtByHost.move(vm.id, before.dynamic.runOnVds, vm.dynamic.runOnVds);
      // What the old host left open has been decided by whoever moved it.
      this.#settle(vm.id);
    }
    this.#byHost.move(vm.id, before?.dynamic.runOnVds, vm.dynamic.runOnVds);
    this.#revisions.changed(before?.dynamic.runOnVds);
    this.#revisions.changed(vm.dynamic.runOnVds);
    this.#byCluster.move(vm.id, before?.static.clusterId, vm.static.clusterId);
    this.#byStatus.move(vm.id, before?.dynamic.status, vm.dynamic.status);
    this.facts.move(vm.id, before, vm);
    this.#versioned.changed();
    this.#watchers.tell(vm.id, vm);
  }

  /** Of a VM that is there. The columns stay the same ones as long as it has any. */
  setUsage(id: string, usage: VmUsage): VmColumns {
    const vm = this.#vms.get(id);
    if (vm === undefined) throw new RangeError(`no VM ${id} to have a usage`);
    let columns = this.#usage.get(id);
    if (columns === undefined) {
      // The VM's own text: the one that was given may be another copy.
      columns = this.#table.create(vm.id);
      this.#usage.set(vm.id, columns);
    }
    this.#table.load(columns, usage);
    return columns;
  }

  dropUsage(id: string): void {
    const columns = this.#usage.get(id);
    if (columns === undefined) return;
    this.#table.free(columns);
    this.#usage.delete(id);
  }

  /** null: this host's last report left nothing open. What another host's report left open stays. */
  setUnsettled(id: string, host: string, state: Unsettled | null): void {
    const before = this.#unsettled.get(id);
    if (state === null) {
      if (before?.host === host) this.#settle(id);
      return;
    }
    this.#unsettled.set(id, { host, state });
    if (before?.state.reason !== state.reason) this.#revisions.changed(this.#vms.get(id)?.dynamic.runOnVds);
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
    const at = this.#reportedBefore.get(host);
    // At full pace, whatever it was or is by now: what its host's last report did not tell of has grown no younger by it.
    this.#seenAt.set(id, at === undefined ? null : { at, freshUntil: at + 2 * this.#hosts.leastIntervalMs(host) });
    this.#seenAtByHost.move(id, null, host);
  }

  /** The VM was in its host's last report. */
  noteSeen(id: string): void {
    const vm = this.#vms.get(id);
    if (vm !== undefined) this.#noteSeenOf(vm);
  }

  heardAt(id: string): number | null {
    const vm = this.#vms.get(id);
    return vm === undefined ? null : (this.#sightingOf(vm)?.at ?? null);
  }

  freshness(id: string, now: number): Freshness {
    const vm = this.#vms.get(id);
    if (vm === undefined) return 'unknown';
    const host = vm.dynamic.runOnVds;
    // Nobody reports a VM that runs nowhere: once all hosts were heard, its state is final until one of them lists it.
    if (host === null) {
      if (!notRunning.has(vm.dynamic.status)) return 'unknown';
      return this.#hosts.synced() ? 'live' : 'stale';
    }
    return this.#freshnessOn(host, this.#sightingOf(vm), now);
  }

  /** The same for all VMs, without a look at each: a report makes all VMs of its host fresh but those noted as missing. */
  freshnessCounts(now: number): FreshnessCounts {
    const counts = { live: 0, stale: 0, unknown: 0 };
    const notLive = new Map<string, number>();
    let onHosts = 0;
    let oldestLiveAt: number | null = null;
    for (const host of this.#byHost.keys()) {
      const ids = this.#byHost.get(host);
      const own = this.#seenAtByHost.get(host);
      const before = counts.live;
      const report = this.#sighting(host, this.#reportedAt.get(host));
      const common = this.#freshnessOn(host, report, now);
      counts[common] += ids.size - own.size;
      const isOlder = (seen: Sighting | null): seen is Sighting =>
        seen !== null && (oldestLiveAt === null || seen.at < oldestLiveAt);
      if (common === 'live' && isOlder(report) && this.#someRuns(ids, own)) oldestLiveAt = report.at;
      for (const id of own) {
        const seen = this.#seenAt.get(id) ?? null;
        const freshness = this.#freshnessOn(host, seen, now);
        counts[freshness] += 1;
        if (freshness === 'live' && isOlder(seen) && this.#runs(id)) oldestLiveAt = seen.at;
      }
      onHosts += ids.size;
      const missing = ids.size - (counts.live - before);
      if (missing > 0) notLive.set(host, missing);
    }
    const { resting } = this.facts;
    counts[this.#hosts.synced() ? 'live' : 'stale'] += resting;
    counts.unknown += this.#vms.size - onHosts - resting;
    return { ...counts, oldestLiveAt, notLive };
  }

  delete(id: string): boolean {
    if (!this.#remove(id)) return false;
    this.#watchers.tell(id, undefined);
    return true;
  }

  /** Takes the VM, as it is to be from now on, out of another set, with all that is known of it. */
  takeOver(vm: Vm, from: VmRepository): void {
    const { id } = vm;
    const usage = from.#usage.get(id);
    from.#usage.delete(id);
    const known = from.get(id);
    const seen = known === undefined ? null : from.#sightingOf(known);
    const unsettled = from.#unsettled.get(id);
    const stays = from.get(id)?.dynamic.runOnVds === vm.dynamic.runOnVds;
    from.#remove(id);
    if (usage !== undefined) this.#usage.set(id, usage);
    this.#seenAt.set(id, seen);
    this.#seenAtByHost.move(id, null, vm.dynamic.runOnVds);
    if (stays && unsettled !== undefined) this.setUnsettled(id, unsettled.host, unsettled.state);
    this.put(vm);
  }

  /** The host is gone: nothing of it is kept. */
  forgetHost(hostId: string): void {
    this.#reportedAt.delete(hostId);
    this.#reportedBefore.delete(hostId);
    for (const id of [...this.#unsettledByHost.get(hostId)]) this.#settle(id);
  }

  view(): ReadView<Vm> {
    return this.#versioned.view();
  }

  /** Grows with every change. */
  get version(): number {
    return this.#versioned.version;
  }

  watch(id: string, watcher: Watcher<Vm>): () => void {
    return this.#watchers.add(id, watcher);
  }

  #remove(id: string): boolean {
    const before = this.#vms.get(id);
    if (before === undefined) return false;
    this.#vms.delete(id);
    this.dropUsage(id);
    this.#noteSeenOf(before);
    this.#settle(id);
    this.#byHost.move(id, before.dynamic.runOnVds, null);
    this.#revisions.changed(before.dynamic.runOnVds);
    this.#byCluster.move(id, before.static.clusterId, null);
    this.#byStatus.move(id, before.dynamic.status, null);
    this.facts.move(id, before, undefined);
    this.#versioned.changed();
    return true;
  }

  #freshnessOn(host: string, seen: Sighting | null, now: number): Freshness {
    if (seen === null || this.#hosts.lost(host)) return 'unknown';
    return now <= seen.freshUntil ? 'live' : 'stale';
  }

  #runs(id: string): boolean {
    return !notRunning.has(this.#vms.get(id)?.dynamic.status ?? 'Down');
  }

  /** Most often the first one does. */
  #someRuns(ids: ReadonlySet<string>, but: ReadonlySet<string>): boolean {
    for (const id of ids) if (!but.has(id) && this.#runs(id)) return true;
    return false;
  }

  #settle(id: string): void {
    this.#unsettledByHost.move(id, this.#unsettled.get(id)?.host, null);
    if (this.#unsettled.delete(id)) this.#revisions.changed(this.#vms.get(id)?.dynamic.runOnVds);
  }

  #noteSeenOf(vm: Vm): void {
    this.#seenAt.delete(vm.id);
    this.#seenAtByHost.move(vm.id, vm.dynamic.runOnVds, null);
  }

  #sightingOf(vm: Vm): Sighting | null {
    const own = this.#seenAt.get(vm.id);
    if (own !== undefined) return own;
    const host = vm.dynamic.runOnVds;
    return host === null ? null : this.#sighting(host, this.#reportedAt.get(host));
  }

  #sighting(host: string, at: number | undefined): Sighting | null {
    return at === undefined ? null : { at, freshUntil: at + 2 * this.#hosts.intervalMs(host) };
  }
}
