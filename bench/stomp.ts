/**
 * VDSM's own protocol: a simulated fleet in its own process speaks JSON-RPC over STOMP, with TLS and without; our service
 * in its own process polls it and hears its events; PostgreSQL. What it costs, whether it stays as it is over time, and
 * how late a pushed event arrives in memory and in the committed log.
 */

import type { Profiler } from 'node:inspector/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { roleOf } from './support/child.js';
import { treeCpu } from './support/cpu.js';
import { type BenchDatabase, withDatabase } from './support/database.js';
import { readFlags } from './support/flags.js';
import { median, quantile } from './support/numbers.js';
import { summary } from './support/profile.js';
import { PushingFleet, servePushingFleet, type Transport, type WireTotals } from './support/pushing-fleet.js';
import { type Figures, Report } from './support/report.js';
import { ServiceProcess, serveService, type WindowFigures } from './support/service.js';

const FILE = fileURLToPath(import.meta.url);
/** The log is read this much longer than events are pushed. */
const DRAIN_SECONDS = 5;
/** Intervals that a fleet which does not come to rest is waited for: one that overloads the service never does. */
const MOST_TRIES = 20;

interface Flags {
  readonly hosts: number;
  readonly vms: number;
  readonly interval: number;
  readonly seconds: number;
  readonly windows: number;
  readonly happenings: number;
  readonly pushes: number;
  readonly pushSeconds: number;
  readonly pushWarm: number;
  readonly profile: boolean;
}

interface Window extends WindowFigures {
  readonly vmRefreshes: number;
  readonly databaseMicros: number | null;
  readonly fleetMicros: number | null;
  readonly wire: WireTotals;
}

async function main(): Promise<void> {
  const { flags, json } = readFlags({
    hosts: { value: 500, doc: 'hosts of the fleet' },
    vms: { value: 40, doc: 'VMs per host' },
    interval: { value: 15, doc: 'poll interval in seconds' },
    transports: { value: 'tls,plain', doc: 'one case each: tls, plain, http' },
    windows: { value: 10, doc: 'windows of measurement per case' },
    seconds: { value: 60, doc: 'length of a window' },
    happenings: { value: 20, doc: 'events per second that are pushed beside the polls' },
    pushes: { value: 1000, doc: 'events per second in the measurement of their latency; 0 = none' },
    pushSeconds: { value: 20, doc: 'its length' },
    pushWarm: {
      value: 5,
      doc: 'seconds of the same before it: the compilers of service and fleet hold a core for the first',
    },
    profile: {
      value: false,
      doc: 'one more window per case under the profiler, and the pushes too: who takes the CPU',
    },
  });
  const report = new Report('stomp', flags);
  await withDatabase(async (database) => {
    report.postgresql = database.version;
    const cost: Figures[] = [];
    const overTime: Figures[] = [];
    const latency: Figures[] = [];
    for (const transport of flags.transports.split(',') as Transport[]) {
      const outcome = await measure(database, transport, flags);
      cost.push(outcome.cost);
      overTime.push(...outcome.overTime);
      if (outcome.latency !== null) latency.push(outcome.latency);
      for (const [what, profile] of Object.entries(outcome.profiles)) {
        const { parts, functions } = summary(profile, 25);
        report.table(`Where the service's CPU goes, ${transport}, ${what}: parts`, parts);
        report.table(`Where the service's CPU goes, ${transport}, ${what}: functions`, functions);
      }
    }
    const fleet = `${flags.hosts} hosts × ${flags.vms} VMs, every ${flags.interval} s, ${flags.happenings} events/s`;
    report.table(`CPU and lateness: ${fleet}; medians of ${flags.windows} windows of ${flags.seconds} s`, cost);
    report.table('Over time', overTime);
    if (latency.length > 0) report.table('Pushed events, ms from the agent’s writing to the reader', latency);
  });
  report.end(json);
}

interface Outcome {
  readonly cost: Figures;
  readonly overTime: readonly Figures[];
  readonly latency: Figures | null;
  /** By what was done meanwhile. */
  readonly profiles: Readonly<Record<string, Profiler.Profile>>;
}

async function measure(database: BenchDatabase, transport: Transport, flags: Flags): Promise<Outcome> {
  const { hosts, vms, interval, happenings } = flags;
  const fleet = new PushingFleet(FILE);
  const service = new ServiceProcess(FILE);
  try {
    const ready = await fleet.put({
      ask: 'start',
      ...{ hosts, vms: hosts * vms, sampleMs: interval * 1000, transport, happenings },
    });
    await service.put({
      ask: 'start',
      url: database.url,
      schema: `stomp_${transport}`,
      fleet: { endpoints: ready.endpoints, vms: ready.vms },
      intervalSeconds: interval,
      persistSeconds: 60,
    });
    await settled(service, interval);
    const before = (await service.put({ ask: 'heap' })).liveMiB;
    await wait(interval * 1000);
    const windows: Window[] = [];
    for (let i = 0; i < flags.windows; i++) windows.push(await oneWindow(database, fleet, service, flags));
    const after = (await service.put({ ask: 'heap' })).liveMiB;
    const profiles: Record<string, Profiler.Profile> = {};
    const profiled = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
      if (flags.profile) await service.put({ ask: 'begin', kind: 'profile' });
      const result = await work();
      const { profile } = flags.profile ? await service.put({ ask: 'end' }) : {};
      if (profile !== undefined) profiles[what] = profile;
      return result;
    };
    if (flags.profile) await profiled('polls', () => wait(flags.seconds * 1000));
    const latency =
      flags.pushes > 0 ? await profiled('polls and pushes', () => latencyOf(transport, fleet, service, flags)) : null;
    return {
      cost: costOf(transport, windows),
      overTime: overTimeOf(transport, windows, [before, after]),
      latency,
      profiles,
    };
  } finally {
    await service.stop();
    await fleet.stop();
  }
}

