import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { BackfillProgress } from '../../events/index.js';
import { BACKFILL_PORTION } from '../migrations/plan.js';
import type { Lane } from './lane.js';
import { SHARD, type Shard } from './shard.js';

const CHUNK_MS = 60_000;

interface Step {
  readonly name: string;
  readonly done: number;
  readonly goal: number;
}

/** Rewrites the rows of a range of record numbers. */
type Rewrite = (table: (name: string) => RawBuilder<unknown>, after: number, upTo: number) => RawBuilder<unknown>;

/** By the name in the table `backfill`. Names are stored in databases: they are never changed. */
const rewrites: Readonly<Record<string, Rewrite>> = {
  // One look into each index per record: joined, PostgreSQL reads all VMs for each portion. What was found (`offset 0`:
  // once) is written by its place, which nobody changes meanwhile: records are only ever added and removed.
  record_cluster: (table, after, upTo) => sql`
    update ${table('log_record')} r set cluster_id = found.cluster_id
    from (
      select l.ctid as place, coalesce(
        (select h.cluster_id from ${table('vds_static')} h where h.vds_id = l.host_id),
        (select v.cluster_id from ${table('vm_static')} v where v.vm_guid = l.vm_id)) as cluster_id
      from ${table('log_record')} l
      where l.seq > ${after} and l.seq <= ${upTo} and l.cluster_id is null offset 0
    ) found
    where r.ctid = found.place and found.cluster_id <> ''`,
};

/**
 * Migrations that rewrite the log, a portion per call, between flushes. How far each one is stands in the database, in the
 * same transaction as what it did: a process that is killed goes on where it was, and does nothing twice.
 */
export class Backfill {
  readonly #lane: Lane;
  readonly #schema: string;
  readonly #shard: Shard;

  constructor(lane: Lane, schema: string, shard: Shard) {
    this.#lane = lane;
    this.#schema = schema;
    this.#shard = shard;
  }

  /** What is left to be done; null when nothing is. */
  async progress(): Promise<BackfillProgress | null> {
    return await this.#lane.within(CHUNK_MS, 'looking for backfills', async (db) => {
      const step = await this.#next(db);
      return step === null ? null : { name: step.name, done: step.done, total: step.goal };
    });
  }

  /** Does one portion; gives what is left after it, null when nothing is. */
  async step(): Promise<BackfillProgress | null> {
    return await this.#lane.within(CHUNK_MS, 'a backfill', (db) =>
      db.transaction().execute(async (trx) => {
        const step = await this.#next(trx);
        const rewrite = step === null ? undefined : rewrites[step.name];
        // The row of the writer is locked: whoever takes the log over in this moment comes after this portion.
        if (step === null || rewrite === undefined || !(await this.#isOurs(trx))) return null;
        const upTo = Math.min(step.done + BACKFILL_PORTION, step.goal);
        if (upTo > step.done) await rewrite((name) => this.#table(name), step.done, upTo).execute(trx);
        const finished = upTo >= step.goal;
        await sql`
          update ${this.#table('backfill')}
          set done = ${upTo}, finished_at = ${finished ? sql`now()` : sql`null`} where name = ${step.name}`.execute(
          trx,
        );
        if (!finished) return { name: step.name, done: upTo, total: step.goal };
        const next = await this.#next(trx);
        return next === null ? null : { name: next.name, done: next.done, total: next.goal };
      }),
    );
  }

  async #next(db: Kysely<unknown>): Promise<Step | null> {
    // Those of a newer vurti wait for it. What was removed from the log meanwhile needs nothing.
    const { rows } = await sql<Step>`
      select b.name, least(greatest(b.done, s.removed), b.goal) as done, b.goal
      from ${this.#table('backfill')} b, ${this.#table('shard')} s
      where b.finished_at is null and b.name = any(${Object.keys(rewrites)}) and s.name = ${SHARD} order by b.name limit 1`.execute(
      db,
    );
    return rows[0] ?? null;
  }

  async #isOurs(db: Kysely<unknown>): Promise<boolean> {
    return await this.#shard.isMine(db, true);
  }

  #table(name: string): RawBuilder<unknown> {
    return sql.id(this.#schema, name);
  }
}
