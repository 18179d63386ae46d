import { describe, expect, it } from 'vitest';
import {
  initialLiveness,
  initialRow,
  type VdsUsage,
  type VmUsage,
  vdsStatisticsFields,
  vmStatisticsFields,
} from '../../src/model/index.js';
import { type Division, HostSets } from '../../src/repository/index.js';
import { host, vm } from '../support/entities.js';

const facts = { lost: () => false, intervalMs: () => 15_000, leastIntervalMs: () => 15_000, synced: () => true };
const vdsUsage = (id: string): VdsUsage => ({
  statistics: { ...initialRow(vdsStatisticsFields), id },
  interfaces: [],
  numaNodes: [],
});
const vmUsage = (id: string): VmUsage => ({
  statistics: { ...initialRow(vmStatisticsFields), id },
  interfaces: [],
  disks: [],
  migrationProgress: 40,
});

/** h1 in c1, h2 in c2, h3 in c3; v1 on h1. */
function setup(division: Division) {
  const sets = new HostSets(division, facts);
  for (const n of [1, 2, 3]) sets.putHost(host(`h${n}`, 'Up', { static: { clusterId: `c${n}` } }));
  sets.putVm(vm('v1', 'Up', { runOnVds: 'h1' }));
  const setNames = (): string[] => [...sets.all].map((set) => set.name);
  const setOf = (id: string): string | undefined => (sets.setOfVm(id) ?? sets.setOfHost(id))?.name;
  return { sets, setNames, setOf };
}

