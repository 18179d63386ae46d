import { describe, expect, it } from 'vitest';
import {
  exitReasonIds,
  migrating,
  notMonitored,
  notRunning,
  pauseIsError,
  pauseStatusIds,
  running,
  runningOrPaused,
  upOrLeaving,
  upOrPaused,
  type VdsStatus,
  type VmStatus,
  vdsStatusIds,
  vmPollAllowed,
  vmStatusFromAgent,
  vmStatusIds,
} from '../../src/model/index.js';

describe('vmStatusFromAgent', () => {
  it.each<[string, VmStatus]>([
    ['Up', 'Up'],
    ['Powering up', 'PoweringUp'],
    ['Powering down', 'PoweringDown'],
    ['Reboot in progress', 'RebootInProgress'],
    ['WaitForLaunch', 'WaitForLaunch'],
    ['Saving State', 'SavingState'],
    ['Restoring state', 'RestoringState'],
    ['Migration Source', 'MigratingFrom'],
    ['Migration Destination', 'MigratingTo'],
    ['Paused', 'Paused'],
    ['Down', 'Down'],
    ['pOwErInG  uP', 'PoweringUp'],
    ['Unknown', 'Unknown'],
    ['Dancing', 'Unassigned'],
    ['', 'Unassigned'],
    ['constructor', 'Unassigned'],
  ])('"%s" is %s', (word, status) => {
    expect(vmStatusFromAgent(word)).toBe(status);
  });

  it.each<[string, number | null, VmStatus]>([
    ['Up', -1, 'NotResponding'],
    ['Powering up', -1, 'NotResponding'],
    ['Up', 0, 'Up'],
    ['Up', null, 'Up'],
    ['Paused', -1, 'Paused'],
    ['Powering down', -1, 'PoweringDown'],
    ['Migration Source', -1, 'MigratingFrom'],
    ['Down', -1, 'Down'],
  ])('"%s" with monitorResponse %s is %s', (word, response, status) => {
    expect(vmStatusFromAgent(word, response)).toBe(status);
  });

  it('understands every one of our names', () => {
    for (const name of Object.keys(vmStatusIds)) expect(vmStatusFromAgent(name)).toBe(name);
  });
});

describe('numbers of oVirt (§1.1–§1.3)', () => {
  it('VM statuses: -1 to 16 without 3', () => {
    const ids = Object.values(vmStatusIds).toSorted((a, b) => a - b);
    expect(ids).toEqual([-1, 0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    expect([vmStatusIds.MigratingTo, vmStatusIds.NotResponding, vmStatusIds.PoweringDown]).toEqual([6, 8, 16]);
  });

  it('host statuses: 0 to 15', () => {
    const ids = Object.values(vdsStatusIds).toSorted((a, b) => a - b);
    expect(ids).toEqual(Array.from({ length: 16 }, (_, i) => i));
    expect([vdsStatusIds.Up, vdsStatusIds.NonResponsive, vdsStatusIds.Connecting]).toEqual([3, 4, 13]);
  });

  it('reasons and pause codes', () => {
    expect([exitReasonIds.Unknown, exitReasonIds.MigrationSucceeded, exitReasonIds.DestroyedOnResume]).toEqual([
      -1, 4, 14,
    ]);
    expect(pauseStatusIds).toEqual({ NONE: 0, EOTHER: 1, EIO: 2, ENOSPC: 3, EPERM: 4, NOERR: 5, POSTCOPY: 6 });
    expect([...pauseIsError].toSorted()).toEqual(['EIO', 'ENOSPC', 'EOTHER', 'EPERM']);
  });
});

describe('groups of VM statuses (§1.2)', () => {
  const membersOf = (group: ReadonlySet<VmStatus>): string => [...group].toSorted().join(' ');

  it.each([
    ['not running', notRunning, 'Down ImageIllegal ImageLocked Suspended'],
    ['running', running, 'MigratingFrom MigratingTo PoweringDown PoweringUp RebootInProgress Up WaitForLaunch'],
    ['migrating', migrating, 'MigratingFrom MigratingTo'],
    ['up or paused', upOrPaused, 'Paused Up'],
  ])('%s', (_, group, members) => {
    expect(membersOf(group)).toBe(members);
  });

  it('running or paused is running with the states in which the guest stands still', () => {
    expect(membersOf(runningOrPaused)).toBe(
      membersOf(new Set([...running, 'Paused', 'RestoringState', 'SavingState'])),
    );
  });

  it('puts Unknown and NotResponding in none of them', () => {
    for (const group of [notRunning, running, runningOrPaused, migrating, upOrPaused]) {
      expect([group.has('Unknown'), group.has('NotResponding'), group.has('Unassigned')]).toEqual([
        false,
        false,
        false,
      ]);
    }
  });
});

describe('groups of host statuses (§1.1)', () => {
  const statuses = Object.keys(vdsStatusIds) as VdsStatus[];

  it('monitors these, and no other', () => {
    expect(statuses.filter((status) => !notMonitored.has(status))).toEqual([
      ...['Unassigned', 'Up', 'NonResponsive', 'Error'],
      ...['PreparingForMaintenance', 'NonOperational', 'Initializing', 'Connecting'],
    ]);
  });

  it('polls VMs of monitored hosts in contact only', () => {
    expect([...vmPollAllowed].toSorted()).toEqual(['Error', 'NonOperational', 'PreparingForMaintenance', 'Up']);
    expect(upOrLeaving).toEqual(vmPollAllowed);
    for (const status of vmPollAllowed) expect(notMonitored.has(status)).toBe(false);
  });
});
