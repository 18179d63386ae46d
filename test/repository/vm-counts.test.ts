import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { PauseStatus, VmStatus } from '../../src/model/index.js';
import { notRunning, pauseIsError } from '../../src/model/index.js';
import { type Division, HostSets } from '../../src/repository/index.js';
import { host, vm } from '../support/entities.js';

const hosts = ['h1', 'h2', 'h3'];
const ids = ['v1', 'v2', 'v3', 'v4', 'v5'];
const statuses: VmStatus[] = ['Up', 'Paused', 'Down', 'Unknown', 'NotResponding', 'Suspended'];
const pauses: PauseStatus[] = ['NONE', 'EIO'];

const put = fc.record({
  does: fc.constant('put' as const),
  id: fc.constantFrom(...ids),
  status: fc.constantFrom(...statuses),
  pauseStatus: fc.constantFrom(...pauses),
  runOnVds: fc.constantFrom(...hosts, null),
  cluster: fc.constantFrom('c1', 'c2', null),
  ha: fc.constantFrom(true, null),
});
const gone = fc.record({ does: fc.constant('gone' as const), id: fc.constantFrom(...ids) });
const report = fc.record({
  does: fc.constant('report' as const),
  host: fc.constantFrom(...hosts),
  has: fc.subarray(ids),
});
const lost = fc.record({ does: fc.constant('lost' as const), host: fc.constantFrom(...hosts), is: fc.boolean() });
const moved = fc.record({
  does: fc.constant('moved' as const),
  host: fc.constantFrom(...hosts),
  cluster: fc.constantFrom('c1', 'c2'),
});

it.each<Division>(['system', 'cluster'])(
  'counts are what a look at each VM finds, whatever happens: %s',
  (division) => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(put, put, report, gone, lost, moved), { maxLength: 40 }),
        fc.boolean(),
        (steps, synced) => {
          const away = new Set<string>();
          const sets = new HostSets(division, {
            lost: (id) => away.has(id),
            intervalMs: (id) => (id === 'h3' ? 30_000 : 5000),
            leastIntervalMs: () => 5000,
            synced: () => synced,
          });
          for (const id of hosts) sets.putHost(host(id, 'Up', { static: { clusterId: id === 'h3' ? 'c2' : 'c1' } }));
          let now = 0;
          for (const step of steps) {
            now += 4000;
            if (step.does === 'gone') sets.deleteVm(step.id);
            else if (step.does === 'lost') away[step.is ? 'add' : 'delete'](step.host);
            else if (step.does === 'moved')
              sets.putHost(host(step.host, 'Up', { static: { clusterId: step.cluster } }));
            else if (step.does === 'put') {
              const { id, status, pauseStatus, runOnVds, cluster, ha } = step;
              sets.putVm(vm(id, status, { pauseStatus, runOnVds, static: { clusterId: cluster, ha } }));
            } else {
              const set = sets.setOfHost(step.host)!.vms;
              set.noteReport(step.host, now, (id) => step.has.includes(id));
              for (const id of set.byHost(step.host)) if (!step.has.includes(id)) set.noteMissing(id);
            }

            const all = [...sets.vms.ids()].map((id) => sets.vms.get(id)!);
            const fresh = all.map(({ id }) => sets.vms.freshness(id, now));
            const count = (what: string): number => fresh.filter((one) => one === what).length;
            const heard = all
              .filter((one, n) => fresh[n] === 'live' && !notRunning.has(one.dynamic.status))
              .flatMap(({ id }) => sets.vms.heardAt(id) ?? []);
            const notLive = new Map<string, number>();
            for (const [n, { dynamic }] of all.entries()) {
              if (fresh[n] === 'live' || dynamic.runOnVds === null) continue;
              notLive.set(dynamic.runOnVds, (notLive.get(dynamic.runOnVds) ?? 0) + 1);
            }
            const counts = sets.freshnessCounts(now);
            expect(counts).toMatchObject({ live: count('live'), stale: count('stale'), unknown: count('unknown') });
            expect(counts.oldestLiveAt).toBe(heard.length === 0 ? null : Math.min(...heard));
            expect(new Map([...counts.notLive].sort())).toEqual(new Map([...notLive].sort()));

            const idsOf = (test: (one: (typeof all)[number]) => boolean): string[] =>
              all
                .filter(test)
                .map(({ id }) => id)
                .toSorted();
            const errors = idsOf(({ dynamic: d }) => d.status === 'Paused' && pauseIsError.has(d.pauseStatus));
            expect([...sets.vmsInTrouble('pausedOnError')].toSorted()).toEqual(errors);
            expect([...sets.vmsInTrouble('notResponding')].toSorted()).toEqual(
              idsOf(({ dynamic }) => dynamic.status === 'NotResponding'),
            );
            const unknown = [...sets.unknownVms()].flatMap(([on, vms]) => [...vms].map((id) => `${id} ${on}`));
            expect(unknown.toSorted()).toEqual(
              all
                .filter(({ dynamic }) => dynamic.status === 'Unknown')
                .map(({ id, dynamic }) => `${id} ${dynamic.runOnVds}`)
                .toSorted(),
            );
            for (const status of statuses) {
              expect(sets.vmsThatAre(status)).toBe(idsOf(({ dynamic }) => dynamic.status === status).length);
            }
            for (const cluster of ['c1', 'c2']) {
              const lacks = all.some((one) => one.static.clusterId === cluster && one.static.ha === null);
              expect(sets.lacks('ha', cluster)).toBe(lacks);
            }
          }
        },
      ),
    );
  },
);
