import { describe, expect, it } from 'vitest';
import { decideVm } from '../../src/rules/index.js';
import { polled, pushed, vm } from '../support/entities.js';
import { expectRow, NOW, type Row, vmCase } from '../support/vm-verdict.js';

/** monitoring-rules.md §4.5 and §4.6: reported, not Down, by the host that runs it. */
const rows: Row[] = [
  {
    title: 'nothing new',
    vm: vm('v1', 'Up'),
    report: polled('v1', 'Up'),
    rule: 'vm.here.same-status',
    to: 'same',
  },
  {
    title: '0: a migration that is still coming in counts for nothing, whatever else is said',
    vm: vm('v1', 'Unknown', { lastWatchdogEvent: 1 }),
    report: polled('v1', 'MigratingTo', { lastWatchdogEvent: 2 }),
    rule: 'vm.here.incoming',
    to: 'same',
  },
  {
    title: '1: a watchdog that has fired since',
    vm: vm('v1', 'Up', { lastWatchdogEvent: 1 }),
    report: polled('v1', 'Up', { lastWatchdogEvent: 2, lastWatchdogAction: 'reset' }),
    rule: 'vm.here.same-status',
    effects: ['vm.here.watchdog'],
    to: 'Up@h1',
    events: ['WATCHDOG_EVENT wdaction=reset wdevent=2'],
  },
  {
    title: '1: the first event of a watchdog',
    vm: vm('v1', 'Up'),
    report: polled('v1', 'Up', { lastWatchdogEvent: 2, lastWatchdogAction: 'none' }),
    rule: 'vm.here.same-status',
    effects: ['vm.here.watchdog'],
    to: 'Up@h1',
    events: ['WATCHDOG_EVENT wdaction=none wdevent=2'],
  },
  {
    title: '1: the event that is known already (D13: nothing is rewritten)',
    vm: vm('v1', 'Up', { lastWatchdogEvent: 2, lastWatchdogAction: 'reset' }),
    report: polled('v1', 'Up', { lastWatchdogEvent: 2, lastWatchdogAction: 'reset' }),
    rule: 'vm.here.same-status',
    to: 'same',
  },
  {
    title: '2: a console client comes',
    vm: vm('v1', 'Up', { clientIp: '', consoleUser: 'alice' }),
    report: polled('v1', 'Up', { clientIp: '10.0.0.5' }),
    rule: 'vm.here.same-status',
    effects: ['vm.here.console'],
    to: 'Up@h1',
    events: ['VM_CONSOLE_CONNECTED UserName=alice'],
  },
  {
    title: '2: a console client goes',
    vm: vm('v1', 'Up', { clientIp: '10.0.0.5', consoleUser: 'alice' }),
    report: polled('v1', 'Up', { clientIp: '' }),
    rule: 'vm.here.same-status',
    effects: ['vm.here.console'],
    to: 'Up@h1',
    events: ['VM_CONSOLE_DISCONNECTED UserName=alice'],
  },
  {
    title: '2: the first client address of all is taken without a word',
    vm: vm('v1', 'Up', { clientIp: null }),
    report: polled('v1', 'Up', { clientIp: '10.0.0.5' }),
    rule: 'vm.here.same-status',
    to: 'Up@h1',
  },
  {
    title: '3: Unknown, and reported again',
    vm: vm('v1', 'Unknown'),
    report: polled('v1', 'Up'),
    rule: 'vm.here.status-changed',
    effects: ['vm.here.restored', 'vm.here.powering-up', 'vm.here.succeeded-to-run'],
    to: 'Up@h1',
    events: ['VM_STATUS_RESTORED VmStatus=Up'],
    signals: ['removeAsync', 'poweringUp', 'succeededToRun'],
  },
  {
    title: '3: Unknown, and reported as about to be launched: its command still waits',
    vm: vm('v1', 'Unknown'),
    report: polled('v1', 'WaitForLaunch'),
    rule: 'vm.here.status-changed',
    effects: ['vm.here.restored'],
    to: 'WaitForLaunch@h1',
    events: ['VM_STATUS_RESTORED VmStatus=WaitForLaunch'],
  },
  {
    title: '3: Unknown, and reported Unknown',
    vm: vm('v1', 'Unknown'),
    report: polled('v1', 'Unknown'),
    rule: 'vm.here.same-status',
    to: 'same',
  },
  {
    title: '4, 8: a start that has succeeded',
    vm: vm('v1', 'PoweringUp'),
    report: polled('v1', 'Up'),
    more: { commands: { asyncRunning: true } },
    rule: 'vm.here.status-changed',
    effects: ['vm.here.powering-up', 'vm.here.succeeded-to-run'],
    to: 'Up@h1',
    signals: ['poweringUp', 'succeededToRun'],
  },
  {
    title: '4: a start on its way',
    vm: vm('v1', 'WaitForLaunch'),
    report: polled('v1', 'PoweringUp'),
    more: { commands: { asyncRunning: true } },
    rule: 'vm.here.status-changed',
    effects: ['vm.here.powering-up'],
    to: 'PoweringUp@h1',
    signals: ['poweringUp'],
  },
  {
    title: '5: asked to shut down, and runs on',
    vm: vm('v1', 'PoweringDown'),
    report: polled('v1', 'Up'),
    rule: 'vm.here.status-changed',
    effects: ['vm.here.powering-up', 'vm.here.power-down-failed', 'vm.here.succeeded-to-run'],
    to: 'Up@h1',
    events: ['VM_POWER_DOWN_FAILED'],
    signals: ['poweringUp', 'succeededToRun'],
  },
  {
    title: '6: paused by an error, and runs again',
    vm: vm('v1', 'Paused', { pauseStatus: 'ENOSPC' }),
    report: polled('v1', 'Up'),
    rule: 'vm.here.status-changed',
    effects: ['vm.here.powering-up', 'vm.here.recovered-from-pause', 'vm.here.succeeded-to-run'],
    to: 'Up@h1',
    events: ['VM_RECOVERED_FROM_PAUSE_ERROR'],
    signals: ['poweringUp', 'succeededToRun'],
  },
  {
    title: '6: paused by a user, and runs again',
    vm: vm('v1', 'Paused', { pauseStatus: 'NOERR' }),
    report: polled('v1', 'Up'),
    rule: 'vm.here.status-changed',
    effects: ['vm.here.powering-up', 'vm.here.succeeded-to-run'],
    to: 'Up@h1',
    signals: ['poweringUp', 'succeededToRun'],
  },
  {
    title: '7: a reboot from inside',
    vm: vm('v1', 'Up'),
    report: polled('v1', 'RebootInProgress'),
    rule: 'vm.here.status-changed',
    effects: ['vm.here.rebooting'],
    to: 'RebootInProgress@h1',
    events: ['USER_REBOOT_VM UserName=Guest OS'],
    signals: ['clearHotUnplugMarks'],
  },
  {
    title: '7: a reboot that is known',
    vm: vm('v1', 'RebootInProgress'),
    report: polled('v1', 'RebootInProgress'),
    rule: 'vm.here.same-status',
    to: 'same',
  },
  {
    title: '8: an incoming migration has arrived; being Up ends it',
    vm: vm('v1', 'MigratingTo', { migratingToVds: 'h1' }),
    report: polled('v1', 'Up'),
    rule: 'vm.here.status-changed',
    effects: ['vm.here.powering-up', 'vm.here.succeeded-to-run'],
    to: 'Up@h1',
    signals: ['poweringUp', 'succeededToRun'],
  },
  {
    title: '9: a migration that failed, and whose command may try another host',
    vm: vm('v1', 'MigratingFrom', { migratingToVds: 'h2' }),
    report: polled('v1', 'Up'),
    more: { commands: { asyncRunning: true } },
    rule: 'vm.here.migration-failed',
    effects: ['vm.here.powering-up'],
    to: 'Up@h1',
    intents: ['rerun h1'],
    signals: ['poweringUp'],
  },
  {
    title: '9: a migration that failed, and nobody waits for it',
    vm: vm('v1', 'MigratingFrom', { migratingToVds: 'h2' }),
    report: polled('v1', 'PoweringDown'),
    rule: 'vm.here.migration-failed',
    to: 'PoweringDown@h1',
  },
  {
    title: '9: paused while migrating is no failed migration, but ends it',
    vm: vm('v1', 'MigratingFrom', { migratingToVds: 'h2' }),
    report: polled('v1', 'Paused', { pauseStatus: 'EIO' }),
    more: { commands: { asyncRunning: true } },
    rule: 'vm.here.status-changed',
    effects: ['vm.here.paused'],
    to: 'Paused@h1',
    events: ['VM_PAUSED', 'VM_PAUSED_EIO'],
    signals: ['removeAsync'],
  },
  {
    title: '10: its QEMU has fallen silent',
    vm: vm('v1', 'Up'),
    report: polled('v1', 'NotResponding'),
    rule: 'vm.here.status-changed',
    effects: ['vm.here.not-responding'],
    to: 'NotResponding@h1',
    events: ['VM_NOT_RESPONDING'],
  },
  {
    title: '11: post-copy: the source is paused for good',
    vm: vm('v1', 'MigratingFrom', { migratingToVds: 'h2' }),
    report: polled('v1', 'Paused', { pauseStatus: 'POSTCOPY' }),
    rule: 'vm.here.post-copy',
    to: 'MigratingTo@h2→h2',
  },
  {
    title: '11: post-copy towards a host that is lost',
    vm: vm('v1', 'MigratingFrom', { migratingToVds: 'h2' }),
    report: polled('v1', 'Paused', { pauseStatus: 'POSTCOPY' }),
    more: { hostStatus: () => 'NonResponsive' },
    rule: 'vm.here.post-copy',
    to: 'Unknown@h2',
  },
  {
    title: '12: paused',
    vm: vm('v1', 'Up'),
    report: polled('v1', 'Paused', { pauseStatus: 'NOERR' }),
    rule: 'vm.here.status-changed',
    effects: ['vm.here.paused'],
    to: 'Paused@h1',
    events: ['VM_PAUSED'],
    signals: ['removeAsync'],
  },
  {
    title: '12, D10: paused as before, but by an error now',
    vm: vm('v1', 'Paused', { pauseStatus: 'NOERR' }),
    report: polled('v1', 'Paused', { pauseStatus: 'EPERM' }),
    rule: 'vm.here.same-status',
    effects: ['vm.here.pause-code-changed'],
    to: 'Paused@h1',
    events: ['VM_PAUSED_EPERM'],
  },
  {
    title: '12, D10: paused as before, and no longer by an error',
    vm: vm('v1', 'Paused', { pauseStatus: 'EIO' }),
    report: polled('v1', 'Paused', { pauseStatus: 'NOERR' }),
    rule: 'vm.here.same-status',
    effects: ['vm.here.pause-code-changed'],
    to: 'Paused@h1',
  },
  {
    title: '13, D12: another user of the guest alone is saved',
    vm: vm('v1', 'Up', { guestUser: 'bob' }),
    report: polled('v1', 'Up', { guestUser: 'eve' }),
    rule: 'vm.here.same-status',
    to: 'Up@h1',
  },
  {
    title: '13: other applications: ISO images may have come',
    vm: vm('v1', 'Up', { appList: 'kernel' }),
    report: polled('v1', 'Up', { appList: 'kernel,agent' }),
    rule: 'vm.here.same-status',
    to: 'Up@h1',
    signals: ['refreshIsoCache'],
  },
  {
    title: '15: the first report of the host in this process (D19) confirms it',
    vm: vm('v1', 'Up'),
    report: polled('v1', 'Up'),
    more: { hostInitialized: false },
    rule: 'vm.here.same-status',
    to: 'same',
    signals: ['confirmRunning'],
  },
  {
    title: 'a status that has no rule of its own is copied',
    vm: vm('v1', 'Up'),
    report: polled('v1', 'SavingState'),
    rule: 'vm.here.status-changed',
    to: 'SavingState@h1',
  },
];

