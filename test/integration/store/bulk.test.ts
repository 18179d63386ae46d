import { afterEach, expect, inject, it } from 'vitest';
import { SeededRandom } from '../../../src/kernel/index.js';
import { type Field, type Fields, keyOf, type RowKind, type RowWrite, rowKinds } from '../../../src/model/index.js';
import { type PostgresStore, StatementCounter } from '../../../src/store/index.js';
import { deletionOf, fullRow, vmEvent, vmStatistics } from '../../store/samples.js';
import { ask, openStore, type PostgresHarness, postgresHarness } from './harness.js';

const harnesses: PostgresHarness[] = [];
const stores: PostgresStore[] = [];

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  for (const harness of harnesses.splice(0)) await harness.drop();
});

const kinds = (Object.keys(rowKinds) as RowKind[]).filter((kind) => rowKinds[kind].statistics);
const COPY = { bulkRows: 1 };
const PLAIN = { bulkRows: Number.POSITIVE_INFINITY };

async function database(): Promise<string> {
  const harness = await postgresHarness(inject('databaseUrl'));
  harnesses.push(harness);
  return harness.url;
}

async function open(url: string, more: Parameters<typeof openStore>[1]): Promise<PostgresStore> {
  const store = await openStore(url, more);
  stores.push(store);
  return store;
}

async function write(store: PostgresStore, rows: readonly RowWrite[]): Promise<void> {
  store.committer.commit({ rows, records: [] });
  await store.committer.flushed();
}

/** What PostgreSQL shows of a table, so that nothing of ours decodes it. */
async function dump(url: string, kind: RowKind): Promise<string[]> {
  const rows = await ask<{ shown: string }>(url, `SELECT t::text AS shown FROM vurti.${kind} t ORDER BY 1`);
  return rows.map(({ shown }) => shown);
}

const wide: Readonly<Partial<Record<Field<unknown>['kind'], readonly unknown[]>>> = {
  text: ['', 'a', 'é€😀', `${'x'.repeat(63)}é`, 'nul \0 and \ud800 alone', 'quote " and \\ back', 'long '.repeat(40)],
  int: [0, -1, 1, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, -(2 ** 32), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
  float: [0, -0, 1.5, -1e300, 5e-324, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  count: [0n, 1n, 9_999n, 10_000n, 10_001n, 100_000_000n, 2n ** 53n - 1n, 2n ** 53n, -(2n ** 64n), 10n ** 40n, -7n],
  bool: [true, false],
  json: [{}, [], 'text', 0, true, { a: ['\0', { b: 'ü"\\' }] }, [1e300, null], { big: 'y'.repeat(5_000) }],
  // Of far times the arrays lose microseconds on their way through float8.
  time: [0, -62_135_596_800_000, 946_684_800_000, 946_684_799_999, 1_767_225_600_001],
};

function anyRow(kind: RowKind, random: SeededRandom, id: number): RowWrite {
  const { fields, key } = rowKinds[kind] as { fields: Fields; key: readonly string[] };
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random.next() * all.length)] as T;
  const anyValue = (name: string, field: Field<unknown>): unknown => {
    if (key.includes(name)) return field.kind === 'int' ? id : `${name}-${id}`;
    if (field.initial === null && random.next() < 0.2) return null;
    return field.kind === 'enum' ? pick(Object.keys(field.ids ?? {})) : pick(wide[field.kind] ?? []);
  };
  const row = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, anyValue(name, field)]));
  return { kind, row } as unknown as RowWrite;
}

it('writes the same as arrays do, whatever the values', async () => {
  const [one, other] = [await database(), await database()];
  const [copying, plain] = [await open(one, COPY), await open(other, PLAIN)];
  const random = new SeededRandom(7);
  for (let round = 0; round < 3; round++) {
    const rows = kinds.flatMap((kind) => Array.from({ length: 120 }, (_, id) => anyRow(kind, random, id)));
    const mixed = rows.map((row) => (random.next() < 0.1 ? deletionOf(row) : row));
    await Promise.all([write(copying, mixed), write(plain, mixed)]);
    expect(copying.committer.state().setAside).toEqual([]);
    for (const kind of kinds) expect(await dump(one, kind)).toEqual(await dump(other, kind));
  }
});

it('leaves rows that are equal alone, and tells of what was sent', async () => {
  const counter = new StatementCounter();
  const store = await open(await database(), { ...COPY, onStatement: counter.listener });
  const rows = Array.from({ length: 300 }, (_, i) => vmStatistics(`vm-${i}`, 1));
  await write(store, rows);
  expect(counter.rowsWritten('vm_statistics')).toBe(300);
  counter.reset();
  await write(store, [...rows.slice(0, 299), vmStatistics('vm-299', 2)]);
  expect(counter.writes('vm_statistics')).toMatchObject([{ verb: 'insert', rows: 1 }]);
  const [copy] = counter.statements().filter(({ verb }) => verb === 'copy');
  expect(copy?.bytes).toBeGreaterThan(300 * 16 * 4);
});

it('writes more rows of one table in one flush than one COPY takes', async () => {
  const url = await database();
  const store = await open(url, COPY);
  const rows = kinds.flatMap((kind) => Array.from({ length: 2500 }, (_, i) => fullRow(kind, i)));
  // With a record they go in one flush.
  store.committer.commit({ rows, records: [vmEvent('vm-1', 'all at once')] });
  await store.committer.flushed();
  for (const kind of kinds) expect(await dump(url, kind)).toHaveLength(2500);
  expect(store.committer.state()).toMatchObject({ flushes: 1, setAside: [] });
});

it('sets a row that PostgreSQL refuses aside alone, and goes on copying', async () => {
  const url = await database();
  const store = await open(url, COPY);
  const random = new SeededRandom(1);
  // Longer than an index entry may be, and not to be compressed.
  const long = Array.from({ length: 2000 }, () => random.next().toString(36).slice(2, 10)).join('');
  const refused = vmStatistics(long, 1);
  const rows = Array.from({ length: 400 }, (_, i) => vmStatistics(`vm-${i}`, 1));
  await write(store, [...rows.slice(0, 200), refused, ...rows.slice(200)]);
  expect(store.committer.state().setAside).toMatchObject([
    { kind: 'vm_statistics', key: keyOf(refused).slice(0, 200) },
  ]);
  await write(store, [...Array.from({ length: 400 }, (_, i) => vmStatistics(`vm-${i}`, 2))]);
  const [row] = await ask<{ n: string }>(url, 'SELECT count(*) AS n FROM vurti.vm_statistics WHERE cpu_user = 2');
  expect(Number(row?.n)).toBe(400);
});

it('keeps its sessions of their own after the database ends one', async () => {
  const url = await database();
  const store = await open(url, COPY);
  await write(store, [vmStatistics('vm-1', 1)]);
  await ask(url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'vurti writer'`);
  await write(store, [vmStatistics('vm-1', 2)]);
  expect(await dump(url, 'vm_statistics')).toEqual([expect.stringContaining('(vm-1,2,')]);
});

it('goes without temporary tables where none are allowed', async () => {
  const url = await database();
  const name = new URL(url).pathname.slice(1);
  await ask(url, `REVOKE TEMPORARY ON DATABASE ${name} FROM PUBLIC, CURRENT_USER`);
  const counter = new StatementCounter();
  const store = await open(url, { ...COPY, onStatement: counter.listener });
  await write(store, [vmStatistics('vm-1', 1)]);
  expect(await dump(url, 'vm_statistics')).toHaveLength(1);
  expect(counter.statements().filter(({ verb }) => verb === 'copy')).toEqual([]);
});
