import { type Kysely, type MigrationProvider, Migrator, sql } from 'kysely';
import { VurtiError } from '../../kernel/index.js';
import { LATEST, numberOf, RUNS_FROM, steps } from './steps.js';

const MIGRATION_TABLE = 'schema_migration';
const LOCK_TABLE = 'schema_migration_lock';

/** A library that opens a store without naming its version. */
export const UNKNOWN = 'unknown';

/** "0.4.1 (runs from schema 6)" */
const NOTE = /^(.+?)(?: \(runs from schema (\d+)\))?$/;

/** Static, not read from a folder: works the same in a bundle. Who did it is noted in the same transaction. */
function provider(schema: string, version: string): MigrationProvider {
  const table = (name: string) => sql.id(schema, name);
  const note = sql`comment on table ${table(MIGRATION_TABLE)} is ${sql.lit(`${version} (runs from schema ${RUNS_FROM})`)}`;
  return {
    getMigrations: async () =>
      Object.fromEntries(
        Object.entries(steps).map(([name, { up }]) => [
          name,
          {
            up: async (db) => {
              await up(db, table);
              await note.execute(db);
            },
          },
        ]),
      ),
  };
}

export interface AppliedStep {
  readonly name: string;
  /** RFC 3339 UTC. */
  readonly at: string;
}

/** Who migrated the schema last, and which steps it has; none where it is not there. */
export interface Applied {
  /** null: it was not noted. */
  readonly version: string | null;
  /** The oldest vurti that runs on it, by its schema, as the one that migrated it noted; null: it noted nothing. */
  readonly runsFrom: number | null;
  readonly steps: readonly AppliedStep[];
}

async function appliedSteps(db: Kysely<unknown>, schema: string): Promise<Applied> {
  if (!(await hasTable(db, schema, MIGRATION_TABLE))) return { version: null, runsFrom: null, steps: [] };
  const { rows } = await sql<{ name: string; timestamp: string; note: string | null }>`
    select m.name, m.timestamp, obj_description(m.tableoid, 'pg_class') as note
    from ${sql.id(schema, MIGRATION_TABLE)} m order by m.name`.execute(db);
  const [, version, runsFrom] = NOTE.exec(rows[0]?.note ?? '') ?? [];
  return {
    version: version === undefined || version === UNKNOWN ? null : version,
    runsFrom: runsFrom === undefined ? null : Number(runsFrom),
    steps: rows.map(({ name, timestamp }) => ({ name, at: timestamp })),
  };
}

/**
 * Looks, without writing anything, whether this database may become or is ours. Gives the steps it has.
 * @throws VurtiError DATABASE_OF_ENGINE, SCHEMA_NEWER
 */
export async function refuseForeignDatabase(db: Kysely<unknown>, schema: string, version: string): Promise<Applied> {
  // pg_class, not information_schema: that one hides tables that this role may not touch.
  const engine = await sql<{ schema: string; database: string }>`
    select n.nspname as schema, current_database() as database
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relname = 'vdc_options' and c.relkind in ('r', 'p', 'v', 'f')
    limit 1`.execute(db);
  const [found] = engine.rows;
  if (found !== undefined) {
    throw new VurtiError(
      'DATABASE_OF_ENGINE',
      `Database "${found.database}" holds ${found.schema}.vdc_options: it belongs to an oVirt engine`,
    );
  }
  const applied = await appliedSteps(db, schema);
  const newer = applied.steps.filter(({ name }) => !Object.hasOwn(steps, name));
  const [first] = newer;
  // One version back runs on: steps only add, and the newer vurti noted how far back that holds.
  const runs = applied.runsFrom !== null && applied.runsFrom <= LATEST && isUpToDate(applied);
  if (first !== undefined && !runs) throw schemaNewer(schema, version, applied, newer, first);
  return applied;
}

function schemaNewer(
  schema: string,
  version: string,
  applied: Applied,
  newer: readonly AppliedStep[],
  first: AppliedStep,
): VurtiError {
  const by = applied.version === null || applied.version === version ? 'a newer vurti' : `vurti ${applied.version}`;
  const theirs = Math.max(...newer.map(({ name }) => numberOf(name)));
  const names = newer.map(({ name }) => name).join(', ');
  const day = /^\d{4}-\d\d-\d\d/.exec(first.at)?.[0];
  const start = by === 'a newer vurti' ? 'Start that version or a later one' : `Start ${applied.version} or later`;
  return new VurtiError(
    'SCHEMA_NEWER',
    `Schema "${schema}" was migrated by ${by} (schema ${theirs}: ${names}); this is ${version} (schema ${LATEST})`,
    { hint: `${start}, or restore a backup${day === undefined ? '' : ` from before ${day}`}.` },
  );
}

/** Whether it has all steps that this vurti knows; it may have more. */
export function isUpToDate(applied: Applied): boolean {
  const names = new Set(applied.steps.map(({ name }) => name));
  return Object.keys(steps).every((name) => names.has(name));
}

/** Steps of a newer vurti, on whose schema this one runs all the same. */
export const stepsOfNewer = (applied: Applied): readonly string[] =>
  applied.steps.map(({ name }) => name).filter((name) => !Object.hasOwn(steps, name));

/** Brings the schema up to date, all steps in one transaction. `version`: of vurti, to be noted. */
export async function migrate(db: Kysely<unknown>, schema: string, version: string): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: provider(schema, version),
    migrationTableSchema: schema,
    migrationTableName: MIGRATION_TABLE,
    migrationLockTableName: LOCK_TABLE,
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

export async function hasTable(db: Kysely<unknown>, schema: string, name: string): Promise<boolean> {
  const { rows } = await sql`
    select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relname = ${name} and c.relkind = 'r'`.execute(db);
  return rows.length > 0;
}
