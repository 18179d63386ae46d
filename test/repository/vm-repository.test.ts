import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { initialRow, type Unsettled, type VmStatus, type VmUsage, vmStatisticsFields } from '../../src/model/index.js';
import { VmRepository } from '../../src/repository/index.js';
import { vm } from '../support/entities.js';

/** No host is lost, and each reports every 15 s. */
const healthy = { lost: () => false, intervalMs: () => 15_000, leastIntervalMs: () => 15_000, synced: () => true };
const usage = (id: string): VmUsage => ({
  statistics: { ...initialRow(vmStatisticsFields), id },
  interfaces: [],
  disks: [],
  migrationProgress: null,
});
const missing = (lastSeq: number): Unsettled => ({ reason: 'missing', misses: 1, since: 0, lastSeq });

describe('VmRepository', () => {
  it('finds a VM under what it is now, and no longer under what it was', () => {
    const vms = new VmRepository(healthy);
    vms.put(vm('v1', 'Up', { runOnVds: 'h1' }));
    vms.put(vm('v1', 'Down', { runOnVds: null, static: { clusterId: 'c2', name: 'web' } }));
    expect([[...vms.byHost('h1')], [...vms.byStatus('Up')], [...vms.byCluster('c1')]]).toEqual([[], [], []]);
    expect([[...vms.byStatus('Down')], [...vms.byCluster('c2')]]).toEqual([['v1'], ['v1']]);
  });

  it('keeps its indexes as a scan would find them, whatever happens', () => {
    const hosts = ['h1', 'h2', null];
    const statuses: VmStatus[] = ['Up', 'Paused', 'Down'];
    const step = fc.record({
      id: fc.constantFrom('v1', 'v2', 'v3'),
      status: fc.constantFrom(...statuses),
      runOnVds: fc.constantFrom(...hosts),
      gone: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const vms = new VmRepository(healthy);
        for (const { id, status, runOnVds, gone } of steps) {
          if (gone) vms.delete(id);
          else vms.put(vm(id, status, { runOnVds }));
          const all = [...vms.ids()].map((each) => vms.get(each)!);
          for (const each of ['h1', 'h2']) {
            const found = all.filter((v) => v.dynamic.runOnVds === each).map((v) => v.id);
            expect([...vms.byHost(each)].toSorted()).toEqual(found.toSorted());
          }
          for (const each of statuses) {
            const found = all.filter((v) => v.dynamic.status === each).map((v) => v.id);
            expect([...vms.byStatus(each)].toSorted()).toEqual(found.toSorted());
          }
        }
      }),
    );
  });

  it('lets groups vanish with their last member', () => {
    const vms = new VmRepository(healthy);
    const none = vms.byHost('h1');
    vms.put(vm('v1'));
    expect(vms.byHost('h1')).not.toBe(none);
    vms.delete('v1');
    // The one empty set that is given for every key that has no group.
    expect(vms.byHost('h1')).toBe(none);
    expect(vms.byHost('never seen')).toBe(none);
  });

  it('holds usage of its VMs only', () => {
    const vms = new VmRepository(healthy);
    expect(() => vms.setUsage('v1', usage('v1'))).toThrow(RangeError);
    expect(vms.usage('v1')).toBeUndefined();
    vms.put(vm('v1'));
    vms.setUsage('v1', usage('v1'));
    expect(vms.usage('v1')).toEqual(usage('v1'));
    vms.dropUsage('v1');
    expect(vms.usage('v1')).toBeUndefined();
    vms.setUsage('v1', usage('v1'));
    vms.delete('v1');
    vms.put(vm('v1'));
    expect(vms.usage('v1')).toBeUndefined();
  });

  it('tells watchers of changes and of the end', () => {
    const vms = new VmRepository(healthy);
    const told: (VmStatus | undefined)[] = [];
    vms.watch('v1', (current) => told.push(current?.dynamic.status));
    vms.put(vm('v1', 'Up'));
    vms.put(vm('v1', 'Paused'));
    vms.delete('v1');
    vms.delete('v1');
    expect(told).toEqual(['Up', 'Paused', undefined]);
  });

  it('gives read views that stay as they were', () => {
    const vms = new VmRepository(healthy);
    vms.put(vm('v1', 'Up'));
    const view = vms.view();
    vms.put(vm('v1', 'Paused'));
    vms.put(vm('v2'));
    expect(view.all.map((v) => v.dynamic.status)).toEqual(['Up']);
    expect(vms.view().all.map((v) => v.dynamic.status)).toEqual(['Paused', 'Up']);
  });
});

describe('unsettled VMs', () => {
  const setup = () => {
    const vms = new VmRepository(healthy);
    vms.put(vm('v1'));
    return vms;
  };

  it('stand under the host whose report left them open', () => {
    const vms = setup();
    vms.setUnsettled('v1', 'h1', missing(1));
    expect(vms.unsettled('v1')).toEqual(missing(1));
    expect([...vms.unsettledOn('h1')]).toEqual(['v1']);
    vms.setUnsettled('v1', 'h1', missing(2));
    expect(vms.unsettled('v1')).toEqual(missing(2));
    vms.setUnsettled('v1', 'h1', null);
    expect([vms.unsettled('v1'), [...vms.unsettledOn('h1')]]).toEqual([undefined, []]);
  });

  it('are not settled by the report of another host', () => {
    const vms = setup();
    vms.setUnsettled('v1', 'h1', missing(1));
    vms.setUnsettled('v1', 'h2', null);
    expect([vms.unsettled('v1'), [...vms.unsettledOn('h1')]]).toEqual([missing(1), ['v1']]);
  });

  it('go from one host’s list to another’s', () => {
    const vms = setup();
    vms.setUnsettled('v1', 'h1', missing(1));
    vms.setUnsettled('v1', 'h2', { reason: 'command', since: 0 });
    expect([[...vms.unsettledOn('h1')], [...vms.unsettledOn('h2')]]).toEqual([[], ['v1']]);
  });

  it('are settled when they run elsewhere, are deleted, or the host is gone', () => {
    const moved = setup();
    moved.setUnsettled('v1', 'h1', missing(1));
    moved.put(vm('v1', 'Up', { runOnVds: 'h2' }));
    expect([moved.unsettled('v1'), [...moved.unsettledOn('h1')]]).toEqual([undefined, []]);

    const deleted = setup();
    deleted.setUnsettled('v1', 'h1', missing(1));
    deleted.delete('v1');
    expect([deleted.unsettled('v1'), [...deleted.unsettledOn('h1')]]).toEqual([undefined, []]);

    const gone = setup();
    gone.setUnsettled('v1', 'h1', missing(1));
    gone.forgetHost('h1');
    expect([gone.unsettled('v1'), [...gone.unsettledOn('h1')]]).toEqual([undefined, []]);
  });

  it('stay so while only their state changes', () => {
    const vms = setup();
    vms.setUnsettled('v1', 'h1', missing(1));
    vms.put(vm('v1', 'Paused'));
    expect(vms.unsettled('v1')).toEqual(missing(1));
  });
});
