import { type Freshness, type HostSettings, notRunning, type Vds, type Vm } from '../model/index.js';
import type { HostSets, Inventory } from '../repository/index.js';
import { graceSeconds } from '../rules/index.js';
import type { Filter, HostView, VmView } from './api.js';
import type { HostRegistry } from './host-registry.js';

export interface ViewContext {
  readonly sets: HostSets;
  readonly inventory: Inventory;
  readonly registry: HostRegistry;
  readonly now: () => number;
  readonly nextPollAt: (hostId: string) => number | null;
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

export function matches<V extends object>(view: V, filter: Filter<V>): boolean {
  for (const [key, wanted] of Object.entries(filter)) {
    if (wanted === undefined) continue;
    const value: unknown = view[key as keyof V];
    if (Array.isArray(wanted) ? !wanted.includes(value) : wanted !== value) return false;
  }
  return true;
}
