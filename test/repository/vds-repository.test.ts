import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  initialLiveness,
  initialRow,
  type VdsStatus,
  type VdsUsage,
  vdsStatisticsFields,
} from '../../src/model/index.js';
import { VdsRepository } from '../../src/repository/index.js';
import { host } from '../support/entities.js';

const usage = (id: string): VdsUsage => ({
  statistics: { ...initialRow(vdsStatisticsFields), id },
  interfaces: [],
  numaNodes: [],
});

describe('VdsRepository', () => {
  it('is empty at first', () => {
    const hosts = new VdsRepository();
    expect(hosts.size).toBe(0);
    expect([hosts.get('h1'), hosts.usage('h1'), hosts.liveness('h1')]).toEqual([undefined, undefined, undefined]);
    expect([...hosts.ids(), ...hosts.byStatus('Up'), ...hosts.byCluster('c1')]).toEqual([]);
    expect(hosts.delete('h1')).toBe(false);
  });

  it('finds a host under what it is now, and no longer under what it was', () => {
    const hosts = new VdsRepository();
    hosts.put(host('h1', 'Up'));
    hosts.put(host('h2', 'Up', { static: { clusterId: 'c2' } }));
    expect([...hosts.byStatus('Up')]).toEqual(['h1', 'h2']);
    hosts.put(host('h1', 'Connecting', { static: { clusterId: 'c2', name: 'new' } }));
    expect([...hosts.byStatus('Up')]).toEqual(['h2']);
    expect([...hosts.byStatus('Connecting')]).toEqual(['h1']);
    expect([...hosts.byCluster('c1')]).toEqual([]);
    expect([...hosts.byCluster('c2')].toSorted()).toEqual(['h1', 'h2']);
  });

  it('keeps its indexes as a scan would find them, whatever happens', () => {
    const statuses: VdsStatus[] = ['Up', 'Connecting', 'Maintenance'];
    const clusters = ['c1', 'c2'];
    const put = fc.record({
      id: fc.constantFrom('h1', 'h2', 'h3'),
      status: fc.constantFrom(...statuses),
      clusterId: fc.constantFrom(...clusters),
      gone: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(put), (steps) => {
        const hosts = new VdsRepository();
        for (const { id, status, clusterId, gone } of steps) {
          if (gone) hosts.delete(id);
          else hosts.put(host(id, status, { static: { clusterId } }));
          const all = [...hosts.ids()].map((each) => hosts.get(each)!);
          expect(hosts.size).toBe(all.length);
          for (const each of statuses) {
            const found = all.filter((h) => h.dynamic.status === each).map((h) => h.id);
            expect([...hosts.byStatus(each)].toSorted()).toEqual(found.toSorted());
          }
          for (const each of clusters) {
            const found = all.filter((h) => h.static.clusterId === each).map((h) => h.id);
            expect([...hosts.byCluster(each)].toSorted()).toEqual(found.toSorted());
          }
        }
      }),
    );
  });

  it('forgets everything of a host that is deleted', () => {
    const hosts = new VdsRepository();
    hosts.put(host('h1'));
    hosts.setUsage('h1', usage('h1'));
    hosts.setLiveness('h1', initialLiveness(5));
    expect([hosts.usage('h1'), hosts.liveness('h1')]).toEqual([usage('h1'), initialLiveness(5)]);
    expect(hosts.delete('h1')).toBe(true);
    hosts.put(host('h1'));
    expect([hosts.usage('h1'), hosts.liveness('h1')]).toEqual([undefined, undefined]);
  });

  it('keeps nothing about a host that it does not hold', () => {
    const hosts = new VdsRepository();
    hosts.setUsage('h9', usage('h9'));
    hosts.setLiveness('h9', initialLiveness(5));
    hosts.put(host('h9'));
    expect([hosts.usage('h9'), hosts.liveness('h9')]).toEqual([undefined, undefined]);
  });
});

describe('read view', () => {
  it('stays as it was, and is shared until something changes', () => {
    const hosts = new VdsRepository();
    const first = host('h1');
    hosts.put(first);
    const view = hosts.view();
    expect(hosts.view()).toBe(view);
    hosts.put(host('h1', 'Connecting'));
    hosts.put(host('h2'));
    expect(view.all).toEqual([first]);
    const next = hosts.view();
    expect(next.all.map((h) => h.dynamic.status)).toEqual(['Connecting', 'Up']);
    expect(next.version).toBeGreaterThan(view.version);
  });

  it('does not change for the same object, nor for usage and liveness, which are not in it', () => {
    const hosts = new VdsRepository();
    const same = host('h1');
    hosts.put(same);
    const view = hosts.view();
    hosts.put(same);
    hosts.setUsage('h1', usage('h1'));
    hosts.setLiveness('h1', initialLiveness(0));
    expect(hosts.view()).toBe(view);
    hosts.delete('h1');
    expect(hosts.view().all).toEqual([]);
  });
});

describe('watchers', () => {
  /** What a watcher of h1 was told, as statuses. */
  function watched(hosts: VdsRepository) {
    const told: (VdsStatus | undefined)[] = [];
    return { told, stop: hosts.watch('h1', (current) => told.push(current?.dynamic.status)) };
  }

  it('are told of each change of their entity, and of its end', () => {
    const hosts = new VdsRepository();
    const { told } = watched(hosts);
    hosts.put(host('h1', 'Unassigned'));
    hosts.put(host('h2', 'Up'));
    hosts.put(host('h1', 'Up'));
    hosts.delete('h1');
    expect(told).toEqual(['Unassigned', 'Up', undefined]);
  });

  it('are not told when nothing changed, nor after they stopped', () => {
    const hosts = new VdsRepository();
    const same = host('h1');
    const { told, stop } = watched(hosts);
    hosts.put(same);
    hosts.put(same);
    stop();
    stop();
    hosts.put(host('h1', 'Connecting'));
    expect(told).toEqual(['Up']);
  });

  it('see the new state in the repository when they are told', () => {
    const hosts = new VdsRepository();
    const seen: string[][] = [];
    hosts.watch('h1', () => seen.push([...hosts.byStatus('Up')]));
    hosts.put(host('h1', 'Up'));
    expect(seen).toEqual([['h1']]);
  });

  it('may stop each other, or watch anew, while they are told', () => {
    const hosts = new VdsRepository();
    const told: string[] = [];
    const stopFirst = hosts.watch('h1', () => {
      told.push('first');
      stopFirst();
      hosts.watch('h1', () => told.push('third'));
    });
    hosts.watch('h1', () => told.push('second'));
    hosts.put(host('h1', 'Up'));
    hosts.put(host('h1', 'Connecting'));
    expect(told).toEqual(['first', 'second', 'second', 'third']);
  });
});
