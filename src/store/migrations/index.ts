import { type Kysely, type MigrationProvider, Migrator, sql } from 'kysely';
import { VurtiError } from '../../kernel/index.js';
import * as log from './0001-log.js';
import * as inventory from './0002-inventory.js';
import * as hosts from './0003-hosts.js';
import * as vms from './0004-vms.js';
import * as intents from './0005-intents.js';
import * as flushMark from './0006-flush-mark.js';
import * as recordCluster from './0007-record-cluster.js';
import type { SchemaMigration } from './schema-migration.js';

/** All steps in order. Names are stored in databases: they are never changed. */
const steps: Readonly<Record<string, SchemaMigration>> = {
  '0001_log': log.up,
  '0002_inventory': inventory.up,
  '0003_hosts': hosts.up,
  '0004_vms': vms.up,
  '0005_intents': intents.up,
  '0006_flush_mark': flushMark.up,
  '0007_record_cluster': recordCluster.up,
};

const MIGRATION_TABLE = 'schema_migration';
const LOCK_TABLE = 'schema_migration_lock';

/** Static, not read from a folder: works the same in a bundle. */
function provider(schema: string): MigrationProvider {
  const table = (name: string) => sql.id(schema, name);
  return {
    getMigrations: async () =>
      Object.fromEntries(Object.entries(steps).map(([name, step]) => [name, { up: (db) => step(db, table) }])),
  };
}

/**
 * Looks, without writing anything, whether this database may become or is ours. Gives whether `migrate` is needed.
 * @throws VurtiError DATABASE_OF_ENGINE, SCHEMA_NEWER
 */
export async function refuseForeignDatabase(db: Kysely<unknown>, schema: string): Promise<boolean> {
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
  if (!(await hasTable(db, schema, MIGRATION_TABLE))) return true;
  const applied = await sql<{
    name: string;
  }>`select name from ${sql.id(schema, MIGRATION_TABLE)} order by name`.execute(db);
  const newer = applied.rows.filter((row) => !Object.hasOwn(steps, row.name)).map((row) => row.name);
  if (newer.length > 0) {
    throw new VurtiError(
      'SCHEMA_NEWER',
      `Schema "${schema}" has steps that this version does not know: ${newer.join(', ')}`,
    );
  }
  return applied.rows.length < Object.keys(steps).length;
}

/** Brings the schema up to date, all steps in one transaction. */
export async function migrate(db: Kysely<unknown>, schema: string): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: provider(schema),
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
