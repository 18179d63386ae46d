import { describe, expect, it } from 'vitest';
import {
  type ExitReason,
  type ExitStatus,
  initialRow,
  type PauseStatus,
  type Unsettled,
  type Vds,
  type Vm,
  type VmReport,
  type VmStatus,
  vdsDynamicFields,
  vdsStaticFields,
  vmDynamicFields,
  vmStaticFields,
  vmStatusIds,
} from '../../src/model/index.js';
import {
  absentTransitions,
  downTransitions,
  elsewhereTransitions,
  hereTransitions,
  type Row,
  unknownTransitions,
  type VmCase,
} from '../../src/rules/index.js';

const statuses = Object.keys(vmStatusIds) as VmStatus[];
const pauses: PauseStatus[] = ['NONE', 'EIO', 'POSTCOPY'];
const exits: [ExitStatus, ExitReason][] = [
  ['Normal', 'Success'],
  ['Normal', 'MigrationSucceeded'],
  ['Error', 'GenericError'],
  ['Unknown', 'Unknown'],
];

const host = (id: string): Vds => ({
  id,
  static: { ...initialRow(vdsStaticFields), id, name: id, clusterId: 'c1' },
  dynamic: { ...initialRow(vdsDynamicFields), id, status: 'Up' },
  interfaces: [],
});

function vm(status: VmStatus, runOnVds: string | null, migratingToVds: string | null): Vm {
  return {
    id: 'v1',
    static: { ...initialRow(vmStaticFields), id: 'v1', name: 'v1', ha: true },
    dynamic: { ...initialRow(vmDynamicFields), id: 'v1', status, runOnVds, migratingToVds },
    guestInterfaces: [],
    jobs: [],
    devices: [],
  };
}

function report(status: VmStatus, more: Partial<VmReport['dynamic']>): VmReport {
  return {
    vmId: 'v1',
    vmName: 'v1',
    status,
    timestamp: 1,
    dynamic: { status, pauseStatus: 'NONE', exitStatus: 'Normal', exitReason: 'Unknown', ...more },
    deviceHash: null,
    tpmHash: null,
    nvramHash: null,
    figuresVersion: 0,
    statistics: () => null,
    guestInterfaces: () => null,
    jobs: () => null,
  };
}

const base: Omit<VmCase, 'vm' | 'report'> = {
  now: 1000,
  mode: 'manager',
  stamp: { host: 'h1', session: 1, kind: 'poll', seq: 7, requestedAt: 1, receivedAt: 2, complete: true },
  host: host('h1'),
  unsettled: undefined,
  commands: { busy: false, changedAt: null, asyncRunning: false, coldReboot: false, inPowerOffWindow: false },
  missesNeeded: 2,
  lastReport: undefined,
  formerOwner: undefined,
  hostStatus: () => 'Up',
  managedInventory: true,
  pushesHealthy: false,
  externalDataKept: true,
  ownerLeftIt: false,
  hostInitialized: true,
  data: { nicBlacklist: [], hostedEngineVmName: 'HostedEngine', jobStartedAt: () => null },
};

const missed: Unsettled = { reason: 'missing', misses: 1, since: 0, lastSeq: 6 };

/** Which rows match; a case must find exactly one. */
const matching = <C extends VmCase>(table: readonly Row<C, never>[], c: VmCase): string[] =>
  table.filter((row) => row.when(c as C)).map((row) => row.name);

const none: string[] = [];
function expectOne(problems: string[], table: readonly Row<never, never>[], c: VmCase, what: string): void {
  const names = matching(table as readonly Row<VmCase, never>[], c);
  if (names.length !== 1) problems.push(`${what}: ${names.join(' and ') || 'no row'}`);
}

describe('each case meets exactly one transition row', () => {
  it('reported here, not Down', () => {
    const problems: string[] = [];
    for (const stored of statuses)
      for (const said of statuses.filter((s) => s !== 'Down'))
        for (const pauseStatus of pauses) {
          const c = { ...base, vm: vm(stored, 'h1', null), report: report(said, { pauseStatus }) };
          expectOne(problems, hereTransitions as never, c, `${stored} ← ${said}/${pauseStatus}`);
        }
    expect(problems).toEqual(none);
  });

  it('reported elsewhere', () => {
    const problems: string[] = [];
    for (const stored of statuses)
      for (const said of statuses.filter((s) => s !== 'Down'))
        for (const pauseStatus of pauses)
          for (const runsOn of ['h2', null])
            for (const to of ['h1', 'h3', null])
              for (const formerOwner of [
                undefined,
                { host: 'h1', alerted: false, since: 500 },
                { host: 'h1', alerted: false, since: 900 },
                { host: 'h1', alerted: true, since: 0 },
                { host: 'h3', alerted: true, since: 500 },
              ])
                for (const unsettled of [undefined, missed]) {
                  const heard = { formerOwner, unsettled, report: report(said, { pauseStatus }) };
                  const c = { ...base, ...heard, vm: vm(stored, runsOn, to) };
                  const what = `${stored}@${runsOn}→${to} ← ${said}/${pauseStatus}`;
                  expectOne(problems, elsewhereTransitions as never, c, what);
                }
    expect(problems).toEqual(none);
  });

  it('reported Down', () => {
    const problems: string[] = [];
    for (const stored of statuses)
      for (const [exitStatus, exitReason] of exits)
        for (const runsOn of ['h1', 'h2', null])
          for (const to of ['h2', null])
            for (const externalDataKept of [true, false]) {
              const c = {
                ...base,
                externalDataKept,
                vm: vm(stored, runsOn, to),
                report: report('Down', { exitStatus, exitReason }),
              };
              expectOne(
                problems,
                downTransitions as never,
                c,
                `${stored}@${runsOn} ← Down/${exitStatus}/${exitReason}`,
              );
            }
    expect(problems).toEqual(none);
  });

  it('absent', () => {
    const problems: string[] = [];
    for (const stored of statuses)
      for (const to of ['h2', null])
        for (const mode of ['observer', 'manager'] as const)
          for (const inPowerOffWindow of [true, false])
            for (const coldReboot of [true, false])
              for (const missesNeeded of [1, 2]) {
                const commands = { ...base.commands, inPowerOffWindow, coldReboot };
                const c = { ...base, mode, commands, missesNeeded, vm: vm(stored, 'h1', to), report: null };
                expectOne(problems, absentTransitions as never, c, `${mode} ${stored}→${to} absent`);
              }
    expect(problems).toEqual(none);
  });

  it('unknown to us', () => {
    const problems: string[] = [];
    for (const said of statuses)
      for (const pauseStatus of pauses)
        for (const mode of ['observer', 'manager'] as const)
          for (const managedInventory of [true, false]) {
            const c = { ...base, mode, managedInventory, vm: undefined, report: report(said, { pauseStatus }) };
            expectOne(problems, unknownTransitions as never, c, `${mode}/${managedInventory} ← ${said}/${pauseStatus}`);
          }
    expect(problems).toEqual(none);
  });
});
