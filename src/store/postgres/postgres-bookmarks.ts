import { sql } from 'kysely';
import type { Bookmarks } from '../../events/index.js';
import type { Lane } from './lane.js';
import { SHARD, type Shard } from './shard.js';

const STATEMENT_MS = 10_000;

export class PostgresBookmarks implements Bookmarks {
  readonly #lane: Lane;
  readonly #schema: string;
  readonly #shard: Shard;

  constructor(lane: Lane, schema: string, shard: Shard) {
    this.#lane = lane;
    this.#schema = schema;
    this.#shard = shard;
  }

  async load(): Promise<ReadonlyMap<string, string>> {
    const { rows } = await this.#lane.within(STATEMENT_MS, 'reading bookmarks', (db) =>
      sql<{ name: string; cursor: string }>`select name, cursor from ${sql.id(this.#schema, 'bookmark')}`.execute(db),
    );
    return new Map(rows.map(({ name, cursor }) => [name, cursor]));
  }

  async save(name: string, cursor: string): Promise<void> {
    await this.#lane.within(STATEMENT_MS, 'saving a bookmark', (db) =>
      sql`
        insert into ${sql.id(this.#schema, 'bookmark')} (name, cursor)
        select ${name}, ${cursor} from ${sql.id(this.#schema, 'shard')}
        where name = ${SHARD} and epoch = ${this.#shard.epoch}
        on conflict (name) do update set cursor = excluded.cursor, saved_at = excluded.saved_at`.execute(db),
    );
  }
}
