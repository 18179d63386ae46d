import { describe, expect, it } from 'vitest';
import type { Vm } from '../../src/model/index.js';
import { decideOff } from '../../src/rules/index.js';
import { vm } from '../support/entities.js';
import { NOW, vmCase } from '../support/vm-verdict.js';

const judge = (stored: Vm, asyncRunning = false) =>
  decideOff({ ...vmCase(stored, null, { commands: { asyncRunning } }), vm: stored });

/** §3.4: the host is proven to have been off, so nothing of what was known of the VM holds. */
describe('a VM whose host was off', () => {
  it.each([vm('v1', 'Up'), vm('v1', 'Unknown'), vm('v1', 'Paused'), vm('v1', 'MigratingTo')])(
    'is Down with an error, and said so: $dynamic.status',
    (stored) => {
      const { rule, effects, draft, changes } = judge(stored);
      expect([rule, effects]).toEqual(['host.off.vms-down', []]);
      expect(draft.state).toMatchObject({
        ...{ status: 'Down', runOnVds: null, lastStopTime: NOW, statusSince: NOW },
        ...{ exitStatus: 'Error', exitMessage: null, exitReason: 'Unknown' },
      });
      expect(draft.events).toEqual([{ name: 'VM_WAS_SET_DOWN_DUE_TO_HOST_REBOOT_OR_MANUAL_FENCE', params: {} }]);
      expect(draft.signals).toEqual(['removeAsync']);
      expect(draft.intents.map(({ intent }) => intent)).toEqual(['processDownVm']);
      expect(draft.statisticsReset).toBe(true);
      expect(changes.map(({ path }) => path)).toContain('status');
    },
  );

  it('leaves nobody waiting for it', () => {
    expect(judge(vm('v1', 'WaitForLaunch'), true).draft.intents.map(({ intent }) => intent)).toEqual(['processDownVm']);
  });

  it.each<[string, Vm, unknown[]]>([
    [
      'it was migrating to a known host: what may have arrived there is to be destroyed',
      vm('v1', 'MigratingFrom', { migratingToVds: 'h2' }),
      [['destroy', 'h2', { because: 'the host that it came from was off' }]],
    ],
    ['it was migrating, nobody knows where to', vm('v1', 'MigratingFrom'), []],
    ['a migration that was over', vm('v1', 'Up', { migratingToVds: 'h2' }), []],
  ])('%s', (_, stored, expected) => {
    const { intents } = judge(stored).draft;
    const destroyed = intents.filter(({ intent }) => intent === 'destroy');
    expect(destroyed.map(({ intent, hostId, evidence }) => [intent, hostId, evidence])).toEqual(expected);
  });

  it.each([
    [true, [{ because: 'its host was off' }]],
    [false, []],
    [null, []],
  ])('is started again if it is highly available: %s', (ha, expected) => {
    const { intents, events } = judge(vm('v1', 'Up', { static: { ha } })).draft;
    expect(intents.filter(({ intent }) => intent === 'autoRun').map(({ evidence }) => evidence)).toEqual(expected);
    expect(events.filter(({ name }) => name === 'HA_VM_FAILED')).toHaveLength(expected.length);
  });
});
