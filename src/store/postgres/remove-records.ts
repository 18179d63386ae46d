import { type Kysely, sql } from 'kysely';
import type { LogRetention } from '../../events/index.js';
import type { Lane } from './lane.js';
import { SHARD, type Shard } from './shard.js';

/** Removed in one transaction: flushes wait for it on the same connection. */
const CHUNK = 5000;
const CHUNK_MS = 60_000;

/** Removes the beginning of the log in portions, between flushes. */
export async function removeRecords(
  lane: Lane,
  schema: string,
  shard: Shard,
  retention: LogRetention,
): Promise<number> {
  const boundary = await lane.within(CHUNK_MS, 'looking for old records', (db) => boundaryOf(db, schema, retention));
  const { atMost = Number.POSITIVE_INFINITY } = retention;
  let removed = 0;
  for (;;) {
    const chunk = Math.min(CHUNK, atMost - removed);
    if (chunk <= 0) return removed;
    const now = await lane.within(CHUNK_MS, 'removing old records', (db) =>
      db.transaction().execute(async (trx) => {
        const { rows } = await sql<{ removed: number; before: number }>`
          with old as (
            select removed from ${sql.id(schema, 'shard')} where name = ${SHARD} for update
          )
          update ${sql.id(schema, 'shard')} s set removed = least(old.removed + ${chunk}, ${boundary})
          from old
          where s.name = ${SHARD} and s.epoch = ${shard.epoch} and old.removed < ${boundary}
          returning s.removed, old.removed as before`.execute(trx);
        const [row] = rows;
        if (row === undefined) return 0;
        await sql`delete from ${sql.id(schema, 'log_record')} where seq <= ${row.removed}`.execute(trx);
        return row.removed - row.before;
      }),
    );
    if (now === 0) return removed;
    removed += now;
  }
}

/** The number of the last record that may go. Only a beginning goes: cursors stand for "all before this was there". */
async function boundaryOf(db: Kysely<unknown>, schema: string, { olderThan, keep }: LogRetention): Promise<number> {
  const { rows } = await sql<{ head: number; removed: number; first_kept: number | null }>`
    select head, removed, ${
      olderThan === undefined
        ? sql`removed + 1`
        : sql`(
            select seq from ${sql.id(schema, 'log_record')}
            where time >= to_timestamp(${olderThan}::double precision / 1000.0) order by seq limit 1)`
    } as first_kept
    from ${sql.id(schema, 'shard')} where name = ${SHARD}`.execute(db);
  const [row] = rows;
  if (row === undefined) return 0;
  const byTime = olderThan === undefined ? row.removed : (row.first_kept ?? row.head + 1) - 1;
  const byCount = keep === undefined ? row.removed : row.head - keep;
  return Math.max(byTime, byCount, row.removed);
}
