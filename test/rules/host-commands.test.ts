import { describe, expect, it } from 'vitest';
import { type NonOperationalReason, type VdsStatus, vdsStatusIds } from '../../src/model/index.js';
import { commandTransitions, decideHost, type HostCommand, isStale, refusal } from '../../src/rules/index.js';
import { host, vm } from '../support/entities.js';
import { decide, type HostCaseMore, hostCase, NOW, network, nic, usageOf } from '../support/host-case.js';

const tell = (command: HostCommand) => ({ kind: 'command', command }) as const;
const statuses = Object.keys(vdsStatusIds) as VdsStatus[];
const commands: HostCommand[] = [
  { is: 'activate' },
  { is: 'maintenance', reason: null },
  { is: 'rebooting' },
  { is: 'confirmRebooted' },
  { is: 'pending', memoryMb: 1, vcpus: 1 },
  { is: 'autoRecovery' },
];

it('each command meets exactly one row in every status', () => {
  const problems: string[] = [];
  for (const status of statuses)
    for (const command of commands)
      for (const vms of [[], [vm()]])
        for (const mode of ['observer', 'manager'] as const) {
          const c = { ...hostCase(host('h1', status), { vms, general: { mode } }), command };
          const names = commandTransitions.filter((row) => row.when(c)).map((row) => row.name);
          if (names.length !== 1) problems.push(`${status} ${command.is}: ${names.join(' and ')}`);
        }
  expect(problems).toEqual([]);
});

describe('refusals', () => {
  const spm = { static: { spmStatus: 'SPM' } } as const;
  it.each<[string, HostCommand, ReturnType<typeof host>, HostCaseMore, boolean]>([
    ['maintenance, Up with VMs', { is: 'maintenance', reason: null }, host(), { vms: [vm()] }, false],
    [
      'maintenance, lost with VMs',
      { is: 'maintenance', reason: null },
      host('h1', 'NonResponsive'),
      { vms: [vm()] },
      true,
    ],
    ['maintenance, lost and empty', { is: 'maintenance', reason: null }, host('h1', 'NonResponsive'), {}, false],
    ['maintenance, lost SPM', { is: 'maintenance', reason: null }, host('h1', 'NonResponsive', spm), {}, true],
    [
      'maintenance, Connecting with VMs',
      { is: 'maintenance', reason: null },
      host('h1', 'Connecting', { vmCount: 3 }),
      {},
      true,
    ],
    ['maintenance, InstallFailed', { is: 'maintenance', reason: null }, host('h1', 'InstallFailed'), {}, false],
    ['maintenance, Installing', { is: 'maintenance', reason: null }, host('h1', 'Installing'), {}, true],
    [
      '… beside an engine',
      { is: 'maintenance', reason: null },
      host('h1', 'Installing'),
      { general: { mode: 'observer' } },
      false,
    ],
    ['maintenance, Down with VMs', { is: 'maintenance', reason: null }, host('h1', 'Down'), { vms: [vm()] }, false],
    ['activation, Installing', { is: 'activate' }, host('h1', 'Installing'), {}, false],
    ['activation, lost with VMs', { is: 'activate' }, host('h1', 'NonResponsive'), { vms: [vm()] }, false],
    ['confirmed off, but Up', { is: 'confirmRebooted' }, host(), {}, true],
    ['confirmed off, but only Connecting', { is: 'confirmRebooted' }, host('h1', 'Connecting'), {}, true],
    ['confirmed off, lost', { is: 'confirmRebooted' }, host('h1', 'NonResponsive'), {}, false],
    ['confirmed off, Maintenance', { is: 'confirmRebooted' }, host('h1', 'Maintenance'), {}, false],
  ])('%s', (_, command, h, more, refused) => {
    expect(refusal({ ...hostCase(h, more), command }) !== null).toBe(refused);
  });
});

describe('activation', () => {
  it.each<VdsStatus>(['Maintenance', 'Down', 'NonOperational', 'InstallFailed'])(
    '%s becomes Unassigned, as if never heard',
    (status) => {
      const c = hostCase(host('h1', status, { maintenanceReason: 'disks' }), {
        liveness: { attempts: 9, lastAnswerAt: 0 },
      });
      const { draft } = decideHost(c, tell({ is: 'activate' }));
      expect(draft.dynamic).toMatchObject({
        status: 'Unassigned',
        maintenanceReason: null,
        nonOperationalReason: 'NONE',
      });
      expect(draft.liveness).toMatchObject({ attempts: 0, lastAnswerAt: NOW, heardAt: null, capabilitiesRead: true });
    },
  );
});

