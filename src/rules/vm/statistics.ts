import {
  type DiskStatistics,
  exactCount,
  initialRow,
  sameValue,
  type Vm,
  type VmInterfaceStatistics,
  type VmStatistics,
  type VmStatisticsSample,
  type VmUsage,
  vmStatisticsFields,
} from '../../model/index.js';
import { nicFigures } from '../rates.js';

/**
 * A VM's usage after one more report (§4.12). What the report does not say keeps its old value. Parts that come out equal
 * are the previous objects themselves, so that an unchanged report copies nothing and writes nothing.
 */
export function nextVmUsage(vm: Vm, previous: VmUsage | undefined, sample: VmStatisticsSample): VmUsage {
  const interfaces = nextInterfaces(vm, previous?.interfaces ?? [], sample);
  const statistics = nextStatistics(vm, previous?.statistics, sample, interfaces);
  const disks = nextDisks(vm, previous?.disks ?? [], sample);
  const { migrationProgress } = sample;
  if (
    previous !== undefined &&
    statistics === previous.statistics &&
    interfaces === previous.interfaces &&
    disks === previous.disks &&
    migrationProgress === previous.migrationProgress
  ) {
    return previous;
  }
  return { statistics, interfaces, disks, migrationProgress };
}

/** Per cent of the VM's CPUs: whole, at most 100; the old value when the report has none (cpuActual false). */
export function cpuPercent(
  user: number | null,
  sys: number | null,
  vcpus: number | null,
  previous: number | null,
): number | null {
  if (user === null || sys === null) return previous;
  if (vcpus === null || vcpus <= 0) return previous;
  return Math.min(100, Math.trunc((user + sys) / vcpus));
}

/** The busiest direction of the busiest nic, whole, at most 100; null when no rate is known. */
export function networkPercent(
  nics: readonly { readonly rxRate: number | null; readonly txRate: number | null }[],
): number | null {
  let most: number | null = null;
  for (const nic of nics) {
    for (const rate of [nic.rxRate, nic.txRate]) if (rate !== null && (most === null || rate > most)) most = rate;
  }
  return most === null ? null : Math.min(100, Math.trunc(most));
}

/** The same for a VM, where a nic that receives nothing does not count (§4.12): it sends into the void. */
export function vmNetworkPercent(nics: readonly VmInterfaceStatistics[]): number | null {
  const used = networkPercent(nics.filter((nic) => nic.rxRate !== null && nic.rxRate > 0));
  return used ?? (nics.some((nic) => nic.rxRate !== null || nic.txRate !== null) ? 0 : null);
}

function nextStatistics(
  vm: Vm,
  previous: VmStatistics | undefined,
  sample: VmStatisticsSample,
  interfaces: readonly VmInterfaceStatistics[],
): VmStatistics {
  const before = previous ?? { ...initialRow(vmStatisticsFields), id: vm.id };
  const vcpus = vm.static.vcpus ?? sample.vcpuCount;
  const next: VmStatistics = {
    id: vm.id,
    cpuUser: sample.cpuUser ?? before.cpuUser,
    cpuSys: sample.cpuSys ?? before.cpuSys,
    elapsedSeconds: sample.elapsedSeconds ?? before.elapsedSeconds,
    usageCpuPercent: cpuPercent(sample.cpuUser, sample.cpuSys, vcpus, before.usageCpuPercent),
    usageMemPercent: sample.memUsagePercent ?? before.usageMemPercent,
    usageNetworkPercent: sample.nics === null ? before.usageNetworkPercent : vmNetworkPercent(interfaces),
    disksUsage: sample.disksUsage ?? before.disksUsage,
    guestMemBuffered: sample.memory?.buffered ?? before.guestMemBuffered,
    guestMemCached: sample.memory?.cached ?? before.guestMemCached,
    guestMemFree: sample.memory?.free ?? before.guestMemFree,
    guestMemUnused: sample.memory?.unused ?? before.guestMemUnused,
    balloonCurrent: sample.balloon?.current ?? before.balloonCurrent,
    balloonMax: sample.balloon?.max ?? before.balloonMax,
    balloonMin: sample.balloon?.min ?? before.balloonMin,
    balloonTarget: sample.balloon?.target ?? before.balloonTarget,
  };
  return previous !== undefined && sameValue(previous, next) ? previous : next;
}

