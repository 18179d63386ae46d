import { sameValue } from './diff.js';
import { USED_DISK_SAMPLE } from './sample-row.js';
import type { DiskStatistics, DiskUsage, VmInterfaceStatistics, VmStatic, VmStatistics, VmUsage } from './vm.js';

/**
 * A VM's usage in columns (docs/adr/0013): what was measured stands as float64 in arrays that many VMs share, null as NaN,
 * and taking in a report makes no object. `usage()` makes the objects for whoever wants to read them. Counters are exact:
 * a VM with one beyond 2^53 is kept as objects instead (`plain`).
 */

/** Where the figures of a VM stand, counted from `first`. */
export const figureAt = {
  ...{ cpuUser: 0, cpuSys: 1, elapsedSeconds: 2 },
  ...{ usageCpuPercent: 3, usageMemPercent: 4, usageNetworkPercent: 5 },
  ...{ guestMemBuffered: 6, guestMemCached: 7, guestMemFree: 8, guestMemUnused: 9 },
  ...{ balloonCurrent: 10, balloonMax: 11, balloonMin: 12, balloonTarget: 13 },
  migrationProgress: 14,
} as const satisfies Record<Exclude<keyof VmStatistics, 'id' | 'disksUsage'> | 'migrationProgress', number>;
export const FIGURES = 15;

export const nicFigureAt = {
  ...{ speedMbps: 0, rxRate: 1, txRate: 2, rxDrop: 3, txDrop: 4 },
  ...{ rxTotal: 5, rxOffset: 6, txTotal: 7, txOffset: 8, sampleTime: 9 },
} as const satisfies Record<Exclude<keyof VmInterfaceStatistics, 'vmId' | 'macAddr' | 'name'>, number>;
export const NIC_FIGURES = 10;

export const diskFigureAt = {
  ...{ readRate: 0, writeRate: 1, readOps: 2, writeOps: 3, actualSize: 4 },
  ...{ readLatencySeconds: 5, writeLatencySeconds: 6, flushLatencySeconds: 7 },
} as const satisfies Record<Exclude<keyof DiskStatistics, 'imageId' | 'vmId'>, number>;
export const DISK_FIGURES = 8;

/** Room for the figures of one thing. Its owner gives it back; then nobody may use it any more. */
export interface Place {
  readonly at: Float64Array;
  readonly first: number;
}

/** What stands in a column, and whether the database has it. */
export class Columns {
  readonly at: Float64Array;
  readonly first: number;
  /** Differs from what was written last. */
  dirty = true;
  /** Has been written. */
  stored = false;

  constructor({ at, first }: Place) {
    this.at = at;
    this.first = first;
  }

  noteWritten(): void {
    this.dirty = false;
    this.stored = true;
  }

  /** NaN: null. */
  raw(index: number): number {
    return this.at[this.first + index] as number;
  }

  /** Whether that is another value than before; NaN: null. */
  putRaw(index: number, next: number): boolean {
    const { at, first } = this;
    const before = at[first + index] as number;
    // Beside equal numbers: both are NaN.
    if (before === next || (Number.isNaN(before) && Number.isNaN(next))) return false;
    at[first + index] = next;
    return true;
  }

  put(index: number, value: number | null): boolean {
    return this.putRaw(index, value === null ? Number.NaN : value);
  }

  get(index: number): number | null {
    const value = this.raw(index);
    return Number.isNaN(value) ? null : value;
  }

  count(index: number): bigint | null {
    const value = this.raw(index);
    return Number.isNaN(value) ? null : BigInt(value);
  }
}

export class NicColumns extends Columns {
  readonly macAddr: string;
  name: string | null = null;
  /** The nominal speed that the inventory gives; null: the agent's counts. */
  fixedSpeed: number | null = null;

  constructor(macAddr: string, place: Place) {
    super(place);
    this.macAddr = macAddr;
  }
}

export class DiskColumns extends Columns {
  readonly imageId: string;

  constructor(imageId: string, place: Place) {
    super(place);
    this.imageId = imageId;
  }
}

