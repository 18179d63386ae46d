import { describe, expect, it } from 'vitest';
import type { ReportedVmDynamic, Vm, VmReport } from '../../src/model/index.js';
import { decideVm, endedByMigrating } from '../../src/rules/index.js';
import { polled, vm } from '../support/entities.js';
import { expectRow, NOW, type Row, vmCase } from '../support/vm-verdict.js';

const down = (more: ReportedVmDynamic): VmReport => polled('v1', 'Down', more);
const ended = down({ exitStatus: 'Normal', exitReason: 'UserShutdown', exitMessage: 'bye' });
const migrated = down({ exitStatus: 'Normal', exitReason: 'MigrationSucceeded' });
const failed = down({ exitStatus: 'Error', exitReason: 'LostQEMUConnection', exitMessage: 'boom' });
const nobodyKnows = down({ exitStatus: 'Unknown' });
const leaving = vm('v1', 'MigratingFrom', { migratingToVds: 'h2' });
const ha = { static: { ha: true } } as const;
/** The leftover is destroyed; before, what must outlive it is saved. */
const cleared = { effects: ['vm.down.destroy-leftover'] } as const;

/** monitoring-rules.md §4.8: h1 reports the VM Down. */
const rows: Row[] = [
  {
    title: 'Up, ended as it was meant to',
    vm: vm('v1', 'Up', ha),
    report: ended,
    ...cleared,
    rule: 'vm.down.normal',
    to: 'Down@-',
    events: ['VM_DOWN ExitMessage=Exit message: bye'],
    intents: ['destroy h1', 'processDownVm'],
    signals: ['saveExternalData', 'removeAsync'],
  },
  {
    title: 'Up, ended, and a command waited: nobody waits any more, so it is cleared up after',
    vm: vm('v1', 'PoweringUp'),
    report: ended,
    more: { commands: { asyncRunning: true } },
    ...cleared,
    rule: 'vm.down.normal',
    to: 'Down@-',
    events: ['VM_DOWN ExitMessage=Exit message: bye'],
    intents: ['destroy h1', 'processDownVm'],
    signals: ['saveExternalData', 'removeAsync'],
  },
  {
    title: 'ended within the power-off window: the message is blank',
    vm: vm('v1', 'Up'),
    report: ended,
    more: { commands: { inPowerOffWindow: true } },
    ...cleared,
    rule: 'vm.down.normal',
    to: 'Down@-',
    events: ['VM_DOWN ExitMessage= '],
    intents: ['destroy h1', 'processDownVm'],
    signals: ['saveExternalData', 'removeAsync'],
  },
  {
    title: 'ended, and a cold reboot is pending',
    vm: vm('v1', 'PoweringDown'),
    report: ended,
    more: { commands: { coldReboot: true } },
    ...cleared,
    rule: 'vm.down.normal',
    to: 'Down@-',
    events: ['VM_DOWN ExitMessage=Exit message: bye', 'COLD_REBOOT_VM_DOWN'],
    intents: ['destroy h1', 'processDownVm', 'coldReboot'],
    signals: ['saveExternalData', 'removeAsync'],
  },
  {
    title: 'destroyed by its reboot: to be started again',
    vm: vm('v1', 'RebootInProgress'),
    report: down({ exitReason: 'DestroyedOnReboot' }),
    ...cleared,
    rule: 'vm.down.normal',
    to: 'Down@-',
    events: ['VM_DOWN ExitMessage= ', 'COLD_REBOOT_VM_DOWN'],
    intents: ['destroy h1', 'processDownVm', 'coldReboot'],
    signals: ['saveExternalData', 'removeAsync'],
  },
  {
    title: 'failed, and nobody is responsible',
    vm: vm('v1', 'Up'),
    report: failed,
    ...cleared,
    rule: 'vm.down.error',
    to: 'Down@-',
    events: ['VM_DOWN_ERROR ExitMessage=Exit message: boom'],
    intents: ['destroy h1', 'processDownVm'],
    signals: ['saveExternalData'],
  },
  {
    title: 'failed, highly available',
    vm: vm('v1', 'Paused', ha),
    report: failed,
    ...cleared,
    rule: 'vm.down.error',
    to: 'Down@-',
    events: ['VM_DOWN_ERROR ExitMessage=Exit message: boom', 'HA_VM_FAILED'],
    intents: ['destroy h1', 'processDownVm', 'autoRun'],
    signals: ['saveExternalData'],
  },
  {
    title: 'failed, highly available, but its start waits: that is tried on another host',
    vm: vm('v1', 'WaitForLaunch', ha),
    report: failed,
    more: { commands: { asyncRunning: true } },
    ...cleared,
    rule: 'vm.down.error',
    to: 'Down@-',
    events: ['VM_DOWN_ERROR ExitMessage=Exit message: boom'],
    intents: ['destroy h1', 'rerun h1'],
    signals: ['saveExternalData'],
  },
  {
    title: 'D20: ended, and nobody knows how: not started again on a guess',
    vm: vm('v1', 'Up', ha),
    report: nobodyKnows,
    ...cleared,
    rule: 'vm.down.error',
    to: 'Down@-',
    events: ['VM_DOWN_ERROR ExitMessage='],
    intents: ['destroy h1', 'processDownVm'],
    signals: ['saveExternalData'],
  },
  {
    title: 'saving its state, and ended well',
    vm: vm('v1', 'SavingState'),
    report: down({ exitReason: 'SaveStateSucceeded' }),
    ...cleared,
    rule: 'vm.down.suspended',
    to: 'Suspended@-',
    events: ['USER_SUSPEND_VM_OK'],
    intents: ['destroy h1', 'processDownVm'],
    signals: ['saveExternalData', 'removeAsync'],
  },
  {
    title: 'D8: saving its state, and failed: Down, not Suspended',
    vm: vm('v1', 'SavingState', ha),
    report: failed,
    ...cleared,
    rule: 'vm.down.suspend-failed',
    to: 'Down@-',
    events: ['USER_FAILED_SUSPEND_VM'],
    intents: ['destroy h1', 'processDownVm'],
    signals: ['saveExternalData', 'removeAsync'],
  },
  {
    title: 'migrated: the VM is its destination’s',
    vm: leaving,
    report: migrated,
    ...cleared,
    rule: 'vm.down.handed-over',
    to: 'MigratingTo@h2→h2',
    intents: ['destroy h1'],
  },
  {
    title: 'migrated to a host that is lost',
    vm: leaving,
    report: migrated,
    more: { hostStatus: (id) => (id === 'h2' ? 'NonResponsive' : 'Up') },
    ...cleared,
    rule: 'vm.down.handed-over',
    to: 'Unknown@h2',
    intents: ['destroy h1'],
  },
  {
    title: 'ended on its way, without success',
    vm: vm('v1', 'MigratingFrom', { migratingToVds: 'h2', ...ha }),
    report: ended,
    ...cleared,
    rule: 'vm.down.migration-aborted',
    to: 'Down@-',
    events: ['VM_MIGRATION_ABORT MigrationError=bye'],
    intents: ['destroy h1', 'destroy h2', 'processDownVm'],
    signals: ['saveExternalData', 'removeAsync'],
  },
  {
    title: 'failed on its way, highly available',
    vm: vm('v1', 'MigratingFrom', { migratingToVds: 'h2', ...ha }),
    report: failed,
    ...cleared,
    rule: 'vm.down.migration-aborted',
    to: 'Down@-',
    events: ['VM_MIGRATION_ABORT MigrationError=boom', 'HA_VM_FAILED'],
    intents: ['destroy h1', 'destroy h2', 'processDownVm', 'autoRun'],
    signals: ['saveExternalData', 'removeAsync'],
  },
  {
    title: 'failed on its way, nobody knows where to',
    vm: vm('v1', 'MigratingFrom'),
    report: failed,
    ...cleared,
    rule: 'vm.down.migration-aborted',
    to: 'Down@-',
    events: ['VM_MIGRATION_ABORT MigrationError=boom'],
    intents: ['destroy h1', 'processDownVm'],
    signals: ['saveExternalData', 'removeAsync'],
  },
  {
    title: 'Up, and the migration succeeded (PR #1162): the source is done, no more',
    vm: vm('v1', 'Up'),
    report: migrated,
    ...cleared,
    rule: 'vm.down.migrated-before',
    to: 'same',
    intents: ['destroy h1'],
  },
  {
    title: 'Down on a host that it does not run on: only remains',
    vm: vm('v1', 'Up', { runOnVds: 'h2', ...ha }),
    report: failed,
    ...cleared,
    rule: 'vm.down.elsewhere',
    to: 'same',
    intents: ['destroy h1'],
  },
  {
    title: 'Down at the destination of a migration that goes on at its source',
    vm: vm('v1', 'MigratingFrom', { runOnVds: 'h2', migratingToVds: 'h1' }),
    report: failed,
    ...cleared,
    rule: 'vm.down.elsewhere',
    to: 'same',
    intents: ['destroy h1'],
  },
  {
    title: 'its TPM and NVRAM data could not be saved: left for the next report',
    vm: vm('v1', 'Up'),
    report: ended,
    more: { externalDataKept: false },
    rule: 'vm.down.data-not-kept',
    to: 'same',
  },
  {
    title: 'a migrated VM takes its data along: nothing to wait for',
    vm: leaving,
    report: migrated,
    more: { externalDataKept: false },
    ...cleared,
    rule: 'vm.down.handed-over',
    to: 'MigratingTo@h2→h2',
    intents: ['destroy h1'],
  },
  {
    title: 'pinned CPUs are freed, and a pinned NUMA layout is removed',
    vm: vm('v1', 'Up', { currentCpuPinning: '0#1', static: { cpuPinningPolicy: 'RESIZE_AND_PIN_NUMA' } }),
    report: ended,
    ...cleared,
    rule: 'vm.down.normal',
    to: 'Down@-',
    events: ['VM_DOWN ExitMessage=Exit message: bye'],
    intents: ['destroy h1', 'processDownVm'],
    signals: ['saveExternalData', 'freeCpuPins', 'removeAsync', 'clearVmNuma'],
  },
];

