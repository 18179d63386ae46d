import { describe, expect, it } from 'vitest';
import type { Unsettled, Vm } from '../../src/model/index.js';
import { decideVm } from '../../src/rules/index.js';
import { stamp, vm } from '../support/entities.js';
import { expectRow, NOW, type Row, vmCase } from '../support/vm-verdict.js';

const ha = { static: { ha: true } } as const;
const missing = (misses: number, lastSeq: number): Unsettled => ({ reason: 'missing', misses, since: 4000, lastSeq });
const NOT_FOUND = 'Could not find VM v1 on host, assuming it went down unexpectedly';
const vanished = `VM_DOWN_ERROR ExitMessage=Exit message: ${NOT_FOUND}`;
const COLLECTED = 'ended; its exit was collected by the engine';

/** monitoring-rules.md §4.9, with D9, D23 and D30: not in a complete report of its host. One miss is enough here. */
const rows: Row[] = [
  {
    title: 'D9: gone without a word',
    vm: vm('v1', 'Up'),
    report: null,
    rule: 'vm.absent.vanished',
    to: 'Down@-',
    events: [vanished],
    intents: ['processDownVm'],
  },
  {
    title: 'D9: gone, highly available',
    vm: vm('v1', 'Unknown', ha),
    report: null,
    rule: 'vm.absent.vanished',
    to: 'Down@-',
    events: [vanished, 'HA_VM_FAILED'],
    intents: ['processDownVm', 'autoRun'],
  },
  {
    title: 'gone while a command waits for it: tried on another host, nothing else',
    vm: vm('v1', 'WaitForLaunch', ha),
    report: null,
    more: { commands: { asyncRunning: true, coldReboot: true } },
    rule: 'vm.absent.vanished',
    to: 'Down@-',
    events: [vanished],
    intents: ['rerun h1'],
  },
  {
    title: 'gone, with a cold reboot pending: that before high availability',
    vm: vm('v1', 'Up', ha),
    report: null,
    more: { commands: { coldReboot: true } },
    rule: 'vm.absent.vanished',
    to: 'Down@-',
    events: [vanished, 'COLD_REBOOT_VM_DOWN'],
    intents: ['processDownVm', 'coldReboot'],
  },
  {
    title: 'whether it is highly available is not known: the rule is off',
    vm: vm('v1', 'Up', { static: { ha: null } }),
    report: null,
    rule: 'vm.absent.vanished',
    to: 'Down@-',
    events: [vanished],
    intents: ['processDownVm'],
  },
  {
    title: 'gone within the power-off window',
    vm: vm('v1', 'Up', ha),
    report: null,
    more: { commands: { inPowerOffWindow: true, asyncRunning: true } },
    rule: 'vm.absent.powered-off',
    to: 'Down@-',
    events: ['VM_DOWN ExitMessage= '],
    intents: ['processDownVm'],
    signals: ['removeAsync'],
  },
  {
    title: 'gone within the power-off window while it migrates: said, but left to its hand-over (§4.8.1)',
    vm: vm('v1', 'MigratingFrom', { migratingToVds: 'h2' }),
    report: null,
    more: { commands: { inPowerOffWindow: true } },
    rule: 'vm.absent.powered-off',
    to: 'same',
    events: ['VM_DOWN ExitMessage= '],
    signals: ['removeAsync'],
  },
  {
    title: 'gone within the power-off window of a cold reboot: that goes on',
    vm: vm('v1', 'PoweringDown'),
    report: null,
    more: { commands: { inPowerOffWindow: true, coldReboot: true } },
    rule: 'vm.absent.shut-down',
    to: 'Down@-',
    events: ['VM_DOWN ExitMessage=Exit message: VM v1 shutdown complete', 'COLD_REBOOT_VM_DOWN'],
    intents: ['coldReboot', 'processDownVm'],
    signals: ['removeAsync'],
  },
  ...(['PoweringDown', 'RebootInProgress'] as const).map(
    (status): Row => ({
      title: `D9: gone while ${status}: its end was expected`,
      vm: vm('v1', status, ha),
      report: null,
      rule: 'vm.absent.shut-down',
      to: 'Down@-',
      events: ['VM_DOWN ExitMessage=Exit message: VM v1 shutdown complete'],
      intents: ['processDownVm'],
    }),
  ),
  {
    title: 'left for the destination of its migration',
    vm: vm('v1', 'MigratingFrom', { migratingToVds: 'h2' }),
    report: null,
    rule: 'vm.absent.handed-over',
    to: 'MigratingTo@h2→h2',
  },
  {
    title: 'left for a destination that is lost',
    vm: vm('v1', 'MigratingFrom', { migratingToVds: 'h2' }),
    report: null,
    more: { hostStatus: () => 'NonResponsive' },
    rule: 'vm.absent.handed-over',
    to: 'Unknown@h2',
  },
  {
    title: 'left, nobody knows where to: no high availability, its other end may live',
    vm: vm('v1', 'MigratingFrom', ha),
    report: null,
    rule: 'vm.absent.migration-lost',
    to: 'Down@-',
    events: [`VM_MIGRATION_ABORT MigrationError=${NOT_FOUND}`],
    intents: ['processDownVm'],
    signals: ['removeAsync'],
  },
  {
    title: 'D30: beside an engine, pushes not healthy: nobody saw how it ended',
    vm: vm('v1', 'Up', ha),
    report: null,
    more: { mode: 'observer' },
    rule: 'vm.absent.collected-by-engine',
    to: 'Down@-',
    events: [`VM_DOWN_UNOBSERVED ExitMessage=Exit message: ${COLLECTED}`],
    intents: ['processDownVm'],
  },
  {
    title: 'D30: beside an engine, pushes healthy: an ordinary end',
    vm: vm('v1', 'Up', ha),
    report: null,
    more: { mode: 'observer', pushesHealthy: true },
    rule: 'vm.absent.collected-by-engine',
    to: 'Down@-',
    events: [`VM_DOWN ExitMessage=Exit message: ${COLLECTED}`],
    intents: ['processDownVm'],
  },
  {
    title: 'D30: an expected end is one beside an engine, too',
    vm: vm('v1', 'PoweringDown'),
    report: null,
    more: { mode: 'observer' },
    rule: 'vm.absent.shut-down',
    to: 'Down@-',
    events: ['VM_DOWN ExitMessage=Exit message: VM v1 shutdown complete'],
    intents: ['processDownVm'],
  },
  {
    title: 'not stored either',
    vm: undefined,
    report: null,
    rule: 'vm.unknown.absent',
    to: 'none',
  },
];

