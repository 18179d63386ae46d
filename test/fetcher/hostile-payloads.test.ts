import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeVdsCapabilities } from '../../src/fetcher/decode/vds-capabilities.js';
import { decodeVdsHardware } from '../../src/fetcher/decode/vds-hardware.js';
import { decodeVdsStats } from '../../src/fetcher/decode/vds-stats.js';
import { decodeVmStatusEvent } from '../../src/fetcher/decode/vm-event.js';
import { ParsedVmStatsReport } from '../../src/fetcher/decode/vm-stats-report.js';
import {
  guestInterfaceFields,
  numaNodeFields,
  type ReportProblem,
  type VmReport,
  vdsDynamicFields,
  vdsInterfaceFields,
  vdsStatisticsFields,
  vmDynamicFields,
  vmJobFields,
} from '../../src/model/index.js';
import { fixture, host, type Json } from './support/fixtures.js';
import { hostileValue, mutate, mutation } from './support/mutations.js';
import { dirt, misfits } from './support/storable.js';

const runs = { numRuns: 600 };

/** What of a VM's report does not fit the columns. */
function misfitsOf(vm: VmReport): string[] {
  const { nics, disks, ...figures } = vm.statistics() ?? {};
  return [
    ...misfits(vmDynamicFields, vm.dynamic),
    ...(vm.guestInterfaces() ?? []).flatMap((nic) => misfits(guestInterfaceFields, nic)),
    ...(vm.jobs() ?? []).flatMap((job) => misfits(vmJobFields, job)),
    ...dirt('statistics', [nics ?? [], disks ?? [], figures]),
  ];
}

function pollution(): string[] {
  const victim: Json = {};
  return victim['polluted'] === undefined && Object.keys(Object.prototype).length === 0
    ? []
    : ['Object.prototype is polluted'];
}

/** Problems go to logs: short lines without control characters. */
function unfitProblems(problems: readonly ReportProblem[]): string[] {
  return problems.map((p) => `${p.path} ${p.message}`).filter((line) => line.length > 900 || /\p{Cc}/u.test(line));
}

/** One VM of the answer as plain values, to be compared. */
function plain(vm: VmReport | undefined): unknown {
  return (
    vm && [
      vm.vmName,
      vm.status,
      vm.timestamp,
      vm.dynamic,
      vm.deviceHash,
      vm.statistics(),
      vm.guestInterfaces(),
      vm.jobs(),
    ]
  );
}

describe('an answer with one VM mutated at random', () => {
  const untouched = new ParsedVmStatsReport(host, fixture<unknown[]>('Host.getAllVmStats'));
  const ids = [...untouched.ids()];

  it('never throws, keeps every VM, and reads all others as if nothing had happened', () => {
    fc.assert(
      fc.property(fc.nat(3), fc.array(mutation, { minLength: 1, maxLength: 6 }), (victim, mutations) => {
        const vms = fixture<Json[]>('Host.getAllVmStats');
        for (const change of mutations) mutate(vms[victim] as Json, change, ['vmId']);
        const report = new ParsedVmStatsReport(host, vms);
        expect(report.complete).toBe(true);
        expect(ids.filter((id) => report.has(id))).toEqual(ids);
        const others = ids.filter((_, index) => index !== victim);
        expect(others.filter((id) => !isDeepStrictEqual(plain(report.get(id)), plain(untouched.get(id))))).toEqual([]);
        const faults = [...report.changed()].flatMap(misfitsOf);
        expect([...faults, ...unfitProblems(report.problems), ...pollution()]).toEqual([]);
      }),
      runs,
    );
  });

  it('an entry replaced by anything hides no other VM, and the list is not complete unless it has an id', () => {
    fc.assert(
      fc.property(fc.nat(3), hostileValue, (victim, value) => {
        const vms: unknown[] = fixture<unknown[]>('Host.getAllVmStats');
        vms[victim] = value;
        const report = new ParsedVmStatsReport(host, vms);
        const others = ids.filter((_, index) => index !== victim);
        expect(others.every((id) => report.get(id) !== undefined)).toBe(true);
        if (report.size < 4) expect(report.complete).toBe(false);
        expect([...[...report.changed()].flatMap(misfitsOf), ...pollution()]).toEqual([]);
      }),
      runs,
    );
  });
});

it('mutated statistics of a host never throw, and what is read can be stored', () => {
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 8 }), (mutations) => {
      const stats = fixture('Host.getStats');
      for (const change of mutations) mutate(stats, change);
      const report = decodeVdsStats(stats);
      expect([
        ...misfits(vdsDynamicFields, report.dynamic),
        ...misfits(vdsStatisticsFields, report.statistics),
        ...report.numaNodes.flatMap((node) => misfits(numaNodeFields, node)),
        ...dirt('nics', report.nics),
        ...unfitProblems(report.problems),
        ...pollution(),
      ]).toEqual([]);
    }),
    runs,
  );
});

it('mutated capabilities never throw, and what is read can be stored', () => {
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 8 }), (mutations) => {
      const caps = fixture('Host.getCapabilities');
      for (const change of mutations) mutate(caps, change);
      const report = decodeVdsCapabilities(caps);
      const { dynamic, problems, ...rest } = report;
      expect([
        ...misfits(vdsDynamicFields, dynamic),
        ...report.interfaces.flatMap((nic) => misfits(vdsInterfaceFields, nic)),
        ...dirt('report', rest),
        ...unfitProblems(problems),
        ...pollution(),
      ]).toEqual([]);
    }),
    runs,
  );
});

it('hardware and events of anything never throw', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), hostileValue), hostileValue, (object, value) => {
      const events = [object, value].map((params) => decodeVmStatusEvent(host, params));
      expect([
        ...misfits(vdsDynamicFields, decodeVdsHardware(object).dynamic),
        ...events.flatMap((event) => event.vms).flatMap(misfitsOf),
        ...events.flatMap((event) => unfitProblems(event.problems)),
        ...pollution(),
      ]).toEqual([]);
    }),
    runs,
  );
});