/** Usage of one VM. `dirty` and `stored` speak of its own row; each nic and disk has its own. */
export class VmColumns extends Columns {
  readonly vmId: string;
  #disksUsage: readonly DiskUsage[] | null = null;
  /** What `takeUsedDisks` was given last: its list, and a copy of the numbers. */
  #usedDisks: readonly DiskUsage[] | null = null;
  #usedNumbers = noNumbers;
  #disksUsageIsOld = false;
  nics: readonly NicColumns[] = none;
  disks: readonly DiskColumns[] = none;
  /** What the columns of its nics and disks cannot hold exactly; then they hold nothing. */
  plain: VmUsage | null = null;
  /** MACs of stored nics that are no more. */
  goneNics: readonly string[] = none;
  /** Stored disks that are listed no more, as they were last: their sizes may be kept. */
  goneDisks: readonly DiskStatistics[] = none;
  /** How it was written last: as one, or in rows of its own, of its nics and of its disks. */
  asOne = false;
  /** Its room was given back: what stands there may be another VM's. */
  freed = false;
  /** The statistics writer knows that there is something to write. */
  announced = false;
  /** Where it waits for its figures to be written: a place that it stands in once. Columns belong to one committer. */
  waitsIn: object | null = null;
  /** The inventory's facts that the two lists below go by; null: they are not known. */
  facts: VmStatic | null = null;
  /** What each entry of a report stands for, in its order; null: for nothing that is kept. */
  sampledNics: readonly (NicColumns | null)[] | null = null;
  sampledDisks: readonly (DiskColumns | null)[] | null = null;

  constructor(vmId: string, place: Place) {
    super(place);
    this.vmId = vmId;
  }

  get disksUsage(): readonly DiskUsage[] | null {
    if (this.#disksUsageIsOld) {
      this.#disksUsage = usedDisksOf(this.#usedDisks ?? none, this.#usedNumbers);
      this.#disksUsageIsOld = false;
    }
    return this.#disksUsage;
  }

  set disksUsage(list: readonly DiskUsage[] | null) {
    this.#disksUsage = list;
    this.#usedDisks = null;
    this.#disksUsageIsOld = false;
  }

  /**
   * Takes total and used of each disk that the guest sees from `values`, from `first` on; what else is known of them is
   * in `list`, which is another object when that differs. Whether it is another usage than before. Objects are made
   * when somebody asks.
   */
  takeUsedDisks(list: readonly DiskUsage[], values: Float64Array, first: number): boolean {
    const before = this.#usedNumbers;
    if (this.#usedDisks !== list) {
      const numbers = values.slice(first, first + USED_DISK_SAMPLE * list.length);
      const next = usedDisksOf(list, numbers);
      const differs = !sameValue(next, this.disksUsage);
      if (differs) this.disksUsage = next;
      this.#usedDisks = list;
      this.#usedNumbers = numbers;
      return differs;
    }
    for (let i = 0; i < before.length; i++) {
      const value = values[first + i] as number;
      if (value === before[i] || (Number.isNaN(value) && Number.isNaN(before[i]))) continue;
      before.set(values.subarray(first, first + before.length));
      this.#disksUsageIsOld = true;
      return true;
    }
    return false;
  }

  /** As it is now, in objects of its own. */
  usage(): VmUsage {
    return (
      this.plain ?? {
        statistics: this.statisticsRow(),
        interfaces: this.nics.map((nic) => this.nicRow(nic)),
        disks: this.disks.map((disk) => this.diskRow(disk)),
        migrationProgress: this.get(figureAt.migrationProgress),
      }
    );
  }

