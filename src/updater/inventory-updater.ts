import type { Cause, ChangeRecord } from '../events/index.js';
import { type Clock, VurtiError } from '../kernel/index.js';
import {
  type AgentProtocol,
  type Cluster,
  type ClusterNetwork,
  type ClusterSpec,
  clusterFields,
  clusterNetworkFields,
  diffOf,
  type FieldChange,
  type HostSpec,
  initialLiveness,
  initialRow,
  type Vds,
  type VdsDynamic,
  type Vm,
  type VmDisk,
  type VmSpec,
  vdsDynamicFields,
  vdsStaticFields,
  vmDynamicFields,
  vmStaticFields,
  withParts,
  withState,
} from '../model/index.js';
import type { HostSets, Inventory } from '../repository/index.js';
import type { EventDraft } from '../rules/index.js';
import { hostPart, Outbox, type OutboxPorts, vmPart } from './outbox.js';
import type { RecordMaker } from './record-maker.js';

export interface InventoryUpdaterOptions {
  readonly sets: HostSets;
  readonly inventory: Inventory;
  readonly records: RecordMaker;
  readonly ports: OutboxPorts;
  readonly clock: Clock;
  /** Of new hosts that name none. Default: vdsm. */
  readonly protocol?: AgentProtocol;
}

const DEFAULT_CLUSTER = 'Default';

/** Writes down what became of a network. */
type TellNetwork = (name: string, what: ChangeRecord['what'], changes: readonly FieldChange[]) => void;

/** Writes what people and managers say: hosts, VMs, clusters, and statuses that are nobody's verdict. */
export class InventoryUpdater {
  readonly #o: InventoryUpdaterOptions;

  constructor(options: InventoryUpdaterOptions) {
    this.#o = options;
  }

  putCluster(spec: ClusterSpec): Cluster {
    const { networks, ...facts } = spec;
    const before = this.#o.inventory.find(spec.id ?? spec.name);
    const cluster: Cluster = {
      ...(before ?? initialRow(clusterFields)),
      ...facts,
      id: before?.id ?? spec.id ?? spec.name,
    };
    const outbox = new Outbox(this.#o.ports);
    const now = this.#o.clock.now();
    const cause: Cause = { rule: 'inventory', source: { by: 'inventory', at: now } };
    const changes = diffOf(clusterFields, before ?? initialRow(clusterFields), cluster);
    if (before === undefined || changes.length > 0) {
      this.#o.inventory.putCluster(cluster);
      outbox.row({ kind: 'cluster', row: cluster });
      const what = before === undefined ? 'added' : 'changed';
      const of = { entity: 'cluster', entityId: cluster.id, clusterId: cluster.id, what, changes } as const;
      outbox.record(this.#o.records.clusterChange(of, cause, now));
    }
    if (networks !== undefined) {
      const tell: TellNetwork = (name, what, networkChanges) => {
        const of = { entity: 'network', entityId: name, clusterId: cluster.id, what, changes: networkChanges } as const;
        outbox.record(this.#o.records.clusterChange(of, cause, now));
      };
      this.#putNetworks(cluster.id, networks, outbox, tell);
    }
    outbox.send();
    return cluster;
  }

  putHost(spec: HostSpec): Vds {
    const { sets, clock } = this.#o;
    const id = spec.id ?? spec.name;
    const namesake = sets.hostsNamed(spec.name).find((other) => other !== id);
    if (namesake !== undefined)
      throw new VurtiError('ALREADY_EXISTS', `A host named ${spec.name} exists (id ${namesake})`);
    const before = sets.hosts.get(id);
    const cluster = this.#clusterOf(spec.cluster ?? before?.static.clusterId ?? DEFAULT_CLUSTER);
    const { cluster: _, tls: __, ...facts } = spec;
    const usual = before?.static ?? { ...initialRow(vdsStaticFields), protocol: this.#o.protocol ?? 'vdsm' };
    const vdsStatic = { ...usual, ...facts, id, clusterId: cluster.id };
    if (before !== undefined) {
      const changes = diffOf(vdsStaticFields, before.static, vdsStatic);
      if (changes.length === 0) return before;
      const after: Vds = { ...before, static: vdsStatic };
      sets.putHost(after);
      this.#send((outbox, cause, now) => {
        outbox.row({ kind: 'vds_static', row: vdsStatic });
        outbox.record(this.#o.records.change({ host: after, vm: undefined }, 'host', 'changed', changes, cause, now));
        outbox.change({ name: 'VdsUpdated', changes, cause, ...hostPart(after) });
      });
      return after;
    }
    const now = clock.now();
    const after: Vds = {
      id,
      static: vdsStatic,
      dynamic: { ...initialRow(vdsDynamicFields), id, status: 'Unassigned', statusSince: now },
      interfaces: [],
    };
    sets.putHost(after);
    sets.setOfHost(id)?.vds.setLiveness(id, initialLiveness(now));
    this.#send((outbox, cause) => {
      outbox.row({ kind: 'vds_static', row: after.static });
      outbox.row({ kind: 'vds_dynamic', row: after.dynamic });
      const changes = [
        ...diffOf(vdsStaticFields, initialRow(vdsStaticFields), after.static),
        ...diffOf(vdsDynamicFields, { ...initialRow(vdsDynamicFields), id }, after.dynamic),
      ];
      outbox.record(this.#o.records.change({ host: after, vm: undefined }, 'host', 'added', changes, cause, now));
      outbox.change({ name: 'VdsAdded', cause, ...hostPart(after) });
    });
    return after;
  }

  /** What people should read about the host's place in the inventory. */
  tell(host: Vds, draft: EventDraft): void {
    this.#send((outbox, cause, now) => {
      outbox.record(this.#o.records.event({ host, vm: undefined }, draft, cause, now));
    });
  }

  /** VMs that only this host's reports told of go with it; a manager's VMs become Unknown, on no host. */
  removeHost(host: Vds): void {
    const { sets } = this.#o;
    for (const vmId of [...sets.vms.byHost(host.id)]) {
      const vm = sets.vms.get(vmId);
      if (vm === undefined) continue;
      if (vm.static.adopted) this.removeVm(vm);
      else this.#orphan(vm);
    }
    const usage = sets.hosts.usage(host.id);
    sets.deleteHost(host.id);
    this.#send((outbox, cause, now) => {
      for (const kind of ['vds_static', 'vds_dynamic', 'vds_statistics'] as const)
        outbox.row({ kind, deleted: [host.id] });
      for (const nic of host.interfaces) outbox.row({ kind: 'vds_interface', deleted: [host.id, nic.name] });
      for (const nic of usage?.interfaces ?? []) {
        outbox.row({ kind: 'vds_interface_statistics', deleted: [host.id, nic.name] });
      }
      for (const node of usage?.numaNodes ?? []) outbox.row({ kind: 'numa_node', deleted: [host.id, node.index] });
      outbox.record(this.#o.records.change({ host, vm: undefined }, 'host', 'removed', [], cause, now));
      outbox.change({ name: 'VdsRemoved', cause, ...hostPart(host) });
    });
  }

