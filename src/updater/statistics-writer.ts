import type { Committer } from '../events/index.js';
import type { Scheduler, Telemetry, Timer } from '../kernel/index.js';
import type { DiskStatistics, RowWrite, VdsUsage, VmColumns, VmUsage } from '../model/index.js';
import type { HostSets } from '../repository/index.js';

/** Hosts whose rows are made between two turns of the event loop: pushes do not wait longer than 1 or 2 ms. */
const HOSTS = 50;
/** VMs that are looked at between two turns: of most of them nothing is made. */
const VMS = 1000;

/**
 * Writes statistics to the database at their own pace (D22): every `intervalMs`, and of what changed since the last time
 * only the parts that did. Of a host what was written is known by identity: usage objects are immutable and share what
 * stays equal. A VM's columns note themselves what is not written, and are handed over as they are: the store reads them when
 * it writes. Rows are made of VMs whose counters no column can hold.
 */
export class StatisticsWriter {
  readonly #sets: HostSets;
  readonly #committer: Committer;
  readonly #scheduler: Scheduler;
  readonly #telemetry: Telemetry;
  readonly #intervalMs: number;
  readonly #changedVds = new Set<string>();
  #changedVms: VmColumns[] = [];
  readonly #writtenVds = new Map<string, VdsUsage>();
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** intervalMs 0: never. */
  constructor(sets: HostSets, committer: Committer, scheduler: Scheduler, telemetry: Telemetry, intervalMs: number) {
    this.#sets = sets;
    this.#committer = committer;
    this.#scheduler = scheduler;
    this.#telemetry = telemetry;
    this.#intervalMs = intervalMs;
  }

  start(): void {
    if (this.#intervalMs > 0) this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  vdsChanged(id: string): void {
    if (this.#intervalMs > 0) this.#changedVds.add(id);
  }

  vmChanged(columns: VmColumns): void {
    if (columns.announced || this.#intervalMs === 0) return;
    columns.announced = true;
    this.#changedVms.push(columns);
  }

  /** The usage was read from the database: it is written already. */
  loadedVds(id: string, usage: VdsUsage): void {
    this.#writtenVds.set(id, usage);
  }

  loadedVm(id: string, usage: VmUsage): void {
    const columns = this.#sets.setOfVm(id)?.vms.setUsage(id, usage);
    if (columns === undefined) return;
    columns.asOne = columns.plain === null;
    columns.written();
  }

  forgetVds(id: string): void {
    this.#changedVds.delete(id);
    this.#writtenVds.delete(id);
  }

  /** Hands over what changed since the last time: now, or when a hand-over that is under way has ended. */
  write(): Promise<void> {
    const written = this.#writing.then(() => this.#writeAll());
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async #writeAll(): Promise<void> {
    const hosts = [...this.#changedVds];
    this.#changedVds.clear();
    await this.#inChunks(hosts, HOSTS, (chunk) => this.#commit(chunk.flatMap((id) => this.#vdsRows(id))));
    const vms = this.#changedVms;
    this.#changedVms = [];
    await this.#inChunks(vms, VMS, (chunk) => this.#writeVms(chunk));
  }

  #arm(): void {
    this.#timer = this.#scheduler.after(
      this.#intervalMs,
      () => {
        this.#arm();
        this.write().catch((error: unknown) =>
          this.#telemetry.log('error', 'statistics were not written', { error: String(error) }),
        );
      },
      'statistics',
    );
  }

  async #inChunks<T>(all: readonly T[], size: number, write: (chunk: readonly T[]) => void): Promise<void> {
    for (let i = 0; i < all.length; i += size) {
      write(all.slice(i, i + size));
      if (i + size < all.length) await this.#scheduler.yield();
    }
  }

  #commit(rows: readonly RowWrite[]): void {
    if (rows.length > 0) this.#committer.commit({ rows, records: [] });
  }

  #writeVms(vms: readonly VmColumns[]): void {
    const rows: RowWrite[] = [];
    const usage: VmColumns[] = [];
    for (const columns of vms) {
      // The VM was removed meanwhile; one that came back has other columns.
      if (columns.freed) continue;
      if (columns.plain !== null) this.#addPlainRows(columns, rows);
      else if (columns.isDirty) usage.push(columns);
      for (const disk of columns.goneDisks) this.#addGoneDisk(columns, disk, rows);
      columns.asOne = columns.plain === null;
      columns.written();
    }
    this.#commit(rows);
    if (usage.length > 0) this.#committer.usage(usage);
  }

  #vdsRows(id: string): RowWrite[] {
    const usage = this.#sets.hosts.usage(id);
    if (usage === undefined) return [];
    const before = this.#writtenVds.get(id);
    this.#writtenVds.set(id, usage);
    const rows: RowWrite[] = [];
    if (usage.statistics !== before?.statistics) rows.push({ kind: 'vds_statistics', row: usage.statistics });
    for (const row of changedParts(before?.interfaces, usage.interfaces))
      rows.push({ kind: 'vds_interface_statistics', row });
    for (const row of changedParts(before?.numaNodes, usage.numaNodes)) rows.push({ kind: 'numa_node', row });
    for (const gone of goneParts(before?.interfaces, usage.interfaces, (nic) => nic.name)) {
      rows.push({ kind: 'vds_interface_statistics', deleted: [gone.hostId, gone.name] });
    }
    return rows;
  }

  #addPlainRows(columns: VmColumns, rows: RowWrite[]): void {
    const all = columns.asOne;
    if (all || columns.dirty) rows.push({ kind: 'vm_statistics', row: columns.statisticsRow() });
    for (const nic of columns.nics) {
      if (all || nic.dirty) rows.push({ kind: 'vm_interface_statistics', row: columns.nicRow(nic) });
    }
    for (const disk of columns.disks) {
      if (all || disk.dirty) rows.push({ kind: 'disk_image_dynamic', row: columns.diskRow(disk) });
    }
    for (const mac of columns.goneNics) rows.push({ kind: 'vm_interface_statistics', deleted: [columns.vmId, mac] });
  }

  /** What was written as one loses the disk with the next writing: if it is kept, it needs a row of its own. */
  #addGoneDisk({ vmId, asOne }: VmColumns, disk: DiskStatistics, rows: RowWrite[]): void {
    if (this.#isUnplugged(vmId, disk.imageId)) rows.push({ kind: 'disk_image_dynamic', deleted: [disk.imageId] });
    else if (asOne) rows.push({ kind: 'disk_image_dynamic', row: disk });
  }

  /**
   * A VM that is down reports no disks, and their sizes are kept all the same: only the inventory can say that a disk is
   * the VM's no longer. Its row may be another VM's by now.
   */
  #isUnplugged(vmId: string, imageId: string): boolean {
    const has = (id: string): boolean =>
      this.#sets.vms.get(id)?.static.disks?.some((disk) => disk.imageId === imageId) === true;
    if ((this.#sets.vms.get(vmId)?.static.disks ?? null) === null || has(vmId)) return false;
    for (const id of this.#sets.vms.ids()) if (has(id)) return false;
    return true;
  }
}

function changedParts<T>(before: readonly T[] | undefined, after: readonly T[]): readonly T[] {
  if (before === undefined) return after;
  if (before === after) return [];
  const known = new Set(before);
  return after.filter((part) => !known.has(part));
}

function goneParts<T>(before: readonly T[] | undefined, after: readonly T[], keyOf: (part: T) => string): readonly T[] {
  if (before === undefined || before === after) return [];
  const kept = new Set(after.map(keyOf));
  return before.filter((part) => !kept.has(keyOf(part)));
}
