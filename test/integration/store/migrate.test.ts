import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RealTime, silentTelemetry } from '../../../src/kernel/index.js';
import { BACKFILL_PORTION } from '../../../src/store/migrations/plan.js';
import { LATEST, steps } from '../../../src/store/migrations/steps.js';
import { migrateSchema, planMigration, type SchemaUpgradeOptions } from '../../../src/store/postgres/schema-upgrade.js';
import { vmChange } from '../../store/samples.js';
import { createDatabase, type TestDatabase } from '../setup/database.js';
import { ask, openStore } from './harness.js';

let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase();
});

afterEach(async () => {
  await database.drop();
});

const options = (version = '0.1.0'): SchemaUpgradeOptions => ({
  ...{ connection: database.url, schema: 'vurti', version },
  ...{ scheduler: new RealTime(), telemetry: silentTelemetry },
});

const tables = async (): Promise<number> =>
  (await ask(database.url, "select from pg_class c where relnamespace::regnamespace::text = 'vurti' and relkind = 'r'"))
    .length;

/** As the version before 0007 left it, with so many records. */
async function older(records: number): Promise<void> {
  const store = await openStore(database.url, { version: '0.0.9' });
  store.committer.commit({
    rows: [],
    records: Array.from({ length: records }, (_, i) => ({ ...vmChange('vm-1', i), clusterId: i % 2 ? null : 'c' })),
  });
  await store.committer.flushed();
  await store.close();
  await ask(database.url, "delete from vurti.schema_migration where name >= '0007'");
  await ask(database.url, 'drop table vurti.backfill, vurti.bookmark');
  await ask(database.url, 'drop table vurti.vm_usage, vurti.vm_usage_parts cascade');
  await ask(database.url, 'drop function vurti.usage_figure');
}

it('plans all steps for an empty database, and writes nothing for it', async () => {
  const plan = await planMigration(options());
  expect(plan).toMatchObject({ at: 0, latest: LATEST, migratedBy: null, backfills: [], writer: null });
  expect(plan.steps.map(({ name }) => name)).toEqual(Object.keys(steps));
  expect(await ask(database.url, "select from pg_namespace where nspname = 'vurti'")).toEqual([]);
});

it('does the steps, notes who did them, and finds nothing to do the second time', async () => {
  expect((await migrateSchema(options())).steps).toHaveLength(Object.keys(steps).length);
  const after = await planMigration(options('0.2.0'));
  expect(after).toEqual({
    ...{ schema: 'vurti', at: LATEST, latest: LATEST, migratedBy: '0.1.0' },
    ...{ steps: [], backfills: [], writer: null },
  });
  expect(await migrateSchema(options('0.2.0'))).toEqual(after);
  await (await openStore(database.url)).close();
});

it('tells what is left of a schema that is behind, with its records, and leaves the backfill to the service', async () => {
  await older(2500);
  const before = await tables();
  const plan = await planMigration(options());
  expect(plan).toMatchObject({
    ...{ at: 6, migratedBy: '0.0.9' },
    steps: [
      {
        name: '0007_record_cluster',
        locks: [{ table: 'shard', mode: 'AccessShareLock', size: { rows: 1, exact: true } }],
      },
      { name: '0008_bookmarks', locks: [] },
      {
        name: '0009_usage',
        locks: ['disk_image_dynamic', 'vm_interface_statistics', 'vm_statistics'].map((table) => ({
          ...{ table, mode: 'AccessShareLock', size: { rows: 0, exact: true } },
        })),
      },
    ],
    backfills: [{ name: 'record_cluster', left: 2500, done: 0, toWrite: { rows: 1250, exact: true } }],
  });
  expect(await tables()).toBe(before);

  await migrateSchema(options());
  const [row] = await ask(database.url, 'select name, done::int, goal::int, finished_at from vurti.backfill');
  expect(row).toEqual({ name: 'record_cluster', done: 0, goal: 2500, finished_at: null });
  const store = await openStore(database.url);
  expect(await store.backfills.step()).toEqual({ name: 'record_cluster', done: BACKFILL_PORTION, total: 2500 });
  // The plan can be asked for while a service has the database, and names it.
  expect(await planMigration(options())).toMatchObject({
    steps: [],
    backfills: [{ name: 'record_cluster', left: 2500 - BACKFILL_PORTION, done: BACKFILL_PORTION }],
    writer: { pid: process.pid },
  });
  await store.close();
});

