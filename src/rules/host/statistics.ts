import {
  copyOfVdsStatistics,
  type InterfaceStatus,
  initialRow,
  type NumaNode,
  notMonitored,
  sameValue,
  type VdsInterfaceStatistics,
  type VdsStatistics,
  type VdsStatsReport,
  type VdsUsage,
  vdsStatisticsFields,
} from '../../model/index.js';
import { nicFigures } from '../rates.js';
import { keepEqual } from '../vm/statistics.js';
import type { HostCase } from './case.js';
import type { HostDraft } from './draft.js';
import { problematicNics } from './nics.js';

/** Statistics were answered. */
export type StatsCase = HostCase & {
  readonly report: VdsStatsReport;
  /** The usage that comes of the report. */
  readonly next: VdsUsage;
  /** Base nics that are down and carry required networks; empty as well when the networks are not known. */
  readonly nicsDown: ReadonlyMap<string, readonly string[]>;
};

export function statsCase(c: HostCase, report: VdsStatsReport): StatsCase {
  const next = nextVdsUsage(c, report, c.usage);
  const nicsDown = problematicNics(c.host.interfaces, stateIn(next), c.networks);
  // Member by member: of spreads V8 makes an object of another shape each time, and every rule reads this one.
  return {
    now: c.now,
    stamp: c.stamp,
    host: c.host,
    usage: c.usage,
    liveness: c.liveness,
    settings: c.settings,
    general: c.general,
    startedAt: c.startedAt,
    cluster: c.cluster,
    networks: c.networks,
    firstUpHostOs: c.firstUpHostOs,
    clusterStatuses: c.clusterStatuses,
    vms: c.vms,
    incomingVms: c.incomingVms,
    claims: c.claims,
    imageTransfers: c.imageTransfers,
    report,
    next,
    nicsDown,
  };
}

/** State of a nic by name; undefined: the report does not have it. */
export function stateIn(usage: VdsUsage | undefined): (nic: string) => InterfaceStatus | undefined {
  const states = new Map(usage?.interfaces.map((nic) => [nic.name, nic.status]));
  return (nic) => states.get(nic);
}

/** What an answer means that leaves these out (§8.1). */
const unreported = {
  vmCount: 0,
  vmActive: 0,
  vmMigrating: 0,
  incomingMigrations: -1,
  outgoingMigrations: -1,
} as const;

/**
 * Takes the answer's figures over: the host's row for what is state, its usage for what is measured. An answer that was
 * still on its way when the host was taken out of monitoring counts for nothing: its usage stays nothing (§2.8).
 */
export function takeStatistics(c: StatsCase, draft: HostDraft): void {
  if (notMonitored.has(c.host.dynamic.status)) return;
  draft.set({ ...unreported, ...c.report.dynamic });
  draft.usage = c.next;
}

/**
 * The host's usage after one more report (§8.1). Parts that come out equal are the previous objects themselves, so that
 * an unchanged report copies nothing and writes nothing.
 */
function nextVdsUsage(c: HostCase, report: VdsStatsReport, previous: VdsUsage | undefined): VdsUsage {
  const interfaces = nextInterfaces(c, report, previous?.interfaces ?? []);
  const numaNodes = keepEqual(
    previous?.numaNodes ?? [],
    report.numaNodes.map((node): NumaNode => ({ hostId: c.host.id, ...node })),
  );
  const next = nextStatistics(c, report, previous?.statistics, interfaces);
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
  c: HostCase,
  report: VdsStatsReport,
  previous: VdsStatistics | undefined,
  interfaces: readonly VdsInterfaceStatistics[],
): VdsStatistics {
  const reported = report.statistics;
  const { cpuUser, cpuSys } = reported;
  const next = copyOfVdsStatistics(previous ?? { ...initialRow(vdsStatisticsFields), id: c.host.id });
  Object.assign(next, reported);
  next.cpuLoad = reported.cpuLoad ?? 0;
  if (typeof cpuUser === 'number' && typeof cpuSys === 'number') next.usageCpuPercent = Math.trunc(cpuUser + cpuSys);
  next.usageMemPercent = usedMemoryPercent(c, report);
  next.usageNetworkPercent = busiestPercent(countedNics(c, interfaces));
  next.diskFreeMb = report.diskFreeMb ?? previous?.diskFreeMb ?? null;
  next.storageDomains = report.storageDomains ?? previous?.storageDomains ?? null;
  next.multipathHealth = report.multipath ?? previous?.multipathHealth ?? null;
  return next;
}

/** Used memory in per cent; free huge pages count as free. Not known without the host's size and its huge pages. */
function usedMemoryPercent(c: HostCase, report: VdsStatsReport): number | null {
  const { memFree, hugepages } = report.statistics;
  const total = c.host.dynamic.physicalMemMb;
  if (typeof memFree !== 'number' || !hugepages || total === null || total <= 0) return null;
  let freeHugepagesMb = 0;
  for (const [sizeKib, pages] of Object.entries(hugepages))
    freeHugepagesMb += ((pages.free ?? 0) * Number(sizeKib)) / 1024;
  return 100 - Math.round((100 * (memFree + freeHugepagesMb)) / total);
}

/** The busiest direction of the busiest nic, whole; null when no rate is known. */
function busiestPercent(nics: readonly VdsInterfaceStatistics[]): number | null {
  const rates = nics.flatMap((nic) => [nic.rxRate, nic.txRate]).filter((rate) => rate !== null);
  return rates.length === 0 ? null : Math.trunc(Math.max(...rates));
}

/** A vlan's or a slave's traffic is its base nic's or bond's as well. */
function countedNics(c: HostCase, interfaces: readonly VdsInterfaceStatistics[]): readonly VdsInterfaceStatistics[] {
  const part = new Set(
    c.host.interfaces.filter((nic) => nic.vlanId !== null || nic.bondName !== null).map((nic) => nic.name),
  );
  return part.size === 0 ? interfaces : interfaces.filter((nic) => !part.has(nic.name));
}

function nextInterfaces(
  c: HostCase,
  report: VdsStatsReport,
  previous: readonly VdsInterfaceStatistics[],
): readonly VdsInterfaceStatistics[] {
  const next = report.nics.map((sample): VdsInterfaceStatistics => {
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
