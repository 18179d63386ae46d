import type {
  Freshness,
  Unsettled,
  Vds,
  VdsLiveness,
  VdsReader,
  VdsStatus,
  VdsUsage,
  Vm,
  VmReader,
  VmStatus,
  VmUsage,
} from '../model/index.js';
import { HostRevisions } from './host-revisions.js';
import { NameIndex } from './name-index.js';
import { UsageTable } from './usage-table.js';
import { VdsRepository } from './vds-repository.js';
import type { VmFact, VmTrouble } from './vm-facts.js';
import { type FreshnessCounts, type HostFacts, VmRepository } from './vm-repository.js';
import { Watchers } from './watchers.js';

/** Hosts that are kept together, with the VMs on them. A set holds whole clusters. */
export interface HostSet {
  readonly name: string;
  readonly vds: VdsRepository;
  readonly vms: VmRepository;
}

/** One set for all, one per cluster, or as a function says: cluster id → name of its set. */
export type Division = 'system' | 'cluster' | ((clusterId: string) => string);

/**
 * All host sets behind one pair of readers. Writers say what to store, the sets find where: a host goes to its cluster's
 * set, a VM to the set of the host that runs it and, while it runs nowhere, stays where it was.
 */
export class HostSets {
  readonly hosts: VdsReader;
  readonly vms: VmReader;
  /** Over all sets. */
  readonly hostNames = new NameIndex();
  readonly vmNames = new NameIndex();
  readonly #division: Division;
  readonly #facts: HostFacts;
  readonly #sets = new Map<string, HostSet>();
  readonly #setOfHost = new Map<string, HostSet>();
  readonly #setOfVm = new Map<string, HostSet>();
  readonly #vdsWatchers = new Watchers<Vds>();
  readonly #vmWatchers = new Watchers<Vm>();
  readonly #usage = new UsageTable();
  readonly #revisions = new HostRevisions();

