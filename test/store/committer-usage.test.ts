import { describe, expect, it } from 'vitest';
import type { VmColumns } from '../../src/model/index.js';
import { UsageTable } from '../../src/repository/usage-table.js';
import { DataRefused } from '../../src/store/flush-target.js';
import { setup, unreachable } from './fake-target.js';
import { deletionOf, usageOf, vmChange, vmSet, vmStatistics } from './samples.js';

function vms(...ids: string[]): VmColumns[] {
  const table = new UsageTable();
  return ids.map((id) => {
    const columns = table.create(id);
    table.load(columns, usageOf(id, ['aa'], [`${id}-a`]));
    return columns;
  });
}

const many = (count: number): VmColumns[] => vms(...Array.from({ length: count }, (_, i) => `vm-${i}`));

type Written = readonly { readonly usage?: readonly VmColumns[] }[];
const idsOf = (batches: Written): string[][] => batches.map(({ usage = [] }) => usage.map(({ vmId }) => vmId));

describe('usage of VMs', () => {
  it('goes last, in portions, each VM once', async () => {
    const { target, committer } = setup({ flush: { records: 10, rows: 10, statistics: 4 } });
    const all = many(6);
    committer.usage(all);
    committer.usage(all.slice(0, 3));
    committer.commit(vmSet('vm-1', 'os'));
    committer.commit({ rows: [vmStatistics('other', 1)], records: [] });
    expect(committer.state()).toMatchObject({ waitingRows: 8, waitingRecords: 1 });
    await committer.flushed();
    expect(target.written.map(({ rows, records }) => [rows.length, records.length])).toEqual([
      [2, 1],
      [0, 0],
      [0, 0],
    ]);
    expect(idsOf(target.written)).toEqual([[], ['vm-0', 'vm-1', 'vm-2', 'vm-3'], ['vm-4', 'vm-5']]);
    expect(committer.state()).toMatchObject({ waitingRows: 0, waitingRecords: 0, flushes: 3 });
  });

  it('starts a flush by itself, and is waited for', async () => {
    const { time, target, committer } = setup({ lingerMs: 10 });
    const open = target.shut();
    committer.usage(many(1));
    await time.runFor(10);
    expect(target.calls).toBe(1);
    expect(committer.state().waitingRows).toBe(1);
    let done = false;
    void committer.flushed().then(() => {
      done = true;
    });
    await time.runFor(10);
    expect(done).toBe(false);
    open();
    await time.runFor(10);
    expect(done).toBe(true);
  });

  it('is bounded by the VMs while the database is away, and tried again', async () => {
    const { time, target, committer } = setup({ retry: { firstMs: 10, mostMs: 10 } });
    target.failures.push(unreachable(), unreachable(), unreachable());
    const all = many(5);
    committer.usage(all);
    await time.runFor(10);
    for (let i = 0; i < 20; i++) committer.usage(all);
    expect(committer.state().waitingRows).toBe(10);
    await time.runFor(1000);
    expect(idsOf(target.written).map((ids) => ids.length)).toEqual([5, 5]);
  });

  it('is written once of a VM that has changed ways again and again while the database was away', async () => {
    const { time, target, committer } = setup({ retry: { firstMs: 10_000, mostMs: 10_000 } });
    target.failures.push(unreachable());
    const [other, columns] = vms('other', 'vm-1') as [VmColumns, VmColumns];
    committer.commit(vmSet('vm-9', 'os'));
    await time.runFor(10);
    committer.usage([other]);
    for (let i = 0; i < 2500; i++) {
      committer.commit({ rows: [vmStatistics('vm-1', i)], records: [] });
      committer.usage([columns]);
    }
    expect(committer.state().waitingRows).toBe(3);
    await time.runFor(20_000);
    expect(idsOf(target.written).flat()).toEqual(['other', 'vm-1']);
    expect(target.written.flatMap(({ rows }) => rows)).toHaveLength(1);
  });

  it('of what waits of one VM the last counts: its usage, its row, or that it is gone', async () => {
    const { target, committer } = setup();
    const [one, two, three] = vms('vm-1', 'vm-2', 'vm-3') as [VmColumns, VmColumns, VmColumns];
    committer.usage([one, two, three]);
    committer.commit({ rows: [vmStatistics('vm-1', 1)], records: [] });
    committer.commit({ rows: [deletionOf(vmStatistics('vm-2', 1))], records: [vmChange('vm-2', 'gone')] });
    committer.commit({ rows: [vmStatistics('vm-3', 1)], records: [] });
    committer.usage([three]);
    await committer.flushed();
    expect(idsOf(target.written)).toEqual([['vm-3']]);
    expect(target.written.flatMap(({ rows }) => rows.map(({ key }) => key))).toEqual(['["vm-2"]', '["vm-1"]']);
  });

  it('sets VMs aside that are refused, until one goes through', async () => {
    const { target, committer } = setup();
    target.refusesVm = (id) => id === 'vm-3';
    committer.usage(many(10));
    await committer.flushed();
    expect(committer.state().setAside).toEqual([{ kind: 'vm_statistics', key: '["vm-3"]', message: 'too large' }]);
    expect(idsOf(target.written)[0]).toHaveLength(9);
    const probes = target.probes.length;
    committer.usage(many(10));
    await committer.flushed();
    // The one that was refused before is asked about first.
    expect(target.probes.length).toBe(probes + 1);
    target.refusesVm = () => false;
    committer.usage(many(10));
    await committer.flushed();
    expect(committer.state().setAside).toEqual([]);
  });

  it('is dropped after the end, as all else', async () => {
    const { target, committer } = setup();
    await committer.stop();
    committer.usage(many(1));
    expect(committer.state().waitingRows).toBe(0);
    expect(target.calls).toBe(0);
  });

  it('an error that no VM is at fault for is not laid on one', async () => {
    const { time, target, committer } = setup({ retry: { firstMs: 10, mostMs: 10 } });
    target.failures.push(new DataRefused('something'));
    committer.usage(many(3));
    await time.runFor(100);
    expect(committer.state().setAside).toEqual([]);
    expect(idsOf(target.written).flat()).toHaveLength(3);
  });
});
