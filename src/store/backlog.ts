import type { LogRecordDraft } from '../events/index.js';
import { keyOf, type RowKind, type RowWrite, rowKinds, type VmColumns } from '../model/index.js';
import type { FlushContent, WaitingRow } from './flush-target.js';
import { cleanText } from './plain-value.js';

interface Segment {
  /** Ticket of its oldest change set. */
  readonly since: number;
  readonly rows: Map<string, WaitingRow>;
  readonly records: LogRecordDraft[];
}

/** What was taken, to be given back if nothing came of it. */
export interface Taken extends FlushContent {
  readonly since: number;
}

/** As it was given. Those that wait here no more are passed over. */
interface WaitingUsage {
  readonly since: number;
  readonly vms: readonly VmColumns[];
  /** Those before were taken. */
  taken: number;
}

interface WaitingStatistics {
  readonly since: number;
  row: WaitingRow;
}

export interface BacklogLimits {
  /** One flush takes about this many records … */
  readonly records: number;
  /** … or rows, … */
  readonly rows: number;
  /**
   * … and about as many of statistics, of which a quarter goes beside records: where there are some, more of them come, and
   * wait for the flush in flight. Default: as `rows`.
   */
  readonly statistics?: number;
}

/** More pieces of usage are put together: while the database is away they may come without an end. */
const MOST_GIVEN = 1000;
/** A portion of statistics beside records is so many times smaller. */
const BESIDE_RECORDS = 4;

/**
 * What waits for a flush, in the order given.
 *
 * Change sets gather in segments; one flush takes one segment. Rows coalesce inside a segment only: a row that was merged
 * forward into a later segment would leave its record behind, one merged backward would show before its record.
 * Change sets of statistics rows alone have no records to keep to: they coalesce over all segments, so that they stay bounded
 * by the number of entities while the database is away, and go last, in portions, so that events need not wait for them.
 * Behind them goes the usage of VMs, each once. Of one VM either that waits or rows of statistics: what was given last.
 */
export class Backlog {
  readonly #limits: BacklogLimits;
  readonly #segments: Segment[] = [];
  readonly #statistics = new Map<string, WaitingStatistics>();
  /** Whether some of them may be of VMs: of few VMs they are, and then each VM's usage has to look for its row. */
  #hasVmStatistics = false;
  /**
   * VMs whose usage waits. Each knows that it does: a map of all of them, filled and emptied with every writing, would cost more
   * than their encoding, and what it leaves behind lives until the next full collection.
   */
  #usage: WaitingUsage[] = [];
  #usageCount = 0;
  /** Those that wait, by id; made when it is asked for. */
  #usageById: Map<string, VmColumns> | null = null;
  #lastTicket = 0;
  #rows = 0;
  #records = 0;
  #coalesced = 0;

  constructor(limits: BacklogLimits) {
    this.#limits = limits;
  }

