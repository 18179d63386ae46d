import { type PauseStatus, pauseIsError, vdsStatusIds, vmStatusIds } from '../../model/index.js';
import type { HostView, Monitor, VmView } from '../../monitor/index.js';
import { type Family, header, sample } from './exposition.js';

export interface SeriesSettings {
  /** Series of each VM; off for fleets that Prometheus should not hold one by one. */
  readonly perVm: boolean;
  /** code: one series a VM with oVirt's number of its status; enum: one for each status, 0 or 1. */
  readonly statusSeries: 'code' | 'enum';
}

interface Series<V> extends Family {
  readonly of: (view: V) => string;
}

const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000);
const ratio = (percent: number | null): number | null => (percent === null ? null : percent / 100);

function hostGauge(name: string, help: string, value: (host: HostView) => number | null): Series<HostView> {
  return { name, help, of: (host) => sample(name, { host: host.id }, value(host)) };
}

function vmGauge(name: string, help: string, value: (vm: VmView) => number | null): Series<VmView> {
  return { name, help, of: (vm) => sample(name, { vm: vm.id }, value(vm)) };
}

export const hostSeries: readonly Series<HostView>[] = [
  {
    name: 'vurti_host_info',
    help: 'What a host is called and where it belongs; join by host.',
    of: (h) =>
      sample(
        'vurti_host_info',
        { host: h.id, name: h.name, cluster: h.cluster, address: h.address, version: h.version },
        1,
      ),
  },
  hostGauge(
    'vurti_host_status',
    'Status of the host as oVirt’s number (3 Up, 4 NonResponsive, 13 Connecting …).',
    (h) => vdsStatusIds[h.status],
  ),
  hostGauge('vurti_host_status_since_timestamp_seconds', 'When the host got its status.', (h) => seconds(h.since)),
  hostGauge('vurti_host_last_answer_timestamp_seconds', 'Last answer of the host’s agent to this process.', (h) =>
    seconds(h.heardAt),
  ),
  hostGauge('vurti_host_failed_attempts', 'Failed attempts since the last answer.', (h) => h.attempts),
  hostGauge('vurti_host_vms', 'VMs that are on the host as far as known.', (h) => h.vms),
  hostGauge('vurti_host_cpu_usage_ratio', 'CPU usage, 0 to 1; absent while the figures are not live.', (h) =>
    ratio(h.cpuPercent),
  ),
  hostGauge('vurti_host_memory_usage_ratio', 'Memory usage, 0 to 1; absent while the figures are not live.', (h) =>
    ratio(h.memoryPercent),
  ),
  hostGauge(
    'vurti_host_network_usage_ratio',
    'Usage of the busiest nic, 0 to 1; absent while the figures are not live.',
    (h) => ratio(h.networkPercent),
  ),
  hostGauge('vurti_host_memory_bytes', 'Physical memory.', (h) =>
    h.memoryMb === null ? null : h.memoryMb * 1024 * 1024,
  ),
];