it('a host that is proven to have been off has nothing on it', () => {
  const c = hostCase(
    host('h1', 'NonResponsive', { vmCount: 4, vmActive: 3, vmMigrating: 1, vmsCoresCount: 9, inFenceFlow: true }),
  );
  const { draft } = decideHost(c, tell({ is: 'confirmRebooted' }));
  expect(draft.dynamic).toMatchObject({
    status: 'NonResponsive',
    vmCount: 0,
    vmActive: 0,
    vmMigrating: 0,
    vmsCoresCount: 0,
    inFenceFlow: false,
  });
  expect(draft.vmsBecome).toBe('off');
});

it('a reboot is a fact with an end, and changes no status', () => {
  const { draft, changes } = decideHost(hostCase(host()), tell({ is: 'rebooting' }));
  expect([changes, draft.liveness.rebootUntil]).toEqual([[], NOW + 600_000]);
  expect(decideHost(hostCase(host()), tell({ is: 'rebooting', forSeconds: 5 })).draft.liveness.rebootUntil).toBe(
    NOW + 5000,
  );
});

it('what is pending stands in the host’s row, and commitments are added up again', () => {
  const c = hostCase(host('h1', 'Up', { guestOverhead: 65 }), {
    vms: [vm('v1', 'Up', { static: { memoryMb: 100, vcpus: 2 } })],
  });
  expect(decideHost(c, tell({ is: 'pending', memoryMb: 512, vcpus: 3 })).draft.dynamic).toMatchObject({
    pendingVmemSize: 512,
    pendingVcpusCount: 3,
    memCommited: 165,
    vmsCoresCount: 2,
  });
});

describe('automatic recovery (§2.12)', () => {
  const broken = (more: object = {}, reason: NonOperationalReason = 'NETWORK_INTERFACE_IS_DOWN') =>
    host('h1', 'NonOperational', { nonOperationalReason: reason, ...more });
  const req = nic('eth0', { network: 'req', bridged: true });
  const known: HostCaseMore = { networks: [network('req', { vmNetwork: true })] };

  it.each<[string, ReturnType<typeof host>, HostCaseMore, boolean]>([
    ['nothing against it', broken(), {}, true],
    ['may not by itself', broken({ static: { autoRecoverable: false } }), {}, false],
    ['another cluster’s engine', broken({}, 'HE_HOST_IN_NON_HE_CLUSTER'), {}, false],
    ['its nic is up again', broken({ interfaces: [req] }), { ...known, usage: usageOf({ eth0: 'UP' }) }, true],
    ['its nic is still down', broken({ interfaces: [req] }), { ...known, usage: usageOf({ eth0: 'DOWN' }) }, false],
    ['a required network is missing', broken(), known, false],
    [
      'a VM network has no bridge',
      broken({ interfaces: [{ ...req, bridged: false }] }),
      { ...known, usage: usageOf({ eth0: 'UP' }) },
      false,
    ],
    ['hosts do not recover', broken(), { general: { autoRecovery: { hosts: false, intervalSeconds: 300 } } }, false],
    ['Up', host(), {}, false],
  ])('%s', (_, h, more, recovers) => {
    expect(decide(hostCase(h, more), tell({ is: 'autoRecovery' }))).toMatchObject(
      recovers
        ? { rule: 'host.auto-recovery', status: 'Unassigned', intents: ['activate'], events: [] }
        : { rule: 'host.auto-recovery.not-yet', status: h.dynamic.status, intents: [] },
    );
  });
});

describe('hosts that nobody hears (§2.1)', () => {
  it.each<[VdsStatus, number, boolean]>([
    ['Up', 9, false],
    ['Up', 10, true],
    ['NonResponsive', 11, true],
    ['PreparingForMaintenance', 20, true],
    ['Maintenance', 20, false],
    ['InstallFailed', 20, false],
    ['Down', 20, false],
  ])('%s, %i s', (status, seconds, stale) => {
    const { liveness } = hostCase(host(), { liveness: { lastAnswerAt: NOW - seconds * 1000 } });
    expect(isStale(host('h1', status), liveness, 10, NOW)).toBe(stale);
  });
});
