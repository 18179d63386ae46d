import {
  type Count,
  type DiskColumns,
  diskFigureAt,
  figureAt,
  type NicColumns,
  type NicSample,
  nicFigureAt,
  sameValue,
  type Vm,
  type VmColumns,
  type VmDiskSample,
  type VmStatisticsSample,
} from '../../model/index.js';
import { cpuPercent, latencySeconds, nominalSpeed } from './statistics.js';

/**
 * `nextVmUsage` on columns, for the usual case: the report lists the nics and disks that it listed last, in the same order,
 * and every counter is exact as a number. That both come to the same is proven by test/rules/take-sample.test.ts.
 *
 * `other`: it is not that case, nothing was touched; `nextVmUsage` takes the report, then `learnSample` looks at it again.
 */
export function takeSample(vm: Vm, columns: VmColumns, sample: VmStatisticsSample): 'same' | 'changed' | 'other' {
  const { nics, disks } = sample;
  if (!isUsual(vm, columns, sample)) return 'other';
  let changed = false;
  if (nics !== null) {
    for (let i = 0; i < nics.length; i++) {
      const nic = columns.sampledNics?.[i];
      if (nic && takeNic(nic, nics[i] as NicSample)) changed = true;
    }
  }
  if (disks !== null) {
    for (let i = 0; i < disks.length; i++) {
      const disk = columns.sampledDisks?.[i];
      if (disk && takeDisk(disk, disks[i] as VmDiskSample)) changed = true;
    }
  }
  if (takeFigures(vm, columns, sample)) {
    columns.dirty = true;
    changed = true;
  }
  columns.put(figureAt.migrationProgress, sample.migrationProgress);
  return changed ? 'changed' : 'same';
}

/** Whether the columns can take the sample: the inventory, nics and disks are those that they know, and all is exact. */
export function isUsual(vm: Vm, columns: VmColumns, { nics, disks }: VmStatisticsSample): boolean {
  if (columns.facts !== vm.static) return false;
  return (nics === null || isKnownNics(columns, nics)) && (disks === null || isKnownDisks(vm, columns, disks));
}

/** Notes what the entries of a report stand for whose usage the columns hold. */
export function learnSample(vm: Vm, columns: VmColumns, { nics, disks }: VmStatisticsSample): void {
  columns.facts = null;
  if (columns.plain !== null) return;
  columns.sampledNics = null;
  columns.sampledDisks = null;
  if (nics !== null) {
    const sampled = nics.map((nic) => columns.nics.find((known) => known.macAddr === nic.macAddr) ?? null);
    const twins = sampled.some((nic, i) => nic !== null && sampled.indexOf(nic) !== i);
    if (twins) return;
    columns.sampledNics = sharedIfSame(sampled, columns.nics);
    for (const nic of columns.nics) nic.fixedSpeed = nominalSpeed(vm, nic.macAddr);
  }
  if (disks !== null) {
    const sampled = disks.map((disk) => columns.disks.find((known) => known.imageId === disk.imageId) ?? null);
    columns.sampledDisks = sharedIfSame(sampled, columns.disks);
  }
  columns.facts = vm.static;
}

function sharedIfSame<T>(sampled: readonly (T | null)[], all: readonly T[]): readonly (T | null)[] {
  return sampled.length === all.length && sampled.every((each, i) => each === all[i]) ? all : sampled;
}

function isKnownNics({ sampledNics: known }: VmColumns, nics: readonly NicSample[]): boolean {
  if (known?.length !== nics.length) return false;
  for (let i = 0; i < nics.length; i++) {
    const nic = known[i] as NicColumns | null;
    const said = nics[i] as NicSample;
    if (said.macAddr !== (nic === null ? null : nic.macAddr)) return false;
    if (nic === null) continue;
    if (!isExact(said.rxDropped, said.txDropped, null)) return false;
    if (!staysExact(nic, nicFigureAt.rxTotal, nicFigureAt.rxOffset, said.rxBytes)) return false;
    if (!staysExact(nic, nicFigureAt.txTotal, nicFigureAt.txOffset, said.txBytes)) return false;
  }
  return true;
}