const vmInfo: Series<VmView> = {
  name: 'vurti_vm_info',
  help: 'What a VM is called and where it is; join by vm.',
  of: (vm) =>
    sample(
      'vurti_vm_info',
      { vm: vm.id, name: vm.name, cluster: vm.cluster, host: vm.host, ha: vm.ha === null ? null : String(vm.ha) },
      1,
    ),
};
const vmStatusCode = vmGauge(
  'vurti_vm_status',
  'Status of the VM as oVirt’s number (0 Down, 1 Up, 4 Paused, 7 Unknown …).',
  (vm) => vmStatusIds[vm.status],
);
const vmStatusEnum: Series<VmView> = {
  name: 'vurti_vm_status',
  help: 'Status of the VM: 1 for the one that it has, 0 for all others.',
  of: (vm) =>
    Object.keys(vmStatusIds)
      .map((status) => sample('vurti_vm_status', { vm: vm.id, status }, status === vm.status ? 1 : 0))
      .join(''),
};
const vmPause: Series<VmView> = {
  name: 'vurti_vm_pause_info',
  help: 'Why a paused VM is paused; error: whether it could not go on.',
  of: (vm) =>
    vm.pause === null
      ? ''
      : sample(
          'vurti_vm_pause_info',
          { vm: vm.id, code: vm.pause, error: String(pauseIsError.has(vm.pause as PauseStatus)) },
          1,
        ),
};
const vmFigures: readonly Series<VmView>[] = [
  vmGauge('vurti_vm_status_since_timestamp_seconds', 'When the VM got its status.', (vm) => seconds(vm.since)),
  vmGauge('vurti_vm_last_report_timestamp_seconds', 'Last report of the VM to this process.', (vm) =>
    seconds(vm.heardAt),
  ),
  vmGauge(
    'vurti_vm_cpu_usage_ratio',
    'CPU usage of all its vCPUs, 0 to 1; absent while the figures are not live.',
    (vm) => ratio(vm.cpuPercent),
  ),
  vmGauge('vurti_vm_memory_usage_ratio', 'Memory usage as the guest says, 0 to 1.', (vm) => ratio(vm.memoryPercent)),
  vmGauge('vurti_vm_network_usage_ratio', 'Usage of its busiest nic, 0 to 1.', (vm) => ratio(vm.networkPercent)),
  vmGauge('vurti_vm_uptime_seconds', 'Time since its start as the agent says.', (vm) => vm.uptimeSeconds),
];

export function vmSeries({ statusSeries }: SeriesSettings): readonly Series<VmView>[] {
  return [vmInfo, statusSeries === 'enum' ? vmStatusEnum : vmStatusCode, vmPause, ...vmFigures];
}

/** Counts by cluster and another label, kept while the entities are gone through once. */
class Counts {
  readonly #byLabels = new Map<string, { readonly labels: Readonly<Record<string, string>>; n: number }>();

  add(labels: Readonly<Record<string, string>>): void {
    const key = JSON.stringify(labels);
    const entry = this.#byLabels.get(key);
    if (entry === undefined) this.#byLabels.set(key, { labels, n: 1 });
    else entry.n += 1;
  }

  text(family: Family): string {
    let text = header(family);
    for (const { labels, n } of this.#byLabels.values()) text += sample(family.name, labels, n);
    return text;
  }
}

export const countFamilies = {
  hosts: { name: 'vurti_hosts', help: 'Hosts by cluster and status.' },
  vms: { name: 'vurti_vms', help: 'VMs by cluster and status.' },
  freshness: { name: 'vurti_vms_by_freshness', help: 'VMs by how much their reports are worth: live, stale, unknown.' },
} as const satisfies Readonly<Record<string, Family>>;

/**
 * The series of all hosts and VMs, piece by piece; null where the caller may leave the event loop to others for a while. Families are whole, as the format asks; each entity is looked at once.
 */
export function* entitySeries(monitor: Monitor, settings: SeriesSettings): Generator<string | null, void, void> {
  const hosts = new Counts();
  yield* families(hostSeries, monitor.hosts.each(), (host) => {
    hosts.add({ cluster: host.cluster, status: host.status });
  });
  yield hosts.text(countFamilies.hosts);
  const vms = new Counts();
  const freshness = new Counts();
  yield* families(settings.perVm ? vmSeries(settings) : [], monitor.vms.each(), (vm) => {
    vms.add({ cluster: vm.cluster ?? '', status: vm.status });
    freshness.add({ freshness: vm.freshness });
  });
  yield vms.text(countFamilies.vms);
  yield freshness.text(countFamilies.freshness);
}

const SLICE = 200;

function* families<V>(
  series: readonly Series<V>[],
  entities: Iterable<V>,
  look: (view: V) => void,
): Generator<string | null, void, void> {
  const texts = series.map(header);
  let n = 0;
  for (const entity of entities) {
    look(entity);
    for (const [i, one] of series.entries()) texts[i] += one.of(entity);
    n += 1;
    if (n % SLICE === 0) yield null;
  }
  yield texts.join('');
}
