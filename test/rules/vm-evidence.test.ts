import { describe, expect, it } from 'vitest';
import type { Vm, VmReport } from '../../src/model/index.js';
import { decideVm } from '../../src/rules/index.js';
import { polled, vm } from '../support/entities.js';
import { vmCase } from '../support/vm-verdict.js';

const ha = { static: { ha: true } } as const;
const gone = {
  exitStatus: 'Error',
  exitMessage: 'Could not find VM v1 on host, assuming it went down unexpectedly',
  exitReason: 'GenericError',
};
const boom = { exitStatus: 'Error', exitMessage: 'boom', exitReason: 'LostQEMUConnection' } as const;
const crashed = polled('v1', 'Down', boom);
const rebooted = { exitStatus: 'Normal', exitMessage: null, exitReason: 'DestroyedOnReboot' } as const;
const migrating = { migratingToVds: 'h2' };
const asyncRunning = { commands: { asyncRunning: true } };
const coldReboot = { commands: { coldReboot: true } };
const shutdown = { exitStatus: 'Normal', exitMessage: 'VM v1 shutdown complete', exitReason: 'Success' };

/** D25: advice is given with what it rests on, so that whoever acts on it can judge it. */
const rows: [
  title: string,
  vm: Vm | undefined,
  report: VmReport | null,
  more: Parameters<typeof vmCase>[2],
  intent: string,
  evidence: object,
][] = [
  ['gone, waited for', vm('v1', 'Up'), null, asyncRunning, 'rerun', gone],
  ['gone, to be rebooted', vm('v1', 'Up'), null, coldReboot, 'coldReboot', gone],
  ['gone, highly available', vm('v1', 'Up', ha), null, {}, 'autoRun', gone],
  ['shut down, to be rebooted', vm('v1', 'PoweringDown'), null, coldReboot, 'coldReboot', shutdown],
  ['crashed: what is left there', vm('v1', 'Up'), crashed, {}, 'destroy', { reported: 'Down', ...boom }],
  ['crashed, waited for', vm('v1', 'PoweringUp'), crashed, asyncRunning, 'rerun', boom],
  ['crashed, highly available', vm('v1', 'Up', ha), crashed, {}, 'autoRun', boom],
  ['ended to be rebooted', vm('v1', 'Up'), polled('v1', 'Down', rebooted), {}, 'coldReboot', rebooted],
  ['crashed on its way', vm('v1', 'MigratingFrom', { ...ha, ...migrating }), crashed, {}, 'autoRun', boom],
  [
    'a second copy of it',
    vm('v1', 'Up', { runOnVds: 'h2' }),
    polled('v1', 'Paused'),
    {},
    'destroy',
    { reported: 'Paused', runsOn: 'h2' },
  ],
  [
    'its migration failed',
    vm('v1', 'MigratingFrom', migrating),
    polled('v1', 'PoweringUp'),
    asyncRunning,
    'rerun',
    { reported: 'PoweringUp' },
  ],
  ['nobody told of it, and it is broken', undefined, polled('v1', 'Down'), {}, 'destroy', { reported: 'Down' }],
];

describe('what advice about a VM rests on', () => {
  it.each(rows)('%s', (_, stored, report, more, intent, evidence) => {
    const { intents } = decideVm(vmCase(stored, report, more)).draft;
    expect(intents.filter((each) => each.intent === intent).map((each) => each.evidence)).toEqual([evidence]);
  });

  it('what arrived of a migration that was aborted is to be destroyed at its destination, and why', () => {
    const { intents } = decideVm(vmCase(vm('v1', 'MigratingFrom', migrating), crashed)).draft;
    expect(intents).toContainEqual({
      ...{ intent: 'destroy', vmId: 'v1', hostId: 'h2' },
      evidence: { because: 'migration aborted' },
    });
  });
});
