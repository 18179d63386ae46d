/**
 * The committer on PostgreSQL (the embedded one, fsync on): rows that changed with the records that explain them, rows that
 * did not change, statistics as rows and as usage of VMs in one row each, records alone; and how long a single small change takes from `commit` to its end.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { ChangeRecord, ChangeSet, EventRecord } from '../src/events/index.js';
import { RealTime } from '../src/kernel/index.js';
import {
  diskStatisticsFields,
  figureAt,
  initialRow,
  nicFigureAt,
  type RowWrite,
  type VmColumns,
  type VmUsage,
  vmDynamicFields,
  vmInterfaceStatisticsFields,
  vmStatisticsFields,
} from '../src/model/index.js';
import { UsageTable } from '../src/repository/usage-table.js';
import { PostgresStore } from '../src/store/index.js';
import { treeCpu } from './support/cpu.js';
import { type BenchDatabase, withDatabase } from './support/database.js';
import { readFlags } from './support/flags.js';
import { median, quantile } from './support/numbers.js';
import { type Figures, Report } from './support/report.js';

const { flags, json } = readFlags({
  vms: { value: 5000, doc: 'VMs, each with a row of state, of statistics, a nic and a disk' },
  rounds: { value: 7, doc: 'rounds; the median counts' },
  flushes: { value: 200, doc: 'single changes, one after the other, for the latency' },
  growth: { value: 40, doc: 'flushes of statistics over which the tables must not grow' },
});

interface Load {
  readonly name: string;
  /** What round number n writes. */
  readonly sets: (n: number) => ChangeSet[];
  /** Beside those. */
  readonly usage?: (n: number) => readonly VmColumns[];
}

const ids = Array.from({ length: flags.vms }, (_, n) => `11111111-2222-4333-8444-${String(n).padStart(12, '0')}`);
const now = Date.now();

const bulk: Load = {
  name: 'statistics: VM, nic and disk',
  sets: (n) => ids.map((id) => ({ rows: statistics(id, n), records: [] })),
};

const columns = usageOfAll();
const usage: Load = {
  name: 'usage of a VM with its nic and disk, in one row',
  sets: () => [],
  usage: (n) => {
    for (const vm of columns) changeFigures(vm, n);
    return columns;
  },
};

const loads: readonly Load[] = [
  {
    name: 'state changed, with its change record',
    sets: (n) => ids.map((id) => ({ rows: [dynamic(id, n)], records: [change(id, n)] })),
  },
  { name: 'state unchanged', sets: () => ids.map((id) => ({ rows: [dynamic(id, 0)], records: [] })) },
  bulk,
  usage,
  { name: 'events alone', sets: (n) => ids.map((id) => ({ rows: [], records: [event(id, n)] })) },
];

const report = new Report('store', flags);
await withDatabase(async (database) => {
  report.postgresql = database.version;
  const time = new RealTime();
  const opened = (bulkRows?: number): Promise<PostgresStore> =>
    PostgresStore.open({
      ...{ connection: database.url, clock: time, scheduler: time },
      ...(bulkRows === undefined ? {} : { bulkRows }),
    });
  const plain = await opened(Number.POSITIVE_INFINITY);
  const asArrays = await throughput({ ...bulk, name: `${bulk.name}, as arrays` }, plain, database);
  await plain.close();
  const store = await opened();
  try {
    const rows: Figures[] = [];
    for (const load of loads) rows.push(await throughput(load, store, database));
    rows.push(asArrays);
    report.table(`Throughput: ${flags.vms} VMs at once, medians of ${flags.rounds} rounds`, rows);
    report.table(`One change at a time: ${flags.flushes} flushes of 1 row and 1 record`, [await latency(store)]);
    report.table(`Statistics tables over ${flags.growth} flushes of all rows`, await growth(store, database));
  } finally {
    await store.close();
  }
});
report.end(json);

