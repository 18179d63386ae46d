import { afterEach, expect, inject, it } from 'vitest';
import { SeededRandom } from '../../../src/kernel/index.js';
import {
  type Field,
  type Fields,
  type Row,
  type RowKind,
  type RowWrite,
  rowKinds,
  type VmColumns,
  type VmUsage,
} from '../../../src/model/index.js';
import { UsageTable } from '../../../src/repository/usage-table.js';
import { type PostgresStore, StatementCounter } from '../../../src/store/index.js';
import { usageRows } from '../../../src/store/usage-figures.js';
import { vmStatistics } from '../../store/samples.js';
import { ask, openStore, type PostgresHarness, postgresHarness } from './harness.js';

const harnesses: PostgresHarness[] = [];
const stores: PostgresStore[] = [];

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  for (const harness of harnesses.splice(0)) await harness.drop();
});

const kinds = ['vm_statistics', 'vm_interface_statistics', 'disk_image_dynamic'] as const;

async function database(): Promise<string> {
  const harness = await postgresHarness(inject('databaseUrl'));
  harnesses.push(harness);
  return harness.url;
}

async function open(url: string, more: Parameters<typeof openStore>[1] = {}): Promise<PostgresStore> {
  const store = await openStore(url, more);
  stores.push(store);
  return store;
}

async function write(store: PostgresStore, usage: readonly VmColumns[], rows: readonly RowWrite[] = []): Promise<void> {
  if (rows.length > 0) store.committer.commit({ rows, records: [] });
  store.committer.usage(usage);
  await store.committer.flushed();
}

/** What PostgreSQL shows of a view, so that nothing of ours decodes it. */
async function dump(url: string, name: string): Promise<string[]> {
  const rows = await ask<{ shown: string }>(url, `SELECT t::text AS shown FROM vurti.${name} t ORDER BY 1`);
  return rows.map(({ shown }) => shown);
}

async function loaded(store: PostgresStore, kind: RowKind): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const rows of store.stateLoader.load(kind)) all.push(...rows);
  return all.sort((a, b) => (shownAs(a) < shownAs(b) ? -1 : 1));
}

const shownAs = (row: unknown): string =>
  JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));

const most = Number.MAX_SAFE_INTEGER;
/** What columns hold: no NaN, which is null there, and no counter beyond 2^53. */
const wide: Readonly<Partial<Record<Field<unknown>['kind'], readonly unknown[]>>> = {
  text: ['', 'vnet0', 'é€😀', 'quote " and \\ back', 'nul \0 and \ud800 alone'],
  int: [0, 1, -1, 2 ** 31, 2 ** 32 + 1, most, -most],
  float: [0, -0, 0.1, -1e300, 1.7976931348623157e308, 5e-324, 2.2e-310, 1 / 3, Number.POSITIVE_INFINITY, -1e-5],
  count: [0n, 1n, 999_999_999_999_999n, BigInt(most), -7n],
  json: [[], [{ path: '/', fs: 'xfs', total: '53660876800', used: '12884901888' }], [{ path: 'ü"\\\0' }]],
};

function anyRow<K extends (typeof kinds)[number]>(kind: K, random: SeededRandom, keys: object): Row<K> {
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random.next() * all.length)] as T;
  const anyValue = (field: Field<unknown>): unknown => (random.next() < 0.2 ? null : pick(wide[field.kind] ?? []));
  const fields = Object.entries(rowKinds[kind].fields as Fields);
  return { ...Object.fromEntries(fields.map(([name, field]) => [name, anyValue(field)])), ...keys } as Row<K>;
}

function anyUsage(id: string, random: SeededRandom, nics = random.next() * 3, disks = random.next() * 3): VmUsage {
  const many = <T>(count: number, make: (i: number) => T): T[] =>
    Array.from({ length: Math.floor(count) }, (_, i) => make(i));
  return {
    statistics: anyRow('vm_statistics', random, { id }),
    interfaces: many(nics, (i) => anyRow('vm_interface_statistics', random, { vmId: id, macAddr: `56:6f:0${i}` })),
    disks: many(disks, (i) => anyRow('disk_image_dynamic', random, { vmId: id, imageId: `${id}-${i}` })),
    migrationProgress: 3,
  };
}

