import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FieldKind, type Fields, rowKinds } from '../../../src/model/index.js';
import { createDatabase, type TestDatabase } from '../setup/database.js';
import { ask, openStore } from './harness.js';

let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase();
});

afterEach(async () => {
  await database.drop();
});

const schemas = async (): Promise<string[]> => {
  const rows = await ask<{ nspname: string }>(database.url, "select nspname from pg_namespace where nspname !~ '^pg_'");
  return rows.map((row) => row.nspname).sort();
};

describe('the database of an engine', () => {
  it.each(['public', 'engine'])('is refused before anything is written (vdc_options in %s)', async (schema) => {
    await ask(database.url, `create schema if not exists ${schema}; create table ${schema}.vdc_options ()`);
    const before = await schemas();
    await expect(openStore(database.url)).rejects.toMatchObject({
      code: 'DATABASE_OF_ENGINE',
      message: expect.stringContaining(`${schema}.vdc_options`),
    });
    await expect(openStore(database.url, { takeOver: true })).rejects.toMatchObject({ code: 'DATABASE_OF_ENGINE' });
    expect(await schemas()).toEqual(before);
  });
});

describe('the schema', () => {
  it('of a newer version is refused and left alone', async () => {
    await (await openStore(database.url)).close();
    await ask(database.url, `insert into vurti.schema_migration values ('9999_of_the_future', '')`);
    await ask(database.url, 'comment on table vurti.schema_migration is null');
    await ask(database.url, 'drop table vurti.vm_jobs');
    await expect(openStore(database.url, { version: '0.1.0' })).rejects.toMatchObject({
      code: 'SCHEMA_NEWER',
      message: expect.stringMatching(
        /migrated by a newer vurti \(schema 9999: 9999_of_the_future\); this is 0\.1\.0 \(/,
      ),
      hint: 'Start that version or a later one, or restore a backup.',
    });
    expect(await ask(database.url, "select from pg_class where relname = 'vm_jobs'")).toEqual([]);
  });

  it('is brought up to date by one of two who start at the same moment', async () => {
    const results = await Promise.allSettled([openStore(database.url), openStore(database.url)]);
    const opened = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(opened).toHaveLength(1);
    expect(refused).toMatchObject([{ code: 'DATABASE_IN_USE' }]);
    await opened[0]?.close();
  });

  it('has exactly the columns of the field tables', async () => {
    await (await openStore(database.url)).close();
    const columns = await ask<{ table: string; column: string; type: string; required: boolean }>(
      database.url,
      `select c.relname as table, a.attname as column, format_type(a.atttypid, a.atttypmod) as type,
         a.attnotnull as required
       from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = 'vurti' and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
       order by a.attnum`,
    );
    const actual = columns.filter(({ table }) => Object.hasOwn(rowKinds, table));
    const expected = Object.entries(rowKinds).flatMap(([table, kind]) =>
      Object.values(kind.fields as Fields).map((field) => ({
        table,
        column: field.column,
        type: types[field.kind],
        required: field.initial !== null,
      })),
    );
    for (const table of Object.keys(rowKinds)) {
      const of = (rows: typeof columns) => rows.filter((row) => row.table === table);
      expect(of(actual)).toEqual(of(expected));
    }
  });

  it('has the keys of the field tables, no second index, and room on the pages of statistics', async () => {
    await (await openStore(database.url)).close();
    const indexes = await ask<{ table: string; key: string[]; fill: string[] | null; collations: string[] }>(
      database.url,
      `select c.relname as table, c.reloptions as fill,
         array_agg(a.attname::text order by k.n) as key,
         array_agg(coalesce(o.collname::text, 'none') order by k.n) as collations
       from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
         cross join unnest(i.indkey) with ordinality as k (attnum, n)
         join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
         left join pg_collation o on o.oid = a.attcollation
       where n.nspname = 'vurti'
       group by i.indexrelid, c.relname, c.reloptions`,
    );
    for (const [table, kind] of Object.entries(rowKinds)) {
      const { fields, key, statistics } = kind as { fields: Fields; key: readonly string[]; statistics: boolean };
      const found = indexes.filter((index) => index.table === table);
      expect(
        found.map((index) => index.key),
        table,
      ).toEqual([key.map((name) => fields[name]?.column)]);
      expect(found[0]?.collations, table).toEqual(key.map((name) => (fields[name]?.kind === 'text' ? 'C' : 'none')));
      if (statistics) expect(found[0]?.fill, table).toEqual(['fillfactor=50']);
    }
  });
});

describe('a database that does not answer', () => {
  it('is named as such', async () => {
    const url = new URL(database.url);
    url.pathname = '/there_is_no_such_database';
    await expect(openStore(url.href)).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      message: 'PostgreSQL: database "there_is_no_such_database" does not exist',
    });
    await expect(openStore({ host: '127.0.0.1', port: 1 })).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

const types: Readonly<Record<FieldKind, string>> = {
  text: 'text',
  int: 'bigint',
  float: 'double precision',
  bool: 'boolean',
  count: 'numeric',
  json: 'jsonb',
  time: 'timestamp with time zone',
  enum: 'smallint',
};
