import {
  type Columns,
  DISK_FIGURES,
  DiskColumns,
  type DiskStatistics,
  diskFigureAt,
  FIGURES,
  figureAt,
  NIC_FIGURES,
  NicColumns,
  nicFigureAt,
  sameValue,
  VmColumns,
  type VmInterfaceStatistics,
  type VmStatistics,
  type VmUsage,
} from '../model/index.js';
import { ColumnRows } from './column-rows.js';

type Figures = Readonly<Record<string, number>>;

const { migrationProgress: _, ...statisticsAt } = figureAt;

/** Gives VMs' usage its columns, and fills them from objects. One for all sets, so that a VM keeps its columns when it moves. */
export class UsageTable {
  readonly #vms = new ColumnRows(FIGURES);
  readonly #nics = new ColumnRows(NIC_FIGURES);
  readonly #disks = new ColumnRows(DISK_FIGURES);

  create(vmId: string): VmColumns {
    return new VmColumns(vmId, this.#vms.take());
  }

  free(columns: VmColumns): void {
    columns.freed = true;
    for (const nic of columns.nics) this.#nics.release(nic);
    for (const disk of columns.disks) this.#disks.release(disk);
    this.#vms.release(columns);
  }

  /** What is other than before has to be written again. */
  load(columns: VmColumns, usage: VmUsage): void {
    const exact = fits(usage);
    const wasObjects = columns.plain !== null;
    columns.facts = null;
    this.#loadNics(columns, usage.interfaces);
    this.#loadDisks(columns, usage.disks);
    columns.plain = exact ? null : usage;
    fillOwn(columns, usage);
    if (exact) fillParts(columns, usage);
    if (!exact || wasObjects) for (const part of [...columns.nics, ...columns.disks]) part.dirty = true;
  }

  #loadNics(columns: VmColumns, rows: readonly VmInterfaceStatistics[]): void {
    const before = columns.nics;
    const next: NicColumns[] = [];
    let gone = columns.goneNics;
    for (const { macAddr } of rows) {
      if (next.some((nic) => nic.macAddr === macAddr)) continue;
      let nic = before.find((known) => known.macAddr === macAddr);
      if (nic === undefined) {
        nic = new NicColumns(macAddr, this.#nics.take());
        nic.stored = gone.includes(macAddr);
        if (nic.stored) gone = gone.filter((key) => key !== macAddr);
      }
      next.push(nic);
    }
    for (const nic of before) {
      if (next.includes(nic)) continue;
      if (nic.stored) gone = [...gone, nic.macAddr];
      this.#nics.release(nic);
    }
    columns.nics = listOf(before, next);
    columns.goneNics = gone;
  }

  #loadDisks(columns: VmColumns, rows: readonly DiskStatistics[]): void {
    const before = columns.disks;
    const next: DiskColumns[] = [];
    let gone = columns.goneDisks;
    for (const { imageId } of rows) {
      if (next.some((disk) => disk.imageId === imageId)) continue;
      let disk = before.find((known) => known.imageId === imageId);
      if (disk === undefined) {
        disk = new DiskColumns(imageId, this.#disks.take());
        disk.stored = gone.some((row) => row.imageId === imageId);
        if (disk.stored) gone = gone.filter((row) => row.imageId !== imageId);
      }
      next.push(disk);
    }
    for (const disk of before) {
      if (next.includes(disk)) continue;
      if (disk.stored) gone = [...gone, columns.diskRow(disk)];
      this.#disks.release(disk);
    }
    columns.disks = listOf(before, next);
    columns.goneDisks = gone;
  }
}

/** The list before, where nothing came, went or changed its place. An array that grew keeps room for more. */
function listOf<T>(before: readonly T[], next: readonly T[]): readonly T[] {
  return next.length === before.length && next.every((each, i) => each === before[i]) ? before : next.slice();
}

function fillOwn(columns: VmColumns, { statistics, migrationProgress }: VmUsage): void {
  put(columns, statisticsAt, statistics);
  columns.put(figureAt.migrationProgress, migrationProgress);
  if (sameValue(columns.disksUsage, statistics.disksUsage)) return;
  columns.disksUsage = statistics.disksUsage;
  columns.dirty = true;
}

/** The rows stand in the order of the nics and disks. */
function fillParts(columns: VmColumns, { interfaces, disks }: VmUsage): void {
  for (const [i, row] of interfaces.entries()) {
    const nic = columns.nics[i] as NicColumns;
    put(nic, nicFigureAt, row);
    if (nic.name !== row.name) {
      nic.name = row.name;
      nic.dirty = true;
    }
  }
  for (const [i, row] of disks.entries()) put(columns.disks[i] as DiskColumns, diskFigureAt, row);
}

function put(columns: Columns, places: Figures, row: VmStatistics | VmInterfaceStatistics | DiskStatistics): void {
  for (const name in places) {
    const value = (row as unknown as Record<string, number | bigint | null>)[name] ?? null;
    if (columns.put(places[name] as number, value === null ? null : Number(value))) columns.dirty = true;
  }
}

/** Whether the columns can hold it, exactly. */
function fits({ interfaces, disks }: VmUsage): boolean {
  return (
    interfaces.every((row) => hasExact(row, nicFigureAt)) &&
    disks.every((row) => hasExact(row, diskFigureAt)) &&
    areDifferent(interfaces.map((row) => row.macAddr)) &&
    areDifferent(disks.map((row) => row.imageId))
  );
}

function hasExact(row: object, places: Figures): boolean {
  for (const name in places) {
    const value = (row as Record<string, unknown>)[name];
    if (typeof value === 'bigint' && (value > MOST || value < -MOST)) return false;
  }
  return true;
}

const MOST = BigInt(Number.MAX_SAFE_INTEGER);

const areDifferent = (keys: readonly string[]): boolean => new Set(keys).size === keys.length;
