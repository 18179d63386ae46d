import { type Kysely, sql } from 'kysely';
import type { LogRecord, LogRecordDraft } from '../../events/index.js';
import { type RowKind, type RowWrite, rowKinds } from '../../model/index.js';
import {
  type Batch,
  type FlushContent,
  type FlushMark,
  type FlushTarget,
  sameMark,
  type WaitingRow,
} from '../flush-target.js';
import type { BulkCopy } from './bulk-copy.js';
import type { Lane } from './lane.js';
import { numbered, RecordSql } from './record-sql.js';
import type { Shard } from './shard.js';
import { TableSql } from './table-sql.js';
import type { Learned, UsageSql } from './usage-sql.js';

/** A transaction whose commit was sent and not confirmed. */
interface Doubt {
  readonly mark: FlushMark;
  readonly records: readonly LogRecordDraft[];
  readonly epoch: number;
}

export interface PostgresTargetOptions {
  /** Of a single connection. */
  readonly lane: Lane;
  readonly shard: Shard;
  readonly schema: string;
  readonly deadlineMs: number;
  /** Asked at each flush; null: statistics go as all rows do. */
  readonly bulk: () => BulkCopy | null;
  /** So many rows of one table of statistics go by COPY; fewer are not worth it. */
  readonly bulkRows: number;
  readonly usage: UsageSql;
}

/** Writes batches to PostgreSQL, one transaction each, over a lane of a single connection. */
export class PostgresTarget implements FlushTarget {
  readonly #lane: Lane;
  readonly #shard: Shard;
  readonly #deadlineMs: number;
  readonly #tables: ReadonlyMap<RowKind, TableSql>;
  readonly #records: RecordSql;
  readonly #bulk: () => BulkCopy | null;
  readonly #bulkRows: number;
  readonly #usage: UsageSql;
  #doubt: Doubt | null = null;
  /** The latest confirmed commit. Its answer may have come just too late for the deadline: then it is asked for again. */
  #written: { readonly mark: FlushMark; readonly records: readonly LogRecord[] } | null = null;

  constructor({ lane, shard, schema, deadlineMs, bulk, bulkRows, usage }: PostgresTargetOptions) {
    this.#usage = usage;
    this.#lane = lane;
    this.#shard = shard;
    this.#deadlineMs = deadlineMs;
    this.#bulk = bulk;
    this.#bulkRows = bulkRows;
    const kinds = Object.keys(rowKinds) as RowKind[];
    this.#tables = new Map(kinds.map((kind) => [kind, new TableSql(lane.db, schema, kind)]));
    this.#records = new RecordSql(lane.db, schema);
  }

  async write(batch: Batch): Promise<readonly LogRecord[]> {
    return await this.#lane.within(this.#deadlineMs, 'a flush', async (db) => {
      await this.#settleDoubt(db);
      if (this.#written !== null && sameMark(this.#written.mark, batch.mark)) return this.#written.records;
      return await db.connection().execute((connection) => this.#transaction(connection, batch));
    });
  }

  async lastMark(): Promise<FlushMark | null> {
    return await this.#lane.within(this.#deadlineMs, 'looking for the last flush', (db) => this.#shard.lastMark(db));
  }

  async probe(batch: FlushContent): Promise<void> {
    await this.#lane.within(this.#deadlineMs, 'a probe', (db) =>
      db.connection().execute(async (connection) => {
        await sql`begin`.execute(connection);
        try {
          await this.#put(connection, batch, this.#shard.head);
        } finally {
          await rollback(connection);
        }
      }),
    );
  }

  async #transaction(db: Kysely<unknown>, batch: Batch): Promise<readonly LogRecord[]> {
    const { records, mark } = batch;
    await sql`begin`.execute(db);
    let before: number;
    let learned: Learned;
    try {
      before = await this.#shard.take(db, records.length, mark);
      learned = await this.#put(db, batch, before);
    } catch (error) {
      await rollback(db);
      throw error;
    }
    const { epoch } = this.#shard;
    // Rows alone may be written twice without harm; records would get two numbers each.
    if (records.length > 0) this.#doubt = { mark, records, epoch };
    await sql`commit`.execute(db);
    learned();
    return this.#confirmed(mark, records, epoch);
  }

  /** What was in doubt is either confirmed now, or will be written by the batch that is given again. */
  async #settleDoubt(db: Kysely<unknown>): Promise<void> {
    if (this.#doubt === null) return;
    const { mark, records, epoch } = this.#doubt;
    if (await this.#shard.wentThrough(db, records.length)) this.#confirmed(mark, records, epoch);
    else this.#doubt = null;
  }

  #confirmed(mark: FlushMark, drafts: readonly LogRecordDraft[], epoch: number): readonly LogRecord[] {
    const records = numbered(drafts, this.#shard.head, epoch);
    this.#shard.taken(drafts.length);
    this.#doubt = null;
    this.#written = { mark, records };
    return records;
  }

  async #put(db: Kysely<unknown>, content: FlushContent, before: number): Promise<Learned> {
    const { rows, records, usage = [] } = content;
    const bulk = this.#bulk();
    const copied = new Map<RowKind, readonly RowWrite[]>();
    for (const [kind, writes] of byKind(rows)) {
      let rest: readonly RowWrite[] = writes;
      if (bulk?.takes(kind) === true && writes.length >= this.#bulkRows) {
        copied.set(
          kind,
          writes.filter((write) => 'row' in write),
        );
        rest = writes.filter((write) => !('row' in write));
      }
      for (const statement of this.#tables.get(kind)?.statements(rest) ?? []) await db.executeQuery(statement);
    }
    for (const statement of bulk?.statements(copied) ?? []) await db.executeQuery(statement);
    await this.#usage.remove(db, vmsOf(rows));
    const learned = await this.#usage.put(db, usage);
    for (const statement of this.#records.statements(records, before, this.#shard.epoch))
      await db.executeQuery(statement);
    return learned;
  }
}

/** VMs whose row of statistics is written, or deleted: they stand in one place only. */
function vmsOf(rows: readonly WaitingRow[]): string[] {
  const ids: string[] = [];
  for (const { write } of rows) {
    if (write.kind === 'vm_statistics') ids.push('deleted' in write ? String(write.deleted[0]) : write.row.id);
  }
  return ids;
}

function byKind(rows: readonly WaitingRow[]): Map<RowKind, RowWrite[]> {
  const groups = new Map<RowKind, RowWrite[]>();
  for (const { kind, write } of rows) {
    const group = groups.get(kind);
    if (group === undefined) groups.set(kind, [write]);
    else group.push(write);
  }
  return groups;
}

/** Fails only when the connection is lost, and with it the transaction. */
async function rollback(db: Kysely<unknown>): Promise<void> {
  await sql`rollback`.execute(db).catch(() => undefined);
}