  /**
   * A host's stored status did not hold any more at service start (§2.2); the repository has the new one already. Gives
   * the cause, for `explain`.
   */
  noteRestart(stored: VdsDynamic): Cause {
    const now = this.#o.clock.now();
    const cause: Cause = { rule: 'host.start', source: { by: 'start', at: now } };
    const host = this.#o.sets.hosts.get(stored.id);
    if (host === undefined) return cause;
    const changes = diffOf(vdsDynamicFields, stored, host.dynamic);
    const outbox = new Outbox(this.#o.ports);
    outbox.row({ kind: 'vds_dynamic', row: host.dynamic });
    outbox.record(this.#o.records.change({ host, vm: undefined }, 'host', 'changed', changes, cause, now));
    outbox.send();
    return cause;
  }

  putVm(spec: VmSpec): Vm {
    const { sets } = this.#o;
    const before = sets.vms.get(spec.id);
    const { cluster, ...facts } = spec;
    const clusterId = cluster === undefined ? (before?.static.clusterId ?? null) : this.#clusterOf(cluster).id;
    const vmStatic = {
      ...(before?.static ?? initialRow(vmStaticFields)),
      ...facts,
      ...(facts.disks === undefined ? {} : { disks: withLunSizes(facts.disks, before?.static.disks ?? []) }),
      ...(before?.static.adopted && before.static.origin === 'HOSTED_ENGINE'
        ? { origin: spec.origin ?? ('MANAGED_HOSTED_ENGINE' as const) }
        : {}),
      clusterId,
      adopted: false,
    };
    if (before !== undefined) {
      const changes = diffOf(vmStaticFields, before.static, vmStatic);
      if (changes.length === 0) return before;
      const after = withParts(before, { static: vmStatic });
      sets.putVm(after);
      this.#send((outbox, cause, now) => {
        outbox.row({ kind: 'vm_static', row: vmStatic });
        outbox.record(this.#o.records.change({ host: undefined, vm: after }, 'vm', 'changed', changes, cause, now));
        outbox.change({ name: 'VmUpdated', changes, cause, ...vmPart(after) });
      });
      return after;
    }
    const now = this.#o.clock.now();
    const after: Vm = {
      id: spec.id,
      static: vmStatic,
      dynamic: { ...initialRow(vmDynamicFields), id: spec.id, statusSince: now },
      guestInterfaces: [],
      jobs: [],
      devices: [],
    };
    sets.putVm(after);
    this.#send((outbox, cause) => {
      outbox.row({ kind: 'vm_static', row: after.static });
      outbox.row({ kind: 'vm_dynamic', row: after.dynamic });
      const changes = [
        ...diffOf(vmStaticFields, initialRow(vmStaticFields), after.static),
        ...diffOf(vmDynamicFields, { ...initialRow(vmDynamicFields), id: spec.id }, after.dynamic),
      ];
      outbox.record(this.#o.records.change({ host: undefined, vm: after }, 'vm', 'added', changes, cause, now));
      outbox.change({ name: 'VmAdded', cause, ...vmPart(after) });
    });
    return after;
  }

