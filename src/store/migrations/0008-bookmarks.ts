import { sql } from 'kysely';
import type { SchemaMigration } from './schema-migration.js';

/** How far sinks have come in the log. */
export const up: SchemaMigration = async (db, table) => {
  await sql`
    create table ${table('bookmark')} (
      name text collate "C" not null,
      cursor text not null,
      saved_at timestamptz not null default now(),
      primary key (name)
    )`.execute(db);
};
