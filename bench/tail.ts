/**
 * Readers of the log over HTTP, from PostgreSQL (the embedded one): how soon a reader that is far behind gets its first
 * frame and how fast the rest follows; and how late many readers get what is committed while one of them is stalled.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { roleOf } from './support/child.js';
import { type BenchDatabase, withDatabase } from './support/database.js';
import { readFlags } from './support/flags.js';
import { median, quantile } from './support/numbers.js';
import { Report } from './support/report.js';
import { firstEvent, ReadersProcess, readAll, serveReaders } from './support/tail-readers.js';
import { fillLog, LogServiceProcess, serveLog } from './support/tail-service.js';

const FILE = fileURLToPath(import.meta.url);

async function main(): Promise<void> {
  const { flags, json } = readFlags({
    records: { value: 1_000_000, doc: 'records that a reader is behind' },
    tries: { value: 30, doc: 'readers that ask for their first frame, one after the other' },
    readers: { value: 1000, doc: 'readers that follow at once; one of them is stalled' },
    rate: { value: 500, doc: 'records per second' },
    seconds: { value: 30, doc: 'how long they follow' },
  });
  const report = new Report('tail', flags);
  await withDatabase(async (database) => {
    report.postgresql = database.version;
    report.table(`A reader ${flags.records} records behind`, [await behind(database, flags.records, flags.tries)]);
    report.table(`${flags.readers} readers, ${flags.rate} records/s for ${flags.seconds} s, one stalled`, [
      await following(database, flags),
    ]);
  });
  report.end(json);
}

async function behind(database: BenchDatabase, records: number, tries: number) {
  await fillLog(database, 'behind', records);
  const service = new LogServiceProcess(FILE);
  try {
    const { url } = await service.put({ ask: 'start', url: database.url, schema: 'behind' });
    const first: number[] = [];
    // The first one finds the service cold.
    const cold = await firstEvent(url, 'e1.0');
    for (let i = 0; i < tries; i++) first.push(await firstEvent(url, `e1.${i}`));
    const began = performance.now();
    const all = await readAll(url, 'e1.0');
    const seconds = (performance.now() - began) / 1000;
    if (all.count !== records || all.wrong > 0)
      throw new Error(`${all.count} of ${records} records, ${all.wrong} wrong`);
    return {
      'first frame, cold ms': cold,
      'p50 ms': median(first),
      'p99 ms': quantile(first, 0.99),
      'all after s': seconds,
      'records/s': records / seconds,
      missing: records - all.count,
      twice: all.wrong,
      'RSS MiB': (await service.put({ ask: 'memory' })).rssMiB,
    };
  } finally {
    await service.stop();
  }
}

async function following(
  database: BenchDatabase,
  { readers, rate, seconds }: { readonly readers: number; readonly rate: number; readonly seconds: number },
) {
  const service = new LogServiceProcess(FILE);
  const clients = new ReadersProcess(FILE);
  try {
    const { url } = await service.put({ ask: 'start', url: database.url, schema: 'following' });
    await clients.put({ ask: 'connect', url, readers });
    await service.put({ ask: 'load', rate });
    await wait(3000);
    // What comes while compilers and caches warm up does not count.
    await clients.put({ ask: 'begin' });
    const before = await service.put({ ask: 'memory' });
    await wait(seconds * 1000);
    const after = await service.put({ ask: 'memory' });
    const { committed } = await service.put({ ask: 'calm' });
    const { latency, stalledMs, short, wrong } = await clients.put({ ask: 'end', records: committed });
    return {
      'latency p50 ms': latency.p50,
      'p99 ms': latency.p99,
      'max ms': latency.max,
      'records/s': (after.committed - before.committed) / seconds,
      'service CPU %': ((after.cpuMicros - before.cpuMicros) / 1e6 / seconds) * 100,
      'RSS MiB': after.rssMiB,
      'waiting for the stalled KiB': after.waitingKiB,
      'stalled one: all after ms': stalledMs,
      'readers without all': short,
      'out of order': wrong,
    };
  } finally {
    await clients.stop();
    await service.stop();
  }
}

const role = roleOf();
if (role === 'log-service') serveLog();
else if (role === 'readers') serveReaders();
else await main();
