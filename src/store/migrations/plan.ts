import { type Kysely, sql } from 'kysely';
import { type Applied, hasTable } from './index.js';
import { LATEST, numberOf, steps } from './steps.js';

/** Rows of a table, or of a part of it. */
export interface RowCount {
  readonly rows: number;
  /** False: what PostgreSQL's own statistics say. */
  readonly exact: boolean;
}

export interface PlannedLock {
  readonly table: string;
  /** In PostgreSQL's words. */
  readonly mode: string;
  /** null = not known: the table was never analyzed. */
  readonly size: RowCount | null;
}

export interface PlannedStep {
  readonly name: string;
  readonly what: string;
  /** On tables that are there already. None of the steps rewrites their rows. */
  readonly locks: readonly PlannedLock[];
}

export interface PlannedBackfill {
  readonly name: string;
  /** Records that it has still to look through. */
  readonly left: number;
  /** Looked through already. */
  readonly done: number;
  /** Of those left, the ones that it may write; null = not known. */
  readonly toWrite: RowCount | null;
  /** In one transaction. */
  readonly portion: number;
  readonly locks: readonly Omit<PlannedLock, 'size'>[];
}

export interface MigrationPlan {
  readonly schema: string;
  /** Numbers of the last step that is done, and of the last one there is; 0 = the schema is not there. */
  readonly at: number;
  readonly latest: number;
  /** Version of vurti that migrated it last; null where it was not noted. */
  readonly migratedBy: string | null;
  readonly steps: readonly PlannedStep[];
  readonly backfills: readonly PlannedBackfill[];
  /** The vurti that has the log now. */
  readonly writer: { readonly host: string; readonly pid: number; readonly since: string } | null;
}

/** Looked through in one transaction of a backfill: flushes wait for it on the same connection. */
export const BACKFILL_PORTION = 2000;

/** Tables of so many pages are counted; of others PostgreSQL's estimate is told. */
const CHEAP_PAGES = 1000;

const backfillLocks = [
  { table: 'shard', mode: 'RowShareLock' },
  { table: 'backfill', mode: 'RowExclusiveLock' },
  { table: 'log_record', mode: 'RowExclusiveLock' },
  { table: 'vds_static', mode: 'AccessShareLock' },
  { table: 'vm_static', mode: 'AccessShareLock' },
] as const;

/** What `migrate` would do to an empty database. */
export function planOfNothing(schema: string): MigrationPlan {
  const all = Object.entries(steps).map(([name, { what }]) => ({ name, what, locks: [] }));
  return { schema, at: 0, latest: LATEST, migratedBy: null, steps: all, backfills: [], writer: null };
}

/** What `migrate` and the background would do, by reading alone. */
export async function makePlan(
  db: Kysely<unknown>,
  schema: string,
  applied: Applied,
): Promise<Omit<MigrationPlan, 'writer'>> {
  if (applied.steps.length === 0) return planOfNothing(schema);
  const done = new Set(applied.steps.map(({ name }) => name));
  const open = Object.entries(steps).filter(([name]) => !done.has(name));
  const planned: PlannedStep[] = [];
  for (const [name, { what, locks }] of open) {
    const sized: PlannedLock[] = [];
    for (const lock of locks) sized.push({ ...lock, size: await sizeOf(db, schema, lock.table) });
    planned.push({ name, what, locks: sized });
  }
  return {
    schema,
    at: Math.max(...applied.steps.map(({ name }) => numberOf(name))),
    latest: LATEST,
    migratedBy: applied.version,
    steps: planned,
    backfills: await backfillsOf(
      db,
      schema,
      open.flatMap(([, { backfill }]) => (backfill === undefined ? [] : [backfill])),
    ),
  };
}

/** Those that a step yet to be done will begin, and those that are under way. */
async function backfillsOf(
  db: Kysely<unknown>,
  schema: string,
  toCome: readonly string[],
): Promise<readonly PlannedBackfill[]> {
  const shard = sql.id(schema, 'shard');
  const bounds = await sql<{ head: number; removed: number }>`
    select coalesce(max(head), 0) as head, coalesce(max(removed), 0) as removed from ${shard}`.execute(db);
  const { head = 0, removed = 0 } = bounds.rows[0] ?? {};
  const found = toCome.map((name) => ({ name, done: removed, goal: head }));
  if (await hasTable(db, schema, 'backfill')) {
    const { rows } = await sql<{ name: string; done: number; goal: number }>`
      select b.name, least(greatest(b.done, ${removed}::bigint), b.goal) as done, b.goal
      from ${sql.id(schema, 'backfill')} b where b.finished_at is null order by b.name`.execute(db);
    found.push(...rows);
  }
  const withoutCluster = await nullsOf(db, schema, 'log_record', 'cluster_id');
  return found
    .map(({ name, done, goal }) => ({ name, left: goal - done, done: done - removed }))
    .filter(({ left }) => left > 0)
    .map((one) => ({
      ...one,
      toWrite:
        withoutCluster === null ? null : { rows: Math.min(one.left, withoutCluster.rows), exact: withoutCluster.exact },
      portion: BACKFILL_PORTION,
      locks: backfillLocks,
    }));
}

interface TableFacts {
  readonly pages: number;
  readonly tuples: number;
}

async function factsOf(db: Kysely<unknown>, schema: string, table: string): Promise<TableFacts | null> {
  // The size of the file, not relpages: that one is as old as the last ANALYZE.
  const { rows } = await sql<TableFacts>`
    select (pg_relation_size(c.oid) / current_setting('block_size')::int)::int as pages, c.reltuples::float8 as tuples
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relname = ${table} and c.relkind = 'r'`.execute(db);
  return rows[0] ?? null;
}

async function counted(db: Kysely<unknown>, schema: string, table: string, nullColumn?: string): Promise<RowCount> {
  const where = nullColumn === undefined ? sql`` : sql`where ${sql.id(nullColumn)} is null`;
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from ${sql.id(schema, table)} ${where}`.execute(db);
  return { rows: rows[0]?.count ?? 0, exact: true };
}

async function sizeOf(db: Kysely<unknown>, schema: string, table: string): Promise<RowCount | null> {
  const facts = await factsOf(db, schema, table);
  if (facts === null) return null;
  if (facts.pages <= CHEAP_PAGES) return await counted(db, schema, table);
  return facts.tuples < 0 ? null : { rows: Math.round(facts.tuples), exact: false };
}

async function nullsOf(db: Kysely<unknown>, schema: string, table: string, column: string): Promise<RowCount | null> {
  const facts = await factsOf(db, schema, table);
  if (facts === null) return null;
  if (facts.pages <= CHEAP_PAGES) return await counted(db, schema, table, column);
  const { rows } = await sql<{ share: number }>`
    select null_frac::float8 as share from pg_catalog.pg_stats
    where schemaname = ${schema} and tablename = ${table} and attname = ${column}`.execute(db);
  const share = rows[0]?.share;
  return share === undefined || facts.tuples < 0 ? null : { rows: Math.round(facts.tuples * share), exact: false };
}
