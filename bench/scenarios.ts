/**
 * The cost table: what the things that happen to a fleet cost in statements, rows and records (exact), and in time. The
 * counts of some of them are held by test/monitor/costs.test.ts.
 */
import { RealTime } from '../src/kernel/index.js';
import { MemoryStore, PostgresStore } from '../src/store/index.js';
import { allocationOf } from './support/allocation.js';
import { type BenchDatabase, withDatabase } from './support/database.js';
import { readFlags } from './support/flags.js';
import { median } from './support/numbers.js';
import { type Figures, Report } from './support/report.js';
import { costOf, type FleetSize, type Scenario, type ScenarioName, scenarios } from './support/scenarios.js';
import type { Cost, OpenStore } from './support/stage.js';

const { flags, json } = readFlags({
  hosts: { value: 3, doc: 'hosts of the fleet' },
  vms: { value: 50, doc: 'VMs per host' },
  rounds: { value: 5, doc: 'rounds; counts must be the same in all, of times the median counts' },
  restart: { value: 20, doc: 'hosts of the fleet after whose restart the loading is timed; 0: it is not' },
  grow: { value: 10, doc: 'times as many hosts, and times as many VMs per host, for the last table; 0: none' },
  memory: { value: false, doc: 'count with the store in memory instead of PostgreSQL' },
});

const report = new Report('scenarios', flags);
const time = new RealTime();
if (flags.memory) {
  await run(async (counter) => new MemoryStore({ clock: time, scheduler: time, onStatement: counter.listener }));
} else {
  await withDatabase(async (database) => {
    report.postgresql = database.version;
    await run(inSchemas(database));
  });
}
report.end(json);

async function run(openStore: OpenStore): Promise<void> {
  const size = { hosts: flags.hosts, vmsPerHost: flags.vms };
  const counts: Figures[] = [];
  const times: Figures[] = [];
  for (const [name, { name: title }] of Object.entries(scenarios) as [ScenarioName, Scenario][]) {
    const costs: Cost[] = [];
    for (let i = 0; i < flags.rounds; i++) costs.push(await costOf(name, size, openStore));
    counts.push(countsOf(title, costs));
    times.push({ ...timesOf(title, costs), ...(await allocated(name, size, openStore)) });
  }
  const fleet = `${flags.hosts} hosts × ${flags.vms} VMs`;
  report.table(`What it costs, exact: ${fleet}`, counts);
  report.table(`What it takes: ${fleet}, medians of ${flags.rounds} rounds`, times);
  if (flags.restart > 0) {
    const large = { hosts: flags.restart, vmsPerHost: flags.vms };
    report.table(`Restart: ${flags.restart} hosts × ${flags.vms} VMs`, [
      restartOf(await costOf('restart', large, openStore)),
    ]);
  }
  if (flags.grow > 0) report.table(`As the fleet grows: ${scenarios.statistics.name}`, await growth(size, openStore));
}

/** A round of its own: sampling takes time. */
async function allocated(name: ScenarioName, size: FleetSize, openStore: OpenStore): Promise<Figures> {
  let bytes = 0;
  const cost = await costOf(name, size, openStore, async (play) => {
    bytes = await allocationOf(play);
  });
  return {
    'allocated MiB, agents and test clock too': bytes / 2 ** 20,
    'bytes per VM of a poll': bytes / cost.polls / size.vmsPerHost,
  };
}

async function growth({ hosts, vmsPerHost }: FleetSize, openStore: OpenStore): Promise<Figures[]> {
  const sizes = [
    { hosts, vmsPerHost },
    { hosts: hosts * flags.grow, vmsPerHost },
    { hosts, vmsPerHost: vmsPerHost * flags.grow },
  ];
  const rows: Figures[] = [];
  for (const size of sizes) {
    const { polls, allMicros, flushMs, rows: written, bytes } = await costOf('statistics', size, openStore);
    const count = Object.values(written).reduce((sum, n) => sum + n, 0);
    rows.push({
      hosts: size.hosts,
      'VMs per host': size.vmsPerHost,
      'updaters µs per VM of a poll': allMicros / polls / size.vmsPerHost,
      'rows written': count,
      'flushes µs per row': (flushMs * 1000) / count,
      'bytes per row': bytes / count,
    });
  }
  return rows;
}

/** A schema of its own for each store: all begin empty. */
function inSchemas(database: BenchDatabase): OpenStore {
  let count = 0;
  return (counter) => {
    count += 1;
    const schema = `stage_${count}`;
    const onStatement = counter.listener;
    return PostgresStore.open({ connection: database.url, schema, clock: time, scheduler: time, onStatement });
  };
}

function countsOf(title: string, costs: readonly Cost[]): Figures {
  const counted = costs.map(({ flushes, statements, rows, records, bytes }) => ({
    'what happens': title,
    flushes,
    statements,
    'rows written': listed(rows),
    records: listed(records),
    bytes,
  }));
  const [first, ...others] = counted;
  if (first === undefined) throw new RangeError('at least one round');
  // Ids and times differ by a digit now and then, so bytes are not compared.
  const exact = (figures: typeof first) => JSON.stringify({ ...figures, bytes: 0 });
  const another = others.find((figures) => exact(figures) !== exact(first));
  if (another !== undefined) {
    throw new Error(`Not the same in every round:\n${JSON.stringify(first)}\n${JSON.stringify(another)}`);
  }
  return first;
}

function timesOf(title: string, costs: readonly Cost[]): Figures {
  return {
    'what happens': title,
    'updaters µs, deciding what is written': median(costs.map(({ micros }) => micros)),
    'updaters µs per VM of a poll, all polls': median(
      costs.map(({ allMicros, polls }) => allMicros / (polls * flags.vms)),
    ),
    'flushes ms': median(costs.map(({ flushMs }) => flushMs)),
  };
}

function restartOf({ statements, rowsRead, startMs }: Cost): Figures {
  return {
    statements,
    'rows read': rowsRead,
    'start ms': startMs,
    'µs per row': rowsRead === 0 ? null : (startMs * 1000) / rowsRead,
  };
}

function listed(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? '0' : entries.map(([name, n]) => `${n} ${name}`).join(', ');
}
