import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../setup/database.js';
import { ask } from '../store/harness.js';
import { ensureBuilt, Vurti } from './vurti.js';

let database: TestDatabase;
let vurti: Vurti;

beforeAll(ensureBuilt);

beforeEach(async () => {
  database = await createDatabase();
  vurti = new Vurti({ DATABASE_URL: database.url });
});

afterEach(async () => {
  await vurti.end();
  await database.drop();
});

it('shows the plan, does it, and says so; needs no service', async () => {
  const plan = JSON.parse((await vurti.run('migrate', '--plan', '--json')).out);
  expect(plan).toMatchObject({ kind: 'MigrationPlan', schemaNumber: 0, upToDate: false, done: false, backfills: [] });
  expect(await ask(database.url, "select from pg_namespace where nspname = 'vurti'")).toEqual([]);

  const done = await vurti.run('migrate');
  expect(done).toMatchObject({ code: 0, err: '' });
  expect(done.out).toMatch(/^Schema "vurti" is not there yet; .*\n\nSTEP .*\n0001_log /);
  expect(done.out).toMatch(/\n\d+ steps done, in one transaction\.\n$/);
  expect(await vurti.run('migrate', '--plan')).toMatchObject({
    code: 0,
    out: expect.stringMatching(
      /^Schema "vurti" has number (\d+), last migrated by vurti \d+\.\d+\.\d+; this vurti has number \1\.\nNo step is to be done\.\n$/,
    ),
  });

  await ask(database.url, 'update vurti.backfill set finished_at = null, goal = 7300000');
  await ask(
    database.url,
    "insert into vurti.shard (name, epoch, head, removed, holder) values ('main', 1, 7300000, 0, '')",
  );
  const left = await vurti.run('migrate', '--plan');
  expect(left.out).toContain('looks through 7,300,000 records');
  expect(left.out).toMatch(/The service does this in the background, 2,000 records at a time, and goes on serving/);
});

it('names a newer schema and an engine’s database, and ends with 2; one that does not answer with 3', async () => {
  await vurti.run('migrate');
  await ask(
    database.url,
    "insert into vurti.schema_migration values ('0999_of_the_future', '2031-11-02T10:00:00.000Z')",
  );
  await ask(database.url, "comment on table vurti.schema_migration is '9.4.0 (runs from schema 998)'");
  expect(await vurti.run('migrate', '--plan')).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringMatching(
      /^SCHEMA_NEWER .*\(schema 999: 0999_of_the_future\); this is .* from before 2031-11-02\.\n$/,
    ),
  });
  await ask(database.url, 'create table public.vdc_options ()');
  expect(await vurti.run('migrate')).toMatchObject({ code: 2, err: expect.stringMatching(/^DATABASE_OF_ENGINE /) });
  const away = new Vurti({ DATABASE_URL: 'postgres://127.0.0.1:1/none' });
  expect(await away.run('migrate')).toMatchObject({ code: 3, err: expect.stringMatching(/^DATABASE_UNREACHABLE /) });
  await away.end();
});

it('makes no embedded database for a plan, and one for the migration', async () => {
  const embedded = new Vurti();
  const data = join(embedded.dir, 'data');
  const plan = await embedded.run('migrate', '--plan', '--json');
  expect(JSON.parse(plan.out)).toMatchObject({ schemaNumber: 0, upToDate: false });
  expect(existsSync(data)).toBe(false);
  expect(await embedded.run('migrate', '-o', 'name')).toMatchObject({ code: 0, out: expect.stringContaining('step/') });
  expect(existsSync(join(data, 'postgresql', 'data', 'postmaster.pid'))).toBe(false);
  expect(JSON.parse((await embedded.run('migrate', '--plan', '--json')).out)).toMatchObject({ upToDate: true });
  // As of a service that was started with it.
  const elsewhere = await embedded.run('migrate', '--plan', '--json', '--data-dir', join(embedded.dir, 'other'));
  expect(JSON.parse(elsewhere.out)).toMatchObject({ schemaNumber: 0, upToDate: false });
  await embedded.end();
});
