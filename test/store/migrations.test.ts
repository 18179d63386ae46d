import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
} from 'kysely';
import { expect, it } from 'vitest';
import type { SchemaMigration } from '../../src/store/migrations/schema-migration.js';
import { LATEST, numberOf, RUNS_FROM, steps } from '../../src/store/migrations/steps.js';

/** The statements of a step, without a database. */
async function statementsOf(up: SchemaMigration): Promise<string[]> {
  const seen: CompiledQuery[] = [];
  const db = new Kysely<unknown>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (kysely) => new PostgresIntrospector(kysely),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    log: (event) => {
      seen.push(event.query);
    },
  });
  await up(db, (name) => sql.id(name));
  return seen.map((query) => query.sql.replaceAll(/--.*$/gm, '').replaceAll(/\s+/g, ' ').trim().toLowerCase());
}

/** What an earlier vurti could not run on, in words; none: it can. */
function faultsOf(statements: readonly string[]): string[] {
  const made = new Set<string>();
  const faultOf = (text: string): string | null => {
    const table = /"(\w+)"/.exec(text)?.[1] ?? '';
    if (/^create table "/.test(text)) {
      made.add(table);
      return null;
    }
    // Not `or replace`; a view on a table keeps that from being changed, which no step does.
    if (/^create (?:view|function) "/.test(text)) return null;
    const on = /^create (unique )?index .* on "(\w+)"/.exec(text);
    if (on !== null) return on[1] === undefined || made.has(on[2] ?? '') ? null : `what was no fault is one: ${text}`;
    if (made.has(table) && /^(?:insert into|update|alter table|comment on table) "/.test(text)) return null;
    if (/^comment on /.test(text)) return null;
    if (!/^alter table "\w+" add column /.test(text)) return `takes away or rewrites: ${text}`;
    const columns = text.replace(/^alter table "\w+" /, '').split(/, (?=add|drop|alter|rename|set)/);
    for (const column of columns) {
      if (!column.startsWith('add column ')) return `takes away or rewrites: ${column}`;
      if (/not null/.test(column) && !/default/.test(column)) return `an earlier vurti does not fill it: ${column}`;
      if (/primary key|unique|check|references/.test(column)) return `what was no fault is one: ${column}`;
    }
    return null;
  };
  return statements.map(faultOf).filter((fault) => fault !== null);
}

it.each(Object.entries(steps))('%s only adds: an earlier vurti runs on', async (_, { up }) => {
  const statements = await statementsOf(up);
  expect(statements.length).toBeGreaterThan(0);
  expect(faultsOf(statements)).toEqual([]);
});

it.each([
  'drop table "vm_jobs"',
  'alter table "vm_jobs" drop column "progress"',
  'alter table "vm_jobs" rename column "a" to "b"',
  'alter table "vm_jobs" rename to "jobs"',
  'alter table "vm_jobs" alter column "a" type bigint',
  'alter table "vm_jobs" add column "a" text not null',
  'alter table "vm_jobs" add column "a" text, drop column "b"',
  'alter table "vm_jobs" add column "a" text unique',
  'alter table "vm_jobs" add constraint "c" check (a > 0)',
  'create unique index "i" on "vm_jobs" (a)',
  'update "vm_jobs" set a = 1',
  'delete from "vm_jobs"',
  'truncate "vm_jobs"',
  'create or replace view "vm_jobs_now" as select 1',
])('would be found: %s', (text) => {
  expect(faultsOf(['create table "other" (a text)', text])).toHaveLength(1);
});

it.each([
  'alter table "vm_jobs" add column "a" text, add column "b" bigint',
  `alter table "vm_jobs" add column "a" text not null default 'x'`,
  'create index "i" on "vm_jobs" using brin (a)',
  'insert into "other" (a) select 1',
])('is allowed: %s', (text) => {
  expect(faultsOf(['create table "other" (a text)', text])).toEqual([]);
});

it('one version back runs on each schema there was', () => {
  const numbers = Object.keys(steps).map(numberOf);
  expect(numbers).toEqual(numbers.map((_, n) => n + 1));
  for (const [name, { runsFrom = 1 }] of Object.entries(steps)) {
    expect(runsFrom, name).toBeLessThanOrEqual(Math.max(1, numberOf(name) - 1));
  }
  expect(RUNS_FROM).toBeLessThan(LATEST);
});
