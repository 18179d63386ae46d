/**
 * Prometheus and our service on the same number of hosts, VMs and seconds, in one run: Prometheus scrapes 30 series per VM
 * from ready-made pages, our service polls getAllVmStats of simulated agents and writes all statistics at every poll. They
 * take turns, so that neither has the other beside it. Without `prometheus` on PATH only our half is measured.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { roleOf } from './support/child.js';
import { treeCpu } from './support/cpu.js';
import { type BenchDatabase, withDatabase } from './support/database.js';
import { readFlags } from './support/flags.js';
import { serveFleet, startFleet } from './support/fleet.js';
import { median } from './support/numbers.js';
import { PrometheusServer, prometheusVersion } from './support/prometheus-server.js';
import { type Figures, Report } from './support/report.js';
import { SERIES } from './support/scraped-fleet.js';
import { ServiceProcess, serveService } from './support/service.js';

const FILE = fileURLToPath(import.meta.url);

interface Size {
  readonly hosts: number;
  readonly vms: number;
  readonly intervalSeconds: number;
  readonly rounds: number;
  readonly windowSeconds: number;
  readonly warmSeconds: number;
}

/** One window. */
interface Measured {
  readonly refreshes: number;
  readonly seconds: number;
  /** µs. */
  readonly own: number;
  readonly database: number | null;
  readonly fleet: number;
  readonly rssMiB: number;
  readonly lateP99Ms: number | null;
}

async function main(): Promise<void> {
  const { flags, json } = readFlags({
    hosts: { value: 200, doc: 'hosts' },
    vms: { value: 50, doc: 'VMs per host' },
    intervals: { value: '1,5', doc: 'intervals in seconds, one after the other' },
    rounds: { value: 3, doc: 'windows of measurement each; the median counts' },
    seconds: { value: 15, doc: 'length of a window, rounded up to whole intervals' },
    warm: { value: 20, doc: 'seconds before the first window' },
  });
  const report = new Report('prometheus', flags);
  const version = prometheusVersion();
  if (version === null) console.log('SKIPPED: there is no `prometheus` on PATH; only our service is measured.');
  await withDatabase(async (database) => {
    report.postgresql = database.version;
    for (const [index, intervalSeconds] of flags.intervals.split(',').map(Number).entries()) {
      const size = {
        ...{ hosts: flags.hosts, vms: flags.vms, intervalSeconds, rounds: flags.rounds },
        windowSeconds: Math.ceil(flags.seconds / intervalSeconds) * intervalSeconds,
        warmSeconds: Math.max(flags.warm, 2 * intervalSeconds),
      };
      const ours = rowOf('vurti and PostgreSQL', size, await service(database, `case_${index}`, size));
      const rows = [ours];
      if (version !== null) rows.push(rowOf(`Prometheus ${version}`, size, await prometheus(size)));
      const theirs = rows[1];
      report.table(
        `${size.hosts} hosts × ${size.vms} VMs every ${intervalSeconds} s, medians of ${size.rounds} windows`,
        rows.map((row) => ({ ...row, '÷ Prometheus': theirs === undefined ? null : ratio(row, theirs) })),
      );
    }
  });
  report.end(json);
}

async function windows(size: Size, one: () => Promise<Measured>): Promise<Measured[]> {
  const all: Measured[] = [];
  await wait(size.warmSeconds * 1000);
  for (let i = 0; i < size.rounds; i++) all.push(await one());
  return all;
}

async function service(database: BenchDatabase, schema: string, size: Size): Promise<Measured[]> {
  const { hosts, vms, intervalSeconds } = size;
  const fleet = startFleet(FILE);
  const process = new ServiceProcess(FILE);
  try {
    const ready = await fleet.ask({ hosts, vms: hosts * vms, sampleMs: intervalSeconds * 1000 });
    const persistSeconds = intervalSeconds;
    await process.put({ ask: 'start', url: database.url, schema, fleet: ready, intervalSeconds, persistSeconds });
    return await windows(size, async () => {
      await process.put({ ask: 'begin', kind: 'cpu' });
      const before = [treeCpu(database.pid), treeCpu(fleet.pid)];
      await wait(size.windowSeconds * 1000);
      const after = [treeCpu(database.pid), treeCpu(fleet.pid)];
      const { seconds, polls, cpuMicros, rssMiB, latenessMs } = await process.put({ ask: 'end' });
      const grown = (i: number): number => (after[i] ?? Number.NaN) - (before[i] ?? Number.NaN);
      return {
        ...{ seconds, refreshes: polls * vms, own: cpuMicros, database: grown(0), fleet: grown(1) },
        ...{ rssMiB, lateP99Ms: latenessMs.p99 },
      };
    });
  } finally {
    await process.stop();
    await fleet.stop();
  }
}

async function prometheus(size: Size): Promise<Measured[]> {
  const fleet = startFleet(FILE);
  let server: PrometheusServer | undefined;
  try {
    const { scrapePort } = await fleet.ask({ hosts: 1, vms: 1, sampleMs: 1000, scraped: size.vms });
    if (scrapePort === undefined) throw new Error('The fleet is not scraped');
    const started = await PrometheusServer.start({ ...size, port: scrapePort });
    server = started;
    return await windows(size, async () => {
      const before = [await started.samples(), treeCpu(started.pid), treeCpu(fleet.pid)];
      const began = performance.now();
      await wait(size.windowSeconds * 1000);
      const seconds = (performance.now() - began) / 1000;
      const after = [await started.samples(), treeCpu(started.pid), treeCpu(fleet.pid)];
      const grown = (i: number): number => (after[i] ?? Number.NaN) - (before[i] ?? Number.NaN);
      return {
        ...{ seconds, refreshes: grown(0) / SERIES, own: grown(1), database: null, fleet: grown(2) },
        ...{ rssMiB: await started.rssMiB(), lateP99Ms: null },
      };
    });
  } finally {
    await server?.stop();
    await fleet.stop();
  }
}

function rowOf(who: string, size: Size, all: readonly Measured[]): Figures {
  const perVm = (pick: (window: Measured) => number): number =>
    median(all.map((window) => pick(window) / window.refreshes));
  const wanted = (size.hosts * size.vms) / size.intervalSeconds;
  return {
    who,
    'VMs/s': median(all.map(({ refreshes, seconds }) => refreshes / seconds)),
    'of those wanted %': (100 * median(all.map(({ refreshes, seconds }) => refreshes / seconds))) / wanted,
    'own CPU µs per VM': perVm(({ own }) => own),
    'PostgreSQL µs': all[0]?.database === null ? null : perVm(({ database }) => database ?? 0),
    'all µs': perVm(({ own, database }) => own + (database ?? 0)),
    'RSS MiB': Math.max(...all.map(({ rssMiB }) => rssMiB)),
    'late p99 ms': all[0]?.lateP99Ms === null ? null : median(all.map(({ lateP99Ms }) => lateP99Ms ?? 0)),
    'fleet µs': perVm(({ fleet }) => fleet),
  };
}

function ratio(row: Figures, other: Figures): number {
  return Number(row['all µs']) / Number(other['all µs']);
}

const role = roleOf();
if (role === 'fleet') serveFleet();
else if (role === 'service') serveService();
else await main();
