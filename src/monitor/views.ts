import { type Freshness, type HostSettings, notRunning, type Vds, type Vm } from '../model/index.js';
import type { HostSets, Inventory } from '../repository/index.js';
import { graceSeconds } from '../rules/index.js';
import type { Filter, HostFilter, HostView, VmFilter, VmView } from './api.js';
import type { HostRegistry } from './host-registry.js';
import { type PageSource, wanted } from './pages.js';

export interface ViewContext {
  readonly sets: HostSets;
  readonly inventory: Inventory;
  readonly registry: HostRegistry;
  readonly now: () => number;
  readonly nextPollAt: (hostId: string) => number | null;
}

function freshnessOf({ sets, registry, now }: ViewContext, host: Vds): Freshness {
  return hostFreshness(host, sets.hosts.liveness(host.id)?.heardAt ?? null, registry.settingsOf(host.id), now());
}

function hostFreshness(host: Vds, heardAt: number | null, settings: HostSettings, now: number): Freshness {
  if (heardAt === null || host.dynamic.status === 'NonResponsive') return 'unknown';
  return now - heardAt <= 2 * settings.poll.intervalSeconds * 1000 ? 'live' : 'stale';
}

export function hostView(context: ViewContext, host: Vds): HostView {
  const { sets, inventory, registry } = context;
  const { dynamic } = host;
  const now = context.now();
  const settings = registry.settingsOf(host.id);
  const liveness = sets.hosts.liveness(host.id);
  const heardAt = liveness?.heardAt ?? null;
  const freshness = hostFreshness(host, heardAt, settings, now);
  const statistics = freshness === 'live' ? sets.hosts.usage(host.id)?.statistics : undefined;
  const endpoint = registry.endpointOf(host.id);
  return {
    id: host.id,
    name: host.static.name,
    address: host.static.address,
    port: endpoint?.port ?? 0,
    protocol: host.static.protocol,
    cluster: inventory.cluster(host.static.clusterId)?.name ?? host.static.clusterId,
    clusterId: host.static.clusterId,
    source: host.static.source,
    status: dynamic.status,
    previousStatus: dynamic.previousStatus,
    since: dynamic.statusSince,
    nonOperationalReason: dynamic.nonOperationalReason,
    freshness,
    heardAt,
    attempts: liveness?.attempts ?? 0,
    graceEndsAt:
      dynamic.status === 'Connecting' && liveness !== undefined
        ? liveness.lastAnswerAt + graceSeconds(settings.grace, dynamic.vmCount, host.static.spmStatus) * 1000
        : null,
    nextPollAt: context.nextPollAt(host.id),
    vms: sets.vms.byHost(host.id).size,
    vmsActive: dynamic.vmActive,
    cpuPercent: statistics?.usageCpuPercent ?? null,
    memoryPercent: statistics?.usageMemPercent ?? null,
    networkPercent: statistics?.usageNetworkPercent ?? null,
    memoryMb: dynamic.physicalMemMb,
    cpuThreads: dynamic.cpuThreads,
    os: dynamic.prettyName ?? dynamic.hostOs,
    version: dynamic.softwareVersion,
  };
}

export function vmView(context: ViewContext, vm: Vm): VmView {
  const { sets, inventory } = context;
  const { dynamic } = vm;
  const now = context.now();
  const freshness = sets.vms.freshness(vm.id, now);
  const runs = !notRunning.has(dynamic.status);
  const statistics = freshness === 'live' && runs ? sets.vms.usage(vm.id)?.statistics : undefined;
  const nameOf = (hostId: string | null): string | null =>
    hostId === null ? null : (sets.hosts.get(hostId)?.static.name ?? hostId);
  const { clusterId } = vm.static;
  return {
    id: vm.id,
    name: vm.static.name,
    cluster: clusterId === null ? null : (inventory.cluster(clusterId)?.name ?? clusterId),
    clusterId,
    status: dynamic.status,
    since: dynamic.statusSince,
    pause: dynamic.status === 'Paused' ? dynamic.pauseStatus : null,
    host: nameOf(dynamic.runOnVds),
    hostId: dynamic.runOnVds,
    migratingTo: nameOf(dynamic.migratingToVds),
    migrationProgressPercent:
      freshness === 'live' && dynamic.status === 'MigratingFrom'
        ? (sets.vms.usage(vm.id)?.migrationProgress ?? null)
        : null,
    freshness,
    heardAt: sets.vms.heardAt(vm.id),
    adopted: vm.static.adopted,
    ha: vm.static.ha,
    exit: runs ? null : { status: dynamic.exitStatus, reason: dynamic.exitReason, message: dynamic.exitMessage },
    ip: dynamic.vmIp,
    fqdn: dynamic.fqdn,
    os: guestOs(vm),
    uptimeSeconds: statistics?.elapsedSeconds ?? null,
    cpuPercent: statistics?.usageCpuPercent ?? null,
    memoryPercent: statistics?.usageMemPercent ?? null,
    networkPercent: statistics?.usageNetworkPercent ?? null,
  };
}

