/**
 * The log on PostgreSQL (the embedded one, fsync on): how many records a second go through the committer, how long one takes
 * from `commit` to `committed$` when so many come every second, and how fast they are read again.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { EventRecord } from '../src/events/index.js';
import { parseCursor } from '../src/events/index.js';
import { RealTime } from '../src/kernel/index.js';
import { PostgresStore } from '../src/store/index.js';
import { treeCpu } from './support/cpu.js';
import { type BenchDatabase, withDatabase } from './support/database.js';
import { readFlags } from './support/flags.js';
import { median, quantile } from './support/numbers.js';
import { type Figures, Report } from './support/report.js';

/** Records are dealt out as often as this while latency is measured. */
const TICK_MS = 5;

const { flags, json } = readFlags({
  records: { value: 20_000, doc: 'records at once' },
  rounds: { value: 5, doc: 'rounds after one to warm up; the median counts' },
  rates: { value: '10,100,1000,5000', doc: 'records per second while latency is measured, one case each' },
  seconds: { value: 5, doc: 'how long each of them' },
});

let made = 0;
const report = new Report('log', flags);
await withDatabase(async (database) => {
  report.postgresql = database.version;
  const time = new RealTime();
  const store = await PostgresStore.open({ connection: database.url, clock: time, scheduler: time });
  try {
    report.table(`${flags.records} records at once, medians of ${flags.rounds} rounds`, [
      await throughput(store, database),
    ]);
    const rows: Figures[] = [];
    for (const rate of flags.rates.split(',').map(Number)) rows.push(await latency(store, rate));
    report.table(`From commit to committed$, ${flags.seconds} s each`, rows);
    report.table('Read again from the beginning', [await reading(store)]);
  } finally {
    await store.close();
  }
});
report.end(json);

function record(): EventRecord {
  made += 1;
  const now = Date.now();
  const source = { by: 'poll', host: 'kvm-01', session: 1, seq: made, receivedAt: now } as const;
  return {
    ...{ time: now, hostId: 'kvm-01', vmId: `vm-${made % 1000}`, clusterId: 'prod', correlation: null },
    ...{ cause: { rule: 'vm.here.status-changed', source }, kind: 'event', name: 'VM_PAUSED', severity: 'NORMAL' },
    ...{ message: `vm-${made % 1000} has been paused`, params: { vm: 'web-01' }, customId: null, parent: null },
    id: `event-${made}`,
  };
}

async function throughput({ committer }: PostgresStore, database: BenchDatabase): Promise<Figures> {
  const rounds: { ms: number; client: number; server: number }[] = [];
  for (let round = -1; round < flags.rounds; round++) {
    const records = Array.from({ length: flags.records }, record);
    globalThis.gc?.();
    const server = treeCpu(database.pid) ?? Number.NaN;
    const cpu = process.cpuUsage();
    const began = performance.now();
    for (const one of records) committer.commit({ rows: [], records: [one] });
    await committer.flushed();
    const ms = performance.now() - began;
    const { user, system } = process.cpuUsage(cpu);
    rounds.push({ ms, client: user + system, server: (treeCpu(database.pid) ?? Number.NaN) - server });
  }
  const of = (pick: (round: (typeof rounds)[number]) => number): number => median(rounds.slice(1).map(pick));
  return {
    'records/s': of(({ ms }) => (flags.records / ms) * 1000),
    'our CPU µs per record': of(({ client }) => client / flags.records),
    'PostgreSQL CPU µs per record': of(({ server }) => server / flags.records),
  };
}

async function latency({ committer }: PostgresStore, rate: number): Promise<Figures> {
  const given: number[] = [];
  const times: number[] = [];
  const subscription = committer.committed$.subscribe((records) => {
    const now = performance.now();
    for (const _ of records) times.push(now - (given[times.length] ?? Number.NaN));
  });
  const flushes = committer.state().flushes;
  const began = performance.now();
  for (let passed = 0; passed < flags.seconds * 1000; passed = performance.now() - began) {
    while (given.length < (passed / 1000) * rate) {
      given.push(performance.now());
      committer.commit({ rows: [], records: [record()] });
    }
    await wait(TICK_MS);
  }
  await committer.flushed();
  subscription.unsubscribe();
  if (times.length !== given.length) throw new Error(`${times.length} of ${given.length} records were told of`);
  return {
    'records/s': given.length / ((performance.now() - began) / 1000),
    'p50 ms': quantile(times, 0.5),
    'p99 ms': quantile(times, 0.99),
    'max ms': Math.max(...times),
    'records per flush': given.length / (committer.state().flushes - flushes),
  };
}

async function reading({ logReader }: PostgresStore): Promise<Figures> {
  const cpu = process.cpuUsage();
  const began = performance.now();
  let count = 0;
  for (let after = { epoch: 0, seq: 0 }; ; ) {
    const records = await logReader.read(after, 1000);
    const last = records.at(-1);
    if (last === undefined) break;
    count += records.length;
    after = parseCursor(last.cursor);
  }
  const { user, system } = process.cpuUsage(cpu);
  if (count !== made) throw new Error(`${count} of ${made} records were read`);
  return {
    records: count,
    'records/s': (count / (performance.now() - began)) * 1000,
    'our CPU µs per record': (user + system) / count,
  };
}
