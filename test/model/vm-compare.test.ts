import { describe, expect, it } from 'vitest';
import {
  comparedVmFields,
  type ReportedVmDynamic,
  reportDiffers,
  reportedFields,
  type VmDynamic,
  vmDynamicFields,
} from '../../src/model/index.js';
import { polled, pushed, vm } from '../support/entities.js';

const agentOwned = Object.keys(vmDynamicFields).filter(
  (name) => vmDynamicFields[name as keyof VmDynamic].owner === 'agent',
);

describe('compared fields (§4.11)', () => {
  it('are the agent’s, but for those that are no reason to write', () => {
    const notCompared = agentOwned.filter((name) => !(name in comparedVmFields));
    expect(notCompared.toSorted()).toEqual(['exitMessage', 'guestRequestedMemory', 'vmHost']);
    expect(Object.keys(comparedVmFields).every((name) => agentOwned.includes(name))).toBe(true);
  });

  it('hold the guest’s user, and the watchdog’s action (D12, D13)', () => {
    expect(Object.keys(comparedVmFields)).toEqual(
      expect.arrayContaining(['guestUser', 'lastWatchdogAction', 'acpiEnabled']),
    );
  });
});

describe('reportDiffers', () => {
  it('is false for a poll that says what is stored', () => {
    expect(reportDiffers(vm(), polled(), 'h1')).toBe(false);
  });

  it('is false for a push that leaves out what did not change', () => {
    const stored = vm('v1', 'Up', { guestOs: 'RHEL', fqdn: 'a.example', guestUser: 'bob' });
    expect(reportDiffers(stored, pushed(), 'h1')).toBe(false);
    expect(reportDiffers(stored, pushed('v1', 'Up', { guestOs: 'RHEL' }), 'h1')).toBe(false);
  });

  it.each<[string, ReturnType<typeof polled>]>([
    ['another status', polled('v1', 'Paused')],
    ['another field', polled('v1', 'Up', { guestUser: 'eve' })],
    ['a field that is gone', polled('v1', 'Up', { guestOs: null })],
    ['other devices', polled('v1', 'Up', { guestOs: 'RHEL', deviceHash: 'new' })],
  ])('is true for %s', (_, report) => {
    expect(reportDiffers(vm('v1', 'Up', { guestOs: 'RHEL', hash: 'old' }), report, 'h1')).toBe(true);
  });

  it('is true for a VM that is not known, and for another host than the stored one', () => {
    expect(reportDiffers(undefined, polled(), 'h1')).toBe(true);
    expect(reportDiffers(vm('v1', 'Up', { runOnVds: 'h2' }), polled(), 'h1')).toBe(true);
    expect(reportDiffers(vm('v1', 'Down'), polled('v1', 'Down'), 'h1')).toBe(true);
  });

  it('is false for fields that are only taken along', () => {
    const report = polled('v1', 'Up', { exitMessage: 'x', vmHost: 'guest', guestRequestedMemory: 5 });
    expect(reportDiffers(vm(), report, 'h1')).toBe(false);
  });

  it('is false for a report without a device fingerprint', () => {
    expect(reportDiffers(vm('v1', 'Up', { hash: 'known' }), polled(), 'h1')).toBe(false);
  });

  it('finds a difference in every compared field', () => {
    const values: Readonly<Partial<Record<string, unknown>>> = { status: 'Paused', acpiEnabled: true };
    for (const name of Object.keys(comparedVmFields)) {
      const changed: ReportedVmDynamic = { [name]: values[name] ?? 'another' };
      expect(reportDiffers(vm(), { ...polled(), dynamic: { ...polled().dynamic, ...changed } }, 'h1'), name).toBe(true);
    }
  });
});

describe('the application list', () => {
  const stored = vm('v1', 'Up', { appList: 'kernel,agent' }).dynamic;

  it.each(['Paused', 'PoweringUp', 'MigratingFrom', 'NotResponding'] as const)('does not count while %s', (status) => {
    const report = polled('v1', status, { appList: '' });
    expect(reportedFields(stored, report).appList).toBe('kernel,agent');
    expect(reportDiffers(vm('v1', status, { appList: 'kernel,agent' }), report, 'h1')).toBe(false);
  });

  it('counts while Up', () => {
    const report = polled('v1', 'Up', { appList: 'kernel' });
    expect(reportedFields(stored, report).appList).toBe('kernel');
    expect(reportDiffers(vm('v1', 'Up', { appList: 'kernel,agent' }), report, 'h1')).toBe(true);
  });

  it('stays out of a push that does not name it', () => {
    expect(reportedFields(stored, pushed('v1', 'Paused'))).not.toHaveProperty('appList');
  });
});