  get #portion(): number {
    return this.#limits.statistics ?? this.#limits.rows;
  }

  get rows(): number {
    return this.#rows + this.#statistics.size + this.#usageCount;
  }

  get records(): number {
    return this.#records;
  }

  /** Rows that a newer value replaced before they were written, since the last question. */
  takeCoalesced(): number {
    const n = this.#coalesced;
    this.#coalesced = 0;
    return n;
  }

  get isEmpty(): boolean {
    return this.#segments.length === 0 && this.#statistics.size === 0 && this.#usageCount === 0;
  }

  /** More waits than one flush may take: no sense in waiting for more. */
  get isFull(): boolean {
    return this.#segments.length > 1 || this.#statistics.size + this.#usageCount >= this.#portion;
  }

  /** Number of the newest change set. */
  get lastTicket(): number {
    return this.#lastTicket;
  }

  /** Number of the oldest change set that still waits, Infinity if none does. */
  get oldestTicket(): number {
    let oldest = this.#segments[0]?.since ?? Number.POSITIVE_INFINITY;
    // A Map keeps the order of first insertion: its first entry is the oldest.
    for (const { since } of this.#statistics.values()) {
      oldest = Math.min(oldest, since);
      break;
    }
    return this.#usageCount === 0 ? oldest : Math.min(oldest, this.#usage[0]?.since ?? oldest);
  }

  /** Gives the change set its number. */
  add(writes: readonly RowWrite[], records: readonly LogRecordDraft[]): number {
    this.#lastTicket += 1;
    if (records.length === 0 && writes.every((write) => rowKinds[write.kind].statistics)) {
      for (const write of writes) this.#addStatistics(write);
    } else {
      this.#addToSegment(writes, records);
    }
    return this.#lastTicket;
  }

  /** The same for VMs whose usage is to be written. */
  addUsage(vms: readonly VmColumns[]): number {
    this.#lastTicket += 1;
    this.#usageById = null;
    if (this.#statistics.size === 0) this.#hasVmStatistics = false;
    const fresh: VmColumns[] = [];
    for (const columns of vms) {
      if (columns.waitsIn === this) this.#coalesced += 1;
      else {
        columns.waitsIn = this;
        fresh.push(columns);
      }
      if (this.#hasVmStatistics) {
        this.#statistics.delete(idOf('vm_statistics', JSON.stringify([cleanText(columns.vmId)])));
      }
    }
    if (fresh.length > 0) this.#usage.push({ since: this.#lastTicket, vms: fresh, taken: 0 });
    this.#usageCount += fresh.length;
    if (this.#usage.length > MOST_GIVEN) this.#usage = [this.#allUsage()];
    return this.#lastTicket;
  }

  #addStatistics(write: RowWrite): void {
    const row = this.#waiting(write);
    this.#replaceUsage(write);
    if (row.kind === 'vm_statistics') this.#hasVmStatistics = true;
    const id = idOf(row.kind, row.key);
    const waiting = this.#statistics.get(id);
    if (waiting === undefined) this.#statistics.set(id, { since: row.ticket, row });
    else {
      waiting.row = row;
      this.#coalesced += 1;
    }
  }

  #addToSegment(writes: readonly RowWrite[], records: readonly LogRecordDraft[]): void {
    let segment = this.#segments.at(-1);
    if (
      segment === undefined ||
      segment.records.length >= this.#limits.records ||
      segment.rows.size >= this.#limits.rows
    ) {
      segment = { since: this.#lastTicket, rows: new Map(), records: [] };
      this.#segments.push(segment);
    }
    const before = segment.rows.size;
    for (const write of writes) {
      const row = this.#waiting(write);
      const id = idOf(row.kind, row.key);
      segment.rows.set(id, row);
      // An older value must not be written after this one.
      if (this.#statistics.delete(id)) this.#coalesced += 1;
      this.#replaceUsage(write);
    }
    this.#coalesced += writes.length - (segment.rows.size - before);
    for (const record of records) segment.records.push(record);
    this.#rows += segment.rows.size - before;
    this.#records += records.length;
  }

  #replaceUsage(write: RowWrite): void {
    if (write.kind !== 'vm_statistics' || this.#usageCount === 0) return;
    this.#usageById ??= new Map(this.#allUsage().vms.map((columns) => [cleanText(columns.vmId), columns]));
    const columns = this.#usageById.get('deleted' in write ? String(write.deleted[0]) : write.row.id);
    if (columns?.waitsIn !== this) return;
    columns.waitsIn = null;
    this.#usageCount -= 1;
    this.#coalesced += 1;
  }

  #waiting(write: RowWrite): WaitingRow {
    return { kind: write.kind, key: keyOf(write), write, ticket: this.#lastTicket };
  }

  /** Number of the oldest change set that waits in a segment, Infinity if none does: all but statistics. */
  get oldestExplained(): number {
    return this.#segments[0]?.since ?? Number.POSITIVE_INFINITY;
  }

  /** What the next flush writes; null when nothing waits. */
  take(): Taken | null {
    if (this.isEmpty) return null;
    const since = this.oldestTicket;
    const { rows, records } = this.#shift();
    const behind: WaitingRow[] = [];
    const usage: VmColumns[] = [];
    // A statistics row that waits is newer than the same row in any segment, so it may only go after the last one.
    if (this.#segments.length === 0) {
      const portion = records.length === 0 ? this.#portion : Math.ceil(this.#portion / BESIDE_RECORDS);
      const most = Math.min(this.#limits.rows, rows.size + portion);
      for (const [id, waiting] of this.#statistics) {
        if (rows.size + behind.length >= most) break;
        if (rows.has(id)) rows.set(id, waiting.row);
        else behind.push(waiting.row);
        this.#statistics.delete(id);
      }
      if (this.#statistics.size === 0) this.#takeUsage(usage, portion - behind.length);
    }
    return { rows: [...[...rows.values()].sort(byKindAndKey), ...behind], records, usage, since };
  }

  /** What waits in one piece: VMs that waited, were replaced, and wait again stand in several. */
  #allUsage(): WaitingUsage {
    const waiting = this.#usage.flatMap(({ vms, taken }) => vms.slice(taken)).filter(({ waitsIn }) => waitsIn === this);
    return { since: this.#usage[0]?.since ?? this.#lastTicket, vms: [...new Set(waiting)], taken: 0 };
  }

  #takeUsage(usage: VmColumns[], most: number): void {
    this.#usageById = null;
    let emptied = 0;
    for (const given of this.#usage) {
      while (given.taken < given.vms.length && usage.length < most) {
        const columns = given.vms[given.taken] as VmColumns;
        given.taken += 1;
        if (columns.waitsIn !== this) continue;
        columns.waitsIn = null;
        usage.push(columns);
      }
      if (given.taken < given.vms.length) break;
      emptied += 1;
    }
    if (emptied > 0) this.#usage = this.#usage.slice(emptied);
    this.#usageCount -= usage.length;
  }

  /** The oldest segment alone: statistics stay; null when there is none. */
  takeExplained(): Taken | null {
    const since = this.oldestExplained;
    if (this.#segments.length === 0) return null;
    const { rows, records } = this.#shift();
    return { rows: [...rows.values()].sort(byKindAndKey), records, since };
  }

  /** As if it had not been taken. Nothing else was taken since. */
  giveBack({ rows, records, since }: Taken): void {
    this.#segments.unshift({
      since,
      rows: new Map(rows.map((row) => [idOf(row.kind, row.key), row])),
      records: [...records],
    });
    this.#rows += rows.length;
    this.#records += records.length;
  }

  #shift(): Pick<Segment, 'rows' | 'records'> {
    const segment = this.#segments.shift();
    const rows = segment?.rows ?? new Map<string, WaitingRow>();
    this.#rows -= rows.size;
    this.#records -= segment?.records.length ?? 0;
    return { rows, records: segment?.records ?? [] };
  }
}

export function idOf(kind: RowKind, key: string): string {
  return `${kind} ${key}`;
}

const kindOrder = new Map(Object.keys(rowKinds).map((kind, index) => [kind, index]));

/**
 * The same order in every flush: two writers that meet after all cannot deadlock. Statistics are not worth it: a writer has
 * the row of the shard before it touches any of theirs.
 */
function byKindAndKey(a: WaitingRow, b: WaitingRow): number {
  if (a.kind !== b.kind) return (kindOrder.get(a.kind) ?? 0) - (kindOrder.get(b.kind) ?? 0);
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}
