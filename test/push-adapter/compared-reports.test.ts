import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reportDiffers, type VmReport, type VmStatsReport } from '../../src/model/index.js';
import { ComparedReports } from '../../src/push-adapter/compared-reports.js';
import { HostSets } from '../../src/repository/index.js';
import { host, vm } from '../support/entities.js';
import { RememberingReader, type Said } from '../support/remembering-reader.js';

const ids = ['v1', 'v2', 'v3', 'v4'];

function setup(division: 'system' | 'cluster' = 'system') {
  const sets = new HostSets(division, {
    lost: () => false,
    intervalMs: () => 15_000,
    leastIntervalMs: () => 15_000,
    synced: () => true,
  });
  sets.putHost(host('h1'));
  sets.putHost(host('h2', 'Up', { static: { clusterId: 'c2' } }));
  for (const id of ids) sets.putVm(vm(id, 'Up'));
  const asked: string[] = [];
  const counting = {
    get: (id: string) => {
      asked.push(id);
      return sets.vms.get(id);
    },
    byHost: (id: string) => sets.vms.byHost(id),
    revisionOf: (id: string) => sets.vms.revisionOf(id),
  };
  const compared = new ComparedReports();
  return {
    ...{ sets, compared },
    compare: (report: VmStatsReport): string[] => {
      asked.length = 0;
      return compared.differing('h1', report, counting).map(({ vmId }) => vmId);
    },
    absent: (report: VmStatsReport): string[] => compared.absent('h1', report, counting),
    /** VMs that had to be looked up. */
    asked,
  };
}

const said = (...statuses: string[]): Said[] =>
  statuses.map((status, i) => ({ vmId: ids[i]!, status: status as 'Up' }));

describe('ComparedReports', () => {
  it('look nothing up again while answers and VMs stay as they are', () => {
    const { compare, absent, asked } = setup();
    const reader = new RememberingReader();
    const all = said('Up', 'Up', 'Up', 'Up');
    compare(reader.read(all));
    expect(asked).toEqual(ids);
    compare(reader.read(all));
    expect(asked).toEqual(ids);
    for (let poll = 0; poll < 3; poll++) {
      const report = reader.read(all);
      expect([compare(report), absent(report)]).toEqual([[], []]);
      expect(asked).toEqual([]);
    }
  });

  it('tell again at every answer what differs, as long as it does', () => {
    const { compare, sets, asked } = setup();
    const reader = new RememberingReader();
    const all = said('Up', 'Paused', 'Up', 'Up');
    for (let poll = 0; poll < 3; poll++) expect(compare(reader.read(all))).toEqual(['v2']);
    sets.putVm(vm('v2', 'Paused'));
    expect(compare(reader.read(all))).toEqual([]);
    expect(compare(reader.read(all))).toEqual([]);
    expect(asked).toEqual([]);
  });

  it('see that the VM is another one, though its report is not', () => {
    const { compare, sets, absent } = setup();
    const reader = new RememberingReader();
    const all = said('Up', 'Up', 'Up');
    for (let poll = 0; poll < 3; poll++) compare(reader.read(all));
    sets.putVm(vm('v1', 'Paused'));
    sets.putVm(vm('v2', 'Up', { runOnVds: 'h2' }));
    sets.deleteVm('v3');
    const report = reader.read(all);
    expect(compare(report)).toEqual(['v1', 'v2', 'v3']);
    expect(absent(report)).toEqual(['v4']);
  });

  it('remember nothing of a reader without memory', () => {
    const { compare, asked } = setup();
    const all = said('Up', 'Up');
    for (let poll = 0; poll < 3; poll++) {
      expect(compare(new RememberingReader().read(all))).toEqual([]);
      expect(asked).toEqual(['v1', 'v2']);
    }
  });

  const change = fc.oneof(
    fc.record({
      kind: fc.constant('put' as const),
      id: fc.constantFrom(...ids),
      status: fc.constantFrom('Up', 'Paused', 'Down'),
    }),
    fc.record({ kind: fc.constant('move' as const), id: fc.constantFrom(...ids), to: fc.constantFrom('h1', 'h2') }),
    fc.record({ kind: fc.constant('delete' as const), id: fc.constantFrom(...ids) }),
    fc.record({ kind: fc.constant('nothing' as const) }),
  );
  const poll = fc.record({
    changes: fc.array(change, { maxLength: 2 }),
    /** The same as in the poll before. */
    again: fc.boolean(),
    listed: fc.array(
      fc.record({ vmId: fc.constantFrom(...ids), status: fc.constantFrom('Up' as const, 'Paused' as const) }),
      { maxLength: 5 },
    ),
    unreadable: fc.subarray(ids, { maxLength: 1 }),
    looked: fc.boolean(),
  });

  it.each(['system', 'cluster'] as const)(
    'are what comparing all of it would say, after any history: %s',
    (division) => {
      fc.assert(
        fc.property(fc.array(poll, { maxLength: 15 }), (polls) => {
          const { compare, absent, sets } = setup(division);
          const reader = new RememberingReader();
          let last: Said[] = [];
          let unread: readonly string[] = [];
          for (const { changes, again, listed, unreadable, looked } of polls) {
            for (const one of changes) {
              const stored = one.kind === 'nothing' ? undefined : sets.vms.get(one.id);
              if (one.kind === 'put') sets.putVm(vm(one.id, one.status as 'Up'));
              else if (one.kind === 'delete') sets.deleteVm(one.id);
              else if (one.kind === 'move' && stored !== undefined) {
                sets.putVm({ ...stored, dynamic: { ...stored.dynamic, runOnVds: one.to } });
              }
            }
            if (!again) {
              last = [...new Map(listed.map((one) => [one.vmId, one])).values()];
              unread = unreadable.filter((id) => !last.some((one) => one.vmId === id));
            }
            const report = reader.read(last, { unreadable: unread });
            // An answer that came to nothing: the reader has seen it, the comparison has not.
            if (!looked) continue;
            const plainly = report.all().filter((one: VmReport) => reportDiffers(sets.vms.get(one.vmId), one, 'h1'));
            expect(compare(report)).toEqual(plainly.map(({ vmId }) => vmId));
            // The push-adapter may compare twice.
            if (again) compare(report);
            expect(absent(report)).toEqual([...sets.vms.byHost('h1')].filter((id) => !report.has(id)));
          }
        }),
        { numRuns: process.env['VURTI_SOAK'] === '1' ? 20_000 : 500 },
      );
    },
  );
});
