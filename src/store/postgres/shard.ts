import { type CompiledQuery, type Kysely, sql } from 'kysely';
import { VurtiError } from '../../kernel/index.js';
import type { FlushMark } from '../flush-target.js';

/** There is one log per schema; its row is called so. */
export const SHARD = 'main';

/** SQLSTATE of a division by zero: nothing was taken. */
export const NOT_TAKEN = '22012';

/** Who writes, for the message that refuses a second one. */
export interface Holder {
  readonly host: string;
  readonly pid: number;
}

interface ShardRow {
  readonly epoch: number;
  readonly head: number;
  readonly holder: string;
}

/**
 * This process's claim on the log: the right to give numbers.
 *
 * Every start writes its own token into the row; from then on nobody else's UPDATE finds its row any more. The epoch
 * rises with the time of the start (`epochAt`), and when the log changes hands without the last writer having let go of
 * it: a crash, a take-over, a lost lock.
 */
export class Shard {
  readonly #schema: string;
  readonly #token: string;
  readonly #holder: Holder;
  #epoch = 0;
  #head = 0;
  /** An UPDATE of ours to the next epoch is under way, or its answer was lost. */
  #bumping = false;

  /** token: unique to this start. */
  constructor(schema: string, token: string, holder: Holder) {
    this.#schema = schema;
    this.#token = token;
    this.#holder = holder;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Number of the last record that is known to be committed. */
  get head(): number {
    return this.#head;
  }

  /** Takes the log from its writer before anything else is done to the database. */
  async wrest(db: Kysely<unknown>): Promise<void> {
    await sql`
      update ${this.#table('shard')} set epoch = epoch + 1, holder = ${this.#token} where name = ${SHARD}`.execute(db);
  }

  /** Makes the log ours, in an epoch that is not below this one. The lock is held, or was wrested. */
  async claim(db: Kysely<unknown>, leastEpoch: number): Promise<void> {
    await db.transaction().execute(async (trx) => {
      await sql`
        insert into ${this.#table('shard')} (name, epoch, head, removed, holder) values (${SHARD}, ${leastEpoch}, 0, 0, '')
        on conflict do nothing`.execute(trx);
      const row = await this.#locked(trx);
      const letGo = await sql`
        select from ${this.#table('writer')}
        where shard = ${SHARD} and holder = ${row.holder} and closed_at is not null`.execute(trx);
      const clean = row.holder === '' || row.holder === this.#token || letGo.rows.length > 0;
      const epoch = Math.max(leastEpoch, clean ? row.epoch : row.epoch + 1);
      await sql`
        update ${this.#table('shard')} set epoch = ${epoch}, holder = ${this.#token} where name = ${SHARD}`.execute(
        trx,
      );
      await this.#recordWriter(trx);
      this.#epoch = epoch;
      this.#head = row.head;
    });
  }

  /**
   * The lock was lost and is held again: what was written in between may have a gap in its guard, so a new epoch begins.
   * @throws VurtiError DATABASE_FENCED
   */
  async bump(db: Kysely<unknown>): Promise<void> {
    this.#bumping = true;
    await db.connection().execute(async (connection) => {
      const { rows } = await sql<{ epoch: number }>`
        update ${this.#table('shard')} set epoch = epoch + 1
        where name = ${SHARD} and holder = ${this.#token} returning epoch`.execute(connection);
      const [row] = rows;
      if (row === undefined) throw await this.fencedBy(connection);
      this.#epoch = row.epoch;
      this.#bumping = false;
    });
  }

  /**
   * Takes the next `count` numbers inside the committing transaction; gives the number before the first one. The row
   * stays locked until the transaction ends, so numbers become visible in order and without gaps. The flush leaves its mark
   * in the same row: it costs nothing, and tells a journal what the database has.
   * @throws VurtiError DATABASE_FENCED
   */
  async take(db: Kysely<unknown>, count: number, mark: FlushMark): Promise<number> {
    for (;;) {
      const epoch = this.#epoch;
      const { rows } = await sql<{ head: number }>`
        update ${this.#table('shard')}
        set head = head + ${count}, flushed_by = ${mark.writer}, flushed = ${mark.number}
        where name = ${SHARD} and epoch = ${epoch} and holder = ${this.#token} and head = ${this.#head}
        returning head`.execute(db);
      if (rows.length > 0) return this.#head;
      const row = await this.#locked(db);
      if (row.holder !== this.#token) throw await this.fencedBy(db);
      if (row.head !== this.#head) {
        throw fenced(`the head of the log is ${row.head} instead of ${this.#head}: somebody else changed it`);
      }
      // Our own new epoch may have come while the statement was under way with the old one.
      if (epoch !== this.#epoch && row.epoch === this.#epoch) continue;
      if (!this.#bumping || row.epoch <= this.#epoch) {
        throw fenced(`the log is in epoch ${row.epoch} instead of ${this.#epoch}`);
      }
      this.#epoch = row.epoch;
      this.#bumping = false;
    }
  }

  /**
   * The same as a statement that may go in one piece with those that follow it: where `take` would look closer it fails
   * (NOT_TAKEN), and all of the piece with it.
   */
  taking(db: Kysely<unknown>, count: number, mark: FlushMark): CompiledQuery {
    return sql`
      with taken as (
        update ${this.#table('shard')}
        set head = head + ${count}, flushed_by = ${mark.writer}, flushed = ${mark.number}
        where name = ${SHARD} and epoch = ${this.#epoch} and holder = ${this.#token} and head = ${this.#head}
        returning 1
      )
      select 1 / count(*) from taken`.compile(db);
  }

  /** The latest flush, whoever wrote it. */
  async lastMark(db: Kysely<unknown>): Promise<FlushMark | null> {
    const { rows } = await sql<{ writer: string | null; number: number }>`
      select flushed_by as writer, flushed as number from ${this.#table('shard')} where name = ${SHARD}`.execute(db);
    const [row] = rows;
    return row === undefined || row.writer === null ? null : { writer: row.writer, number: row.number };
  }

  /** The transaction that took `count` numbers is committed. */
  taken(count: number): void {
    this.#head += count;
  }

  /**
   * Whether a transaction that took numbers from `head` on went through although its commit was not confirmed. Waits
   * for that transaction's end if it still runs.
   * @throws VurtiError DATABASE_FENCED
   */
  async wentThrough(db: Kysely<unknown>, count: number): Promise<boolean> {
    const row = await this.#locked(db);
    if (row.holder !== this.#token) throw await this.fencedBy(db);
    if (row.head === this.#head) return false;
    if (row.head === this.#head + count) return true;
    throw fenced(`the head of the log is ${row.head} instead of ${this.#head}: somebody else changed it`);
  }

  /** `locked`: and stays so until the transaction ends. */
  async isMine(db: Kysely<unknown>, locked = false): Promise<boolean> {
    const { rows } = await sql`
      select from ${this.#table('shard')} where name = ${SHARD} and holder = ${this.#token}
      ${locked ? sql`for update` : sql``}`.execute(db);
    return rows.length > 0;
  }

  /** A clean end: the next writer need not begin another epoch for it. */
  async letGo(db: Kysely<unknown>): Promise<void> {
    await sql`
      update ${this.#table('writer')} set closed_at = now()
      where shard = ${SHARD} and holder = ${this.#token}`.execute(db);
  }

  /** The error that says who took the log over. */
  async fencedBy(db: Kysely<unknown>): Promise<VurtiError> {
    return fenced(`${nameOfWriter(await findWriter(db, this.#schema, this.#token))} took it over`);
  }

  async #locked(db: Kysely<unknown>): Promise<ShardRow> {
    const { rows } = await sql<ShardRow>`
      select epoch, head, holder from ${this.#table('shard')} where name = ${SHARD} for update`.execute(db);
    const [row] = rows;
    if (row === undefined) throw fenced('the row that gives the numbers is gone');
    return row;
  }

  async #recordWriter(db: Kysely<unknown>): Promise<void> {
    const { host, pid } = this.#holder;
    await sql`
      insert into ${this.#table('writer')} (shard, holder, host, pid, since)
      values (${SHARD}, ${this.#token}, ${host}, ${pid}, now())
      on conflict (shard) do update
      set holder = excluded.holder, host = excluded.host, pid = excluded.pid, since = excluded.since,
        closed_at = null`.execute(db);
  }

  #table(name: string) {
    return sql.id(this.#schema, name);
  }
}

function fenced(why: string): VurtiError {
  return new VurtiError('DATABASE_FENCED', `This process does not write any more: ${why}`);
}

interface WriterRow extends Holder {
  readonly since: string;
}

/** e.g. "process 4711 on host-a (since 2026-01-01T00:00:00Z)". */
export function nameOfWriter(writer: WriterRow | null): string {
  return writer === null ? 'another process' : `process ${writer.pid} on ${writer.host} (since ${writer.since})`;
}

/** The present writer as it recorded itself; null if it did not, has let go, or has this token. */
export async function findWriter(db: Kysely<unknown>, schema: string, notToken: string): Promise<WriterRow | null> {
  const { rows } = await sql<WriterRow>`
    select host, pid, to_char(since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since
    from ${sql.id(schema, 'writer')}
    where shard = ${SHARD} and closed_at is null and holder <> ${notToken}`.execute(db);
  return rows[0] ?? null;
}
