/**
 * The start of `vurti serve` on a database that holds a fleet and a long log with a migration yet to be done in the
 * background: when it answers, when it serves, when it is ready, and what its API feels meanwhile. In the middle of the
 * migration it is killed; it has to go on where it was. All hosts are in maintenance: none of them is polled.
 */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { RealTime } from '../src/kernel/index.js';
import type { RowKind } from '../src/model/index.js';
import { PostgresStore } from '../src/store/index.js';
import { type BenchDatabase, keptDatabase, withDatabase } from './support/database.js';
import { readFlags } from './support/flags.js';
import { quantile } from './support/numbers.js';
import { type Figures, Report } from './support/report.js';
import { StartedService } from './support/started-service.js';
import { goneRecords, storeFleet } from './support/stored-fleet.js';

const SCHEMA = 'vurti';
const PATHS = [
  '/livez',
  '/api/v1/status',
  '/api/v1/hosts?limit=100',
  '/api/v1/vms?limit=100',
  '/api/v1/events?limit=100',
];
const PAUSE_MS = 20;

type Latencies = Map<string, number[]>;

async function main(): Promise<void> {
  const { flags, json } = readFlags({
    records: { value: 500_000, doc: 'records in the log (7300000 is the full size)' },
    vms: { value: 20_000, doc: 'VMs (100000 is the full size)' },
    hosts: { value: 100, doc: 'hosts, all in maintenance' },
    seed: { value: 1, doc: 'the same seed gives the same rows' },
    loading: { value: false, doc: 'only how the store reads the rows of VMs: no service, no kill' },
    keep: { value: '', doc: 'a folder that keeps the database as it was filled, for the next run of these sizes' },
    seconds: { value: 0, doc: 'watch the API for so long before and after the kill; 0 = until all is done' },
  });
  const report = new Report('start', flags);
  const { records, vms, hosts, seed, keep } = flags;
  const fill = async (database: BenchDatabase): Promise<void> => {
    const began = performance.now();
    await storeFleet(database, { schema: SCHEMA, records, vms, hosts, seed });
    console.log(`Stored in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  };
  const kept = keep === '' ? undefined : await keptDatabase(join(keep, `${records}-${vms}-${hosts}-${seed}`), fill);
  await withDatabase(async (database) => {
    report.postgresql = database.version;
    if (kept === undefined) await fill(database);
    if (flags.loading) {
      report.table(`${flags.vms} VMs: rows as the store reads them`, await loading(database));
      return;
    }
    const latencies: Latencies = new Map(PATHS.map((path) => [path, []]));
    const first = await untilKilled(database, flags, latencies);
    const second = await afterKill(database, flags, latencies, first.killedAt);
    report.table(`${flags.vms} VMs, ${flags.records} records`, [first.figures, second.figures]);
    report.table(
      'API while the migration runs',
      [...latencies].map(([path, ms]) => ({
        path,
        'p50 ms': median(ms),
        'p99 ms': quantile(ms, 0.99),
        'max ms': Math.max(...ms),
        answers: ms.length,
      })),
    );
    if (second.calm !== null) {
      report.table(
        'API afterwards',
        [...second.calm].map(([path, ms]) => ({
          path,
          'p50 ms': median(ms),
          'p99 ms': quantile(ms, 0.99),
          'max ms': Math.max(...ms),
          answers: ms.length,
        })),
      );
    }
  }, kept);
  report.end(json);
}

/** Heap: of rows that are all kept, after a collection. */
async function loading(database: BenchDatabase): Promise<Figures[]> {
  const time = new RealTime();
  const store = await PostgresStore.open({ connection: database.url, schema: SCHEMA, clock: time, scheduler: time });
  const figures: Figures[] = [];
  try {
    for (const kind of ['vm_dynamic', 'vm_static', 'vm_statistics', 'vm_interface_statistics'] as const) {
      figures.push({ table: kind, ...(await loadingOf(store, kind)) });
    }
  } finally {
    await store.close();
  }
  return figures;
}

async function loadingOf({ stateLoader }: PostgresStore, kind: RowKind): Promise<Figures> {
  globalThis.gc?.();
  const heap = process.memoryUsage().heapUsed;
  const cpu = process.cpuUsage();
  const began = performance.now();
  const kept: (readonly object[])[] = [];
  for await (const rows of stateLoader.load(kind)) kept.push(rows);
  const ms = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  globalThis.gc?.();
  const rows = kept.reduce((sum, part) => sum + part.length, 0);
  return {
    rows,
    ms,
    'our CPU µs per row': (user + system) / rows,
    'heap bytes per row': (process.memoryUsage().heapUsed - heap) / rows,
  };
}

const median = (values: readonly number[]): number => quantile(values, 0.5);

interface Sizes {
  readonly records: number;
  readonly vms: number;
  readonly seconds: number;
}

async function started(database: BenchDatabase, vms: number) {
  const service = await StartedService.start(database.url, SCHEMA);
  const answered = await service.when('/livez', (answer) => answer.ok);
  // What was held before is the loading of modules.
  const { cpuMs } = await service.loop();
  const serving = await service.when('/readyz?level=serving', (answer) => answer.ok);
  const loop = await service.loop();
  const status = await service.json<{ readonly vms: { readonly total: number } }>('/api/v1/status');
  if (status.vms.total !== vms) throw new Error(`${status.vms.total} of ${vms} VMs are known`);
  return {
    service,
    figures: {
      'first answer ms': answered,
      'CPU until then ms': cpuMs,
      'serving ms': serving,
      'its CPU ms': loop.cpuMs,
      'loop held at most ms': loop.maxMs,
      'RSS MiB': loop.rssMiB,
    },
  };
}

async function untilKilled(database: BenchDatabase, { records, vms, seconds }: Sizes, latencies: Latencies) {
  const { service, figures } = await started(database, vms);
  const from = (await service.backfill())?.done ?? 0;
  const began = performance.now();
  const half = records / 2;
  const enough = (): boolean => seconds > 0 && performance.now() - began > seconds * 1000;
  let done = from;
  while (done < half && !enough()) {
    await ask(service, latencies);
    done = (await service.backfill())?.done ?? Number.NaN;
    if (Number.isNaN(done)) throw new Error('The migration was done before the kill: give more records');
  }
  const rate = (done - from) / ((performance.now() - began) / 1000);
  const loop = await service.loop();
  await service.end('SIGKILL');
  const killedAt = await storedDone(database);
  if (killedAt < done) throw new Error(`Done were ${done}, stored are ${killedAt}`);
  await assertFilled(database, killedAt);
  const row: Figures = {
    start: 'first',
    ...figures,
    'went on at record': from,
    'records/s': rate,
    'ready ms': null,
    'loop held meanwhile ms': loop.maxMs,
  };
  return { figures: row, killedAt };
}

async function afterKill(
  database: BenchDatabase,
  { records, vms, seconds }: Sizes,
  latencies: Latencies,
  killedAt: number,
) {
  const { service, figures } = await started(database, vms);
  try {
    const began = performance.now();
    let ready: number | null = null;
    let calm: Latencies | null = null;
    let at = await service.backfill();
    const wentOn = await service.wentOnAt();
    if (wentOn !== killedAt) throw new Error(`Killed at ${killedAt}, it went on at ${wentOn}`);
    while (at !== null && (seconds === 0 || performance.now() - began < seconds * 1000)) {
      await ask(service, latencies);
      at = await service.backfill();
    }
    const done = at?.done ?? records;
    const rate = (done - wentOn) / ((performance.now() - began) / 1000);
    const loop = await service.loop();
    if (at === null) {
      ready = await service.when('/livez', (answer) => answer.headers.get('x-vurti-status') === 'ready');
      await assertFilled(database, records);
      calm = new Map(PATHS.map((path) => [path, []]));
      for (let i = 0; i < 100; i++) await ask(service, calm);
    }
    const row: Figures = {
      start: 'after the kill',
      ...figures,
      'went on at record': wentOn,
      'records/s': rate,
      'ready ms': ready,
      'loop held meanwhile ms': loop.maxMs,
    };
    return { figures: row, calm };
  } finally {
    await service.end('SIGTERM');
  }
}

/** One round: each path once. */
async function ask(service: StartedService, latencies: Latencies): Promise<void> {
  for (const [path, measured] of latencies) {
    const began = performance.now();
    await service.json(path);
    measured.push(performance.now() - began);
    await wait(PAUSE_MS);
  }
}

async function storedDone({ ask }: BenchDatabase): Promise<number> {
  const [row] = await ask<{ done: number }>(`SELECT done::int FROM ${SCHEMA}.backfill`);
  return row?.done ?? Number.NaN;
}

/** Up to a record all have their cluster but those of VMs that are gone, and beyond it none has. */
async function assertFilled({ ask }: BenchDatabase, upTo: number): Promise<void> {
  const [row] = await ask<{ without: number; early: number }>(`
    SELECT count(*) FILTER (WHERE seq <= ${upTo} AND cluster_id IS NULL)::int AS without,
      count(*) FILTER (WHERE seq > ${upTo} AND cluster_id IS NOT NULL)::int AS early
    FROM ${SCHEMA}.log_record`);
  const expected = goneRecords(upTo);
  if (row?.without !== expected || row.early !== 0) {
    throw new Error(`Up to ${upTo}: ${row?.without} without a cluster instead of ${expected}, ${row?.early} too early`);
  }
}

await main();
