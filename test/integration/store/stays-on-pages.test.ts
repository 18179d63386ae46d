import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Row, RowKind, RowWrite, VmUsage } from '../../../src/model/index.js';
import { UsageTable } from '../../../src/repository/usage-table.js';
import type { PostgresStore } from '../../../src/store/index.js';
import { fullRow } from '../../store/samples.js';
import { startServer, type TestServer } from '../setup/server.js';
import { ask, openStore } from './harness.js';

/**
 * Updates find their place on the page of the old row (HOT), which is free again as soon as nobody can see the old one any
 * more. PostgreSQL asks that of all its sessions: a transaction of any database that lasts, as those of vacuum and of
 * other tests do, makes tables grow meanwhile. So these have a server to themselves.
 */
let server: TestServer;
beforeAll(async () => {
  server = await startServer({ autovacuum: 'off' });
});
afterAll(() => server?.stop());

const FLUSHES = 105;
/** By then the tables have the size that their rows and what is left free for updates take. */
const SETTLED = 5;

async function staysOnPages(
  schema: string,
  tables: readonly string[],
  write: (store: PostgresStore, n: number) => Promise<void>,
  updatesPerFlush: Readonly<Record<string, number>>,
): Promise<void> {
  const of = 'FROM pg_stat_user_tables WHERE schemaname = $1 AND relname = ANY ($2) ORDER BY 1';
  const sizes = () =>
    ask(server.url, `SELECT relname, pg_relation_size(relid) AS bytes, pg_indexes_size(relid) AS index ${of}`, [
      schema,
      tables,
    ]);
  const store = await openStore(server.url, { schema });
  for (let n = 0; n < SETTLED; n++) await write(store, n);
  const before = await sizes();
  expect(before).toHaveLength(tables.length);
  for (let n = SETTLED; n < FLUSHES; n++) await write(store, n);
  expect(await sizes()).toEqual(before);
  // A session gives its counts when it ends, which is a moment after we left it.
  await store.close();
  const expected = [...tables].sort().map((relname) => {
    const updates = (FLUSHES - 1) * (updatesPerFlush[relname] ?? 0);
    return { relname, updates, hot: updates };
  });
  await vi.waitFor(async () => {
    const counted = 'SELECT relname, n_tup_upd::int AS updates, n_tup_hot_upd::int AS hot';
    expect(await ask(server.url, `${counted} ${of}`, [schema, tables])).toEqual(expected);
  }, 10_000);
}

it('rows of statistics: all updates HOT, and no table larger after 100 flushes', async () => {
  const tables = ['vm_statistics', 'vm_interface_statistics', 'disk_image_dynamic'] as const;
  const rowsOf = (n: number): RowWrite[] =>
    tables.flatMap((kind) =>
      Array.from({ length: 300 }, (_, i) => {
        const { row } = fullRow(kind, i) as { row: object };
        const moved =
          kind === 'vm_statistics' ? { cpuUser: n } : kind === 'disk_image_dynamic' ? { readRate: n } : { rxRate: n };
        return { kind, row: { ...row, ...moved } } as unknown as RowWrite;
      }),
    );
  const write = async ({ committer }: PostgresStore, n: number): Promise<void> => {
    committer.commit({ rows: rowsOf(n), records: [] });
    await committer.flushed();
  };
  await staysOnPages('rows', tables, write, Object.fromEntries(tables.map((name) => [name, 300])));
});

function rowOf<K extends RowKind>(kind: K, keys: Partial<Row<K>>): Row<K> {
  return { ...(fullRow(kind, 0) as unknown as { row: Row<K> }).row, ...keys };
}

const usageOf = (id: string): VmUsage => ({
  statistics: rowOf('vm_statistics', { id }),
  interfaces: [1, 2].map((n) => rowOf('vm_interface_statistics', { vmId: id, macAddr: `56:6f:0${n}` })),
  disks: [1, 2].map((n) => rowOf('disk_image_dynamic', { vmId: id, imageId: `${id}-${n}` })),
  migrationProgress: 3,
});

it('usage of VMs: all updates HOT, and no table larger after 100 flushes', async () => {
  const table = new UsageTable();
  const vms = Array.from({ length: 600 }, (_, i) => table.create(`vm-${i}`));
  for (const columns of vms) table.load(columns, usageOf(columns.vmId));
  const write = async ({ committer }: PostgresStore, n: number): Promise<void> => {
    for (const columns of vms) columns.put(0, n);
    committer.usage(vms);
    await committer.flushed();
  };
  await staysOnPages('usage', ['vm_usage', 'vm_usage_parts'], write, { vm_usage: 600 });
});
