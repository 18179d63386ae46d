import {
  DISK_SAMPLE,
  type DiskColumns,
  diskFigureAt,
  diskSampleAt,
  figureAt,
  NIC_SAMPLE,
  type NicColumns,
  nicFigureAt,
  nicSampleAt,
  type SampleRow,
  sampleAt,
  type Vm,
  type VmColumns,
} from '../../model/index.js';
import { latencySeconds } from './statistics.js';
import { hasRoom, networkUse, takeTraffic } from './take-sample.js';

type Numbers = Float64Array;

/**
 * `takeSample` from a row of numbers to the columns, without a call per figure. `columns` must have been found usual for the
 * sample of this row (`isUsual`), and know the same nics and disks still; then nothing but a counter can be unusual.
 * That both come to the same is proven by test/rules/take-row.test.ts.
 */
export function takeRow(vm: Vm, columns: VmColumns, row: SampleRow): 'same' | 'changed' | 'other' {
  const { values } = row;
  const { sampledNics, sampledDisks } = columns;
  if (sampledNics !== null && !areExact(sampledNics, row)) return 'other';
  let changed = false;
  if (sampledNics !== null) {
    for (let i = 0, at: number = sampleAt.nics; at < row.disks; i++, at += NIC_SAMPLE) {
      const nic = sampledNics[i] as NicColumns | null;
      if (nic !== null && takeNic(nic, values, at)) changed = true;
    }
  }
  if (sampledDisks !== null) {
    for (let i = 0, at = row.disks; at < row.usedDisks; i++, at += DISK_SAMPLE) {
      const disk = sampledDisks[i] as DiskColumns | null;
      if (disk !== null && takeDisk(disk, values, at)) changed = true;
    }
  }
  if (takeFigures(vm, columns, row)) {
    columns.dirty = true;
    changed = true;
  }
  columns.putRaw(figureAt.migrationProgress, values[sampleAt.migrationProgress] as number);
  return changed ? 'changed' : 'same';
}

function areExact(nics: readonly (NicColumns | null)[], { values, disks }: SampleRow): boolean {
  for (let i = 0, at: number = sampleAt.nics; at < disks; i++, at += NIC_SAMPLE) {
    const nic = nics[i] as NicColumns | null;
    if (nic === null) continue;
    const rx = values[at + nicSampleAt.rxBytes] as number;
    const tx = values[at + nicSampleAt.txBytes] as number;
    if (!hasRoom(nic, nicFigureAt.rxTotal, nicFigureAt.rxOffset, rx)) return false;
    if (!hasRoom(nic, nicFigureAt.txTotal, nicFigureAt.txOffset, tx)) return false;
  }
  return true;
}

function takeNic(nic: NicColumns, values: Numbers, at: number): boolean {
  return takeTraffic(
    nic,
    values[at + nicSampleAt.speedMbps] as number,
    values[at + nicSampleAt.sampleTime] as number,
    values[at + nicSampleAt.rxBytes] as number,
    values[at + nicSampleAt.txBytes] as number,
    values[at + nicSampleAt.rxDropped] as number,
    values[at + nicSampleAt.txDropped] as number,
  );
}

function takeDisk(disk: DiskColumns, values: Numbers, at: number): boolean {
  let changed = disk.putRaw(diskFigureAt.readRate, Math.trunc(values[at + diskSampleAt.readRate] as number));
  const writeRate = Math.trunc(values[at + diskSampleAt.writeRate] as number);
  changed = disk.putRaw(diskFigureAt.writeRate, writeRate) || changed;
  changed = disk.putRaw(diskFigureAt.readOps, values[at + diskSampleAt.readOps] as number) || changed;
  changed = disk.putRaw(diskFigureAt.writeOps, values[at + diskSampleAt.writeOps] as number) || changed;
  changed = disk.putRaw(diskFigureAt.actualSize, values[at + diskSampleAt.trueSize] as number) || changed;
  const { readLatencySeconds, writeLatencySeconds, flushLatencySeconds } = diskFigureAt;
  changed = putLatency(disk, readLatencySeconds, values[at + diskSampleAt.readLatencyNs] as number) || changed;
  changed = putLatency(disk, writeLatencySeconds, values[at + diskSampleAt.writeLatencyNs] as number) || changed;
  changed = putLatency(disk, flushLatencySeconds, values[at + diskSampleAt.flushLatencyNs] as number) || changed;
  if (changed) disk.dirty = true;
  return changed;
}

function putLatency(disk: DiskColumns, index: number, ns: number): boolean {
  return disk.putRaw(index, Number.isNaN(ns) ? ns : (latencySeconds(ns) as number));
}

/** The VM's own figures; its nics are taken in already. What is not said stays. */
function takeFigures(vm: Vm, columns: VmColumns, { values, hasNics, usedDisks, usedDiskList }: SampleRow): boolean {
  const cpuUser = values[sampleAt.cpuUser] as number;
  const cpuSys = values[sampleAt.cpuSys] as number;
  let changed = isNew(columns, figureAt.cpuUser, cpuUser);
  changed = isNew(columns, figureAt.cpuSys, cpuSys) || changed;
  changed = isNew(columns, figureAt.elapsedSeconds, values[sampleAt.elapsedTime] as number) || changed;
  const vcpus = vm.static.vcpus ?? (values[sampleAt.vcpuCount] as number);
  // No comparison with NaN is true, and what comes of NaN is NaN.
  if (vcpus > 0) {
    const percent = Math.min(100, Math.trunc((cpuUser + cpuSys) / vcpus));
    changed = isNew(columns, figureAt.usageCpuPercent, percent) || changed;
  }
  changed = isNew(columns, figureAt.usageMemPercent, values[sampleAt.memUsage] as number) || changed;
  if (hasNics && columns.putRaw(figureAt.usageNetworkPercent, networkUse(columns.nics))) changed = true;
  // Both lists stand in one order: buffered, cached, free, unused, and the balloon's current, max, min, target.
  for (let i = 0; i < 8; i++) {
    const value = values[sampleAt.memory + i] as number;
    changed = isNew(columns, figureAt.guestMemBuffered + i, value) || changed;
  }
  if (usedDiskList !== null && columns.takeUsedDisks(usedDiskList, values, usedDisks)) changed = true;
  return changed;
}

const isNew = (columns: VmColumns, index: number, value: number): boolean =>
  !Number.isNaN(value) && columns.putRaw(index, value);