function isKnownDisks(vm: Vm, { sampledDisks: known }: VmColumns, disks: readonly VmDiskSample[]): boolean {
  if (known?.length !== disks.length) return false;
  for (let i = 0; i < disks.length; i++) {
    const disk = known[i] as DiskColumns | null;
    const said = disks[i] as VmDiskSample;
    if (disk === null) {
      const isKept = said.imageId !== null && vm.static.disks?.some((one) => one.imageId === said.imageId) !== false;
      if (isKept) return false;
    } else if (said.imageId !== disk.imageId || !isExact(said.readOps, said.writeOps, said.trueSize)) {
      return false;
    }
  }
  return true;
}

const isExact = (a: Count | null, b: Count | null, c: Count | null): boolean =>
  typeof a !== 'bigint' && typeof b !== 'bigint' && typeof c !== 'bigint';

/** Whether the counter's next total and offset are exact whatever becomes of it: it goes on, or begins anew. */
function staysExact(nic: NicColumns, totalAt: number, offsetAt: number, reported: Count | null): boolean {
  return typeof reported !== 'bigint' && (reported === null || hasRoom(nic, totalAt, offsetAt, reported));
}

/** NaN is larger than nothing. */
export function hasRoom(nic: NicColumns, totalAt: number, offsetAt: number, reported: number): boolean {
  return !(
    nic.raw(totalAt) + reported > Number.MAX_SAFE_INTEGER || nic.raw(offsetAt) + reported > Number.MAX_SAFE_INTEGER
  );
}

function takeNic(nic: NicColumns, said: NicSample): boolean {
  let changed = takeTraffic(
    nic,
    known(said.speedMbps),
    known(said.sampleTime),
    known(said.rxBytes as number | null),
    known(said.txBytes as number | null),
    known(said.rxDropped as number | null),
    known(said.txDropped as number | null),
  );
  if (nic.name !== said.name) {
    nic.name = said.name;
    nic.dirty = true;
    changed = true;
  }
  return changed;
}

const known = (value: number | null): number => (value === null ? Number.NaN : value);

/** `nicFigures` on columns; the sample's counters are numbers. What is not known is NaN, here as in the columns. */
export function takeTraffic(
  nic: NicColumns,
  reportedSpeed: number,
  sampleTime: number,
  rx: number,
  tx: number,
  rxDropped: number,
  txDropped: number,
): boolean {
  const speed = nic.fixedSpeed ?? reportedSpeed;
  const timeBefore = nic.raw(nicFigureAt.sampleTime);
  const repeated = timeBefore === sampleTime;
  const seconds = sampleTime - timeBefore;
  const { rxTotal, rxOffset, rxRate, txTotal, txOffset, txRate } = nicFigureAt;
  let changed = takeCounter(nic, rxTotal, rxOffset, rxRate, rx, repeated, seconds, speed);
  changed = takeCounter(nic, txTotal, txOffset, txRate, tx, repeated, seconds, speed) || changed;
  changed = nic.putRaw(nicFigureAt.sampleTime, sampleTime) || changed;
  changed = nic.putRaw(nicFigureAt.speedMbps, speed) || changed;
  changed = nic.putRaw(nicFigureAt.rxDrop, rxDropped) || changed;
  changed = nic.putRaw(nicFigureAt.txDrop, txDropped) || changed;
  if (changed) nic.dirty = true;
  return changed;
}

/** `nextCounter` and `ratePercent`; no comparison with NaN is true. */
function takeCounter(
  nic: NicColumns,
  totalAt: number,
  offsetAt: number,
  rateAt: number,
  reported: number,
  repeated: boolean,
  seconds: number,
  speed: number,
): boolean {
  const before = nic.raw(totalAt);
  const offset = nic.raw(offsetAt);
  let total = offset + reported;
  let nextOffset = offset;
  if (Number.isNaN(offset) && !Number.isNaN(reported)) {
    total = 0;
    nextOffset = -reported;
  } else if (total < before) {
    total = before + reported;
    nextOffset = before;
  }
  let changed = nic.putRaw(totalAt, total);
  changed = nic.putRaw(offsetAt, nextOffset) || changed;
  if (repeated) return changed;
  // Without an offset what was counted before had another beginning.
  const known = seconds > 0 && speed > 0 && !Number.isNaN(offset);
  const rate = known ? Math.min(100, (100 * (((total - before) * 8) / 1e6)) / seconds / speed) : Number.NaN;
  return nic.putRaw(rateAt, rate) || changed;
}

