import { sql } from 'kysely';
import type { SchemaMigration } from './schema-migration.js';

/**
 * The log and who writes it. `shard` is one narrow row that every flush updates: it stays on its page. Ids collate "C",
 * so that their order is the same everywhere and cheap.
 */
export const up: SchemaMigration = async (db, table) => {
  await sql`
    create table ${table('shard')} (
      name text collate "C" primary key,
      epoch integer not null,
      head bigint not null,
      removed bigint not null,
      holder text not null
    ) with (fillfactor = 10)`.execute(db);
  await sql`
    create table ${table('writer')} (
      shard text collate "C" primary key,
      holder text not null,
      host text not null,
      pid integer not null,
      since timestamptz not null,
      closed_at timestamptz
    )`.execute(db);
  await sql`
    create table ${table('log_record')} (
      seq bigint primary key,
      epoch integer not null,
      kind smallint not null,
      name text not null,
      severity smallint,
      time timestamptz not null,
      host_id text,
      vm_id text,
      cluster_id text,
      correlation text,
      payload jsonb not null
    )`.execute(db);
  // Records come nearly in order of their time: a few pages of index serve a search by time over the whole log.
  await sql`create index log_record_time on ${table('log_record')} using brin (time)`.execute(db);
};
