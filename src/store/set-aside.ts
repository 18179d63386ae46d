import type { CommitterState, LogRecordDraft } from '../events/index.js';
import type { Telemetry } from '../kernel/index.js';
import type { VmColumns } from '../model/index.js';
import { idOf } from './backlog.js';
import { refusedAmong } from './bisect.js';
import type { Batch, DataRefused, FlushTarget, WaitingRow } from './flush-target.js';
import { cutText } from './plain-value.js';

type Entry = CommitterState['setAside'][number] & { readonly ticket: number };

/** The usage of a VM is named by the row that it stands for first of all. */
const USAGE = 'vm_statistics';
const idOfUsage = (vmId: string): string => idOf(USAGE, JSON.stringify([vmId]));

/** Rows that were refused (D28): named until a later write of the same row goes through. */
export class SetAside {
  readonly #entries = new Map<string, Entry>();
  readonly #telemetry: Telemetry;

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  list(): CommitterState['setAside'] {
    return [...this.#entries.values()].map(({ kind, key, message }) => ({ kind, key, message }));
  }

  add(row: Pick<WaitingRow, 'kind' | 'key' | 'ticket'>, message: string): void {
    this.#note(idOf(row.kind, row.key), { kind: row.kind, key: row.key, ticket: row.ticket, message });
  }

  /** A row whose kind or values another version made; it stands under its name until a later write goes through. */
  addForeign({ kind, key, message }: CommitterState['setAside'][number]): void {
    this.#note(`${kind} ${key}`, { kind, key, message, ticket: 0 });
  }

  /** A later write of a row that was set aside is through; one that was given before the refused write proves nothing. */
  written(rows: readonly WaitingRow[], usage: readonly VmColumns[] = []): void {
    if (this.#entries.size === 0) return;
    for (const { vmId } of usage) this.#entries.delete(idOfUsage(vmId));
    for (const row of rows) {
      const id = idOf(row.kind, row.key);
      const entry = this.#entries.get(id);
      if (entry !== undefined && entry.ticket <= row.ticket) this.#entries.delete(id);
    }
    this.#telemetry.gauge('vurti_store_rows_set_aside', this.#entries.size);
  }

  /** The batch without what the target refuses in it; that is set aside. @throws the error itself if no part is at fault */
  async without(batch: Batch, error: DataRefused, target: FlushTarget): Promise<Batch> {
    const probeRows = (rows: readonly WaitingRow[]): Promise<void> => target.probe({ rows, records: [] });
    // A row that was refused before is the likeliest culprit, and cheaper to ask about than everything else.
    const suspects = batch.rows.filter((row) => this.#entries.has(idOf(row.kind, row.key)));
    let refused = await refusedAmong(suspects, probeRows);
    if (refused.length === 0) refused = await refusedAmong(batch.rows, probeRows);
    for (const { item, message } of refused) this.add(item, message);
    if (refused.length > 0) {
      const faulty = new Set(refused.map(({ item }) => item));
      return { ...batch, rows: batch.rows.filter((row) => !faulty.has(row)) };
    }
    const usage = await this.#usageWithoutRefused(batch.usage ?? [], target);
    if (usage !== null) return { ...batch, usage };
    return { ...batch, records: await this.#recordsWithoutRefused(batch.records, error, target) };
  }

  /** null: it is not at fault. */
  async #usageWithoutRefused(usage: readonly VmColumns[], target: FlushTarget): Promise<readonly VmColumns[] | null> {
    const probe = (part: readonly VmColumns[]): Promise<void> => target.probe({ rows: [], records: [], usage: part });
    const suspects = usage.filter(({ vmId }) => this.#entries.has(idOfUsage(vmId)));
    let refused = await refusedAmong(suspects, probe);
    if (refused.length === 0) refused = await refusedAmong(usage, probe);
    if (refused.length === 0) return null;
    for (const { item, message } of refused) {
      this.#note(idOfUsage(item.vmId), { kind: USAGE, key: JSON.stringify([item.vmId]), message, ticket: 0 });
    }
    const faulty = new Set(refused.map(({ item }) => item));
    return usage.filter((columns) => !faulty.has(columns));
  }

  /**
   * plainRecord leaves nothing in a record that could be refused. Should a database find something all the same, the
   * rest of the log must not wait for it for ever.
   */
  async #recordsWithoutRefused(
    records: readonly LogRecordDraft[],
    error: DataRefused,
    target: FlushTarget,
  ): Promise<readonly LogRecordDraft[]> {
    const refused = await refusedAmong(records, (part) => target.probe({ rows: [], records: part }));
    if (refused.length === 0) throw error;
    for (const { item, message } of refused) {
      const key = JSON.stringify([item.kind, item.hostId, item.vmId]);
      this.#note(`log_record ${key}`, { kind: 'log_record', key, message, ticket: Number.POSITIVE_INFINITY });
    }
    const faulty = new Set(refused.map(({ item }) => item));
    return records.filter((record) => !faulty.has(record));
  }

  #note(id: string, given: Entry): void {
    // What is wrong with a key may be its length.
    const entry = { ...given, key: cutText(given.key, 200) };
    if (!this.#entries.has(id)) {
      const { kind, key, message } = entry;
      this.#telemetry.log('error', 'A row was refused and set aside', { code: 'ROW_REFUSED', kind, key, message });
    }
    this.#entries.set(id, entry);
    this.#telemetry.count('vurti_store_rows_refused_total', 1, { table: entry.kind });
    this.#telemetry.gauge('vurti_store_rows_set_aside', this.#entries.size);
  }
}