it('estimates what is too large to be counted', async () => {
  await older(10);
  await ask(
    database.url,
    `insert into vurti.log_record (seq, epoch, kind, name, time, cluster_id, payload)
     select n, 1, 1, 'X', now(), case when n % 4 = 0 then 'c' end, jsonb_build_object('text', repeat('x', 200))
     from generate_series(11, 40010) n`,
  );
  await ask(database.url, 'update vurti.shard set head = 40010');
  await ask(database.url, 'analyze vurti.log_record');
  const [planned] = (await planMigration(options())).backfills;
  expect(planned).toMatchObject({ name: 'record_cluster', left: 40_010, toWrite: { exact: false } });
  expect(planned?.toWrite?.rows).toBeGreaterThan(27_000);
  expect(planned?.toWrite?.rows).toBeLessThan(33_000);
});

it('is refused while a service has the database, whose process it names', async () => {
  const store = await openStore(database.url);
  await ask(database.url, "delete from vurti.schema_migration where name >= '0008'");
  await expect(migrateSchema(options())).rejects.toMatchObject({
    code: 'DATABASE_IN_USE',
    message: expect.stringContaining(`process ${process.pid} on `),
  });
  await store.close();
});

it('is refused by a schema of a newer vurti, which it names, and by the database of an engine', async () => {
  await migrateSchema(options('9.4.0'));
  await ask(
    database.url,
    "insert into vurti.schema_migration values ('0999_of_the_future', '2031-11-02T10:00:00.000Z')",
  );
  await ask(database.url, "comment on table vurti.schema_migration is '9.4.0 (runs from schema 998)'");
  for (const call of [planMigration, migrateSchema]) {
    await expect(call(options())).rejects.toMatchObject({
      code: 'SCHEMA_NEWER',
      message: `Schema "vurti" was migrated by vurti 9.4.0 (schema 999: 0999_of_the_future); this is 0.1.0 (schema ${LATEST})`,
      hint: 'Start 9.4.0 or later, or restore a backup from before 2031-11-02.',
    });
  }
  await ask(database.url, 'create table public.vdc_options ()');
  for (const call of [planMigration, migrateSchema]) {
    await expect(call(options())).rejects.toMatchObject({ code: 'DATABASE_OF_ENGINE' });
  }
});

it('names the locks of each step as the server does', async () => {
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  await sql`create schema vurti`.execute(db);
  for (const [name, step] of Object.entries(steps)) {
    const held = await db.transaction().execute(async (trx) => {
      const { rows: before } = await sql<{ oid: number; size: string }>`
        select oid::int, relfilenode::text as size from pg_class
        where relkind = 'r' and relnamespace = 'vurti'::regnamespace`.execute(trx);
      await step.up(trx, (table) => sql.id('vurti', table));
      const { rows: locks } = await sql<{ table: string; mode: string }>`
        select c.relname as table, l.mode from pg_locks l join pg_class c on c.oid = l.relation
        where l.pid = pg_backend_pid() and l.relation = any (${before.map(({ oid }) => oid)}::oid[])
        order by 1, 2`.execute(trx);
      // A table that is rewritten gets a file of another name.
      const { rows: after } = await sql<{ oid: number; size: string }>`
        select oid::int, relfilenode::text as size from pg_class
        where oid = any (${before.map(({ oid }) => oid)}::oid[])`.execute(trx);
      expect([...after].sort(byOid), name).toEqual([...before].sort(byOid));
      return locks;
    });
    expect(held, name).toEqual(step.locks);
  }
  await db.destroy();
});

const byOid = (a: { readonly oid: number }, b: { readonly oid: number }): number => a.oid - b.oid;
