import type { LogRecord } from '../../events/index.js';
import { VurtiError } from '../../kernel/index.js';
import type { RowWrite, VmColumns } from '../../model/index.js';
import { type Batch, DataRefused, type FlushContent, type FlushMark, type FlushTarget } from '../flush-target.js';
import { storable } from '../storable.js';
import type { StatementListener } from '../store.js';
import { unfitFigure, usageRows } from '../usage-figures.js';
import type { MemoryContent } from './memory-content.js';

export interface MemoryTargetOptions {
  readonly content: MemoryContent;
  /** Who writes. */
  readonly writer: object;
  readonly maxRecords: number;
  readonly refuse: ((write: RowWrite) => string | null) | undefined;
  readonly onStatement: StatementListener | undefined;
}

export class MemoryTarget implements FlushTarget {
  readonly #options: MemoryTargetOptions;
  /** Why the database is "away"; null while it works. */
  outage: string | null = null;

  constructor(options: MemoryTargetOptions) {
    this.#options = options;
  }

  async write(batch: Batch): Promise<readonly LogRecord[]> {
    const { content, writer, maxRecords } = this.#options;
    await this.probe(batch);
    content.check(writer);
    for (const { write } of batch.rows) content.put(write);
    for (const columns of batch.usage ?? []) {
      if (!columns.freed) content.putUsage(columns.vmId, usageRows(columns).map(stored));
    }
    const records = content.append(batch.records);
    content.mark = batch.mark;
    content.removeUpTo(content.window.head - maxRecords);
    this.#report(batch);
    return records;
  }

  async lastMark(): Promise<FlushMark | null> {
    return this.#options.content.mark;
  }

  async probe(batch: FlushContent): Promise<void> {
    if (this.outage !== null) throw new VurtiError('DATABASE_UNREACHABLE', this.outage);
    for (const { write } of batch.rows) {
      const refused = this.#options.refuse?.(write) ?? null;
      if (refused !== null) throw new DataRefused(refused);
    }
    for (const columns of batch.usage ?? []) if (!columns.freed) this.#probeUsage(columns);
  }

  #probeUsage(columns: VmColumns): void {
    const unfit = unfitFigure(columns);
    if (unfit !== null) throw new DataRefused(unfit);
    const { refuse = () => null } = this.#options;
    for (const write of usageRows(columns)) {
      const refused = refuse(write);
      if (refused !== null) throw new DataRefused(refused);
    }
  }

  /** Counts as PostgreSQL would: a statement per table and kind of write. */
  #report(batch: Batch): void {
    const { onStatement } = this.#options;
    if (onStatement === undefined) return;
    const counts = new Map<string, number>();
    for (const { kind, write } of batch.rows) {
      const statement = `${'deleted' in write ? 'delete' : 'insert'} ${kind}`;
      counts.set(statement, (counts.get(statement) ?? 0) + 1);
    }
    const usage = (batch.usage ?? []).filter(({ freed }) => !freed).length;
    if (usage > 0) counts.set('update vm_usage', usage);
    if (batch.records.length > 0) counts.set('insert log_record', batch.records.length);
    for (const [statement, rows] of counts) {
      const [verb = '', table = null] = statement.split(' ');
      onStatement({ verb, table, rows, bytes: 0 });
    }
  }
}

function stored(write: RowWrite): RowWrite {
  const result = storable(write);
  if ('refused' in result) throw new DataRefused(result.refused);
  return result.write;
}
