/**
 * The whole way: a simulated fleet in its own process, over HTTP on loopback, our service in its own process, PostgreSQL.
 * CPU of the service and of all PostgreSQL processes per VM refresh, memory, lateness of polls, delay of the event loop.
 */

import type { Profiler } from 'node:inspector/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { roleOf } from './support/child.js';
import { cpuOf, treeCpu } from './support/cpu.js';
import { type BenchDatabase, withDatabase } from './support/database.js';
import { readFlags } from './support/flags.js';
import { serveFleet, startFleet } from './support/fleet.js';
import { median } from './support/numbers.js';
import { summary } from './support/profile.js';
import { type Figures, Report } from './support/report.js';
import { ServiceProcess, serveService, type WindowFigures, type WindowKind } from './support/service.js';

/** Intervals that a fleet which does not come to rest is waited for: one that overloads the service never does. */
const MOST_TRIES = 10;
const FILE = fileURLToPath(import.meta.url);

interface Case {
  readonly hosts: number;
  readonly vmsPerHost: number;
  readonly intervalSeconds: number;
  /** 0: never. */
  readonly persistSeconds: number;
  readonly rounds: number;
  readonly windowSeconds: number;
  readonly warmSeconds: number;
  readonly profile: boolean;
}

interface Window extends WindowFigures {
  readonly vmRefreshes: number;
  readonly databaseMicros: number | null;
  readonly fleetMicros: number | null;
}

interface Outcome {
  readonly rounds: readonly Window[];
  readonly loop: Window;
  /** Live after a full collection, before the first window and after the last. */
  readonly heapMiB: readonly [before: number, after: number];
  readonly profile: Profiler.Profile | undefined;
  readonly bodyBytesPerVm: number;
  readonly parseMicrosPerVm: number;
}

async function main(): Promise<void> {
  const { flags, json } = readFlags({
    hosts: { value: 20, doc: 'hosts of the fleet' },
    vms: { value: 50, doc: 'VMs per host' },
    intervals: { value: '1', doc: 'poll intervals in seconds, one case each: 15,5,1' },
    interval: { value: 0, doc: 'one interval instead of those' },
    persist: { value: 'poll', doc: 'statistics are written every so many seconds; "poll": at every poll; "never"' },
    rounds: { value: 5, doc: 'windows of measurement per case; the median counts' },
    seconds: { value: 4, doc: 'length of a window, rounded up to whole intervals' },
    warm: { value: 20, doc: 'seconds before the first window' },
    profile: { value: false, doc: 'one more window per case under the profiler: who takes the CPU' },
  });
  const report = new Report('pipeline', flags);
  await withDatabase(async (database) => {
    report.postgresql = database.version;
    const cost: Figures[] = [];
    const health: Figures[] = [];
    const intervals = flags.interval > 0 ? [flags.interval] : flags.intervals.split(',').map(Number);
    for (const [index, interval] of intervals.entries()) {
      const given: Case = {
        hosts: flags.hosts,
        vmsPerHost: flags.vms,
        intervalSeconds: interval,
        persistSeconds: flags.persist === 'poll' ? interval : flags.persist === 'never' ? 0 : Number(flags.persist),
        rounds: flags.rounds,
        windowSeconds: Math.ceil(flags.seconds / interval) * interval,
        warmSeconds: Math.max(flags.warm, 2 * interval),
        profile: flags.profile,
      };
      const outcome = await measure(database, `case_${index}`, given);
      cost.push(costOf(given, outcome));
      health.push(healthOf(given, outcome));
      if (outcome.profile !== undefined) {
        const { parts, functions } = summary(outcome.profile, Number(process.env['TOP'] ?? 25));
        report.table(`Where the service's CPU goes, ${interval} s interval: parts`, parts);
        report.table(`Where the service's CPU goes, ${interval} s interval: functions`, functions);
      }
    }
    const what = `${flags.hosts} hosts × ${flags.vms} VMs, statistics written: ${flags.persist}`;
    report.table(`CPU µs per VM refresh: ${what}, medians of ${flags.rounds} windows`, cost);
    report.table('How the service was meanwhile', health);
  });
  report.end(json);
}

