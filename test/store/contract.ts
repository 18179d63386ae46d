import { describe, expect, it } from 'vitest';
import type { LogRecord } from '../../src/events/index.js';
import { formatCursor, parseCursor } from '../../src/events/index.js';
import {
  type DiskStatistics,
  keyOf,
  type Row,
  type RowKind,
  type RowWrite,
  rowKinds,
  type VmColumns,
} from '../../src/model/index.js';
import { UsageTable } from '../../src/repository/usage-table.js';
import { type CommitterTuning, type LogStore, StatementCounter } from '../../src/store/index.js';
import { usageRows } from '../../src/store/usage-figures.js';
import { deletionOf, fullRow, intent, T0, usageOf, vmChange, vmEvent, vmRow, vmSet, vmStatistics } from './samples.js';

export interface OpenOptions extends CommitterTuning {
  readonly takeOver?: boolean;
  readonly counter?: StatementCounter;
}

/** What the contract needs of a store: one database that stores are opened on, one after the other. */
export interface StoreHarness {
  open(options?: OpenOptions): Promise<LogStore>;
  /** A row that passes our own checks and that the database refuses all the same. */
  refusable(id: string): RowWrite;
  /** Makes the database fail from now on, and work again. */
  away(): Promise<void>;
  back(): Promise<void>;
  /** Waits until the condition holds. */
  until(condition: () => boolean): Promise<void>;
}

export async function loadAll<K extends RowKind>(store: LogStore, kind: K): Promise<Row<K>[]> {
  const rows: Row<K>[] = [];
  for await (const chunk of store.stateLoader.load(kind)) rows.push(...chunk);
  return rows;
}

export function seen(store: LogStore): LogRecord[] {
  const records: LogRecord[] = [];
  store.committer.committed$.subscribe((batch) => records.push(...batch));
  return records;
}

const START = { epoch: 0, seq: 0 };