function nextInterfaces(
  vm: Vm,
  previous: readonly VmInterfaceStatistics[],
  sample: VmStatisticsSample,
): readonly VmInterfaceStatistics[] {
  if (sample.nics === null) return previous;
  const byMac = new Map<string, VmInterfaceStatistics>();
  for (const nic of sample.nics) {
    if (nic.macAddr === null) continue;
    // The nominal speed is what the manager set; the agent's is only its default.
    const speedMbps = nominalSpeed(vm, nic.macAddr) ?? nic.speedMbps;
    const before = previous.find((known) => known.macAddr === nic.macAddr);
    const figures = nicFigures(before, nic, speedMbps);
    const twin = byMac.get(nic.macAddr);
    byMac.set(nic.macAddr, {
      vmId: vm.id,
      macAddr: nic.macAddr,
      name: nic.name,
      speedMbps,
      ...figures,
      // The same MAC twice in one report: the busier of the two.
      ...(twin === undefined ? {} : busier(twin, figures)),
    });
  }
  for (const nic of previous) {
    if (!byMac.has(nic.macAddr) && nicOf(vm, nic.macAddr) !== undefined) byMac.set(nic.macAddr, unreported(nic));
  }
  return keepEqual(previous, [...byMac.values()]);
}

/** The VM has the nic, but nothing is said of it: what was counted is not known now, and goes on when it is reported. */
function unreported(nic: VmInterfaceStatistics): VmInterfaceStatistics {
  const nothing = { rxRate: null, txRate: null, rxTotal: null, txTotal: null, rxDrop: null, txDrop: null };
  return { ...nic, ...nothing, sampleTime: null };
}

const nicOf = (vm: Vm, mac: string) => vm.static.nics?.find((nic) => nic.mac.toLowerCase() === mac);

/** What the manager set; null: nothing. */
export const nominalSpeed = (vm: Vm, mac: string): number | null => nicOf(vm, mac)?.speedMbps ?? null;

type Busy = Pick<VmInterfaceStatistics, 'rxRate' | 'txRate' | 'rxDrop' | 'txDrop'>;

function busier(a: Busy, b: Busy): Busy {
  return {
    rxRate: larger(a.rxRate, b.rxRate),
    txRate: larger(a.txRate, b.txRate),
    rxDrop: larger(a.rxDrop, b.rxDrop),
    txDrop: larger(a.txDrop, b.txDrop),
  };
}

function larger<T extends number | bigint>(a: T | null, b: T | null): T | null {
  if (a === null) return b;
  return b === null || a > b ? a : b;
}

function nextDisks(vm: Vm, previous: readonly DiskStatistics[], sample: VmStatisticsSample): readonly DiskStatistics[] {
  if (sample.disks === null) return previous;
  const plugged = vm.static.disks?.map((disk) => disk.imageId);
  const next: DiskStatistics[] = [];
  for (const disk of sample.disks) {
    // CD-ROMs and LUNs have no image; of those that are no disk of the VM's, nobody asks.
    if (disk.imageId === null || plugged?.includes(disk.imageId) === false) continue;
    next.push({
      imageId: disk.imageId,
      vmId: vm.id,
      readRate: wholeBytes(disk.readRate),
      writeRate: wholeBytes(disk.writeRate),
      readOps: exactCount(disk.readOps),
      writeOps: exactCount(disk.writeOps),
      actualSize: exactCount(disk.trueSize),
      readLatencySeconds: latencySeconds(disk.readLatencyNs),
      writeLatencySeconds: latencySeconds(disk.writeLatencyNs),
      flushLatencySeconds: latencySeconds(disk.flushLatencyNs),
    });
  }
  return keepEqual(previous, next);
}

/** As oVirt's column holds them. */
const wholeBytes = (rate: number | null): number | null => (rate === null ? null : Math.trunc(rate));

/** Nanoseconds to seconds with nine digits, as oVirt's column holds them. */
export function latencySeconds(ns: number | null): number | null {
  if (ns === null) return null;
  // Of whole nanoseconds the quotient is the number that the nine digits are read as: no text is needed to find it. Which
  // whole number it is shows without one, too, unless the fraction is about a half: there the quotient's own rounding counts.
  if (ns >= 0 && ns <= MOST_NS) {
    const whole = Math.round(ns);
    if (Math.abs(Math.abs(ns - whole) - 0.5) > HALF) return whole / 1e9;
  }
  return Number((ns / 1e9).toFixed(9));
}

/** 18 minutes: up to here what a division and a product round is far less than HALF. */
const MOST_NS = 2 ** 40;
const HALF = 1 / 1024;

/** The previous list when nothing changed, else the new one with every unchanged element shared. */
export function keepEqual<T extends object>(previous: readonly T[], next: readonly T[]): readonly T[] {
  let same = previous.length === next.length;
  const shared = next.map((item, i) => {
    const before = previous[i];
    if (before !== undefined && sameValue(before, item)) return before;
    same = false;
    return item;
  });
  return same ? previous : shared;
}