function takeDisk(disk: DiskColumns, said: VmDiskSample): boolean {
  const { readRate, writeRate } = said;
  let changed = disk.put(diskFigureAt.readRate, readRate === null ? null : Math.trunc(readRate));
  changed = disk.put(diskFigureAt.writeRate, writeRate === null ? null : Math.trunc(writeRate)) || changed;
  changed = disk.put(diskFigureAt.readOps, said.readOps as number | null) || changed;
  changed = disk.put(diskFigureAt.writeOps, said.writeOps as number | null) || changed;
  changed = disk.put(diskFigureAt.actualSize, said.trueSize as number | null) || changed;
  changed = disk.put(diskFigureAt.readLatencySeconds, latencySeconds(said.readLatencyNs)) || changed;
  changed = disk.put(diskFigureAt.writeLatencySeconds, latencySeconds(said.writeLatencyNs)) || changed;
  changed = disk.put(diskFigureAt.flushLatencySeconds, latencySeconds(said.flushLatencyNs)) || changed;
  if (changed) disk.dirty = true;
  return changed;
}

/** The VM's own figures; its nics are taken in already. What is not said stays. */
function takeFigures(vm: Vm, columns: VmColumns, sample: VmStatisticsSample): boolean {
  const { cpuUser, cpuSys, disksUsage, memory, balloon } = sample;
  let changed = isNew(columns, figureAt.cpuUser, cpuUser);
  changed = isNew(columns, figureAt.cpuSys, cpuSys) || changed;
  changed = isNew(columns, figureAt.elapsedSeconds, sample.elapsedSeconds) || changed;
  const vcpus = vm.static.vcpus ?? sample.vcpuCount;
  changed = isNew(columns, figureAt.usageCpuPercent, cpuPercent(cpuUser, cpuSys, vcpus, null)) || changed;
  changed = isNew(columns, figureAt.usageMemPercent, sample.memUsagePercent) || changed;
  if (sample.nics !== null && columns.putRaw(figureAt.usageNetworkPercent, networkUse(columns.nics))) changed = true;
  if (memory !== null) {
    changed = isNew(columns, figureAt.guestMemBuffered, memory.buffered) || changed;
    changed = isNew(columns, figureAt.guestMemCached, memory.cached) || changed;
    changed = isNew(columns, figureAt.guestMemFree, memory.free) || changed;
    changed = isNew(columns, figureAt.guestMemUnused, memory.unused) || changed;
  }
  if (balloon !== null) {
    changed = isNew(columns, figureAt.balloonCurrent, balloon.current) || changed;
    changed = isNew(columns, figureAt.balloonMax, balloon.max) || changed;
    changed = isNew(columns, figureAt.balloonMin, balloon.min) || changed;
    changed = isNew(columns, figureAt.balloonTarget, balloon.target) || changed;
  }
  if (disksUsage !== null && !sameValue(disksUsage, columns.disksUsage)) {
    columns.disksUsage = disksUsage;
    changed = true;
  }
  return changed;
}

const isNew = (columns: VmColumns, index: number, value: number | null): boolean =>
  value !== null && columns.putRaw(index, value);

/** `vmNetworkPercent` on columns. */
export function networkUse(nics: readonly NicColumns[]): number {
  let known = false;
  let most = 0;
  for (let i = 0; i < nics.length; i++) {
    const nic = nics[i] as NicColumns;
    const rx = nic.raw(nicFigureAt.rxRate);
    const tx = nic.raw(nicFigureAt.txRate);
    if (!Number.isNaN(rx) || !Number.isNaN(tx)) known = true;
    if (!(rx > 0)) continue;
    if (rx > most) most = rx;
    if (tx > most) most = tx;
  }
  return known ? Math.min(100, Math.trunc(most)) : Number.NaN;
}