/** Until what the start has to write is written, and every host is answered in its time: for a while, if it must be. */
async function settled(service: ServiceProcess, intervalSeconds: number): Promise<void> {
  await wait(intervalSeconds * 1000);
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    await service.put({ ask: 'begin', kind: 'cpu' });
    await wait(intervalSeconds * 1000);
    const { failed, busy } = await service.put({ ask: 'end' });
    if (failed === 0 && busy < 0.9) return;
  }
}

async function oneWindow(
  database: BenchDatabase,
  fleet: PushingFleet,
  service: ServiceProcess,
  flags: Flags,
): Promise<Window> {
  const cpu = (): [number | null, number | null] => [treeCpu(database.pid), treeCpu(fleet.pid)];
  const wireBefore = await fleet.put({ ask: 'wire' });
  await service.put({ ask: 'begin', kind: 'cpu' });
  const before = cpu();
  await wait(flags.seconds * 1000);
  const after = cpu();
  const figures = await service.put({ ask: 'end' });
  const wireAfter = await fleet.put({ ask: 'wire' });
  const grown = (index: 0 | 1): number | null => {
    const [from, to] = [before[index], after[index]];
    return from === null || to === null ? null : to - from;
  };
  return {
    ...figures,
    vmRefreshes: figures.polls * flags.vms,
    databaseMicros: grown(0),
    fleetMicros: grown(1),
    wire: {
      events: wireAfter.events - wireBefore.events,
      eventsLost: wireAfter.eventsLost - wireBefore.eventsLost,
      accepted: wireAfter.accepted - wireBefore.accepted,
      requests: wireAfter.requests - wireBefore.requests,
    },
  };
}

function costOf(transport: Transport, windows: readonly Window[]): Figures {
  const perVm = (pick: (window: Window) => number | null): number =>
    median(windows.map((window) => (pick(window) ?? Number.NaN) / window.vmRefreshes));
  const sum = (pick: (window: Window) => number): number => windows.reduce((total, window) => total + pick(window), 0);
  return {
    transport,
    'VMs/s': median(windows.map((window) => window.vmRefreshes / window.seconds)),
    'service µs/VM': perVm((window) => window.cpuMicros),
    'PostgreSQL µs/VM': perVm((window) => window.databaseMicros),
    'fleet µs/VM': perVm((window) => window.fleetMicros),
    'late p50 ms': median(windows.map((window) => window.latenessMs.p50)),
    'late p99 ms': median(windows.map((window) => window.latenessMs.p99)),
    'loop busy %': median(windows.map((window) => window.busy * 100)),
    'GC %': median(windows.map((window) => window.gc.share * 100)),
    'GC max ms': Math.max(...windows.map((window) => window.gc.maxMs)),
    'events/s': sum((window) => window.wire.events) / sum((window) => window.seconds),
    'events lost': sum((window) => window.wire.eventsLost),
    reconnects: sum((window) => window.wire.accepted),
    skipped: sum((window) => window.skipped),
    failed: sum((window) => window.failed),
  };
}

function overTimeOf(
  transport: Transport,
  windows: readonly Window[],
  heapMiB: readonly [before: number, after: number],
): Figures[] {
  return windows.map((window, i) => ({
    transport,
    window: i + 1,
    polls: window.polls,
    'service µs/VM': window.cpuMicros / window.vmRefreshes,
    'late p99 ms': window.latenessMs.p99,
    'RSS MiB': window.rssMiB,
    'live heap MiB': i === 0 ? heapMiB[0] : i === windows.length - 1 ? heapMiB[1] : null,
  }));
}

async function latencyOf(
  transport: Transport,
  fleet: PushingFleet,
  service: ServiceProcess,
  { pushes, pushSeconds, pushWarm }: Flags,
): Promise<Figures> {
  if (pushWarm > 0) {
    await fleet.put({ ask: 'push', perSecond: pushes, seconds: pushWarm });
    await wait(DRAIN_SECONDS * 1000);
  }
  await service.put({ ask: 'listen' });
  const { pushed } = await fleet.put({ ask: 'push', perSecond: pushes, seconds: pushSeconds });
  await wait(DRAIN_SECONDS * 1000);
  const { changes, records } = await service.put({ ask: 'heard' });
  const ms = (values: readonly number[], share: number): number => quantile(values, share) / 1000;
  return {
    transport,
    'pushed/s': pushed / pushSeconds,
    pushed,
    changes: changes.length,
    'p50 ms': ms(changes, 0.5),
    'p99 ms': ms(changes, 0.99),
    records: records.length,
    'log p50 ms': ms(records, 0.5),
    'log p99 ms': ms(records, 0.99),
    'log max ms': ms(records, 1),
  };
}

const role = roleOf();
if (role === 'fleet') servePushingFleet();
else if (role === 'service') serveService();
else await main();
