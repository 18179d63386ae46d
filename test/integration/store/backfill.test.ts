import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest';
import { RealTime, silentTelemetry } from '../../../src/kernel/index.js';
import { BackfillRunner } from '../../../src/monitor/backfill-runner.js';
import { type PostgresStore, StatementCounter } from '../../../src/store/index.js';
import { fullRow, vmChange, vmSet } from '../../store/samples.js';
import { ask, openStore, type PostgresHarness, postgresHarness } from './harness.js';

const RECORDS = process.env['VURTI_SOAK'] === '1' ? 500_000 : 10_500;

let harness: PostgresHarness;

beforeAll(async () => {
  harness = await postgresHarness(inject('databaseUrl'));
});

afterAll(async () => {
  await harness.drop();
});

const runner = (store: PostgresStore): BackfillRunner => {
  const time = new RealTime();
  return new BackfillRunner({ store, clock: time, scheduler: time, telemetry: silentTelemetry });
};

/** A log as an earlier version left it: records without a cluster, of VMs that have one by now, and of one that is gone. */
async function oldLog(store: PostgresStore): Promise<void> {
  const vm = fullRow('vm_static', 0);
  const known = { ...vm, row: { ...('row' in vm ? vm.row : {}), id: 'known', clusterId: 'cluster-9' } } as typeof vm;
  store.committer.commit({ rows: [known], records: [] });
  const without = (id: string, i: number) => ({ ...vmChange(id, i), hostId: null, clusterId: null });
  for (let from = 0; from < RECORDS; from += 5000) {
    const count = Math.min(5000, RECORDS - from);
    store.committer.commit({
      rows: [],
      records: Array.from({ length: count }, (_, i) => without((from + i) % 100 === 7 ? 'gone' : 'known', from + i)),
    });
  }
  await store.committer.flushed();
  await ask(
    harness.url,
    'update vurti.backfill set done = 0, finished_at = null, goal = (select head from vurti.shard)',
  );
}

it('fills the cluster of old records in portions, beside flushes, and goes on after a kill where it was', async () => {
  const first = await harness.open();
  expect(await first.backfills?.progress()).toBeNull();
  await oldLog(first as PostgresStore);
  expect(await first.backfills?.progress()).toEqual({ name: 'record_cluster', done: 0, total: RECORDS });
  // Three portions, then the process is gone without a word.
  for (let i = 1; i <= 3; i++) {
    expect(await first.backfills?.step()).toEqual({ name: 'record_cluster', done: 2000 * i, total: RECORDS });
  }

  const counter = new StatementCounter();
  const second = await openStore(harness.url, { takeOver: true, onStatement: counter.listener });
  // The one that was replaced does nothing any more, whatever it believes.
  expect(await first.backfills?.step()).toBeNull();
  const background = runner(second);
  counter.reset();
  await background.look();
  background.start();
  expect(background.progress).toEqual({ name: 'record_cluster', done: 6000, total: RECORDS });
  second.committer.commit(vmSet('new', 'comes in between'));
  await second.committer.flushed();
  await vi.waitFor(() => expect(background.progress).toBeNull(), { timeout: 600_000, interval: 20 });
  const left = RECORDS - 6000;
  const gone = (n: number): number => Math.floor((n + 92) / 100);
  expect(counter.rowsWritten('log_record')).toBe(1 + left - (gone(RECORDS) - gone(6000)));
  const rows = await ask<{ cluster_id: string | null; count: number }>(
    harness.url,
    'select cluster_id, count(*)::int as count from vurti.log_record group by cluster_id order by cluster_id',
  );
  expect(rows).toEqual([
    { cluster_id: 'cluster-1', count: 1 },
    { cluster_id: 'cluster-9', count: RECORDS - gone(RECORDS) },
    { cluster_id: null, count: gone(RECORDS) },
  ]);
  expect(await second.backfills.progress()).toBeNull();
  background.stop();
  await second.close();
});
