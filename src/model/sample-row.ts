import type { DiskUsage } from './vm.js';

/**
 * Where in a row of numbers each figure of a VM's sample stands. A reader with memory keeps them so, NaN for what is not
 * reported; who takes them in at every poll reads them there, without a call per figure.
 */
export const sampleAt = {
  timestamp: 0,
  cpuUser: 1,
  cpuSys: 2,
  elapsedTime: 3,
  memUsage: 4,
  vcpuCount: 5,
  migrationProgress: 6,
  /** buffered, cached, free, unused */
  memory: 7,
  /** current, max, min, target */
  balloon: 11,
  nics: 15,
} as const;

/** Of each nic, one after the other, in the order of the sample. */
export const nicSampleAt = {
  ...{ speedMbps: 0, rxBytes: 1, txBytes: 2, rxDropped: 3, txDropped: 4, sampleTime: 5 },
} as const;
export const NIC_SAMPLE = 6;

/** Of each disk, behind the nics. */
export const diskSampleAt = {
  ...{ readRate: 0, writeRate: 1, readOps: 2, writeOps: 3 },
  ...{ readLatencyNs: 4, writeLatencyNs: 5, flushLatencyNs: 6, trueSize: 7 },
} as const;
export const DISK_SAMPLE = 8;

/** Of each disk that the guest sees, behind the disks: total, used. */
export const USED_DISK_SAMPLE = 2;

/**
 * A VM's sample as such a row. Its numbers are those of the host's newest answer; all else never changes in one object.
 * Every number is exact: a sample that no row can hold has none.
 */
export interface SampleRow {
  readonly values: Float64Array;
  /** Whether nics are reported at all: none is not the same as nothing said. */
  readonly hasNics: boolean;
  /** Where the disks begin, and those that the guest sees. */
  readonly disks: number;
  readonly usedDisks: number;
  /** What never changes of the latter; null: not reported. */
  readonly usedDiskList: readonly DiskUsage[] | null;
}
