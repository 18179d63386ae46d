import { describe, expect, it } from 'vitest';
import type { VdsStatus } from '../../src/model/index.js';
import { decideHost } from '../../src/rules/index.js';
import { host, hostStats, vm } from '../support/entities.js';
import { decide, type HostCaseMore, hostCase, NOW, usageOf } from '../support/host-case.js';

const stats = (vmCount = 0) => ({ kind: 'statistics', report: hostStats({ dynamic: { vmCount } }) }) as const;
const leaving = (seconds = 10) =>
  host('h1', 'PreparingForMaintenance', { statusSince: NOW - seconds * 1000, maintenanceReason: 'disks' });
const external = vm('x', 'Up', { static: { origin: 'EXTERNAL' } });
const ignore: HostCaseMore = { general: { maintenance: { ignoreExternalVms: true, retrySeconds: 300 } } };
const enters = { rule: 'host.maintenance.entered', status: 'Maintenance', intents: ['disconnectStoragePool'] };
const waits = { rule: 'host.maintenance.waits', status: 'PreparingForMaintenance', intents: [] };

describe('a host that is being emptied (§2.6)', () => {
  it.each<[string, HostCaseMore, number, object]>([
    ['empty', {}, 0, enters],
    ['a VM by its own word', {}, 1, waits],
    ['a VM by ours', { vms: [vm()] }, 0, waits],
    ['an external VM', { vms: [external] }, 0, waits],
    ['an external VM that may stay', { ...ignore, vms: [external] }, 1, enters],
    ['an external VM that may stay, and one that may not', { ...ignore, vms: [external, vm()] }, 0, waits],
    ['a managed VM that may not', { ...ignore, vms: [vm()] }, 0, waits],
    ['a transfer runs', { imageTransfers: ['PAUSED_USER', 'TRANSFERRING'] }, 0, waits],
    [
      'all transfers are paused or finished',
      { imageTransfers: ['PAUSED_USER', 'PAUSED_SYSTEM', 'FINISHED_SUCCESS'] },
      0,
      enters,
    ],
  ])('%s', (_, more, vmCount, expected) => {
    expect(decide(hostCase(leaving(), more), stats(vmCount))).toMatchObject(expected);
  });

  it('enters with its reason and without usage', () => {
    const { draft } = decideHost(hostCase(leaving(), { usage: usageOf({}, { usageCpuPercent: 40 }) }), stats());
    expect(draft.dynamic).toMatchObject({ maintenanceReason: 'disks', previousStatus: 'PreparingForMaintenance' });
    expect(draft.usage?.statistics).toMatchObject({ usageCpuPercent: 0, usageMemPercent: 0, usageNetworkPercent: 0 });
  });

  it.each<[string, number, HostCaseMore, string]>([
    ['300 s after it began', 300, {}, 'host.maintenance.waits'],
    ['later', 301, {}, 'host.maintenance.retry'],
    ['not before the time that was set', 900, { liveness: { maintenanceRetryAt: NOW } }, 'host.maintenance.waits'],
    ['after it', 900, { liveness: { maintenanceRetryAt: NOW - 1 } }, 'host.maintenance.retry'],
  ])('is asked again %s', (_, seconds, more, rule) => {
    const verdict = decideHost(hostCase(leaving(seconds), { ...more, vms: [vm()] }), stats(1));
    expect(verdict.rule).toBe(rule);
    if (rule.endsWith('retry')) {
      expect(verdict.draft.liveness.maintenanceRetryAt).toBe(NOW + 300_000);
      expect(verdict.draft.intents).toMatchObject([
        { intent: 'maintenanceNumberOfVdss', round: Math.trunc(seconds / 300) },
      ]);
    }
  });
});

describe('what is said of a host that is being emptied', () => {
  it('names its VMs when it is asked again', () => {
    const vms = [vm('v2'), vm('v1')];
    const { draft } = decideHost(hostCase(leaving(900), { vms }), stats(2));
    expect(draft.intents[0]?.evidence).toEqual({ vms: ['v1', 'v2'] });
  });

  it('forgets the time to ask again once it is empty', () => {
    const c = hostCase(leaving(), { liveness: { maintenanceRetryAt: NOW } });
    expect(decideHost(c, stats()).draft.liveness.maintenanceRetryAt).toBeNull();
  });

  it('says why it is not in Maintenance yet', () => {
    expect(decideHost(hostCase(leaving()), stats(1)).draft.notDone).toEqual([
      { what: 'Maintenance', why: 'VMs or image transfers still run on the host' },
    ]);
  });
});

describe('maintenance is asked for', () => {
  const command = { kind: 'command', command: { is: 'maintenance', reason: 'disks' } } as const;

  it.each<[string, VdsStatus, HostCaseMore, object]>([
    [
      'VMs run',
      'Up',
      { vms: [vm()] },
      { rule: 'host.maintenance.preparing', status: 'PreparingForMaintenance', intents: ['maintenanceNumberOfVdss'] },
    ],
    ['nothing runs', 'Up', {}, { rule: 'host.maintenance', status: 'Maintenance', intents: ['disconnectStoragePool'] }],
    ['a transfer runs', 'NonOperational', { imageTransfers: ['TRANSFERRING'] }, { status: 'PreparingForMaintenance' }],
    ['again', 'PreparingForMaintenance', { vms: [vm()] }, { rule: 'host.maintenance.preparing-already', intents: [] }],
    ['Down', 'Down', { vms: [vm()] }, { rule: 'host.maintenance', status: 'Maintenance', intents: [] }],
    [
      'beside an engine',
      'Up',
      { vms: [vm()], general: { mode: 'observer' } },
      { rule: 'host.maintenance', status: 'Maintenance' },
    ],
  ])('%s (%s)', (_, status, more, expected) => {
    expect(decide(hostCase(host('h1', status), more), command)).toMatchObject(expected);
  });

  it('asks for VMs to go and for none to come, and sets the time to ask again', () => {
    const vms = [vm('v1'), vm('v2', 'Up', { static: { priority: 4 } })];
    const { draft } = decideHost(hostCase(host(), { vms, incomingVms: () => [vm('v9')] }), command);
    expect(draft.intents[0]?.evidence).toEqual({ vms: ['v2', 'v1'], cancelMigrationsOf: ['v9'] });
    expect(draft.dynamic.maintenanceReason).toBe('disks');
    expect(draft.liveness.maintenanceRetryAt).toBe(NOW + 300_000);
  });
});
