import { sql } from 'kysely';
import type { SchemaMigration } from './schema-migration.js';

/** Advice that holds; small, so that a start need not look for it in the log. */
export const up: SchemaMigration = async (db, table) => {
  await sql`
    create table ${table('intent')} (
      intent_key text collate "C" not null,
      intent text not null,
      round bigint not null,
      vm_id text,
      host_id text,
      cluster_id text,
      given_at timestamptz,
      status_since timestamptz,
      correlation text,
      advisory boolean not null,
      cause jsonb,
      evidence jsonb,
      acknowledged_at timestamptz,
      primary key (intent_key)
    )`.execute(db);
};