  statisticsRow(): VmStatistics {
    return {
      id: this.vmId,
      cpuUser: this.get(figureAt.cpuUser),
      cpuSys: this.get(figureAt.cpuSys),
      elapsedSeconds: this.get(figureAt.elapsedSeconds),
      usageCpuPercent: this.get(figureAt.usageCpuPercent),
      usageMemPercent: this.get(figureAt.usageMemPercent),
      usageNetworkPercent: this.get(figureAt.usageNetworkPercent),
      disksUsage: this.disksUsage,
      guestMemBuffered: this.get(figureAt.guestMemBuffered),
      guestMemCached: this.get(figureAt.guestMemCached),
      guestMemFree: this.get(figureAt.guestMemFree),
      guestMemUnused: this.get(figureAt.guestMemUnused),
      balloonCurrent: this.get(figureAt.balloonCurrent),
      balloonMax: this.get(figureAt.balloonMax),
      balloonMin: this.get(figureAt.balloonMin),
      balloonTarget: this.get(figureAt.balloonTarget),
    };
  }

  /** `nic`: one of `nics`. */
  nicRow(nic: NicColumns): VmInterfaceStatistics {
    const { macAddr, name } = nic;
    const asObject = this.plain?.interfaces.find((row) => row.macAddr === macAddr);
    if (asObject !== undefined) return asObject;
    return {
      vmId: this.vmId,
      macAddr,
      name,
      speedMbps: nic.get(nicFigureAt.speedMbps),
      rxRate: nic.get(nicFigureAt.rxRate),
      txRate: nic.get(nicFigureAt.txRate),
      rxDrop: nic.count(nicFigureAt.rxDrop),
      txDrop: nic.count(nicFigureAt.txDrop),
      rxTotal: nic.count(nicFigureAt.rxTotal),
      rxOffset: nic.count(nicFigureAt.rxOffset),
      txTotal: nic.count(nicFigureAt.txTotal),
      txOffset: nic.count(nicFigureAt.txOffset),
      sampleTime: nic.get(nicFigureAt.sampleTime),
    };
  }

  /** `disk`: one of `disks`. */
  diskRow(disk: DiskColumns): DiskStatistics {
    const { imageId } = disk;
    // An image that is listed twice is stored as it was listed last.
    const asObject = this.plain?.disks.findLast((row) => row.imageId === imageId);
    if (asObject !== undefined) return asObject;
    return {
      imageId,
      vmId: this.vmId,
      readRate: disk.get(diskFigureAt.readRate),
      writeRate: disk.get(diskFigureAt.writeRate),
      readOps: disk.count(diskFigureAt.readOps),
      writeOps: disk.count(diskFigureAt.writeOps),
      actualSize: disk.count(diskFigureAt.actualSize),
      readLatencySeconds: disk.get(diskFigureAt.readLatencySeconds),
      writeLatencySeconds: disk.get(diskFigureAt.writeLatencySeconds),
      flushLatencySeconds: disk.get(diskFigureAt.flushLatencySeconds),
    };
  }

  /** In memory only. */
  setMigrationProgress(progress: number | null): void {
    if (!this.put(figureAt.migrationProgress, progress)) return;
    // The next report says otherwise again, though it is as the one before.
    this.facts = null;
    if (this.plain !== null) this.plain = { ...this.plain, migrationProgress: progress };
  }

  /** Whether anything is to be written. */
  get isDirty(): boolean {
    if (this.dirty || this.goneNics.length > 0 || this.goneDisks.length > 0) return true;
    return this.nics.some((nic) => nic.dirty) || this.disks.some((disk) => disk.dirty);
  }

  /** The database has all of it as it is now. */
  written(): void {
    this.noteWritten();
    for (const nic of this.nics) nic.noteWritten();
    for (const disk of this.disks) disk.noteWritten();
    this.goneNics = none;
    this.goneDisks = none;
    this.announced = false;
  }
}

const none: readonly never[] = [];
const noNumbers = new Float64Array(0);

function usedDisksOf(list: readonly DiskUsage[], numbers: Float64Array): readonly DiskUsage[] {
  const text = (at: number): string | null => (Number.isNaN(numbers[at]) ? null : String(numbers[at]));
  return list.map(({ path, fs }, i) => {
    const at = i * USED_DISK_SAMPLE;
    return { path, fs, total: text(at), used: text(at + 1) };
  });
}