/** Columns of so many VMs, in one table as the repository has it. */
function fleet(count: number, usageOf: (id: string) => VmUsage) {
  const table = new UsageTable();
  const vms = Array.from({ length: count }, (_, i) => table.create(`vm-${i}`));
  for (const columns of vms) table.load(columns, usageOf(columns.vmId));
  return { table, vms };
}

it('shows and loads the same as rows of their own do, whatever the values, as figures, nics and disks change', async () => {
  const [one, other] = [await database(), await database()];
  const [asOne, asRows] = [await open(one), await open(other)];
  const random = new SeededRandom(7);
  const { table, vms } = fleet(150, (id) => anyUsage(id, random));
  for (let round = 0; round < 6; round++) {
    await write(asOne, vms);
    const before = await Promise.all(kinds.map((kind) => loaded(asRows, kind)));
    const deleted = before.flatMap((rows, i) =>
      rows.map((row): RowWrite => {
        const kind = kinds[i] as RowKind;
        return { kind, deleted: rowKinds[kind].key.map((name) => (row as Record<string, string>)[name] ?? '') };
      }),
    );
    await write(asRows, [], deleted);
    await write(asRows, [], vms.flatMap(usageRows));
    for (const store of [asOne, asRows]) expect(store.committer.state().setAside).toEqual([]);
    for (const kind of kinds) {
      expect(await dump(one, `${kind}_now`)).toEqual(await dump(other, `${kind}_now`));
      expect(await loaded(asOne, kind)).toEqual(await loaded(asRows, kind));
      expect(await dump(one, kind)).toEqual([]);
    }
    for (const columns of vms) {
      const { nics, disks } = columns;
      if (random.next() < 0.3) table.load(columns, anyUsage(columns.vmId, random));
      else table.load(columns, anyUsage(columns.vmId, random, nics.length, disks.length));
    }
  }
});

it('updates figures alone as long as nothing else changes, one row for each VM', async () => {
  const counter = new StatementCounter();
  const store = await open(await database(), { onStatement: counter.listener });
  const random = new SeededRandom(1);
  const { table, vms } = fleet(2500, (id) => anyUsage(id, random, 2, 1));
  await write(store, vms);
  counter.reset();
  for (const columns of vms) columns.put(0, 50);
  await write(store, vms);
  const written = counter.statements().filter(({ table: name, rows }) => name !== 'shard' && rows > 0);
  expect(written).toMatchObject([1000, 1000, 500].map((rows) => ({ verb: 'update', table: 'vm_usage', rows })));
  counter.reset();
  const [first] = vms as [VmColumns];
  const { statistics, ...rest } = first.usage();
  table.load(first, {
    ...rest,
    statistics: { ...statistics, disksUsage: [{ path: '/srv', fs: 'xfs', total: '2', used: '1' }] },
  });
  await write(store, [first]);
  expect(counter.rowsWritten('vm_usage')).toBe(1);
  expect(counter.rowsWritten('vm_usage_parts')).toBe(1);
});

it('a VM stands in one place only: in rows of its own, as one, or nowhere', async () => {
  const url = await database();
  const store = await open(url);
  const random = new SeededRandom(3);
  const { vms } = fleet(3, (id) => anyUsage(id, random, 2, 2));
  const [first, second, third] = vms as [VmColumns, VmColumns, VmColumns];
  await write(store, [], usageRows(first));
  await write(store, [first, second, third]);
  for (const kind of kinds) expect(await dump(url, kind)).toEqual([]);
  await write(store, [], usageRows(second));
  await write(store, [], [{ kind: 'vm_statistics', deleted: [third.vmId] }]);
  expect(await dump(url, 'vm_usage')).toHaveLength(1);
  expect(await dump(url, 'vm_usage_parts')).toHaveLength(1);
  expect(await dump(url, 'vm_statistics_now')).toHaveLength(2);
  // And back.
  await write(store, vms);
  for (const kind of kinds) expect(await dump(url, kind)).toEqual([]);
  expect(await dump(url, 'disk_image_dynamic_now')).toHaveLength(6);
});

