import { afterAll, beforeAll, expect, it } from 'vitest';
import { goneRecords, storeFleet } from '../../../bench/support/stored-fleet.js';
import { withDatabase } from '../setup/database.js';
import { ask } from '../store/harness.js';
import { ChildService, ensureBuilt } from './child-service.js';

/** `npm run bench -- start` does the same at its full size. */
const RECORDS = process.env['VURTI_SOAK'] === '1' ? 500_000 : 100_000;
const VMS = 500;
const HOSTS = 5;

const database = withDatabase();
let service: ChildService;

beforeAll(async () => {
  ensureBuilt();
  await storeFleet(
    { url: database.url, ask: (sql) => ask(database.url, sql) },
    { schema: 'vurti', records: RECORDS, vms: VMS, hosts: HOSTS, seed: 3 },
  );
  service = new ChildService('mode: observer\n', { DATABASE_URL: database.url });
});

afterAll(async () => {
  await service?.stop();
});

const stored = async () =>
  (
    await ask<{ done: number; finished: boolean }>(
      database.url,
      'select done::int, finished_at is not null as finished from vurti.backfill',
    )
  )[0];

/** Records without a cluster up to a number, and those beyond it that have one. */
const filled = async (upTo: number) =>
  (
    await ask<{ without: number; early: number }>(
      database.url,
      `select count(*) filter (where seq <= $1 and cluster_id is null)::int as without,
         count(*) filter (where seq > $1 and cluster_id is not null)::int as early
       from vurti.log_record`,
      [upTo],
    )
  )[0];

it('serves what is stored while the log is rewritten, and goes on there after a kill in the middle', async () => {
  await service.start();
  const status = await expect
    .poll(() => service.get('/api/v1/status').catch(() => null), { timeout: 30_000, interval: 5 })
    .toMatchObject({ status: 'backfilling', backfill: { name: 'record_cluster', total: RECORDS } })
    .then(() => service.get('/api/v1/status'));
  expect(status).toMatchObject({ vms: { total: VMS }, hosts: { total: HOSTS, byStatus: { Maintenance: HOSTS } } });
  await expect.poll(async () => (await stored())?.done, { timeout: 30_000, interval: 5 }).toBeGreaterThan(0);
  await service.kill();
  const killed = await stored();
  expect(killed).toMatchObject({ finished: false });
  const at = killed?.done ?? 0;
  expect(await filled(at)).toEqual({ without: goneRecords(at), early: 0 });

  await service.start();
  await expect
    .poll(() => service.get('/api/v1/status').catch(() => null), { timeout: 60_000, interval: 50 })
    .toMatchObject({ status: 'ready', backfill: null, vms: { total: VMS } });
  const line = service.said.split('\n').find((one) => one.includes('A migration goes on in the background'));
  expect(JSON.parse(line ?? '{}')).toMatchObject({ done: at, total: RECORDS });
  expect(await stored()).toEqual({ done: RECORDS, finished: true });
  expect(await filled(RECORDS)).toEqual({ without: goneRecords(RECORDS), early: 0 });
});
