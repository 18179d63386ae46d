import { sql } from 'kysely';
import type { SchemaMigration } from './schema-migration.js';

/**
 * Old records about entities whose cluster was learned later have none; readers that filter by cluster miss them. The
 * schema changes at once, the rows in the background (backfill.ts): `done` is the number up to which they are looked through.
 */
export const up: SchemaMigration = async (db, table) => {
  await sql`
    create table ${table('backfill')} (
      name text collate "C" primary key,
      done bigint not null,
      goal bigint not null,
      finished_at timestamptz
    ) with (fillfactor = 10)`.execute(db);
  await sql`
    insert into ${table('backfill')} (name, done, goal, finished_at)
    select 'record_cluster', coalesce(min(removed), 0), coalesce(max(head), 0),
      case when coalesce(max(head), 0) <= coalesce(min(removed), 0) then now() end
    from ${table('shard')}`.execute(db);
};
