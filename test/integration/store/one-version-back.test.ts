import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { rowKinds } from '../../../src/model/index.js';
import type { PostgresStoreOptions } from '../../../src/store/index.js';
import { LATEST, RUNS_FROM } from '../../../src/store/migrations/steps.js';
import { vmChange } from '../../store/samples.js';
import { createDatabase, type TestDatabase } from '../setup/database.js';
import { ask, openStore } from './harness.js';
import { prepare, recordStatements, type Sent, textOf } from './record-statements.js';

/**
 * Every statement that the store of an earlier schema sent (record-statements.ts), recorded with the code of that time and
 * never changed: the next step of the schema needs the record of the one before it.
 */
const fileOf = (schema: number): string =>
  fileURLToPath(new URL(`../../fixtures/store/schema-${schema}.json`, import.meta.url));

let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase();
});

afterEach(async () => {
  await database.drop();
});

/** Each touches as many rows as it did. */
async function sendAgain(sent: readonly Sent[], url: string): Promise<void> {
  await prepare(url);
  const client = new pg.Client({
    connectionString: url,
    types: { getTypeParser: () => (text: unknown) => text } as unknown as pg.CustomTypesConfig,
  });
  await client.connect();
  try {
    for (const { text, values, rows } of sent) {
      const { rowCount } = await client.query(text, values && [...values]);
      // How many steps there are is what differs.
      if (!text.includes('schema_migration')) expect(rowCount, text).toBe(rows);
    }
  } finally {
    await client.end();
  }
}

const schemas = Array.from({ length: LATEST - RUNS_FROM }, (_, n) => RUNS_FROM + n);

it.each(schemas)('what the store of schema %i sends does on this schema what it did on its own', async (schema) => {
  expect(existsSync(fileOf(schema)), 'the statements of the schema before this one are to be recorded').toBe(true);
  const sent = JSON.parse(readFileSync(fileOf(schema), 'utf8')) as Sent[];
  expect(sent.length).toBeGreaterThan(100);
  await sendAgain(sent, database.url);
  // And the present one goes on with what it left.
  const store = await openStore(database.url);
  const { head } = await store.logReader.bounds();
  store.committer.commit({ rows: [], records: [vmChange('vm-9', 'after')] });
  await store.committer.flushed();
  expect((await store.logReader.bounds()).head.seq).toBe(head.seq + 1);
  await store.close();
});

/** VURTI_RECORD=1 keeps it for the step that comes next. */
it('what this store sends can be recorded, and be sent again', async () => {
  const own = await createDatabase();
  try {
    await prepare(own.url);
    const sent = JSON.parse(textOf(await recordStatements(own.url))) as Sent[];
    for (const kind of Object.keys(rowKinds)) {
      // Usage as one row looks at the rows of its VM, and takes them away: here it has none.
      const ofKind = sent.filter(({ text }) => text.includes(`"vurti"."${kind}"`) && !text.includes('."vm_usage"'));
      const touched = ofKind.map(({ rows }) => rows).filter((rows) => rows !== 0);
      expect(touched, `${kind}: two put, one changed and one put, one deleted, two read`).toEqual([2, 2, 1, 2]);
    }
    await sendAgain(sent, database.url);
    if (process.env['VURTI_RECORD'] === '1') writeFileSync(fileOf(LATEST), textOf(sent));
  } finally {
    await own.drop();
  }
});

const ofTheFuture = async (note: string): Promise<void> => {
  await prepare(database.url);
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
