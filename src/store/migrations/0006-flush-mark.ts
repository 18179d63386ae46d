import { sql } from 'kysely';
import type { SchemaMigration } from './schema-migration.js';

/** Which flush was the last one: a journal tells by it what the database has already. */
export const up: SchemaMigration = async (db, table) => {
  await sql`
    alter table ${table('shard')} add column flushed_by text collate "C", add column flushed bigint`.execute(db);
};