  removeVm(vm: Vm): void {
    const usage = this.#o.sets.vms.usage(vm.id);
    this.#o.sets.deleteVm(vm.id);
    this.#send((outbox, cause, now) => {
      for (const kind of ['vm_static', 'vm_dynamic', 'vm_statistics'] as const) outbox.row({ kind, deleted: [vm.id] });
      for (const nic of usage?.interfaces ?? []) {
        outbox.row({ kind: 'vm_interface_statistics', deleted: [vm.id, nic.macAddr] });
      }
      for (const disk of usage?.disks ?? []) outbox.row({ kind: 'disk_image_dynamic', deleted: [disk.imageId] });
      for (const nic of vm.guestInterfaces)
        outbox.row({ kind: 'vm_guest_agent_interfaces', deleted: [vm.id, nic.name] });
      for (const job of vm.jobs) outbox.row({ kind: 'vm_jobs', deleted: [job.id] });
      for (const device of vm.devices) outbox.row({ kind: 'vm_device', deleted: [vm.id, device.id] });
      outbox.record(this.#o.records.change({ host: undefined, vm }, 'vm', 'removed', [], cause, now));
      outbox.change({ name: 'VmRemoved', cause, ...vmPart(vm) });
    });
  }

  #orphan(vm: Vm): void {
    const now = this.#o.clock.now();
    const statusSince = vm.dynamic.status === 'Unknown' ? vm.dynamic.statusSince : now;
    const after = withState(vm, { status: 'Unknown', runOnVds: null, migratingToVds: null, statusSince });
    const changes = diffOf(vmDynamicFields, vm.dynamic, after.dynamic);
    this.#o.sets.putVm(after);
    this.#send((outbox, cause) => {
      outbox.row({ kind: 'vm_dynamic', row: after.dynamic });
      outbox.record(this.#o.records.change({ host: undefined, vm: after }, 'vm', 'changed', changes, cause, now));
      const from = vm.dynamic.status;
      if (from === 'Unknown') outbox.change({ name: 'VmUpdated', changes, cause, ...vmPart(after) });
      else outbox.change({ name: 'VmStateChanged', from, to: 'Unknown', changes, cause, ...vmPart(after) });
    });
  }

  #putNetworks(
    clusterId: string,
    specs: NonNullable<ClusterSpec['networks']>,
    outbox: Outbox,
    tell: TellNetwork,
  ): void {
    const before = this.#o.inventory.networks(clusterId);
    const networks = specs.map((spec): ClusterNetwork => ({ ...initialRow(clusterNetworkFields), ...spec, clusterId }));
    const names = new Set(networks.map((network) => network.name));
    for (const network of networks) {
      const known = before.get(network.name);
      const changes = diffOf(clusterNetworkFields, known ?? initialRow(clusterNetworkFields), network);
      if (known !== undefined && changes.length === 0) continue;
      outbox.row({ kind: 'cluster_network', row: network });
      tell(network.name, known === undefined ? 'added' : 'changed', changes);
    }
    for (const name of before.keys()) {
      if (names.has(name)) continue;
      outbox.row({ kind: 'cluster_network', deleted: [clusterId, name] });
      tell(name, 'removed', []);
    }
    this.#o.inventory.putNetworks(clusterId, networks);
  }

  #clusterOf(ref: string): Cluster {
    return this.#o.inventory.find(ref) ?? this.putCluster({ name: ref });
  }

  #send(fill: (outbox: Outbox, cause: Cause, now: number) => void): void {
    const now = this.#o.clock.now();
    const outbox = new Outbox(this.#o.ports);
    fill(outbox, { rule: 'inventory', source: { by: 'inventory', at: now } }, now);
    outbox.send();
  }
}

/** Sizes of LUNs come from the agents: a manager that says nothing of them does not take them back. */
function withLunSizes(disks: readonly VmDisk[], known: readonly VmDisk[]): readonly VmDisk[] {
  return disks.map((disk) => {
    if (disk.lunId === null || disk.lunSizeGb !== undefined) return disk;
    const lunSizeGb = known.find((other) => other.lunId === disk.lunId)?.lunSizeGb;
    return lunSizeGb === undefined ? disk : { ...disk, lunSizeGb };
  });
}