describe('reported here (§4.5, §4.6)', () => {
  it.each(rows.map((row): [string, Row] => [row.title, row]))('%s', (_, row) => {
    expectRow(row);
  });

  it.each([
    ['ENOSPC', 'VM_PAUSED_ENOSPC'],
    ['EIO', 'VM_PAUSED_EIO'],
    ['EPERM', 'VM_PAUSED_EPERM'],
    ['EOTHER', 'VM_PAUSED_ERROR'],
    ['NONE', undefined],
    ['NOERR', undefined],
  ] as const)('12: the event of pause code %s is %s', (pauseStatus, event) => {
    const { draft } = decideVm(vmCase(vm('v1', 'Up'), polled('v1', 'Paused', { pauseStatus })));
    expect(draft.events.map(({ name }) => name)).toEqual(event === undefined ? ['VM_PAUSED'] : ['VM_PAUSED', event]);
    expect(draft.state.pauseStatus).toBe(pauseStatus);
  });

  it('a push without a pause code changes none', () => {
    const { draft, changes } = decideVm(vmCase(vm('v1', 'Paused', { pauseStatus: 'EIO' }), pushed('v1', 'Paused')));
    expect([changes, draft.events]).toEqual([[], []]);
  });

  it('statusSince moves with the status and only then', () => {
    const since = (report: ReturnType<typeof polled>) =>
      decideVm(vmCase(vm('v1', 'Up'), report)).draft.state.statusSince;
    expect([since(polled('v1', 'Paused')), since(polled('v1', 'Up', { guestOs: 'RHEL' }))]).toEqual([NOW, 100]);
  });

  it('figures are taken where the report is the VM’s own, and only there', () => {
    const takes = (stored: ReturnType<typeof vm>, report: ReturnType<typeof polled>) =>
      decideVm(vmCase(stored, report)).draft.takeStatistics;
    const leaving = vm('v1', 'MigratingFrom', { migratingToVds: 'h2' });
    expect(takes(vm(), polled())).toBe(true);
    expect(takes(leaving, polled('v1', 'Up'))).toBe(true);
    expect(takes(vm('v1', 'MigratingTo'), polled('v1', 'MigratingTo'))).toBe(false);
    expect(takes(leaving, polled('v1', 'Paused', { pauseStatus: 'POSTCOPY' }))).toBe(false);
  });

  it('of an unknown runtime nothing is left after a hand-over to a lost host (§4.8.1)', () => {
    const leaving = vm('v1', 'MigratingFrom', {
      migratingToVds: 'h2',
      vmIp: '10.0.0.1',
      graphics: [],
      guestUser: 'bob',
    });
    const report = polled('v1', 'Paused', { pauseStatus: 'POSTCOPY' });
    const { draft } = decideVm(vmCase(leaving, report, { hostStatus: () => 'NonResponsive' }));
    expect(draft.state).toMatchObject({
      ...{ status: 'Unknown', runOnVds: 'h2', migratingToVds: null, vmIp: null, graphics: null, guestUser: null },
      ...{ exitStatus: 'Normal', exitReason: 'Unknown' },
    });
  });
});