function guestOs({ dynamic }: Vm): string | null {
  const { guestOsDistribution, guestOsVersion } = dynamic;
  if (guestOsDistribution === null || guestOsDistribution === '')
    return dynamic.guestOs === '' ? null : dynamic.guestOs;
  return guestOsVersion === null ? guestOsDistribution : `${guestOsDistribution} ${guestOsVersion}`;
}

/** Hosts that a filter takes, by the indexes there are. */
export function hostSource(context: ViewContext, filter: HostFilter): PageSource<HostView> {
  const { hosts, hostNames } = context.sets;
  const [ids, statuses, clusters] = [wanted(filter.id), wanted(filter.status), wanted(filter.clusterId)];
  const freshnesses = wanted(filter.freshness);
  const host = (id: string): Vds | undefined => hosts.get(id);
  return {
    names: hostNames,
    groups: [
      ...(ids === undefined ? [] : [[existing(ids, host)]]),
      ...(statuses === undefined ? [] : [[...statuses].map((status) => hosts.byStatus(status))]),
      ...(clusters === undefined ? [] : [[...clusters].map((cluster) => hosts.byCluster(cluster))]),
    ],
    indexed: freshnesses === undefined,
    nameOf: (id) => host(id)?.static.name,
    matches: (id) => {
      const it = host(id);
      return (
        it !== undefined &&
        (ids === undefined || ids.has(id)) &&
        (statuses === undefined || statuses.has(it.dynamic.status)) &&
        (clusters === undefined || clusters.has(it.static.clusterId)) &&
        (freshnesses === undefined || freshnesses.has(freshnessOf(context, it)))
      );
    },
    view: (id) => {
      const it = host(id);
      return it && hostView(context, it);
    },
  };
}

/** VMs that a filter takes, by the indexes there are. */
export function vmSource(context: ViewContext, filter: VmFilter): PageSource<VmView> {
  const { vms, vmNames } = context.sets;
  const [ids, statuses, hosts] = [wanted(filter.id), wanted(filter.status), wanted(filter.hostId)];
  const [clusters, freshnesses] = [wanted(filter.clusterId), wanted(filter.freshness)];
  const now = context.now();
  return {
    names: vmNames,
    groups: [
      ...(ids === undefined ? [] : [[existing(ids, (id) => vms.get(id))]]),
      ...(statuses === undefined ? [] : [[...statuses].map((status) => vms.byStatus(status))]),
      ...(hosts === undefined || hosts.has(null) ? [] : [[...hosts].map((host) => vms.byHost(host ?? ''))]),
      ...(clusters === undefined || clusters.has(null) ? [] : [[...clusters].map((id) => vms.byCluster(id ?? ''))]),
    ],
    indexed: freshnesses === undefined && hosts?.has(null) !== true && clusters?.has(null) !== true,
    nameOf: (id) => vms.get(id)?.static.name,
    matches: (id) => {
      const it = vms.get(id);
      return (
        it !== undefined &&
        (ids === undefined || ids.has(id)) &&
        (statuses === undefined || statuses.has(it.dynamic.status)) &&
        (hosts === undefined || hosts.has(it.dynamic.runOnVds)) &&
        (clusters === undefined || clusters.has(it.static.clusterId)) &&
        (freshnesses === undefined || freshnesses.has(vms.freshness(id, now)))
      );
    },
    view: (id) => {
      const it = vms.get(id);
      return it && vmView(context, it);
    },
  };
}

const existing = (ids: ReadonlySet<string>, get: (id: string) => object | undefined): ReadonlySet<string> =>
  new Set([...ids].filter((id) => get(id) !== undefined));

export function matches<V extends object>(view: V, filter: Filter<V>): boolean {
  for (const [key, wanted] of Object.entries(filter)) {
    if (wanted === undefined) continue;
    const value: unknown = view[key as keyof V];
    if (Array.isArray(wanted) ? !wanted.includes(value) : wanted !== value) return false;
  }
  return true;
}
