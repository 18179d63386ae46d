import { formatCursor, type LogRecord, type LogRecordDraft, numberedRecord } from '../../events/index.js';
import { VurtiError } from '../../kernel/index.js';
import { keyOf, type RowKind, type RowWrite, rowKinds } from '../../model/index.js';
import type { FlushMark } from '../flush-target.js';
import type { LogWindow } from '../log-window.js';

/** What a database would hold: rows and the log. Survives the store that wrote it. */
export class MemoryContent {
  readonly #rows = new Map<RowKind, Map<string, object>>();
  /** Keys of the rows of vm_interface_statistics by VM. */
  readonly #nicsOf = new Map<string, Set<string>>();
  /** Records from `removed + 1` on stand from index #start on; the gap before is cut off now and then. */
  #records: LogRecord[] = [];
  #epochs: number[] = [];
  #start = 0;
  #window: LogWindow = { epoch: 1, head: 0, removed: 0 };
  #writer: object | null = null;
  #writers = 0;
  readonly bookmarks = new Map<string, string>();
  /** The latest flush. */
  mark: FlushMark | null = null;

  get window(): LogWindow {
    return this.#window;
  }

  /**
   * Gives the writer's name. As with PostgreSQL: the epoch is not below this one, and whoever takes the log over from a
   * writer that did not let go of it begins a new one.
   */
  claim(writer: object, leastEpoch: number): string {
    const { epoch } = this.#window;
    this.#window = { ...this.#window, epoch: Math.max(leastEpoch, this.#writer === null ? epoch : epoch + 1) };
    this.#writer = writer;
    this.#writers += 1;
    return `memory-${this.#writers}`;
  }

  letGo(writer: object): void {
    if (this.#writer === writer) this.#writer = null;
  }

  /** @throws VurtiError DATABASE_FENCED */
  check(writer: object): void {
    if (this.#writer === writer) return;
    throw new VurtiError('DATABASE_FENCED', `Another writer took the log over in epoch ${this.#window.epoch}`);
  }

  put(write: RowWrite): void {
    let table = this.#rows.get(write.kind);
    if (table === undefined) {
      table = new Map();
      this.#rows.set(write.kind, table);
    }
    const key = keyOf(write);
    if ('deleted' in write) table.delete(key);
    else table.set(key, write.row);
    if (write.kind === 'vm_interface_statistics') this.#noteNic(key, 'deleted' in write);
  }

  #noteNic(key: string, deleted: boolean): void {
    const [vmId = ''] = JSON.parse(key) as [string, string];
    let keys = this.#nicsOf.get(vmId);
    if (keys === undefined) {
      keys = new Set();
      this.#nicsOf.set(vmId, keys);
    }
    if (!deleted) keys.add(key);
    else if (keys.delete(key) && keys.size === 0) this.#nicsOf.delete(vmId);
  }

  /** All that is known of a VM's usage; rows of disks that it lists no more stay. */
  putUsage(vmId: string, writes: readonly RowWrite[]): void {
    for (const key of this.#nicsOf.get(vmId) ?? []) this.#rows.get('vm_interface_statistics')?.delete(key);
    this.#nicsOf.delete(vmId);
    for (const write of writes) this.put(write);
  }

  append(drafts: readonly LogRecordDraft[]): LogRecord[] {
    const { epoch, head } = this.#window;
    const records = drafts.map((draft, index): LogRecord => {
      const seq = head + index + 1;
      return numberedRecord(draft, seq, formatCursor({ epoch, seq }));
    });
    for (const record of records) {
      this.#records.push(record);
      this.#epochs.push(epoch);
    }
    this.#window = { ...this.#window, head: head + records.length };
    return records;
  }

  /** The record of this number; undefined when there is none, or none any more. */
  record(seq: number): LogRecord | undefined {
    return seq > this.#window.removed ? this.#records[this.#indexOf(seq)] : undefined;
  }

  epochOf(seq: number): number | null {
    return seq > this.#window.removed ? (this.#epochs[this.#indexOf(seq)] ?? null) : null;
  }

  /** Records of the numbers from … to, both included, as far as they are there. */
  records(from: number, to: number): readonly LogRecord[] {
    const first = Math.max(from, this.#window.removed + 1);
    return to < first ? [] : this.#records.slice(this.#indexOf(first), this.#indexOf(to) + 1);
  }

  /** Forgets all records up to this number. */
  removeUpTo(seq: number): number {
    const removed = Math.min(seq, this.#window.head);
    const count = removed - this.#window.removed;
    if (count <= 0) return 0;
    this.#start += count;
    this.#window = { ...this.#window, removed };
    // Cutting the array each time would cost its whole length for every record.
    if (this.#start > 1000 && this.#start > this.#records.length / 2) {
      this.#records = this.#records.slice(this.#start);
      this.#epochs = this.#epochs.slice(this.#start);
      this.#start = 0;
    }
    return count;
  }

  /** All rows of a kind as they are now, in key order. */
  rows(kind: RowKind): object[] {
    const { key } = rowKinds[kind];
    return [...(this.#rows.get(kind)?.values() ?? [])].sort((a, b) => {
      for (const name of key) {
        const [x, y] = [(a as Record<string, string | number>)[name], (b as Record<string, string | number>)[name]];
        if (x !== undefined && y !== undefined && x !== y) return x < y ? -1 : 1;
      }
      return 0;
    });
  }

  #indexOf(seq: number): number {
    return this.#start + seq - this.#window.removed - 1;
  }
}