describe('division', () => {
  it.each<[string, Division, string[]]>([
    ['system: one set', 'system', ['system']],
    ['cluster: one per cluster', 'cluster', ['c1', 'c2', 'c3']],
    ['a function: as it says', (id) => (id === 'c3' ? 'lab' : 'prod'), ['prod', 'lab']],
  ])('%s', (_, division, names) => {
    const { setNames, sets } = setup(division);
    expect(setNames()).toEqual(names);
    expect([...sets.hosts.ids()]).toEqual(['h1', 'h2', 'h3']);
  });

  it.each<Division>(['system', 'cluster'])('is not seen through the readers: %s', (division) => {
    const { sets } = setup(division);
    sets.putVm(vm('v2', 'Paused', { runOnVds: 'h2', static: { clusterId: 'c2' } }));
    sets.setOfHost('h2')?.vms.noteReport('h2', 1000, () => true);
    sets.setOfHost('h2')?.vms.setUnsettled('v2', 'h2', { reason: 'failed', since: 5 });
    sets.setOfHost('h2')?.vms.setUsage('v2', vmUsage('v2'));
    expect([sets.hosts.size, sets.vms.size, [...sets.vms.ids()]]).toEqual([3, 2, ['v1', 'v2']]);
    expect([...sets.hosts.byStatus('Up')].toSorted()).toEqual(['h1', 'h2', 'h3']);
    expect([...sets.hosts.byCluster('c2')]).toEqual(['h2']);
    expect([[...sets.vms.byHost('h2')], [...sets.vms.byStatus('Paused')], [...sets.vms.byCluster('c2')]]).toEqual([
      ['v2'],
      ['v2'],
      ['v2'],
    ]);
    expect([sets.vms.heardAt('v2'), sets.vms.freshness('v2', 1000)]).toEqual([1000, 'live']);
    expect(sets.vms.unsettled('v2')).toEqual({ reason: 'failed', since: 5 });
    expect(sets.vms.usage('v2')).toEqual(vmUsage('v2'));
    expect([sets.hostsNamed('h2'), sets.vmsNamed('v2'), sets.vmsNamed('nobody')]).toEqual([['h2'], ['v2'], []]);
  });

  it('answers for what nobody holds', () => {
    const { sets } = setup('cluster');
    expect([sets.hosts.get('x'), sets.hosts.usage('x'), sets.hosts.liveness('x')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([sets.vms.get('x'), sets.vms.usage('x'), sets.vms.unsettled('x')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([sets.vms.heardAt('x'), sets.vms.freshness('x', 0)]).toEqual([null, 'unknown']);
    expect([sets.setOfHost('x'), sets.setOfVm('x')]).toEqual([undefined, undefined]);
  });
});

describe('a VM', () => {
  it('stands in the set of its host, whatever its own cluster', () => {
    const { sets, setOf } = setup('cluster');
    sets.putVm(vm('v2', 'Up', { runOnVds: 'h2', static: { clusterId: 'c1' } }));
    expect([setOf('v1'), setOf('v2')]).toEqual(['c1', 'c2']);
  });

  it('that runs nowhere begins in the set of its cluster, and stays where it was', () => {
    const { sets, setOf } = setup('cluster');
    sets.putVm(vm('v2', 'Down', { static: { clusterId: 'c3' } }));
    sets.putVm(vm('v1', 'Down', { static: { clusterId: 'c3' } }));
    expect([setOf('v2'), setOf('v1')]).toEqual(['c3', 'c1']);
  });

  it('goes to the set of the host that runs it, with its usage', () => {
    const { sets, setOf } = setup('cluster');
    sets.setOfVm('v1')?.vms.setUsage('v1', vmUsage('v1'));
    sets.putVm(vm('v1', 'Up', { runOnVds: 'h2' }));
    expect(setOf('v1')).toBe('c2');
    expect(sets.vms.usage('v1')).toEqual(vmUsage('v1'));
    expect(sets.setOfCluster('c1').vms.get('v1')).toBeUndefined();
    expect([[...sets.vms.byHost('h1')], [...sets.vms.byHost('h2')]]).toEqual([[], ['v1']]);
  });

  it('does not look fresher because the other set’s host has reported lately', () => {
    const { sets } = setup('cluster');
    sets.setOfHost('h1')?.vms.noteReport('h1', 1000, () => true);
    sets.setOfHost('h2')?.vms.noteReport('h2', 90_000, () => false);
    sets.putVm(vm('v1', 'MigratingTo', { runOnVds: 'h2' }));
    expect([sets.vms.heardAt('v1'), sets.vms.freshness('v1', 90_000)]).toEqual([1000, 'stale']);
    sets.setOfHost('h2')?.vms.noteReport('h2', 91_000, (id) => id === 'v1');
    expect(sets.vms.heardAt('v1')).toBe(91_000);
  });

  it.each<Division>(['system', 'cluster'])('that moves has not ended for its watchers: %s', (division) => {
    const { sets } = setup(division);
    const told: (string | null | undefined)[] = [];
    const stop = sets.setOfVm('v1')?.vms.watch('v1', (current) => told.push(current?.dynamic.runOnVds));
    sets.putVm(vm('v1', 'Up', { runOnVds: 'h2' }));
    sets.putVm(vm('v1', 'Paused', { runOnVds: 'h2' }));
    expect(told).toEqual(['h2', 'h2']);
    stop?.();
    sets.deleteVm('v1');
    expect(told).toEqual(['h2', 'h2']);
  });

  it('can be looked up by those who are told of it', () => {
    const { sets } = setup('cluster');
    const seen: unknown[] = [];
    sets.setOfVm('v1')?.vms.watch('v1', (current) => seen.push(sets.vms.get('v1') === current));
    sets.putVm(vm('v1', 'Up', { runOnVds: 'h2' }));
    expect(seen).toEqual([true]);
  });

  it('is forgotten when deleted', () => {
    const { sets } = setup('cluster');
    sets.deleteVm('v1');
    sets.deleteVm('v1');
    expect([sets.vms.size, sets.vms.get('v1'), sets.setOfVm('v1')]).toEqual([0, undefined, undefined]);
  });
});

describe('a host', () => {
  const toCluster2 = host('h1', 'Up', { static: { clusterId: 'c2' } });

  it('takes its VMs along when its cluster changes, and all that is known of both', () => {
    const { sets, setOf } = setup('cluster');
    const before = sets.setOfHost('h1')!;
    before.vds.setUsage('h1', vdsUsage('h1'));
    before.vds.setLiveness('h1', initialLiveness(77));
    before.vms.setUsage('v1', vmUsage('v1'));
    before.vms.noteReport('h1', 1000, () => true);
    before.vms.setUnsettled('v1', 'h1', { reason: 'missing', misses: 1, since: 900, lastSeq: 3 });
    sets.putHost(toCluster2);
    expect([setOf('h1'), setOf('v1')]).toEqual(['c2', 'c2']);
    expect([sets.hosts.usage('h1'), sets.hosts.liveness('h1')]).toEqual([vdsUsage('h1'), initialLiveness(77)]);
    expect([sets.vms.usage('v1'), sets.vms.heardAt('v1')]).toEqual([vmUsage('v1'), 1000]);
    expect(sets.vms.unsettled('v1')).toMatchObject({ reason: 'missing', misses: 1 });
    expect([...sets.setOfHost('h1')!.vms.unsettledOn('h1')]).toEqual(['v1']);
    expect([before.vds.size, before.vms.size]).toEqual([0, 0]);
    expect([...sets.hosts.byCluster('c1')]).toEqual([]);
  });

  it('leaves no old report behind for VMs that come to the set later', () => {
    const { sets } = setup('cluster');
    sets.setOfHost('h1')?.vms.noteReport('h1', 1000, () => true);
    sets.putHost(toCluster2);
    sets.putHost(host('h1', 'Up', { static: { clusterId: 'c1' } }));
    sets.putVm(vm('v2', 'Up', { runOnVds: 'h1' }));
    expect([sets.vms.heardAt('v1'), sets.vms.heardAt('v2')]).toEqual([1000, null]);
  });

  it('that moves has not ended for its watchers', () => {
    const { sets } = setup('cluster');
    const told: (string | undefined)[] = [];
    sets.setOfHost('h1')?.vds.watch('h1', (current) => told.push(current?.static.clusterId));
    sets.putHost(toCluster2);
    sets.deleteHost('h1');
    expect(told).toEqual(['c2', undefined]);
  });

  it('is forgotten when deleted; its VMs are whoever’s deletes it', () => {
    const { sets } = setup('cluster');
    const set = sets.setOfHost('h1')!;
    set.vms.noteReport('h1', 1000, () => true);
    sets.deleteHost('h1');
    sets.deleteHost('h1');
    expect([sets.hosts.get('h1'), sets.setOfHost('h1'), sets.hosts.size]).toEqual([undefined, undefined, 2]);
    expect([sets.vms.get('v1')?.id, sets.vms.heardAt('v1')]).toEqual(['v1', null]);
  });
});