async function readAll(store: LogStore, page = 100): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for (let after = START; ; ) {
    const batch = await store.logReader.read(after, page);
    const last = batch.at(-1);
    if (last === undefined) return records;
    records.push(...batch);
    after = parseCursor(last.cursor);
  }
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** The semantics that every store has. `make` gives a harness over an empty database. */
export function describeStore(name: string, make: () => Promise<StoreHarness>): void {
  describe(`${name}: rows and records`, () => {
    it('commits records in order, under numbers without gaps, and tells of each once', async () => {
      const store = await (await make()).open();
      const told = seen(store);
      for (const i of range(250)) store.committer.commit(vmSet(`vm-${i % 10}`, `os ${i}`));
      await store.committer.flushed();
      expect(told.map((record) => record.seq)).toEqual(range(250).map((i) => i + 1));
      expect(told.map((record) => record.kind === 'change' && record.changes[0]?.to)).toEqual(
        range(250).map((i) => `os ${i}`),
      );
      expect(await readAll(store)).toEqual(told);
      expect(store.committer.state()).toMatchObject({ waitingRows: 0, waitingRecords: 0, failingSince: null });
      await store.close();
    });

    it('keeps change sets in order that come while a flush runs', async () => {
      const store = await (await make()).open();
      const told = seen(store);
      let more = 30;
      store.committer.committed$.subscribe(() => {
        if (more-- > 0) store.committer.commit(vmSet('vm-1', `os ${30 - more}`));
      });
      store.committer.commit(vmSet('vm-1', 'os 0'));
      for (let i = 0; i < 31; i++) await store.committer.flushed();
      expect(told.map((record) => record.kind === 'change' && record.changes[0]?.to)).toEqual(
        range(31).map((i) => `os ${i}`),
      );
      expect((await loadAll(store, 'vm_dynamic')).map((row) => row.guestOs)).toEqual(['os 30']);
      await store.close();
    });

    it.each(Object.keys(rowKinds) as RowKind[])('gives every value of %s back as it was', async (kind) => {
      const store = await (await make()).open();
      const writes = range(9).map((i) => fullRow(kind, i));
      const ninth = writes.at(-1);
      store.committer.commit({ rows: writes, records: [] });
      await store.committer.flushed();
      expect(store.committer.state().setAside).toEqual([]);
      const rows = await loadAll(store, kind);
      const byKey = (list: readonly object[]): Map<string, object> =>
        new Map(list.map((row) => [JSON.stringify(keyOf({ kind, row } as RowWrite)), row]));
      expect(byKey(rows)).toEqual(byKey(writes.flatMap((write) => ('row' in write ? [write.row] : []))));
      store.committer.commit({ rows: writes.slice(0, 8).map(deletionOf), records: [] });
      await store.committer.flushed();
      expect(await loadAll(store, kind)).toEqual([ninth !== undefined && 'row' in ninth ? ninth.row : null]);
      await store.close();
    });

    it('gives every kind of record back as it was', async () => {
      const store = await (await make()).open();
      const records = [vmChange('vm-1', ['ä', 1.5, null]), vmEvent('vm-1', 'paused "now"'), intent('key 1')];
      store.committer.commit({ rows: [], records });
      await store.committer.flushed();
      expect(await readAll(store)).toEqual(
        records.map((record, i) => ({ ...record, seq: i + 1, cursor: `e1.${i + 1}` })),
      );
      await store.close();
    });

    it('writes the last of several writes of one row', async () => {
      const store = await (await make()).open();
      store.committer.commit({ rows: [vmRow('vm-1', { guestOs: 'a' }), vmRow('vm-1', { guestOs: 'b' })], records: [] });
      store.committer.commit({ rows: [vmRow('vm-2')], records: [] });
      store.committer.commit({ rows: [deletionOf(vmRow('vm-2'))], records: [] });
      store.committer.commit({ rows: [deletionOf(vmRow('vm-3'))], records: [] });
      store.committer.commit({ rows: [vmRow('vm-3')], records: [] });
      await store.committer.flushed();
      const rows = await loadAll(store, 'vm_dynamic');
      expect(rows.map((row) => [row.id, row.guestOs])).toEqual([
        ['vm-1', 'b'],
        ['vm-3', null],
      ]);
      await store.close();
    });

    it('writes the newest of statistics that come with a record and after it', async () => {
      const store = await (await make()).open();
      const row = (cpuUser: number): RowWrite => vmStatistics('vm-1', cpuUser);
      store.committer.commit({ rows: [row(1), vmStatistics('vm-2', 1)], records: [vmEvent('vm-1', 'moved')] });
      store.committer.commit({ rows: [vmStatistics('vm-0', 2), row(2)], records: [] });
      await store.committer.flushed();
      const rows = await loadAll(store, 'vm_statistics');
      expect(rows.map(({ id, cpuUser }) => [id, cpuUser])).toEqual([
        ['vm-0', 2],
        ['vm-1', 2],
        ['vm-2', 1],
      ]);
      expect(store.committer.state()).toMatchObject({ flushes: 1, setAside: [] });
      await store.close();
    });

    it('loads rows in key order, in chunks', async () => {
      const store = await (await make()).open();
      const numa = (hostId: string, index: number): RowWrite => ({
        kind: 'numa_node',
        row: { ...(fullRow('numa_node', 0) as { row: Row<'numa_node'> }).row, hostId, index },
      });
      store.committer.commit({
        rows: [numa('b', 2), numa('b', 10), numa('a', 1), ...range(4500).map((i) => vmRow(`vm-${i}`))],
        records: [],
      });
      await store.committer.flushed();
      expect((await loadAll(store, 'numa_node')).map((row) => [row.hostId, row.index])).toEqual([
        ['a', 1],
        ['b', 2],
        ['b', 10],
      ]);
      const ids = (await loadAll(store, 'vm_dynamic')).map((row) => row.id);
      expect(ids).toEqual(
        range(4500)
          .map((i) => `vm-${i}`)
          .sort(),
      );
      await store.close();
    });

    it('writes each row and record once, and nothing when nothing is given', async () => {
      const counter = new StatementCounter();
      const harness = await make();
      const store = await harness.open({ counter });
      store.committer.commit(vmSet('vm-1', 'os'));
      store.committer.commit({ rows: [vmStatistics('vm-1', 1)], records: [] });
      await store.committer.flushed();
      expect(counter.rowsWritten('vm_dynamic')).toBe(1);
      expect(counter.rowsWritten('vm_statistics')).toBe(1);
      expect(counter.rowsWritten('log_record')).toBe(1);
      counter.reset();
      await store.committer.flushed();
      expect(counter.writes()).toEqual([]);
      await store.close();
    });
  });

  describe(`${name}: usage of VMs`, () => {
    it('stands for its rows, replaces them, goes with them, and leaves the row of a disk that it lists no more', async () => {
      const harness = await make();
      const store = await harness.open();
      const table = new UsageTable();
      const [one, other] = ['vm-1', 'vm-2'].map((id) => {
        const columns = table.create(id);
        table.load(columns, usageOf(id, ['aa', 'bb'], [`${id}-a`, `${id}-b`]));
        return columns;
      }) as [VmColumns, VmColumns];
      const rowsOf = async () => ({
        vms: (await loadAll(store, 'vm_statistics')).map((row) => row.id),
        nics: (await loadAll(store, 'vm_interface_statistics')).map((row) => `${row.vmId} ${row.macAddr}`),
        disks: (await loadAll(store, 'disk_image_dynamic')).map((row) => row.imageId).sort(),
      });
      const write = async (usage: readonly VmColumns[], rows: readonly RowWrite[] = []): Promise<void> => {
        if (rows.length > 0) store.committer.commit({ rows, records: [] });
        store.committer.usage(usage);
        await store.committer.flushed();
      };
      const kept: RowWrite = {
        kind: 'disk_image_dynamic',
        row: usageOf('vm-1', [], ['kept']).disks[0] as DiskStatistics,
      };
      await write([], [...usageRows(one), kept]);
      await write([one, other]);
      const nics = ['vm-1 aa', 'vm-1 bb', 'vm-2 aa', 'vm-2 bb'];
      const disks = ['kept', 'vm-1-a', 'vm-1-b', 'vm-2-a', 'vm-2-b'];
      expect(await rowsOf()).toEqual({ vms: ['vm-1', 'vm-2'], nics, disks });
      expect(await loadAll(store, 'vm_statistics')).toEqual([one.statisticsRow(), other.statisticsRow()]);
      // Another nic, and one disk only; then rows again, and nothing.
      table.load(one, usageOf('vm-1', ['cc'], ['vm-1-a']));
      await write(
        [one],
        [{ kind: 'disk_image_dynamic', row: usageOf('vm-1', [], ['vm-1-b']).disks[0] as DiskStatistics }],
      );
      expect(await rowsOf()).toEqual({ vms: ['vm-1', 'vm-2'], nics: ['vm-1 cc', 'vm-2 aa', 'vm-2 bb'], disks });
      const gone: RowWrite[] = [
        { kind: 'vm_statistics', deleted: ['vm-2'] },
        ...['aa', 'bb'].map((mac): RowWrite => ({ kind: 'vm_interface_statistics', deleted: ['vm-2', mac] })),
        ...['vm-2-a', 'vm-2-b'].map((id): RowWrite => ({ kind: 'disk_image_dynamic', deleted: [id] })),
      ];
      await write([], gone);
      expect(await rowsOf()).toEqual({ vms: ['vm-1'], nics: ['vm-1 cc'], disks: ['kept', 'vm-1-a', 'vm-1-b'] });
      await store.close();
    });
  });

  describe(`${name}: hostile and wrong data`, () => {
    it('makes NUL and lone surrogates harmless and cuts what is too long', async () => {
      const store = await (await make()).open();
      const told = seen(store);
      const evil = 'a\0b\ud800c\udc00d😀';
      const clean = 'a\ufffdb\ufffdc\ufffdd😀';
      store.committer.commit({
        rows: [
          vmRow('vm-1', { appList: evil, session: 'x'.repeat(100), guestContainers: [{ [evil]: [evil, '\\u0000'] }] }),
          vmRow(evil, { session: `${'x'.repeat(39)}😀` }),
        ],
        records: [{ ...vmChange(evil, { [evil]: evil }), clusterId: evil }],
      });
      await store.committer.flushed();
      expect(store.committer.state().setAside).toEqual([]);
      const [odd, plain] = await loadAll(store, 'vm_dynamic');
      expect(odd).toMatchObject({ id: clean, session: `${'x'.repeat(39)}\ufffd` });
      expect(plain).toMatchObject({ appList: clean, session: 'x'.repeat(40) });
      expect(plain?.guestContainers).toEqual([{ [clean]: [clean, '\\u0000'] }]);
      const records = await readAll(store);
      expect(records).toMatchObject([{ vmId: clean, clusterId: clean, changes: [{ to: { [clean]: clean } }] }]);
      expect(told).toEqual(records);
      store.committer.commit({ rows: [{ kind: 'vm_dynamic', deleted: [evil] }], records: [] });
      await store.committer.flushed();
      expect((await loadAll(store, 'vm_dynamic')).map((row) => row.id)).toEqual(['vm-1']);
      await store.close();
    });

    it('gives BigInt, NaN and "__proto__" in records back as JSON can hold them, live and read', async () => {
      const store = await (await make()).open();
      const told = seen(store);
      const odd = JSON.parse('{"__proto__": {"polluted": 1}}') as object;
      store.committer.commit({
        rows: [],
        records: [{ ...vmChange('vm-1', [2n ** 64n, Number.NaN, odd]), time: Number.NaN }],
      });
      await store.committer.flushed();
      const records = await readAll(store);
      expect(told).toEqual(records);
      expect(records).toMatchObject([{ time: 0, changes: [{ to: ['18446744073709551616', null, odd] }] }]);
      await store.close();
    });

    it('sets a row with a wrong value aside, by name, and writes all else', async () => {
      const store = await (await make()).open();
      store.committer.commit({
        rows: [vmRow('bad', { utcDiff: 1.5 }), vmRow('good')],
        records: [vmChange('bad', 'x')],
      });
      store.committer.commit({ rows: [vmRow('worse', { status: 'Dancing' as 'Up' })], records: [] });
      await store.committer.flushed();
      expect((await loadAll(store, 'vm_dynamic')).map((row) => row.id)).toEqual(['good']);
      expect(await readAll(store)).toHaveLength(1);
      expect(store.committer.state().setAside).toEqual([
        { kind: 'vm_dynamic', key: '["bad"]', message: 'utc_diff: 1.5 is not a whole number within ±2^53' },
        { kind: 'vm_dynamic', key: '["worse"]', message: 'status: "Dancing" is not a known name' },
      ]);
      store.committer.commit({ rows: [vmRow('bad'), vmRow('worse')], records: [] });
      await store.committer.flushed();
      expect(store.committer.state().setAside).toEqual([]);
      expect((await loadAll(store, 'vm_dynamic')).map((row) => row.id)).toEqual(['bad', 'good', 'worse']);
      await store.close();
    });

    it('finds the rows that the database itself refuses, and writes all else with all records', async () => {
      const harness = await make();
      const store = await harness.open();
      const told = seen(store);
      for (const i of range(300)) {
        const set = vmSet(`vm-${i}`, `os ${i}`);
        store.committer.commit(
          i % 100 === 50 ? { ...set, rows: [...set.rows, harness.refusable(`refused ${i} `)] } : set,
        );
      }
      await store.committer.flushed();
      expect(told.map((record) => record.seq)).toEqual(range(300).map((i) => i + 1));
      expect(await loadAll(store, 'vm_dynamic')).toHaveLength(300);
      const { setAside, failingSince } = store.committer.state();
      expect(failingSince).toBeNull();
      expect(setAside.map((row) => [row.kind, row.key.slice(0, 13)]).sort()).toEqual([
        ['vm_jobs', '["refused 150'],
        ['vm_jobs', '["refused 250'],
        ['vm_jobs', '["refused 50 '],
      ]);
      for (const row of setAside) expect(row.message).not.toBe('');
      // The same again, beside a good one: known culprits are asked about first.
      store.committer.commit({
        rows: [harness.refusable('refused 50 '), vmRow('vm-301')],
        records: [vmChange('x', 1)],
      });
      await store.committer.flushed();
      expect(await loadAll(store, 'vm_dynamic')).toHaveLength(301);
      expect(store.committer.state().setAside).toHaveLength(3);
      await store.close();
    });
  });

  describe(`${name}: the log`, () => {
    it('is read forwards and backwards from any place', async () => {
      const store = await (await make()).open();
      expect(await store.logReader.bounds()).toEqual({ oldest: { epoch: 1, seq: 0 }, head: { epoch: 1, seq: 0 } });
      expect(await store.logReader.read(START, 10)).toEqual([]);
      expect(await store.logReader.readBackwards(null, 10)).toEqual([]);
      store.committer.commit({ rows: [], records: range(25).map((i) => vmChange(`vm-${i}`, i)) });
      await store.committer.flushed();
      const numbers = (records: readonly LogRecord[]): number[] => records.map((record) => record.seq);
      expect(numbers(await store.logReader.read({ epoch: 1, seq: 0 }, 3))).toEqual([1, 2, 3]);
      expect(numbers(await store.logReader.read({ epoch: 1, seq: 23 }, 3))).toEqual([24, 25]);
      expect(await store.logReader.read({ epoch: 1, seq: 25 }, 3)).toEqual([]);
      expect(numbers(await store.logReader.readBackwards(null, 3))).toEqual([25, 24, 23]);
      expect(numbers(await store.logReader.readBackwards({ epoch: 1, seq: 3 }, 3))).toEqual([2, 1]);
      expect(await store.logReader.readBackwards({ epoch: 1, seq: 1 }, 3)).toEqual([]);
      expect(await store.logReader.bounds()).toEqual({ oldest: { epoch: 1, seq: 0 }, head: { epoch: 1, seq: 25 } });
      await store.close();
    });

    it('refuses cursors of the future and of another history', async () => {
      const harness = await make();
      const store = await harness.open();
      store.committer.commit(vmSet('vm-1', 'os'));
      await store.committer.flushed();
      const invalid = { code: 'CURSOR_INVALID' };
      await expect(store.logReader.read({ epoch: 1, seq: 2 }, 1)).rejects.toMatchObject(invalid);
      await expect(store.logReader.read({ epoch: 2, seq: 1 }, 1)).rejects.toMatchObject(invalid);
      await expect(store.logReader.readBackwards({ epoch: 1, seq: 2 }, 1)).rejects.toMatchObject(invalid);
      // Epoch 2 begins at number 1; "e1.2" would be a record that epoch 1 never wrote.
      const next = await harness.open({ takeOver: true });
      next.committer.commit(vmSet('vm-1', 'os 2'));
      next.committer.commit(vmSet('vm-1', 'os 3'));
      await next.committer.flushed();
      await expect(next.logReader.read({ epoch: 1, seq: 2 }, 1)).rejects.toMatchObject(invalid);
      await expect(next.logReader.read({ epoch: 2, seq: 0 }, 1)).rejects.toMatchObject(invalid);
      expect(await next.logReader.read({ epoch: 1, seq: 1 }, 5)).toHaveLength(2);
      expect(await next.logReader.read({ epoch: 2, seq: 1 }, 5)).toHaveLength(2);
      await Promise.all([store.close(), next.close()]);
    });

    it('forgets its beginning on demand, and says so to those who come from there', async () => {
      const store = await (await make()).open();
      store.committer.commit({ rows: [], records: range(20).map((i) => vmChange('vm-1', i, T0 + i * 1000)) });
      await store.committer.flushed();
      expect(await store.removeRecords({ keep: 100 })).toBe(0);
      expect(await store.removeRecords({ olderThan: T0 + 5000 })).toBe(5);
      expect(await store.removeRecords({ olderThan: T0 + 5000 })).toBe(0);
      expect(await store.removeRecords({ keep: 12 })).toBe(3);
      const { oldest, head } = await store.logReader.bounds();
      // Of every number between the bounds something is known, of others nothing.
      const peeked = await Promise.all(
        [oldest.seq, oldest.seq + 1, head.seq, head.seq + 1].map((seq) => store.logReader.peek(seq)),
      );
      const [first] = await store.logReader.read(oldest, 1);
      expect(peeked).toEqual([null, { epoch: 1, time: first?.time }, { epoch: 1, time: expect.any(Number) }, null]);
      expect([formatCursor(oldest), formatCursor(head)]).toEqual(['e1.8', 'e1.20']);
      expect(await store.logReader.read(oldest, 100)).toHaveLength(12);
      expect(await store.logReader.readBackwards(null, 100)).toHaveLength(12);
      expect(await store.logReader.readBackwards({ epoch: 1, seq: 3 }, 100)).toEqual([]);
      await expect(store.logReader.read({ epoch: 1, seq: 7 }, 1)).rejects.toMatchObject({
        code: 'CURSOR_TOO_OLD',
        details: { gap: 1 },
      });
      expect(await store.removeRecords({ olderThan: T0 + 1_000_000 })).toBe(12);
      expect(await store.logReader.bounds()).toEqual({ oldest: { epoch: 1, seq: 20 }, head: { epoch: 1, seq: 20 } });
      expect(await store.logReader.read({ epoch: 1, seq: 20 }, 1)).toEqual([]);
      store.committer.commit(vmSet('vm-1', 'more'));
      await store.committer.flushed();
      expect((await store.logReader.read({ epoch: 1, seq: 20 }, 5)).map((record) => record.cursor)).toEqual(['e1.21']);
      await store.close();
    });
  });

  describe(`${name}: life`, () => {
    it('goes on after a restart, in the same epoch', async () => {
      const harness = await make();
      const first = await harness.open();
      first.committer.commit(vmSet('vm-1', 'os 1'));
      await first.close();
      const second = await harness.open();
      expect((await loadAll(second, 'vm_dynamic')).map((row) => row.guestOs)).toEqual(['os 1']);
      second.committer.commit(vmSet('vm-1', 'os 2'));
      await second.committer.flushed();
      expect((await readAll(second)).map((record) => record.cursor)).toEqual(['e1.1', 'e1.2']);
      await second.close();
    });

    it('fences a writer that lives when another one takes over', async () => {
      const harness = await make();
      const first = await harness.open();
      first.committer.commit(vmSet('vm-1', 'os 1'));
      await first.committer.flushed();
      const second = await harness.open({ takeOver: true });
      first.committer.commit(vmSet('vm-1', 'of the fenced one'));
      await expect(first.committer.flushed()).rejects.toMatchObject({ code: 'DATABASE_FENCED' });
      first.committer.commit(vmSet('vm-1', 'of the fenced one'));
      await expect(first.committer.flushed()).rejects.toMatchObject({ code: 'DATABASE_FENCED' });
      expect(first.committer.state().failingSince).not.toBeNull();
      expect(first.committer.state().lastError).toMatch(/does not write any more|took the log over/);
      second.committer.commit(vmSet('vm-1', 'os 2'));
      await second.committer.flushed();
      await first.close();
      second.committer.commit(vmSet('vm-1', 'os 3'));
      await second.committer.flushed();
      expect((await readAll(second)).map((record) => record.cursor)).toEqual(['e1.1', 'e2.2', 'e2.3']);
      expect((await loadAll(second, 'vm_dynamic')).map((row) => row.guestOs)).toEqual(['os 3']);
      await second.close();
    });

    it('keeps everything while the database is away, and writes it in order when it is back', async () => {
      const harness = await make();
      const store = await harness.open({ retry: { firstMs: 10, mostMs: 50 } });
      const told = seen(store);
      store.committer.commit(vmSet('vm-1', 'os 0'));
      await store.committer.flushed();
      await harness.away();
      for (const i of range(20)) store.committer.commit(vmSet('vm-1', `os ${i + 1}`));
      const flushed = store.committer.flushed();
      await harness.until(() => store.committer.state().failingSince !== null);
      expect(store.committer.state()).toMatchObject({ waitingRecords: 20, waitingRows: 1 });
      expect(store.committer.state().lastError).not.toBe('');
      store.committer.commit(vmSet('vm-2', 'os 21'));
      await harness.back();
      let done = false;
      void flushed.then(() => {
        done = true;
      });
      await harness.until(() => done);
      await store.committer.flushed();
      expect(store.committer.state()).toMatchObject({ failingSince: null, lastError: null, waitingRecords: 0 });
      expect(told.map((record) => record.kind === 'change' && record.changes[0]?.to)).toEqual(
        range(22).map((i) => `os ${i}`),
      );
      expect(await readAll(store)).toEqual(told);
      await store.close();
    });

    it('writes what waits when it is stopped, then takes nothing more', async () => {
      const harness = await make();
      const store = await harness.open({ lingerMs: 1000 });
      const told = seen(store);
      let completed = false;
      store.committer.committed$.subscribe({
        complete: () => {
          completed = true;
        },
      });
      store.committer.commit(vmSet('vm-1', 'os'));
      const flushed = store.committer.flushed();
      await Promise.all([store.committer.stop(), store.committer.stop()]);
      await flushed;
      expect(told).toHaveLength(1);
      expect(completed).toBe(true);
      store.committer.commit(vmSet('vm-1', 'late'));
      await expect(store.committer.flushed()).rejects.toMatchObject({ code: 'STOPPED' });
      expect(told).toHaveLength(1);
      await store.close();
      await store.close();
    });

    it('gives up what cannot be written by the deadline of its stop', async () => {
      const harness = await make();
      const store = await harness.open({ stopWithinMs: 300, retry: { firstMs: 10, mostMs: 50 } });
      await harness.away();
      store.committer.commit(vmSet('vm-1', 'os'));
      const flushed = expect(store.committer.flushed()).rejects.toMatchObject({ code: 'STOPPED' });
      let stopped = false;
      void store.committer.stop().then(() => {
        stopped = true;
      });
      await harness.until(() => stopped);
      await flushed;
      expect(store.committer.state()).toMatchObject({ waitingRecords: 1, waitingRows: 1 });
      await harness.back();
      await store.close();
    });
  });
}