  constructor(division: Division, facts: HostFacts) {
    this.#division = division;
    this.#facts = facts;
    this.hosts = new AllHosts(this.#sets, this.#setOfHost);
    this.vms = new AllVms(this.#sets, this.#setOfVm, this.#revisions);
  }

  get all(): Iterable<HostSet> {
    return this.#sets.values();
  }

  /** Grows with every change of a host or VM. */
  get version(): number {
    let sum = 0;
    for (const { vds, vms } of this.#sets.values()) sum += vds.version + vms.version;
    return sum;
  }

  setOfCluster(clusterId: string): HostSet {
    const name = this.#nameOf(clusterId);
    let set = this.#sets.get(name);
    if (set === undefined) {
      set = {
        name,
        vds: new VdsRepository(this.#vdsWatchers),
        vms: new VmRepository(this.#facts, this.#vmWatchers, this.#usage, this.#revisions),
      };
      this.#sets.set(name, set);
    }
    return set;
  }

  setOfHost(hostId: string): HostSet | undefined {
    return this.#setOfHost.get(hostId);
  }

  setOfVm(vmId: string): HostSet | undefined {
    return this.#setOfVm.get(vmId);
  }

  putHost(vds: Vds): void {
    const target = this.setOfCluster(vds.static.clusterId);
    const current = this.#setOfHost.get(vds.id);
    this.#setOfHost.set(vds.id, target);
    this.hostNames.move(vds.id, current?.vds.get(vds.id)?.static.name ?? null, vds.static.name);
    if (current === undefined || current === target) target.vds.put(vds);
    else this.#moveHost(vds, current, target);
  }

  deleteHost(hostId: string): void {
    const set = this.#setOfHost.get(hostId);
    this.hostNames.move(hostId, set?.vds.get(hostId)?.static.name ?? null, null);
    set?.vds.delete(hostId);
    set?.vms.forgetHost(hostId);
    this.#revisions.forget(hostId);
    this.#setOfHost.delete(hostId);
  }

  putVm(vm: Vm): void {
    const current = this.#setOfVm.get(vm.id);
    const target = this.#targetOf(vm, current);
    this.#setOfVm.set(vm.id, target);
    this.vmNames.move(vm.id, current?.vms.get(vm.id)?.static.name ?? null, vm.static.name);
    if (current === undefined || current === target) target.vms.put(vm);
    else target.vms.takeOver(vm, current.vms);
  }

  deleteVm(vmId: string): void {
    const set = this.#setOfVm.get(vmId);
    this.vmNames.move(vmId, set?.vms.get(vmId)?.static.name ?? null, null);
    set?.vms.delete(vmId);
    this.#setOfVm.delete(vmId);
  }

  hostsNamed(name: string): readonly string[] {
    return this.hostNames.named(name);
  }

  vmsNamed(name: string): readonly string[] {
    return this.vmNames.named(name);
  }

  hostsThatAre(status: VdsStatus): number {
    return this.#sum((set) => set.vds.byStatus(status).size);
  }

  vmsThatAre(status: VmStatus): number {
    return this.#sum((set) => set.vms.byStatus(status).size);
  }

  /** Those that got into it first come first, of each set. */
  *vmsInTrouble(trouble: VmTrouble): Generator<string, void, void> {
    for (const set of this.#sets.values()) yield* set.vms.facts.inTrouble(trouble);
  }

  /** VMs that are Unknown, by the host that ran them; null = on none. */
  *unknownVms(): Generator<readonly [hostId: string | null, vms: ReadonlySet<string>], void, void> {
    for (const set of this.#sets.values()) yield* set.vms.facts.unknown();
  }

  /** Whether there is a VM in the cluster of which this is not known. */
  lacks(fact: VmFact, clusterId: string): boolean {
    for (const set of this.#sets.values()) if (set.vms.facts.lacks(fact, clusterId)) return true;
    return false;
  }

  freshnessCounts(now: number): FreshnessCounts {
    const all = [...this.#sets.values()].map((set) => set.vms.freshnessCounts(now));
    const oldest = all.flatMap(({ oldestLiveAt }) => (oldestLiveAt === null ? [] : [oldestLiveAt]));
    const sum = (freshness: Freshness): number => all.reduce((n, counts) => n + counts[freshness], 0);
    return {
      ...{ live: sum('live'), stale: sum('stale'), unknown: sum('unknown') },
      oldestLiveAt: oldest.length === 0 ? null : Math.min(...oldest),
      notLive: new Map(all.flatMap(({ notLive }) => [...notLive])),
    };
  }

  #sum(count: (set: HostSet) => number): number {
    let sum = 0;
    for (const set of this.#sets.values()) sum += count(set);
    return sum;
  }

  #nameOf(clusterId: string): string {
    if (this.#division === 'system') return 'system';
    return this.#division === 'cluster' ? clusterId : this.#division(clusterId);
  }

  #targetOf(vm: Vm, current: HostSet | undefined): HostSet {
    const byHost = vm.dynamic.runOnVds === null ? undefined : this.#setOfHost.get(vm.dynamic.runOnVds);
    return byHost ?? current ?? this.setOfCluster(vm.static.clusterId ?? '');
  }

  #moveHost(vds: Vds, from: HostSet, to: HostSet): void {
    to.vds.takeOver(vds, from.vds);
    for (const id of [...from.vms.byHost(vds.id)]) this.putVm(from.vms.get(id) as Vm);
    from.vms.forgetHost(vds.id);
  }
}

function union(sets: ReadonlyMap<string, HostSet>, pick: (set: HostSet) => ReadonlySet<string>): ReadonlySet<string> {
  const [only] = sets.values();
  if (only !== undefined && sets.size === 1) return pick(only);
  const all = new Set<string>();
  for (const set of sets.values()) for (const id of pick(set)) all.add(id);
  return all;
}

class AllHosts implements VdsReader {
  readonly #sets: ReadonlyMap<string, HostSet>;
  readonly #of: ReadonlyMap<string, HostSet>;

  constructor(sets: ReadonlyMap<string, HostSet>, of: ReadonlyMap<string, HostSet>) {
    this.#sets = sets;
    this.#of = of;
  }

  get size(): number {
    return this.#of.size;
  }
  get(id: string): Vds | undefined {
    return this.#of.get(id)?.vds.get(id);
  }
  usage(id: string): VdsUsage | undefined {
    return this.#of.get(id)?.vds.usage(id);
  }
  liveness(id: string): VdsLiveness | undefined {
    return this.#of.get(id)?.vds.liveness(id);
  }
  ids(): Iterable<string> {
    return this.#of.keys();
  }
  byCluster(clusterId: string): ReadonlySet<string> {
    return union(this.#sets, (set) => set.vds.byCluster(clusterId));
  }
  byStatus(status: VdsStatus): ReadonlySet<string> {
    return union(this.#sets, (set) => set.vds.byStatus(status));
  }
}

class AllVms implements VmReader {
  readonly #sets: ReadonlyMap<string, HostSet>;
  readonly #of: ReadonlyMap<string, HostSet>;
  readonly #revisions: HostRevisions;

  constructor(sets: ReadonlyMap<string, HostSet>, of: ReadonlyMap<string, HostSet>, revisions: HostRevisions) {
    this.#sets = sets;
    this.#of = of;
    this.#revisions = revisions;
  }

  get size(): number {
    return this.#of.size;
  }
  get(id: string): Vm | undefined {
    return this.#of.get(id)?.vms.get(id);
  }
  usage(id: string): VmUsage | undefined {
    return this.#of.get(id)?.vms.usage(id);
  }
  unsettled(id: string): Unsettled | undefined {
    return this.#of.get(id)?.vms.unsettled(id);
  }
  ids(): Iterable<string> {
    return this.#of.keys();
  }
  byHost(hostId: string): ReadonlySet<string> {
    return union(this.#sets, (set) => set.vms.byHost(hostId));
  }
  byCluster(clusterId: string): ReadonlySet<string> {
    return union(this.#sets, (set) => set.vms.byCluster(clusterId));
  }
  byStatus(status: VmStatus): ReadonlySet<string> {
    return union(this.#sets, (set) => set.vms.byStatus(status));
  }
  revisionOf(hostId: string): number {
    return this.#revisions.of(hostId);
  }
  heardAt(id: string): number | null {
    return this.#of.get(id)?.vms.heardAt(id) ?? null;
  }
  freshness(id: string, now: number): Freshness {
    return this.#of.get(id)?.vms.freshness(id, now) ?? 'unknown';
  }
}