describe('reported Down (§4.8)', () => {
  it.each(rows.map((row): [string, Row] => [row.title, row]))('%s', (_, row) => {
    expectRow(row);
  });

  const stateAfter = (stored: Vm, report: VmReport, more = {}) => decideVm(vmCase(stored, report, more)).draft.state;

  it('keeps how it ended', () => {
    expect(stateAfter(vm('v1', 'Up'), failed)).toMatchObject({
      ...{ exitStatus: 'Error', exitReason: 'LostQEMUConnection', exitMessage: 'boom' },
      ...{ lastStopTime: NOW, statusSince: NOW },
    });
    const off = stateAfter(vm('v1', 'Up'), ended, { commands: { inPowerOffWindow: true } });
    expect(off).toMatchObject({ exitMessage: 'VM v1 power off complete', exitStatus: 'Normal' });
    // D20, D8: what is said differs from oVirt's.
    expect(stateAfter(vm('v1', 'Up'), nobodyKnows).exitStatus).toBe('Unknown');
    expect(stateAfter(vm('v1', 'SavingState'), nobodyKnows)).toMatchObject({ status: 'Down', exitStatus: 'Error' });
  });

  it('keeps how a VM ended that is Down already, and lets it run nowhere', () => {
    const stored = vm('v1', 'Down', {
      runOnVds: 'h1',
      exitStatus: 'Error',
      exitMessage: 'first',
      exitReason: 'LostQEMUConnection',
    });
    expect(stateAfter(stored, ended)).toMatchObject({
      ...{ status: 'Down', runOnVds: null, statusSince: 100 },
      ...{ exitStatus: 'Error', exitMessage: 'first', exitReason: 'LostQEMUConnection' },
    });
  });

  it('leaves nothing of the runtime of a VM that is Down (§4.8.1)', () => {
    const runtime = {
      ...{
        vmIp: '10.0.0.1',
        fqdn: 'a.example',
        guestUser: 'bob',
        consoleUser: 'eve',
        consoleUserId: 'u',
        clientIp: '1',
      },
      ...{
        graphics: [],
        cpuName: 'x',
        emulatedMachine: 'q35',
        runtimeName: 'n',
        currentCpuPinning: '0#1',
        bootTime: 5,
      },
      ...{ migratingToVds: 'h2', downtime: 7, volatileRun: true, guestAgentNicsHash: 9, pauseStatus: 'EIO' as const },
    };
    const state = stateAfter(vm('v1', 'Paused', runtime), ended);
    const kept = Object.entries(runtime).filter(([name, value]) => state[name as keyof typeof state] === value);
    expect(kept).toEqual([]);
    expect(state).toMatchObject({ pauseStatus: 'NONE', downtime: 0, volatileRun: false, guestAgentNicsHash: 0 });
  });

  it('ends figures, guest nics and jobs of what went down, and of nothing else', () => {
    const job = { id: 'j', vmId: 'v1' } as Vm['jobs'][number];
    const nic = { vmId: 'v1', name: 'eth0' } as Vm['guestInterfaces'][number];
    const busy = (...args: Parameters<typeof vm>) => ({ ...vm(...args), jobs: [job], guestInterfaces: [nic] });
    const leftOf = (stored: Vm, report: VmReport) => {
      const { draft } = decideVm(vmCase(stored, report));
      return [draft.statisticsReset, draft.jobs.length, draft.guestInterfaces.length];
    };
    expect(leftOf(busy('v1', 'Up'), ended)).toEqual([true, 0, 0]);
    expect(leftOf(busy('v1', 'SavingState'), ended)).toEqual([true, 0, 0]);
    expect(leftOf(busy('v1', 'Up'), migrated)).toEqual([false, 1, 1]);
    expect(leftOf(busy('v1', 'Up', { runOnVds: 'h2' }), ended)).toEqual([false, 1, 1]);
  });

  it('waits, level-triggered, for data that could not be saved', () => {
    const { draft } = decideVm(vmCase(vm('v1', 'Up'), ended, { externalDataKept: false }));
    expect(draft.unsettled).toEqual({ reason: 'awaitingData', since: NOW });
  });
});

describe('a report says that the VM has migrated away', () => {
  const succeeded = { exitStatus: 'Normal', exitReason: 'MigrationSucceeded' } as const;

  it.each([
    ['Down after a migration that succeeded', polled('v1', 'Down', succeeded), true],
    ['not Down yet', polled('v1', 'MigratingFrom', succeeded), false],
    ['Down by an error', polled('v1', 'Down', { ...succeeded, exitStatus: 'Error' }), false],
    ['Down for another reason', polled('v1', 'Down', { ...succeeded, exitReason: 'AdminShutdown' }), false],
  ])('%s', (_, report, expected) => {
    expect(endedByMigrating(report)).toBe(expected);
  });
});