it('what an older vurti wrote into rows meanwhile counts, and goes with the next usage', async () => {
  const url = await database();
  const store = await open(url);
  const random = new SeededRandom(4);
  const { vms } = fleet(2, (id) => anyUsage(id, random, 1, 1));
  await write(store, vms);
  await ask(url, `INSERT INTO vurti.vm_statistics (vm_guid, cpu_user) VALUES ('vm-1', 42)`);
  const next = await open(url, { takeOver: true });
  expect(await loaded(next, 'vm_statistics')).toMatchObject([{ id: 'vm-0' }, { id: 'vm-1', cpuUser: 42 }]);
  expect(await loaded(next, 'vm_interface_statistics')).toMatchObject([{ vmId: 'vm-0' }]);
  expect(await dump(url, 'vm_statistics_now')).toHaveLength(2);
  await write(next, vms);
  expect(await dump(url, 'vm_statistics')).toEqual([]);
  expect(await loaded(next, 'vm_interface_statistics')).toHaveLength(2);
});

it('writes all again where somebody took rows away', async () => {
  const url = await database();
  const store = await open(url);
  const random = new SeededRandom(5);
  const { vms } = fleet(20, (id) => anyUsage(id, random, 1, 1));
  await write(store, vms);
  await ask(url, `DELETE FROM vurti.vm_usage WHERE vm_guid = 'vm-7'`);
  await write(store, vms);
  expect(await dump(url, 'vm_statistics_now')).toHaveLength(20);
});

it('sets a VM aside alone whose figures no column holds, or whose id PostgreSQL refuses, and takes it back later', async () => {
  const url = await database();
  const store = await open(url);
  const random = new SeededRandom(6);
  const { table, vms } = fleet(60, (id) => anyUsage(id, random, 1, 1));
  const long = table.create(Array.from({ length: 2000 }, () => random.next().toString(36).slice(2, 10)).join(''));
  table.load(long, anyUsage(long.vmId, random, 0, 0));
  const odd = vms[30] as VmColumns;
  odd.put(2, 1.5);
  await write(store, [...vms, long]);
  const { setAside } = store.committer.state();
  expect(setAside).toHaveLength(2);
  expect(setAside).toContainEqual({
    kind: 'vm_statistics',
    key: '["vm-30"]',
    message: expect.stringContaining('elapsed_time: 1.5 is not a whole number') as string,
  });
  expect(await dump(url, 'vm_statistics_now')).toHaveLength(59);
  odd.put(2, 2);
  await write(store, vms);
  expect(store.committer.state().setAside).toHaveLength(1);
  expect(await dump(url, 'vm_statistics_now')).toHaveLength(60);
});

it('goes on after the database ended its session', async () => {
  const url = await database();
  const store = await open(url);
  const random = new SeededRandom(8);
  const { vms } = fleet(5, (id) => anyUsage(id, random, 1, 1));
  await write(store, vms);
  await ask(url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'vurti writer'`);
  for (const columns of vms) columns.put(0, 77);
  await write(store, vms);
  const rows = await ask<{ n: number }>(
    url,
    'SELECT count(*)::int AS n FROM vurti.vm_statistics_now WHERE cpu_user = 77',
  );
  expect(rows).toEqual([{ n: 5 }]);
});

it('writes the newest figures, once, of a VM that is given again while it waits, and none of one that was removed', async () => {
  const url = await database();
  const counter = new StatementCounter();
  const store = await open(url, { onStatement: counter.listener });
  const random = new SeededRandom(9);
  const { table, vms } = fleet(3, (id) => anyUsage(id, random, 1, 1));
  const [first, second, third] = vms as [VmColumns, VmColumns, VmColumns];
  store.committer.usage([first, second, third]);
  first.put(0, 11);
  store.committer.usage([first]);
  store.committer.commit({ rows: [{ kind: 'vm_statistics', deleted: [second.vmId] }], records: [] });
  table.free(third);
  first.put(0, 12);
  await store.committer.flushed();
  expect(await loaded(store, 'vm_statistics')).toMatchObject([{ id: 'vm-0', cpuUser: 12 }]);
  expect(counter.rowsWritten('vm_usage')).toBe(1);
  // Rows given behind it are written behind it.
  store.committer.usage([first]);
  store.committer.commit({ rows: [vmStatistics('vm-0', 13)], records: [] });
  await store.committer.flushed();
  expect(await dump(url, 'vm_usage')).toEqual([]);
});
