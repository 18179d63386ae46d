import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PostgresStoreOptions } from '../../../src/store/index.js';
import { LATEST, RUNS_FROM } from '../../../src/store/migrations/steps.js';
import { vmChange } from '../../store/samples.js';
import { createDatabase, type TestDatabase } from '../setup/database.js';
import { ask, openStore } from './harness.js';

/**
 * Every statement that the store of an earlier schema sent, with its parameters and the rows it touched: claim, rows of every
 * kind put, changed and deleted, records, all reads, retention, letting go. Recorded with the code of that time (by a pg.Client
 * whose `query` was watched) and never changed: the next step of the schema needs the record of the one before it.
 */
interface Sent {
  readonly text: string;
  readonly values?: unknown[];
  readonly rows: number | null;
}

const fileOf = (schema: number): string =>
  fileURLToPath(new URL(`../../fixtures/store/schema-${schema}.json`, import.meta.url));

let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase();
});

afterEach(async () => {
  await database.drop();
});

/** As the recorded store found it. */
const prepared = async (): Promise<void> => {
  const options = { version: '0.2.0', ids: { uuid: () => 'first' }, holder: { host: 'host-a', pid: 7 } };
  await (await openStore(database.url, options as Partial<PostgresStoreOptions>)).close();
};

const schemas = Array.from({ length: LATEST - RUNS_FROM }, (_, n) => RUNS_FROM + n);

it.each(schemas)('what the store of schema %i sends does on this schema what it did on its own', async (schema) => {
  expect(existsSync(fileOf(schema)), 'the statements of the schema before this one are to be recorded').toBe(true);
  const sent = JSON.parse(readFileSync(fileOf(schema), 'utf8')) as Sent[];
  expect(sent.length).toBeGreaterThan(100);
  await prepared();
  const client = new pg.Client({
    connectionString: database.url,
    types: { getTypeParser: () => (text: unknown) => text } as unknown as pg.CustomTypesConfig,
  });
  await client.connect();
  try {
    for (const { text, values, rows } of sent) {
      const { rowCount } = await client.query(text, values);
      // How many steps there are is what differs.
      if (!text.includes('schema_migration')) expect(rowCount, text).toBe(rows);
    }
  } finally {
    await client.end();
  }
  // And the present one goes on with what it left.
  const store = await openStore(database.url);
  const { head } = await store.logReader.bounds();
  store.committer.commit({ rows: [], records: [vmChange('vm-9', 'after')] });
  await store.committer.flushed();
  expect((await store.logReader.bounds()).head.seq).toBe(head.seq + 1);
  await store.close();
});

const ofTheFuture = async (note: string): Promise<void> => {
  await prepared();
  await ask(
    database.url,
    `insert into vurti.schema_migration values ('0999_of_the_future', '2031-11-02T10:00:00.000Z')`,
  );
  await ask(database.url, 'create table vurti.of_the_future (id text)');
  await ask(database.url, 'alter table vurti.vm_dynamic add column of_the_future text');
  await ask(database.url, "insert into vurti.backfill (name, done, goal) values ('a_backfill_of_the_future', 0, 1000)");
  await ask(database.url, `comment on table vurti.schema_migration is '${note}'`);
};

it('a service runs on the schema of a newer vurti that says so, and leaves it as it is', async () => {
  await ofTheFuture(`9.4.0 (runs from schema ${LATEST})`);
  const told: string[] = [];
  const telemetry = { log: (_: string, message: string) => told.push(message), count() {}, gauge() {}, observe() {} };
  const store = await openStore(database.url, {
    version: '0.1.0',
    telemetry,
  } as unknown as Partial<PostgresStoreOptions>);
  store.committer.commit({ rows: [], records: [vmChange('vm-1', 'a')] });
  await store.committer.flushed();
  expect(await store.backfills?.progress()).toBe(null);
  expect(await store.backfills?.step()).toBe(null);
  await store.close();
  expect(told).toContain('The schema is of a newer vurti; this one runs on it and leaves it as it is');
  const [note] = await ask<{ note: string }>(
    database.url,
    "select obj_description('vurti.schema_migration'::regclass, 'pg_class') as note",
  );
  expect(note?.note).toBe(`9.4.0 (runs from schema ${LATEST})`);
});

it.each([
  ['says that this one is too old', `9.4.0 (runs from schema ${LATEST + 1})`],
  ['says nothing about it', '9.4.0'],
])('a service is refused by the schema of a newer vurti that %s', async (_, note) => {
  await ofTheFuture(note);
  await expect(openStore(database.url, { version: '0.1.0' })).rejects.toMatchObject({
    code: 'SCHEMA_NEWER',
    message: expect.stringContaining('was migrated by vurti 9.4.0 (schema 999: 0999_of_the_future)'),
  });
});

it('a schema that lacks a step of ours is refused, whatever else it has', async () => {
  await ofTheFuture(`9.4.0 (runs from schema ${LATEST})`);
  await ask(database.url, "delete from vurti.schema_migration where name = '0007_record_cluster'");
  await expect(openStore(database.url)).rejects.toMatchObject({ code: 'SCHEMA_NEWER' });
});