async function throughput(
  { name, sets, usage: usageAt }: Load,
  store: PostgresStore,
  database: BenchDatabase,
): Promise<Figures> {
  const rounds: { ms: number; client: number; server: number | null; rows: number; records: number }[] = [];
  for (let n = -1; n < flags.rounds; n++) {
    const all = sets(n + 1);
    const vms = usageAt?.(n + 1) ?? [];
    globalThis.gc?.();
    const server = treeCpu(database.pid);
    const cpu = process.cpuUsage();
    const began = performance.now();
    for (const set of all) store.committer.commit(set);
    store.committer.usage(vms);
    await store.committer.flushed();
    const ms = performance.now() - began;
    const { user, system } = process.cpuUsage(cpu);
    const serverAfter = treeCpu(database.pid);
    rounds.push({
      ms,
      client: user + system,
      server: server === null || serverAfter === null ? null : serverAfter - server,
      rows: vms.length + all.reduce((sum, { rows }) => sum + rows.length, 0),
      records: all.reduce((sum, { records }) => sum + records.length, 0),
    });
  }
  const measured = rounds.slice(1);
  const of = (pick: (round: (typeof measured)[number]) => number): number => median(measured.map(pick));
  return {
    load: name,
    'rows/s': of(({ rows, ms }) => (rows / ms) * 1000),
    'records/s': of(({ records, ms }) => (records / ms) * 1000),
    'our CPU µs per row or record': of(({ client, rows, records }) => client / Math.max(rows, records)),
    // The server's clock ticks are coarse against one round: all rounds together.
    'PostgreSQL CPU µs':
      sum(measured, ({ server }) => server ?? Number.NaN) / sum(measured, (r) => Math.max(r.rows, r.records)),
  };
}

async function latency({ committer }: PostgresStore): Promise<Figures> {
  const times: number[] = [];
  for (let n = -20; n < flags.flushes; n++) {
    const id = ids[Math.abs(n) % ids.length] ?? '';
    const began = performance.now();
    committer.commit({ rows: [dynamic(id, 1000 + n)], records: [change(id, 1000 + n)] });
    await committer.flushed();
    if (n >= 0) times.push(performance.now() - began);
  }
  return { 'p50 ms': quantile(times, 0.5), 'p99 ms': quantile(times, 0.99), 'max ms': Math.max(...times) };
}

/** Size and kind of updates: an update that stays in its page (HOT) leaves nothing behind for the indexes. */
async function growth({ committer }: PostgresStore, database: BenchDatabase): Promise<Figures[]> {
  const tables = ['vm_statistics', 'vm_interface_statistics', 'disk_image_dynamic', 'vm_usage'];
  const others = usageOfAll('as one ');
  const flush = async (n: number): Promise<void> => {
    for (const id of ids) committer.commit({ rows: statistics(id, n), records: [] });
    for (const vm of others) changeFigures(vm, n);
    committer.usage(others);
    await committer.flushed();
  };
  const state = async () => {
    // The server's counters come a moment after the commit, with the next statement of the same session.
    await wait(1500);
    await flush(10_000);
    const rows = await database.ask<{ table: string; bytes: string; updates: string; hot: string }>(`
      SELECT relname AS table, pg_table_size(relid) AS bytes, n_tup_upd AS updates, n_tup_hot_upd AS hot
      FROM pg_stat_user_tables WHERE schemaname = 'vurti'`);
    return new Map(rows.map((row) => [row.table, row]));
  };
  const before = await state();
  for (let n = 1; n <= flags.growth; n++) await flush(10_000 + n);
  const after = await state();
  return tables.map((table) => {
    const [from, to] = [before.get(table), after.get(table)];
    const grown = (pick: 'updates' | 'hot'): number => Number(to?.[pick]) - Number(from?.[pick]);
    return {
      table,
      'MiB before': Number(from?.bytes) / 2 ** 20,
      'MiB after': Number(to?.bytes) / 2 ** 20,
      updates: grown('updates'),
      'HOT %': (100 * grown('hot')) / grown('updates'),
    };
  });
}

/** Columns of all VMs, as the repository has them. */
function usageOfAll(prefix = ''): readonly VmColumns[] {
  const table = new UsageTable();
  return ids.map((id) => {
    const vm = table.create(`${prefix}${id}`);
    const [own, nic, disk] = statistics(vm.vmId, 0).map((write) => ('row' in write ? write.row : null));
    table.load(vm, {
      statistics: own,
      interfaces: [nic],
      disks: [disk],
      migrationProgress: null,
    } as unknown as VmUsage);
    return vm;
  });
}

