import { notMonitored } from '../../model/index.js';
import type { Row } from '../row.js';
import type { HostDraft } from './draft.js';
import type { StatsCase } from './statistics.js';

type StatsRow = Row<StatsCase, HostDraft>;

const monitored = (c: StatsCase): boolean => !notMonitored.has(c.host.dynamic.status);

/** What each of these events says beside its own figures. */
const named = (c: StatsCase, threshold: number, params: Readonly<Record<string, string>>): Record<string, string> => ({
  HostName: c.host.static.name,
  Cluster: c.cluster?.name ?? c.host.static.clusterId,
  ...params,
  Threshold: String(threshold),
});

const absolute = (c: StatsCase): boolean =>
  c.cluster?.memThresholdType === 'ABSOLUTE' && c.cluster.memThreshold !== null;
const memThreshold = (c: StatsCase): number => c.cluster?.memThreshold ?? c.general.thresholds.memoryPercent;

/** Memory that is used of what huge pages leave, per cent; null: not known. */
function usedMemoryPercent(c: StatsCase): number | null {
  const { memFree, hugepages } = c.report.statistics;
  const physical = c.host.dynamic.physicalMemMb;
  if (typeof memFree !== 'number' || physical === null) return null;
  let hugepagesMb = 0;
  for (const [sizeKib, pages] of Object.entries(hugepages ?? {}))
    hugepagesMb += ((pages.nr ?? 0) * Number(sizeKib)) / 1024;
  const usable = physical - hugepagesMb;
  return usable > 0 ? 100 - Math.round((100 * memFree) / usable) : null;
}

const memFree = (c: StatsCase): number | null => c.report.statistics.memFree ?? null;

/** Only of this report: an old figure must not be reported again. */
function usedCpuPercent(c: StatsCase): number | null {
  const { cpuUser, cpuSys } = c.report.statistics;
  return typeof cpuUser === 'number' && typeof cpuSys === 'number' ? Math.trunc(cpuUser + cpuSys) : null;
}

const whole = (rate: number | null): number => Math.trunc(rate ?? 0);

/** Nics of the host whose traffic in one direction is above the threshold; all reported ones while its nics are not known. */
function busyNics(c: StatsCase) {
  const known = new Set(c.host.interfaces.map((nic) => nic.name));
  const limit = c.general.thresholds.networkPercent;
  return c.next.interfaces.filter(
    (nic) => (known.size === 0 || known.has(nic.name)) && (whole(nic.rxRate) > limit || whole(nic.txRate) > limit),
  );
}

interface Swap {
  readonly free: number;
  readonly usedPercent: number;
}

/** null: there is none, or nothing is known of it. */
function swap(c: StatsCase): Swap | null {
  const { swapFree, swapTotal } = c.report.statistics;
  if (typeof swapFree !== 'number' || typeof swapTotal !== 'number' || swapTotal <= 0) return null;
  return { free: swapFree, usedPercent: (100 * (swapTotal - swapFree)) / swapTotal };
}

/** 96.25 → "96.2": enough to see on which side of the threshold it lies. */
const percentText = (value: number): string => String(Math.floor(value * 10) / 10);

/** Figures of one report against their thresholds (§5.1); each that matches applies, flood control holds repeats back. */
export const thresholdEffects: readonly StatsRow[] = [
  {
    name: 'host.threshold.memory-used',
    doc: 'More memory is used than the cluster’s threshold allows (default thresholds.memoryPercent); huge pages are left out.',
    when: (c) => monitored(c) && !absolute(c) && (usedMemoryPercent(c) ?? 0) > memThreshold(c),
    then: (c, draft) =>
      draft.event(
        'VDS_HIGH_MEM_USE',
        named(c, memThreshold(c), {
          UsedMemory: String(usedMemoryPercent(c)),
          AvailableMemory: String(memFree(c)),
        }),
      ),
  },
  {
    name: 'host.threshold.memory-free',
    doc: 'Less memory is free than the cluster’s threshold asks for, where that is given in MiB.',
    when: (c) => {
      const free = memFree(c);
      return monitored(c) && absolute(c) && free !== null && free < memThreshold(c);
    },
    then: (c, draft) => {
      const used = usedMemoryPercent(c);
      draft.event(
        'VDS_LOW_MEM',
        named(c, memThreshold(c), {
          AvailableMemory: String(memFree(c)),
          ...(used === null ? {} : { UsedMemory: String(used) }),
        }),
      );
    },
  },
  {
    name: 'host.threshold.cpu',
    doc: 'The CPUs are used above thresholds.cpuPercent.',
    when: (c) => monitored(c) && (usedCpuPercent(c) ?? 0) > c.general.thresholds.cpuPercent,
    then: (c, draft) =>
      draft.event(
        'VDS_HIGH_CPU_USE',
        named(c, c.general.thresholds.cpuPercent, { UsedCpu: String(usedCpuPercent(c)) }),
      ),
  },
  {
    name: 'host.threshold.network',
    doc: 'Nics send or receive above thresholds.networkPercent of their speed; each is told by itself.',
    when: (c) => monitored(c) && busyNics(c).length > 0,
    then: (c, draft) => {
      for (const nic of busyNics(c)) {
        draft.event(
          'HOST_INTERFACE_HIGH_NETWORK_USE',
          named(c, c.general.thresholds.networkPercent, {
            InterfaceName: nic.name,
            TransmitRate: String(whole(nic.txRate)),
            ReceiveRate: String(whole(nic.rxRate)),
          }),
          nic.name,
        );
      }
    },
  },
  {
    name: 'host.threshold.swap-free',
    doc: 'Less swap space is free than thresholds.swapFreeMiB; a host without swap space is not judged.',
    when: (c) => {
      const space = swap(c);
      return monitored(c) && space !== null && space.free < c.general.thresholds.swapFreeMiB;
    },
    then: (c, draft) =>
      draft.event(
        'VDS_LOW_SWAP',
        named(c, c.general.thresholds.swapFreeMiB, {
          AvailableMemory: String(swap(c)?.free),
          UsedMemory: percentText(swap(c)?.usedPercent ?? 0),
        }),
      ),
  },
  {
    name: 'host.threshold.swap-used',
    doc: 'More swap space is used than thresholds.swapPercent (D4).',
    when: (c) => monitored(c) && (swap(c)?.usedPercent ?? 0) > c.general.thresholds.swapPercent,
    then: (c, draft) =>
      draft.event(
        'VDS_HIGH_SWAP_USE',
        named(c, c.general.thresholds.swapPercent, {
          UsedMemory: percentText(swap(c)?.usedPercent ?? 0),
          AvailableMemory: String(swap(c)?.free),
        }),
      ),
  },
];
