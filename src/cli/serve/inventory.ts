import type { HostSpec, VmSpec } from '../../model/index.js';
import {
  clusterSpec,
  type HostChanges,
  type HostSource,
  type InventorySources,
  type LoadedSettings,
  type Monitor,
  vmSpec,
} from '../../monitor/index.js';

type Listed = Pick<LoadedSettings['settings']['inventory'], 'clusters' | 'files'> & {
  readonly hosts: readonly HostSpec[];
  readonly vms: NonNullable<LoadedSettings['settings']['inventory']['vms']>;
};

/**
 * Clusters come first: a host is judged by the facts of its cluster from its first report on. At a start to be called
 * without a wait after the monitor's, before any host is asked at a former address.
 */
export function takeInventory(
  monitor: Monitor,
  { clusters, files, hosts, vms }: Listed,
  sources: InventorySources,
  options: { readonly acceptRemovals?: boolean } = {},
): HostChanges {
  for (const cluster of clusters) monitor.clusters.put(clusterSpec(cluster));
  const changes = sources.take(bySource(hosts, files), options);
  for (const vm of vms) monitor.vms.put(vmSpec(vm));
  return changes;
}

/** Each source that is named, also one that lists nothing. */
export function bySource(hosts: readonly HostSpec[], files: readonly string[]): HostSource[] {
  const groups = new Map<string, HostSpec[]>(
    ['settings', ...files.map((file) => `file:${file}`)].map((id) => [id, []]),
  );
  for (const host of hosts) {
    const id = host.source ?? 'settings';
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [host]);
    else group.push(host);
  }
  return [...groups].map(([id, listed]) => ({ id, hosts: listed }));
}

/** A demo's fleet is what the simulator makes now; what an earlier demo left behind is nobody's. */
export function takeDemo(monitor: Monitor, hosts: readonly HostSpec[], vms: readonly VmSpec[]): void {
  const hostIds = idsOf(hosts);
  const vmIds = new Set(vms.map((vm) => vm.id));
  for (const host of monitor.hosts.list()) if (!hostIds.has(host.id)) monitor.hosts.remove(host.id);
  for (const vm of monitor.vms.list()) if (!vmIds.has(vm.id)) monitor.vms.remove(vm.id);
  for (const host of hosts) monitor.hosts.put(host);
  for (const vm of vms) monitor.vms.put(vm);
}

const idsOf = (hosts: readonly HostSpec[]): Set<string> => new Set(hosts.map((host) => host.id ?? host.name));
