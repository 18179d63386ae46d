import pg from 'pg';
import { vi } from 'vitest';
import { RealTime, SeededRandom } from '../../../src/kernel/index.js';
import type { RowWrite } from '../../../src/model/index.js';
import { PostgresStore, type PostgresStoreOptions } from '../../../src/store/index.js';
import type { OpenOptions, StoreHarness } from '../../store/contract.js';
import { fullRow } from '../../store/samples.js';
import { createDatabase, type Template, type TestDatabase } from '../setup/database.js';

/** A database that holds the empty schema. */
const migrated: Template = {
  name: 'migrated_store',
  async prepare(url) {
    const store = await openStore(url);
    await store.close();
  },
};

/** Its wall clock stands at the moment from which epochs are counted, or so many minutes after it. */
export class StoppedClock extends RealTime {
  readonly #minutes: number;

  constructor(minutes = 0) {
    super();
    this.#minutes = minutes;
  }

  override now(): number {
    return Date.UTC(2026, 0, 1) + this.#minutes * 60_000;
  }
}

export function openStore(
  url: PostgresStoreOptions['connection'],
  more: Partial<PostgresStoreOptions> = {},
): Promise<PostgresStore> {
  const time = new StoppedClock();
  return PostgresStore.open({ connection: url, clock: time, scheduler: time, ...more });
}

/** One statement in a session of its own. */
export async function ask<R extends pg.QueryResultRow>(url: string, sql: string, values: unknown[] = []): Promise<R[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<R>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

/** Longer than an index entry may be, and not to be compressed. */
function refusable(id: string): RowWrite {
  const random = new SeededRandom(1);
  const long = Array.from({ length: 2000 }, () => random.next().toString(36).slice(2, 10)).join('');
  const write = fullRow('vm_jobs', 0);
  return { ...write, row: { ...('row' in write ? write.row : {}), id: `${id}${long}` } } as typeof write;
}

export interface PostgresHarness extends StoreHarness {
  readonly url: string;
  drop(): Promise<void>;
}

export async function postgresHarness(
  adminUrl: string,
  fixed: Partial<PostgresStoreOptions> = {},
): Promise<PostgresHarness> {
  const database: TestDatabase = await createDatabase(migrated);
  const { url } = database;
  const name = new URL(url).pathname.slice(1);
  const stores: PostgresStore[] = [];
  return {
    url,
    async open({ counter, ...more }: OpenOptions = {}) {
      const store = await openStore(url, {
        ...fixed,
        ...more,
        ...(counter === undefined ? {} : { onStatement: counter.listener }),
      });
      stores.push(store);
      return store;
    },
    refusable,
    async away() {
      await ask(adminUrl, `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
      // The server's own vacuum may be at work in it: that is nobody's session to end.
      await ask(
        adminUrl,
        `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
         WHERE datname = $1 AND backend_type = 'client backend'`,
        [name],
      );
    },
    async back() {
      await ask(adminUrl, `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
    },
    until: (condition) =>
      vi.waitFor(
        () => {
          if (!condition()) throw new Error('The condition does not hold yet');
        },
        { timeout: 20_000, interval: 5 },
      ),
    async drop() {
      await Promise.all(stores.map((store) => store.close()));
      await database.drop();
    },
  };
}
