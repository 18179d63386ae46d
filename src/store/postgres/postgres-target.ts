import { CompiledQuery, type Kysely, sql } from 'kysely';
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
import { sqlStateOf } from './database-error.js';
import { type Lane, Pipeline, rowsOf } from './lane.js';
import { numbered, RecordSql } from './record-sql.js';
import { NOT_TAKEN, type Shard } from './shard.js';
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
  /** So many rows and records, or fewer, go in one piece; 0: none. */
  readonly atOnceRows: number;
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
  readonly #atOnceRows: number;
  #doubt: Doubt | null = null;
  /** The latest confirmed commit. Its answer may have come just too late for the deadline: then it is asked for again. */
  #written: { readonly mark: FlushMark; readonly records: readonly LogRecord[] } | null = null;

  constructor({ lane, shard, schema, deadlineMs, bulk, bulkRows, usage, atOnceRows }: PostgresTargetOptions) {
    this.#atOnceRows = atOnceRows;
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
      return await db
        .connection()
        .execute(
          async (connection) => (await this.#atOnce(connection, batch)) ?? (await this.#transaction(connection, batch)),
        );
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

  /**
   * A small flush as one piece, without a round trip per statement (docs/adr/0019); null: it has to be written step by
   * step, and nothing was. Figures of VMs have their own commit: whether all of them were found is known afterwards only.
   */
  async #atOnce(db: Kysely<unknown>, batch: Batch): Promise<readonly LogRecord[] | null> {
    const { records, mark, usage = [] } = batch;
    if (!this.#fitsOnePiece(batch)) return null;
    const figures = this.#usage.figuresAlone(usage);
    if (figures === null) return null;
    const { epoch, head } = this.#shard;
    const statements = [this.#shard.taking(db, records.length, mark), ...this.#statements(batch, head, epoch)];
    const doubt = records.length > 0 ? { mark, records, epoch } : null;
    if (figures.count === 0) {
      this.#doubt = doubt;
      if (!(await this.#sent(db, new Pipeline(statements)))) return null;
    } else {
      const pipeline = new Pipeline([sql`begin`.compile(db), ...statements], figures.update);
      if (!(await this.#sentInBlock(db, pipeline, figures.count))) return null;
      this.#doubt = doubt;
      await sql`commit`.execute(db);
    }
    return this.#confirmed(mark, records, epoch);
  }

  /** Encoding it holds the event loop, and statistics in tables of their own have ways of their own. */
  #fitsOnePiece({ rows, records }: Batch): boolean {
    if (this.#atOnceRows === 0 || rows.length + records.length > this.#atOnceRows) return false;
    return rows.every(({ kind }) => !rowKinds[kind].statistics);
  }

  /** false: the numbers were not there to be taken, and nothing was written. */
  async #sent(db: Kysely<unknown>, pipeline: Pipeline): Promise<boolean> {
    try {
      await run(db, pipeline);
      return true;
    } catch (error) {
      if (sqlStateOf(error) !== NOT_TAKEN) throw error;
      this.#doubt = null;
      return false;
    }
  }

  /** false: rolled back. true: the block is open, and all is written that should be. */
  async #sentInBlock(db: Kysely<unknown>, pipeline: Pipeline, figures: number): Promise<boolean> {
    try {
      const tags = await run(db, pipeline);
      if (rowsOf(tags.at(-1)) === figures) return true;
      this.#usage.forgetAll();
    } catch (error) {
      this.#usage.notSent();
      if (sqlStateOf(error) !== NOT_TAKEN) {
        await rollback(db);
        throw error;
      }
    }
    await rollback(db);
    return false;
  }

  *#statements({ rows, records }: Batch, before: number, epoch: number): Generator<CompiledQuery> {
    for (const [kind, writes] of byKind(rows)) yield* this.#tables.get(kind)?.statements(writes) ?? [];
    yield* this.#records.statements(records, before, epoch);
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

async function run(db: Kysely<unknown>, pipeline: Pipeline): Promise<readonly string[]> {
  const { rows } = await db.executeQuery(CompiledQuery.raw('', [pipeline]));
  return rows as readonly string[];
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