describe('absent (§4.9)', () => {
  it.each(rows.map((row): [string, Row] => [row.title, row]))('%s', (_, row) => {
    expectRow(row);
  });

  it('says how it ended, as far as anybody knows', () => {
    const exitOf = (stored: Vm, more = {}) => {
      const { exitStatus, exitReason, exitMessage } = decideVm(vmCase(stored, null, more)).draft.state;
      return [exitStatus, exitReason, exitMessage];
    };
    expect(exitOf(vm())).toEqual(['Error', 'GenericError', NOT_FOUND]);
    expect(exitOf(vm('v1', 'PoweringDown'))).toEqual(['Normal', 'Success', 'VM v1 shutdown complete']);
    expect(exitOf(vm(), { commands: { inPowerOffWindow: true } })).toEqual([
      'Normal',
      'Success',
      'VM v1 power off complete',
    ]);
    expect(exitOf(vm(), { mode: 'observer' })).toEqual(['Unknown', 'Unknown', COLLECTED]);
  });
});

describe('misses are counted (D23)', () => {
  const judge = (unsettled: Unsettled | undefined, more = {}) =>
    decideVm(vmCase(vm(), null, { missesNeeded: 2, stamp: stamp({ seq: 7 }), unsettled, ...more }));

  it('the first is remembered, and nothing follows yet', () => {
    const { rule, draft, changes } = judge(undefined);
    expect([rule, changes]).toEqual(['vm.absent.missed', []]);
    expect(draft.unsettled).toEqual({ reason: 'missing', misses: 1, since: NOW, lastSeq: 7 });
    expect(draft.notDone).toEqual([{ what: 'Down by absence', why: 'miss 1 of 2' }]);
  });

  it('the second, in a later report, is final', () => {
    const { rule, draft } = judge(missing(1, 6));
    expect([rule, draft.unsettled]).toEqual(['vm.absent.vanished', null]);
  });

  it('the same report is no second one, however often it is judged', () => {
    const { rule, draft } = judge(missing(1, 7));
    expect(rule).toBe('vm.absent.missed');
    expect(draft.unsettled).toEqual(missing(1, 7));
    // Judged again after it was final: it stays final.
    expect(judge(missing(2, 7)).rule).toBe('vm.absent.vanished');
  });

  it('since when is kept', () => {
    expect(judge(missing(1, 6), { missesNeeded: 3 }).draft.unsettled).toEqual({ ...missing(2, 7), since: 4000 });
  });

  it('another reason to be unsettled is no miss', () => {
    expect(judge({ reason: 'command', since: 0 }).rule).toBe('vm.absent.missed');
  });

  it.each([
    ['PoweringDown', {}],
    ['MigratingFrom', { migratingToVds: 'h2' }],
    ['Up', { commands: { inPowerOffWindow: true } }],
  ] as const)('no end is believed at the first miss: %s', (status, { ...more }) => {
    const { commands, ...state } = { commands: {}, ...more };
    const c = vmCase(vm('v1', status, state), null, { missesNeeded: 2, commands });
    expect(decideVm(c).rule).toBe('vm.absent.missed');
  });
});