async function measure(database: BenchDatabase, schema: string, given: Case): Promise<Outcome> {
  const { hosts, vmsPerHost, intervalSeconds, persistSeconds } = given;
  const fleet = startFleet(FILE);
  const service = new ServiceProcess(FILE);
  try {
    const { endpoints, vms, body } = await fleet.ask({
      hosts,
      vms: hosts * vmsPerHost,
      sampleMs: intervalSeconds * 1000,
    });
    await service.put({
      ask: 'start',
      url: database.url,
      schema,
      fleet: { endpoints, vms },
      intervalSeconds,
      persistSeconds,
    });
    const window = async (kind: WindowKind, seconds = given.windowSeconds): Promise<Window> => {
      const figures = await oneWindow(service, kind, seconds, () => [treeCpu(database.pid), treeCpu(fleet.pid)]);
      return { ...figures, vmRefreshes: figures.polls * vmsPerHost };
    };
    await settled((seconds) => window('cpu', seconds), given);
    const before = (await service.put({ ask: 'heap' })).liveMiB;
    // The collection made polls late.
    await wait(intervalSeconds * 1000);
    const rounds: Window[] = [];
    for (let i = 0; i < given.rounds; i++) rounds.push(await window('cpu'));
    const loop = await window('loop');
    const profile = given.profile ? (await window('profile')).profile : undefined;
    const after = (await service.put({ ask: 'heap' })).liveMiB;
    return {
      rounds,
      loop,
      profile,
      heapMiB: [before, after],
      bodyBytesPerVm: Buffer.byteLength(body) / vmsPerHost,
      parseMicrosPerVm: parseCost(Buffer.from(body)) / vmsPerHost,
    };
  } finally {
    await service.stop();
    await fleet.stop();
  }
}

/** Until compilers and caches have seen every poll, and what the start has to write down is written. */
async function settled(
  window: (seconds: number) => Promise<Window>,
  { intervalSeconds, warmSeconds }: Case,
): Promise<void> {
  await wait(warmSeconds * 1000);
  for (let tries = 0; tries < MOST_TRIES; tries++) if ((await window(intervalSeconds)).records === 0) return;
}

async function oneWindow(
  service: ServiceProcess,
  kind: WindowKind,
  seconds: number,
  others: () => [database: number | null, fleet: number | null],
): Promise<Omit<Window, 'vmRefreshes'>> {
  await service.put({ ask: 'begin', kind });
  const before = others();
  await wait(seconds * 1000);
  const after = others();
  const figures = await service.put({ ask: 'end' });
  const grown = (index: 0 | 1): number | null => {
    const [from, to] = [before[index], after[index]];
    return from === null || to === null ? null : to - from;
  };
  return { ...figures, databaseMicros: grown(0), fleetMicros: grown(1) };
}

/** The yardstick: JSON.parse alone of the same answer, µs. */
function parseCost(body: Buffer): number {
  const parse = (times: number): void => {
    for (let i = 0; i < times; i++) JSON.parse(body.toString());
  };
  parse(50);
  const rounds = Array.from({ length: 7 }, () => cpuOf(() => parse(100)) / 100);
  return median(rounds);
}

function costOf(given: Case, { rounds, bodyBytesPerVm, parseMicrosPerVm }: Outcome): Figures {
  const perVm = (pick: (window: Window) => number | null): number =>
    median(rounds.map((window) => (pick(window) ?? Number.NaN) / window.vmRefreshes));
  const service = perVm((window) => window.cpuMicros);
  const database = perVm((window) => window.databaseMicros);
  return {
    'interval s': given.intervalSeconds,
    'VMs/s': median(rounds.map((window) => window.vmRefreshes / window.seconds)),
    'service µs': service,
    'PostgreSQL µs': database,
    'both µs': service + database,
    'JSON.parse µs': parseMicrosPerVm,
    'service ÷ parse': service / parseMicrosPerVm,
    'fleet µs': perVm((window) => window.fleetMicros),
    'bytes per VM': bodyBytesPerVm,
  };
}

function healthOf(given: Case, { rounds, loop, heapMiB }: Outcome): Figures {
  const sum = (pick: (window: Window) => number): number => rounds.reduce((total, window) => total + pick(window), 0);
  return {
    'interval s': given.intervalSeconds,
    'RSS MiB': Math.max(...rounds.map((window) => window.rssMiB)),
    'live heap MiB': heapMiB[0],
    'at the end': heapMiB[1],
    'late p50 ms': median(rounds.map((window) => window.latenessMs.p50)),
    'late p99 ms': median(rounds.map((window) => window.latenessMs.p99)),
    'request → changes$ p50 ms': median(rounds.map((window) => window.answeredMs.p50)),
    'p99 ms': median(rounds.map((window) => window.answeredMs.p99)),
    'loop busy %': median(rounds.map((window) => window.busy * 100)),
    'loop p99 ms': loop.loopDelayMs?.p99 ?? null,
    'loop max ms': loop.loopDelayMs?.max ?? null,
    'polls skipped': sum((window) => window.skipped),
    'attempts failed': sum((window) => window.failed),
    'rows/s': sum((window) => window.rows) / sum((window) => window.seconds),
    records: sum((window) => window.records),
  };
}

const role = roleOf();
if (role === 'fleet') serveFleet();
else if (role === 'service') serveService();
else await main();
