import type { Telemetry } from '../../kernel/index.js';
import type { HostSpec, VmSpec } from '../../model/index.js';
import { clusterSpec, type HostView, type LoadedSettings, type Monitor, vmSpec } from '../../monitor/index.js';

type Listed = Pick<LoadedSettings['settings']['inventory'], 'clusters'> & {
  readonly hosts: readonly HostSpec[];
  readonly vms: NonNullable<LoadedSettings['settings']['inventory']['vms']>;
};

/** Clusters come first: a host is judged by the facts of its cluster from its first report on. */
export function takeInventory(monitor: Monitor, { clusters, hosts, vms }: Listed, telemetry: Telemetry): void {
  for (const cluster of clusters) monitor.clusters.put(clusterSpec(cluster));
  takeHosts(monitor, hosts, telemetry);
  for (const vm of vms) monitor.vms.put(vmSpec(vm));
}

/**
 * Hosts of the settings replace those that the settings listed at an earlier start; hosts added by the API stay. An
 * inventory that has lost more than half of its hosts is more likely broken than right: then none is forgotten, and it
 * says so. To be called without a wait after the monitor's start, before any host is asked at a former address.
 */
export function takeHosts(monitor: Monitor, hosts: readonly HostSpec[], telemetry: Telemetry): void {
  const ids = idsOf(hosts);
  const names = new Set(hosts.map((host) => host.name));
  const known = monitor.hosts.list().filter((host) => host.source === 'settings' || host.source === 'file');
  const gone = known.filter((host) => !ids.has(host.id));
  const forget = (host: HostView): void => {
    monitor.hosts.remove(host.id);
    telemetry.log('info', 'A host is no longer listed and is forgotten', { host: host.name, id: host.id });
  };
  // The same name under another id is the same host, set up anew.
  for (const host of gone) if (names.has(host.name)) forget(host);
  const missing = gone.filter((host) => !names.has(host.name));
  if (missing.length * 2 > known.length) {
    telemetry.log('warn', 'Most hosts are missing from the inventory; none of them is forgotten', {
      missing: missing.length,
      known: known.length,
      remedy: 'vurti hosts remove NAME',
    });
  } else {
    for (const host of missing) forget(host);
  }
  for (const host of hosts) monitor.hosts.put(host);
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
