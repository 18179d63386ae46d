import { type RawBuilder, sql } from 'kysely';
import type { Cursor, LogBounds, LogPeek, LogReader, LogRecord } from '../../events/index.js';
import { VurtiError } from '../../kernel/index.js';
import { boundsOf, checkCursor, type LogWindow } from '../log-window.js';
import type { Lane } from './lane.js';
import { type RecordRow, recordColumns, recordOf } from './record-sql.js';
import { SHARD } from './shard.js';

const READ_MS = 30_000;

interface WindowRow extends LogWindow {
  /** Null in the single row that comes when there is no record. */
  readonly seq: number | null;
}

/** Pages through the log by its primary key. Each answer is one statement, so window and records are of one moment. */
export class PostgresLogReader implements LogReader {
  readonly #lane: Lane;
  readonly #schema: string;

  constructor(lane: Lane, schema: string) {
    this.#lane = lane;
    this.#schema = schema;
  }

  async read(after: Cursor, limit: number): Promise<readonly LogRecord[]> {
    // The record at the cursor comes along: its epoch tells whether the cursor is of this log's history.
    const { window, rows } = await this.#page(
      sql`
        select ${recordColumns} from ${sql.id(this.#schema, 'log_record')}
        where seq >= ${after.seq} order by seq limit ${limit + 1}`,
      'asc',
    );
    const at = rows[0]?.seq === after.seq ? rows[0] : null;
    const later = at === null ? rows : rows.slice(1);
    const next = later[0]?.seq === after.seq + 1 ? later[0] : null;
    checkCursor(after, window, { at: at?.epoch ?? null, after: next?.epoch ?? null });
    return later.slice(0, limit).map(recordOf);
  }

  async readBackwards(before: Cursor | null, limit: number): Promise<readonly LogRecord[]> {
    const older = before === null ? sql`` : sql`where seq < ${before.seq}`;
    const { window, rows } = await this.#page(
      sql`
        select ${recordColumns} from ${sql.id(this.#schema, 'log_record')}
        ${older} order by seq desc limit ${limit}`,
      'desc',
    );
    if (before !== null) checkCursor(before, { ...window, removed: 0 }, { at: null, after: null });
    return rows.map(recordOf);
  }

  async bounds(): Promise<LogBounds> {
    const { window, rows } = await this.#page(
      sql`select ${recordColumns} from ${sql.id(this.#schema, 'log_record')} order by seq limit 1`,
      'asc',
    );
    return boundsOf(window, rows[0]?.epoch ?? null);
  }

  async peek(seq: number): Promise<LogPeek | null> {
    return await this.#lane.within(READ_MS, 'looking at a record', async (db) => {
      const { rows } = await sql<LogPeek>`
        select epoch, (extract(epoch from time) * 1000)::double precision as time
        from ${sql.id(this.#schema, 'log_record')} where seq = ${seq}`.execute(db);
      return rows[0] ?? null;
    });
  }

  async #page(
    records: RawBuilder<unknown>,
    order: 'asc' | 'desc',
  ): Promise<{ window: LogWindow; rows: readonly RecordRow[] }> {
    return await this.#lane.within(READ_MS, 'reading the log', async (db) => {
      const { rows } = await sql<WindowRow & RecordRow & { shard_epoch: number }>`
        select s.epoch as shard_epoch, s.head, s.removed, r.*
        from ${sql.id(this.#schema, 'shard')} s left join (${records}) r on true
        where s.name = ${SHARD} order by r.seq ${sql.raw(order)}`.execute(db);
      const [first] = rows;
      if (first === undefined) throw new VurtiError('INTERNAL', 'The row that describes the log is gone');
      const window = { epoch: first.shard_epoch, head: first.head, removed: first.removed };
      return { window, rows: rows.filter((row) => (row as WindowRow).seq !== null) };
    });
  }
}
