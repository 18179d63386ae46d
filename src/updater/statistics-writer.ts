import type { Committer } from '../events/index.js';
import type { Scheduler, Telemetry, Timer } from '../kernel/index.js';
import type { RowWrite, VdsUsage, VmColumns, VmUsage } from '../model/index.js';
import type { HostSets } from '../repository/index.js';

/** Entities written between two turns of the event loop, some four rows each: pushes do not wait longer than 1 or 2 ms. */
const CHUNK = 50;

/**
 * Writes statistics to the database at their own pace (D22): every `intervalMs`, and of what changed since the last time
 * only the parts that did. Of a host what was written is known by identity: usage objects are immutable and share what
 * stays equal. A VM's columns note themselves what is not written.
 */
export class StatisticsWriter {
  readonly #sets: HostSets;
  readonly #committer: Committer;
  readonly #scheduler: Scheduler;
  readonly #telemetry: Telemetry;
  readonly #intervalMs: number;
  readonly #changedVds = new Set<string>();
  readonly #changedVms = new Set<string>();
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
    this.#changedVms.add(columns.vmId);
  }

  /** The usage was read from the database: it is written already. */
  loadedVds(id: string, usage: VdsUsage): void {
    this.#writtenVds.set(id, usage);
  }

  loadedVm(id: string, usage: VmUsage): void {
    this.#sets.setOfVm(id)?.vms.setUsage(id, usage).written();
  }

  forgetVds(id: string): void {
    this.#changedVds.delete(id);
    this.#writtenVds.delete(id);
  }

  forgetVm(id: string): void {
    this.#changedVms.delete(id);
  }

  /** Hands over what changed since the last time: now, or when a hand-over that is under way has ended. */
  write(): Promise<void> {
    const written = this.#writing.then(() => this.#writeAll());
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async #writeAll(): Promise<void> {
    await this.#drain(this.#changedVds, (id) => this.#vdsRows(id));
    await this.#drain(this.#changedVms, (id) => this.#vmRows(id));
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

  async #drain(ids: Set<string>, rowsOf: (id: string) => RowWrite[]): Promise<void> {
    const due = [...ids];
    ids.clear();
    for (let i = 0; i < due.length; i += CHUNK) {
      const rows = due.slice(i, i + CHUNK).flatMap(rowsOf);
      if (rows.length > 0) this.#committer.commit({ rows, records: [] });
      if (i + CHUNK < due.length) await this.#scheduler.yield();
    }
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

  #vmRows(id: string): RowWrite[] {
    const columns = this.#sets.setOfVm(id)?.vms.columns(id);
    if (columns === undefined) return [];
    const rows: RowWrite[] = [];
    if (columns.dirty) rows.push({ kind: 'vm_statistics', row: columns.statisticsRow() });
    for (const nic of columns.nics) {
      if (nic.dirty) rows.push({ kind: 'vm_interface_statistics', row: columns.nicRow(nic) });
    }
    for (const disk of columns.disks) {
      if (disk.dirty) rows.push({ kind: 'disk_image_dynamic', row: columns.diskRow(disk) });
    }
    for (const mac of columns.goneNics) rows.push({ kind: 'vm_interface_statistics', deleted: [id, mac] });
    for (const imageId of columns.goneDisks) {
      if (this.#isUnplugged(id, imageId)) rows.push({ kind: 'disk_image_dynamic', deleted: [imageId] });
    }
    columns.written();
    return rows;
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
