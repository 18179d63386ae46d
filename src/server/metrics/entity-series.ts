import { type PauseStatus, pauseIsError, vdsStatusIds, vmStatusIds } from '../../model/index.js';
import type { AgentFigures, HostView, Monitor, VmView } from '../../monitor/index.js';
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

/** A host with what is known of its agent beside the view. */
type ScrapedHost = HostView & AgentFigures;

function hostGauge(name: string, help: string, value: (host: ScrapedHost) => number | null): Series<ScrapedHost> {
  return { name, help, of: (host) => sample(name, { host: host.id }, value(host)) };
}

function vmGauge(name: string, help: string, value: (vm: VmView) => number | null): Series<VmView> {
  return { name, help, of: (vm) => sample(name, { vm: vm.id }, value(vm)) };
}

export const hostSeries: readonly Series<ScrapedHost>[] = [
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
  hostGauge(
    'vurti_host_push_connected',
    '1 while the host’s agent is connected for pushes, 0 while that connection is lost; absent for hosts that do not push.',
    ({ pushes }) => (pushes === null ? null : Number(pushes.state !== 'lost')),
  ),
  hostGauge(
    'vurti_host_push_trusted',
    '1 while the host’s pushes count as whole: connected, polled since, no gap within the last ten minutes.',
    ({ pushes }) => (pushes === null ? null : Number(pushes.trusted)),
  ),
  hostGauge(
    'vurti_host_poll_interval_multiple',
    'How far apart its polls are at present, in multiples of poll.intervalSeconds: trust in its pushes raises it, a gap makes it 1.',
    ({ pushes }) => pushes?.pace ?? null,
  ),
  {
    name: 'vurti_host_push_gaps_total',
    type: 'counter',
    help: 'Changes of the host that a poll showed and no push had announced though the connection stood.',
    of: (h) => sample('vurti_host_push_gaps_total', { host: h.id }, h.pushes?.gaps ?? null),
  },
  hostGauge(
    'vurti_host_certificate_expiry_timestamp_seconds',
    'When the certificate of the host’s agent expires, as its last connection showed.',
    (h) => seconds(h.certificateExpiresAt),
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
  vmGauge(
    'vurti_vm_migration_progress_ratio',
    'How far its migration is, 0 to 1; absent when it does not migrate.',
    (vm) => ratio(vm.migrationProgressPercent),
  ),
  vmGauge('vurti_vm_uptime_seconds', 'Time since its start as the agent says.', (vm) => vm.uptimeSeconds),
];

export function vmSeries({ statusSeries }: SeriesSettings): readonly Series<VmView>[] {
  return [vmInfo, statusSeries === 'enum' ? vmStatusEnum : vmStatusCode, vmPause, ...vmFigures];
}

/** Counts by cluster and another label, kept while the entities are gone through once. */
class Counts {
  readonly #byLabels = new Map<string, { readonly labels: Readonly<Record<string, string>>; n: number }>();

  add(labels: Readonly<Record<string, string>>): void {
    const key = Object.values(labels).join('\n');
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
  hostFreshness: {
    name: 'vurti_hosts_by_freshness',
    help: 'Hosts by how much their last answers are worth: live, stale, unknown.',
  },
  vms: { name: 'vurti_vms', help: 'VMs by cluster and status.' },
  freshness: { name: 'vurti_vms_by_freshness', help: 'VMs by how much their reports are worth: live, stale, unknown.' },
} as const satisfies Readonly<Record<string, Family>>;

/** Entities between two pieces. */
const SLICE = 100;

/**
 * The series of all hosts and VMs, piece by piece: the caller may leave the event loop to others after each. Families are
 * whole, as the format asks; each entity is looked at once, so the pieces hold a part of every family and say of which one.
 */
export function* entitySeries(monitor: Monitor, settings: SeriesSettings): Generator<Piece, void, void> {
  yield* hostFamilies(monitor);
  yield* vmFamilies(monitor, settings);
}

/** Texts of families that are not over yet, by their place; the others are nobody's any more. */
export interface Piece {
  readonly texts: readonly string[];
  /** After this piece the families in it are complete. */
  readonly last: boolean;
}

const whole = (text: string): Piece => ({ texts: [text], last: true });

function* hostFamilies(monitor: Monitor): Generator<Piece, void, void> {
  const hosts = new Counts();
  const freshness = new Counts();
  function* scraped(): Generator<ScrapedHost, void, void> {
    for (const host of monitor.hosts.each()) {
      hosts.add({ cluster: host.cluster, status: host.status });
      freshness.add({ freshness: host.freshness });
      yield { ...host, ...monitor.agent(host.id) };
    }
  }
  yield* families(hostSeries, scraped());
  yield whole(hosts.text(countFamilies.hosts) + freshness.text(countFamilies.hostFreshness));
}

function* vmFamilies(monitor: Monitor, settings: SeriesSettings): Generator<Piece, void, void> {
  const vms = new Counts();
  const freshness = new Counts();
  function* scraped(): Generator<VmView, void, void> {
    for (const vm of monitor.vms.each()) {
      vms.add({ cluster: vm.cluster ?? '', status: vm.status });
      freshness.add({ freshness: vm.freshness });
      yield vm;
    }
  }
  yield* families(settings.perVm ? vmSeries(settings) : [], scraped());
  yield whole(vms.text(countFamilies.vms) + freshness.text(countFamilies.freshness));
}

function* families<V>(series: readonly Series<V>[], entities: Iterable<V>): Generator<Piece, void, void> {
  let texts = series.map(header);
  let n = 0;
  for (const entity of entities) {
    for (const [i, one] of series.entries()) texts[i] += one.of(entity);
    n += 1;
    if (n % SLICE > 0) continue;
    yield { texts, last: false };
    texts = series.map(() => '');
  }
  yield { texts, last: true };
}