function changeFigures(vm: VmColumns, n: number): void {
  for (const place of [figureAt.cpuUser, figureAt.elapsedSeconds, figureAt.guestMemFree]) vm.put(place, n);
  for (const nic of vm.nics) for (const place of Object.values(nicFigureAt)) nic.put(place, n);
  for (const disk of vm.disks) for (let place = 0; place < 2; place++) disk.put(place, n);
}

function sum<T>(items: readonly T[], pick: (item: T) => number): number {
  return items.reduce((total, item) => total + pick(item), 0);
}

function dynamic(id: string, n: number): RowWrite {
  return {
    kind: 'vm_dynamic',
    row: {
      ...initialRow(vmDynamicFields),
      ...{ id, status: n % 2 === 0 ? 'Up' : 'Paused', statusSince: now + n, runOnVds: 'kvm-01', vmIp: '192.168.1.10' },
      ...{
        guestOs: '5.14.0-427.el9.x86_64',
        fqdn: 'web-01.example.test',
        appList: 'kernel-5.14.0,qemu-guest-agent-8.2.0',
      },
      ...{ session: 'UserLoggedOn', hash: '-1234567890123456789', guestOsType: 'linux', guestOsArch: 'x86_64' },
      graphics: [{ type: 'vnc', port: 5900, tlsPort: null, ip: '10.0.4.11' }],
    },
  };
}

function statistics(vmId: string, n: number): RowWrite[] {
  const counter = BigInt(1_000_000 + n);
  return [
    {
      kind: 'vm_statistics',
      row: {
        ...initialRow(vmStatisticsFields),
        ...{ id: vmId, cpuUser: n + 0.25, cpuSys: 1.5, elapsedSeconds: 86_400 + n, usageCpuPercent: n % 100 },
        ...{ usageMemPercent: 40, guestMemFree: 2_642_784 - n, balloonCurrent: 4_194_304, balloonMax: 4_194_304 },
        disksUsage: [{ path: '/', fs: 'xfs', total: '53660876800', used: String(12_884_901_888 + n) }],
      },
    },
    {
      kind: 'vm_interface_statistics',
      row: {
        ...initialRow(vmInterfaceStatisticsFields),
        ...{ vmId, macAddr: '56:6f:00:00:00:01', name: 'vnet1', speedMbps: 1000, rxRate: n + 0.5, txRate: n + 0.25 },
        ...{ rxTotal: counter, txTotal: counter, rxOffset: 0n, txOffset: 0n, sampleTime: 86_412.75 + n },
      },
    },
    {
      kind: 'disk_image_dynamic',
      row: {
        ...initialRow(diskStatisticsFields),
        ...{ imageId: vmId, vmId, readRate: n + 0.5, writeRate: 524_288.5, readOps: counter, writeOps: counter },
        ...{ actualSize: 10_737_418_240n, readLatencySeconds: 0.0004, writeLatencySeconds: 0.0019 },
      },
    },
  ];
}

function about(vmId: string) {
  const source = { by: 'poll', host: 'kvm-01', session: 1, seq: 7, receivedAt: now } as const;
  return {
    ...{ time: now, hostId: 'kvm-01', vmId, clusterId: 'prod', correlation: null },
    cause: { rule: 'vm.here.status-changed', source },
  };
}

function change(vmId: string, n: number): ChangeRecord {
  const [from, to] = n % 2 === 0 ? ['Paused', 'Up'] : ['Up', 'Paused'];
  return {
    ...{ ...about(vmId), kind: 'change', entity: 'vm', entityId: vmId, what: 'changed' },
    changes: [
      { path: 'status', from, to },
      { path: 'statusSince', from: now + n - 1, to: now + n },
    ],
  };
}

function event(vmId: string, n: number): EventRecord {
  return {
    ...{ ...about(vmId), kind: 'event', name: 'VM_PAUSED', severity: 'NORMAL', message: `${vmId} has been paused` },
    ...{ params: { vm: vmId }, customId: null, parent: null, id: `${vmId}-${n}` },
  };
}
