import {
  initialRow,
  type NumaNode,
  notMonitored,
  sameValue,
  upOrLeaving,
  type VdsInterfaceStatistics,
  type VdsStatistics,
  type VdsStatsReport,
  type VdsUsage,
  vdsStatisticsFields,
} from '../../model/index.js';
import { nicFigures } from '../rates.js';
import type { Row } from '../row.js';
import { keepEqual, networkPercent } from '../vm/statistics.js';
import type { HostCase } from './case.js';
import type { HostDraft } from './draft.js';

export type StatsCase = HostCase & { readonly report: VdsStatsReport };
type StatsRow = Row<StatsCase, HostDraft>;

const becomesUp = (c: StatsCase): boolean =>
  c.liveness.readyForUp && !upOrLeaving.has(c.host.dynamic.status) && !notMonitored.has(c.host.dynamic.status);

/** Statistics were answered (§2.4 end, §2.5). Exactly one row matches. */
export const statsTransitions: readonly StatsRow[] = [
  {
    name: 'host.up',
    doc: 'Capabilities broke no rule and statistics are answered: the host is Up (§3.6; no hysteresis).',
    when: becomesUp,
    then: (_, draft) => {
      draft.status('Up');
      draft.live({ readyForUp: false, recoveringSince: null });
      draft.event('VDS_DETECTED', { HostStatus: 'Up' });
      // Its VMs are stale since contact was lost; there is no reason to wait for the next statistics tick.
      draft.request('Host.getAllVmStats', 'host.up');
    },
  },
  {
    name: 'host.statistics',
    doc: 'Statistics of a monitored host: its figures are taken over.',
    when: (c) => !becomesUp(c),
    then: () => undefined,
  },
];

/** Takes the answer's figures over: the host's row for what is state, its usage for what is measured. */
export function takeStatistics(c: StatsCase, draft: HostDraft): void {
  draft.set(c.report.dynamic);
  draft.usage = nextVdsUsage(c, draft.usage);
}

/**
 * The host's usage after one more report (§8.1). Parts that come out equal are the previous objects themselves, so that
 * an unchanged report copies nothing and writes nothing.
 */
export function nextVdsUsage(c: StatsCase, previous: VdsUsage | undefined): VdsUsage {
  const interfaces = nextInterfaces(c, previous?.interfaces ?? []);
  const numaNodes = keepEqual(
    previous?.numaNodes ?? [],
    c.report.numaNodes.map((node): NumaNode => ({ hostId: c.host.id, ...node })),
  );
  const next = nextStatistics(c, previous?.statistics, interfaces);
  const statistics = previous !== undefined && sameValue(previous.statistics, next) ? previous.statistics : next;
  if (
    previous !== undefined &&
    statistics === previous.statistics &&
    interfaces === previous.interfaces &&
    numaNodes === previous.numaNodes
  ) {
    return previous;
  }
  return { statistics, interfaces, numaNodes };
}

function nextStatistics(
  c: StatsCase,
  previous: VdsStatistics | undefined,
  interfaces: readonly VdsInterfaceStatistics[],
): VdsStatistics {
  const reported = c.report.statistics;
  const { cpuUser, cpuSys } = reported;
  return {
    ...(previous ?? initialRow(vdsStatisticsFields)),
    ...reported,
    id: c.host.id,
    cpuLoad: reported.cpuLoad ?? 0,
    ...(typeof cpuUser === 'number' && typeof cpuSys === 'number'
      ? { usageCpuPercent: Math.trunc(cpuUser + cpuSys) }
      : {}),
    ...memoryUsage(c),
    usageNetworkPercent: networkPercent(countedNics(c, interfaces)),
    diskFreeMb: c.report.diskFreeMb ?? previous?.diskFreeMb ?? null,
    storageDomains: c.report.storageDomains ?? previous?.storageDomains ?? null,
    multipathHealth: c.report.multipath ?? previous?.multipathHealth ?? null,
  };
}

/** Used memory in per cent; free huge pages count as free. Needs the host's size and the huge pages to be known. */
function memoryUsage(c: StatsCase): Pick<VdsStatistics, 'usageMemPercent'> | Record<never, never> {
  const { memFree, hugepages } = c.report.statistics;
  const total = c.host.dynamic.physicalMemMb;
  if (typeof memFree !== 'number' || !hugepages || total === null || total <= 0) return {};
  let freeHugepagesMb = 0;
  for (const [sizeKib, pages] of Object.entries(hugepages))
    freeHugepagesMb += ((pages.free ?? 0) * Number(sizeKib)) / 1024;
  return { usageMemPercent: 100 - Math.round((100 * (memFree + freeHugepagesMb)) / total) };
}

/** A vlan's or a slave's traffic is its base nic's or bond's as well. */
function countedNics(c: StatsCase, interfaces: readonly VdsInterfaceStatistics[]): readonly VdsInterfaceStatistics[] {
  const part = new Set(
    c.host.interfaces.filter((nic) => nic.vlanId !== null || nic.bondName !== null).map((nic) => nic.name),
  );
  return part.size === 0 ? interfaces : interfaces.filter((nic) => !part.has(nic.name));
}

function nextInterfaces(c: StatsCase, previous: readonly VdsInterfaceStatistics[]): readonly VdsInterfaceStatistics[] {
  const next = c.report.nics.map((sample): VdsInterfaceStatistics => {
    const before = previous.find((nic) => nic.name === sample.name);
    return {
      hostId: c.host.id,
      name: sample.name,
      status: sample.status,
      speedMbps: sample.speedMbps,
      ...nicFigures(before, sample, sample.speedMbps),
    };
  });
  return keepEqual(previous, next);
}
