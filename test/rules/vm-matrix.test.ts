import { describe, expect, it } from 'vitest';
import type { VmStatus } from '../../src/model/index.js';
import { decideVm, type VmVerdict } from '../../src/rules/index.js';
import { polled, vm } from '../support/entities.js';
import { vmCase } from '../support/vm-verdict.js';

/**
 * The compact table of monitoring-rules.md §4.16 (a poll of the expected host), with decisions D8, D9 and D10.
 * "-" no change of status, R copied as reported.
 */
const reported = ['Up', 'PoweringUp', 'Paused', 'MigratingFrom', 'NotResponding', 'RebootInProgress'] as const;
const alive: Readonly<Partial<Record<VmStatus, string>>> = {
  WaitForLaunch: 'R pu ok     | R pu       | R P     | R      | R NR     | R RB',
  PoweringUp: '   R pu ok     | -          | R P     | R      | R NR     | R RB',
  Up: '           -           | R pu       | R P     | R      | R NR     | R RB',
  Paused: '       R pu ok     | R pu       | -       | R      | R NR     | R RB',
  MigratingFrom: 'R pu rerun  | R pu rerun | R P     | -      | R NR     | R RB rerun',
  MigratingTo: '  R pu ok     | R pu ok    | R ok P  | R ok   | R NR     | R RB ok',
  Unknown: '      R RES pu ok | R RES pu   | R RES P | R RES  | R RES NR | R RES RB',
  NotResponding: 'R pu ok     | R pu       | R P     | R      | -        | R RB',
  PoweringDown: ' R pu PDF ok | R pu       | R P     | R      | R NR     | R RB',
  RebootInProgress: 'R pu ok  | R pu       | R P     | R      | R NR     | -',
  SavingState: '  R pu ok     | R pu       | R P     | R      | R NR     | R RB',
  RestoringState: 'R pu ok    | R pu       | R P     | R      | R NR     | R RB',
  Suspended: '    R pu ok     | R pu       | R P     | R      | R NR     | R RB',
  Down: '         R pu ok     | R pu       | R P     | R      | R NR     | R RB',
};

const words: Readonly<Record<string, string>> = {
  VM_STATUS_RESTORED: 'RES',
  poweringUp: 'pu',
  VM_POWER_DOWN_FAILED: 'PDF',
  USER_REBOOT_VM: 'RB',
  succeededToRun: 'ok',
  VM_NOT_RESPONDING: 'NR',
  VM_PAUSED: 'P',
  rerun: 'rerun',
};
const order = ['R', '-', ...Object.values(words)];

function shortOf(verdict: VmVerdict, stored: VmStatus, said: VmStatus): string {
  const { draft } = verdict;
  const names = [...draft.events, ...draft.intents.map(({ intent }) => ({ name: intent }))].map(({ name }) => name);
  const happened = [...names, ...draft.signals].flatMap((name) => words[name] ?? []);
  const { status } = draft.state;
  const first = status === said && status !== stored ? 'R' : status === stored ? '-' : `?${status}`;
  return [first, ...happened].toSorted((a, b) => order.indexOf(a) - order.indexOf(b)).join(' ');
}

describe.each(Object.entries(alive))('stored %s', (stored, cells) => {
  it.each(reported.map((said, i): [VmStatus, string] => [said, cells.split('|')[i]?.trim() ?? '']))(
    'reported %s: %s',
    (said, expected) => {
      const status = stored as VmStatus;
      const before = vm('v1', status, { runOnVds: 'h1', migratingToVds: status === 'MigratingFrom' ? 'h2' : null });
      const verdict = decideVm(vmCase(before, polled('v1', said), { commands: { asyncRunning: true } }));
      expect(shortOf(verdict, status, said)).toBe(expected);
      // Wherever the report is copied, the VM runs on the reporting host.
      expect(verdict.draft.state.runOnVds).toBe('h1');
    },
  );
});

/** Reported Down, and not reported any more: next status, exit status and event. */
const ended: Readonly<Partial<Record<VmStatus, readonly [normal: string, error: string, absent: string]>>> = {
  WaitForLaunch: ['Down Normal VM_DOWN', 'Down Error VM_DOWN_ERROR', 'Down Error VM_DOWN_ERROR'],
  PoweringUp: ['Down Normal VM_DOWN', 'Down Error VM_DOWN_ERROR', 'Down Error VM_DOWN_ERROR'],
  Up: ['Down Normal VM_DOWN', 'Down Error VM_DOWN_ERROR', 'Down Error VM_DOWN_ERROR'],
  Paused: ['Down Normal VM_DOWN', 'Down Error VM_DOWN_ERROR', 'Down Error VM_DOWN_ERROR'],
  MigratingFrom: ['Down Normal VM_MIGRATION_ABORT', 'Down Error VM_MIGRATION_ABORT', 'MigratingTo Normal'],
  MigratingTo: ['Down Normal VM_DOWN', 'Down Error VM_DOWN_ERROR', 'Down Error VM_DOWN_ERROR'],
  Unknown: ['Down Normal VM_DOWN', 'Down Error VM_DOWN_ERROR', 'Down Error VM_DOWN_ERROR'],
  NotResponding: ['Down Normal VM_DOWN', 'Down Error VM_DOWN_ERROR', 'Down Error VM_DOWN_ERROR'],
  PoweringDown: ['Down Normal VM_DOWN', 'Down Error VM_DOWN_ERROR', 'Down Normal VM_DOWN'],
  RebootInProgress: ['Down Normal VM_DOWN', 'Down Error VM_DOWN_ERROR', 'Down Normal VM_DOWN'],
  SavingState: ['Suspended Normal USER_SUSPEND_VM_OK', 'Down Error USER_FAILED_SUSPEND_VM', 'Down Error VM_DOWN_ERROR'],
};

describe.each(Object.entries(ended))('stored %s', (stored, cells) => {
  const before = vm('v1', stored as VmStatus, {
    runOnVds: 'h1',
    migratingToVds: stored === 'MigratingFrom' ? 'h2' : null,
  });
  const reports = [
    polled('v1', 'Down', { exitStatus: 'Normal' }),
    polled('v1', 'Down', { exitStatus: 'Error', exitReason: 'GenericError' }),
    null,
  ];

  it.each([0, 1, 2])('ended, way %i of normal, error, absent', (i) => {
    const { draft } = decideVm(vmCase(before, reports[i] ?? null));
    const { status, exitStatus } = draft.state;
    expect([status, exitStatus, ...draft.events.map(({ name }) => name)].join(' ')).toBe(cells[i]);
  });
});
