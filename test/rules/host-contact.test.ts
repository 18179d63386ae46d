import { describe, expect, it } from 'vitest';
import { VurtiError } from '../../src/kernel/index.js';
import { initialRow, type VdsStatus, vdsDynamicFields } from '../../src/model/index.js';
import { decideHost, dynamicAtStart } from '../../src/rules/index.js';
import { capabilities, host, hostStats, vm } from '../support/entities.js';
import { cluster, decide, type HostCaseMore, hostCase, NOW, network, nic, usageOf } from '../support/host-case.js';

const good = { kind: 'capabilities', report: capabilities({ selinuxMode: 'ENFORCING' }) } as const;
const lacking: HostCaseMore = { networks: [network('req')] };

describe('capabilities', () => {
  it.each<[string, VdsStatus, HostCaseMore, object]>([
    [
      'contact',
      'Connecting',
      {},
      { rule: 'host.capabilities.contact', status: 'Connecting', events: [], requests: ['Host.getStats'] },
    ],
    [
      'a rule is broken',
      'Connecting',
      lacking,
      {
        rule: 'host.capabilities.non-operational',
        status: 'NonOperational',
        events: ['VDS_SET_NONOPERATIONAL_NETWORK', 'VDS_DETECTED'],
        requests: [],
      },
    ],
    [
      '… at the first refresh as well',
      'Unassigned',
      { ...lacking, liveness: { capabilitiesRead: false } },
      { events: ['VDS_SET_NONOPERATIONAL_NETWORK', 'VDS_DETECTED'] },
    ],
    ['Up, refreshed', 'Up', {}, { rule: 'host.capabilities.refresh', events: [] }],
    ['Up, first refresh', 'Up', { liveness: { capabilitiesRead: false } }, { events: [] }],
    [
      'NonOperational, first refresh',
      'NonOperational',
      { liveness: { capabilitiesRead: false } },
      { status: 'NonOperational', events: ['VDS_DETECTED'] },
    ],
    ['NonOperational, refreshed', 'NonOperational', {}, { status: 'NonOperational', events: [] }],
    [
      'Up, breaks a rule now',
      'Up',
      lacking,
      { status: 'NonOperational', events: ['VDS_SET_NONOPERATIONAL_NETWORK'], signals: ['setNonOperational'] },
    ],
    [
      'somebody else’s',
      'Maintenance',
      { ...lacking, liveness: { capabilitiesRead: false } },
      { status: 'Maintenance', events: [] },
    ],
  ])('%s (%s)', (_, status, more, expected) => {
    expect(decide(hostCase(host('h1', status), more), good)).toMatchObject(expected);
  });

  it.each<[string, VdsStatus, boolean, readonly string[] | null, readonly string[]]>([
    ['the first time', 'Connecting', false, null, ['VDS_CPU_RETRIEVE_FAILED']],
    ['as an empty text', 'Up', false, [], ['VDS_CPU_RETRIEVE_FAILED']],
    ['once more', 'Connecting', true, null, []],
    ['by a host that is none of ours to judge', 'Maintenance', false, null, []],
  ])('no CPU flags told, %s: %s', (_, status, capabilitiesRead, cpuFlags, events) => {
    const c = hostCase(host('h1', status), { liveness: { capabilitiesRead }, cluster: cluster({ cpuFlags: ['vmx'] }) });
    const report = capabilities({ selinuxMode: 'ENFORCING', cpuFlags });
    expect(decide(c, { kind: 'capabilities', report })).toMatchObject({ status, events });
  });

  it('says which status the host has instead', () => {
    const { draft } = decideHost(hostCase(host('h1', 'Connecting'), lacking), good);
    expect(draft.events.at(-1)).toEqual({ name: 'VDS_DETECTED', params: { HostStatus: 'NonOperational' } });
  });
});

describe('the display network (§2.4 row 4)', () => {
  const display = network('show', { required: false, display: true });
  const at = (ipv4Address: string | null) => [nic('eth0', { network: 'show', ipv4Address })];
  const judge = (before: string | null, after: string | null, vmActive: number): readonly string[] => {
    const h = host('h1', 'Up', { vmActive, interfaces: at(before) });
    const report = capabilities({ selinuxMode: 'ENFORCING', interfaces: at(after) });
    return decide(hostCase(h, { networks: [display] }), { kind: 'capabilities', report }).events;
  };

  it.each([
    ['10.0.0.1', '10.0.0.1', 1, []],
    ['10.0.0.1', '10.0.0.2', 1, ['NETWORK_UPDATE_DISPLAY_FOR_HOST_WITH_ACTIVE_VM']],
    ['10.0.0.1', null, 1, ['NETWORK_UPDATE_DISPLAY_FOR_HOST_WITH_ACTIVE_VM']],
    ['10.0.0.1', '10.0.0.2', 0, []],
    [null, '10.0.0.2', 1, []],
  ])('%s → %s with %i VMs: %j', (before, after, vms, events) => {
    expect(judge(before, after, vms)).toEqual(events);
  });
});

describe('becoming Up (§2.10, §3.6)', () => {
  const ready: HostCaseMore = {
    liveness: { readyForUp: true, recoveringSince: 5, rebootUntil: NOW + 1, nicsDownSince: 4 },
  };

  it.each<VdsStatus>(['Connecting', 'NonResponsive', 'Unassigned', 'Initializing'])('from %s', (status) => {
    const c = hostCase(host('h1', status, { inFenceFlow: true }), ready);
    const verdict = decideHost(c, { kind: 'statistics', report: hostStats() });
    expect(decide(c, { kind: 'statistics', report: hostStats() })).toMatchObject({
      rule: 'host.up',
      status: 'Up',
      events: ['VDS_DETECTED'],
      intents: ['initVdsOnUp'],
      signals: ['cancelRecoveryTimer'],
      requests: ['Host.getAllVmStats'],
    });
    expect(verdict.draft.dynamic.inFenceFlow).toBe(false);
    expect(verdict.draft.liveness).toMatchObject({ recoveringSince: null, rebootUntil: null, nicsDownSince: null });
    expect(verdict.draft.liveness.readyForUp).toBe(false);
    expect(verdict.draft.events).toEqual([{ name: 'VDS_DETECTED', params: { HostStatus: 'Up' } }]);
  });

  it.each<VdsStatus>(['NonOperational', 'Error', 'Maintenance'])('not from %s', (status) => {
    expect(decide(hostCase(host('h1', status), ready), { kind: 'statistics', report: hostStats() }).status).toBe(
      status,
    );
  });
});

describe('what goes with a status (§2.8)', () => {
  it('drops the storage report of a host that is not Up any more', () => {
    const usage = usageOf({}, { storageDomains: {}, usageCpuPercent: 7 });
    const { draft } = decideHost(hostCase(host('h1', 'Up', { vmCount: 1 }), { ...lacking, usage }), good);
    expect(draft.usage?.statistics).toMatchObject({ storageDomains: null, usageCpuPercent: 7 });
  });

  it('zeroes the usage of a NonOperational host without VMs', () => {
    const usage = usageOf({}, { usageCpuPercent: 7 });
    const { draft } = decideHost(hostCase(host('h1', 'Up'), { ...lacking, usage }), good);
    expect(draft.usage?.statistics.usageCpuPercent).toBe(0);
  });

  it.each([
    ['YES', ['v2', 'v1']],
    ['HA_ONLY', ['v2']],
    ['NO', undefined],
  ] as const)('moves the VMs of a NonOperational host as the cluster says: %s', (migrateOnError, expected) => {
    const vms = [vm('v1'), vm('v2', 'Up', { static: { ha: true, priority: 3 } })];
    const { draft } = decideHost(hostCase(host(), { ...lacking, vms, cluster: cluster({ migrateOnError }) }), good);
    expect(draft.intents.map((intent) => intent.evidence['vms'])).toEqual(expected === undefined ? [] : [expected]);
  });
});

describe('code 99 (§3.7)', () => {
  const recovering = { kind: 'recovering', error: new VurtiError('AGENT_RECOVERING', 'recovering') } as const;
  const over = { kind: 'recovering', error: null } as const;
  const began = (seconds: number): HostCaseMore => ({
    liveness: { recoveringSince: NOW - seconds * 1000 },
    vms: [vm()],
  });

  it.each<[string, VdsStatus, HostCaseMore, typeof recovering | typeof over, object]>([
    ['begins', 'Up', {}, recovering, { status: 'Initializing', events: ['VDS_INITIALIZING'] }],
    ['goes on', 'Initializing', began(179), recovering, { status: 'Initializing', events: [] }],
    [
      'takes too long',
      'Initializing',
      began(180),
      over,
      { status: 'NonOperational', events: ['VDS_RECOVER_FAILED'], intents: [] },
    ],
    [
      'is swallowed while leaving',
      'PreparingForMaintenance',
      {},
      recovering,
      { status: 'PreparingForMaintenance', events: [] },
    ],
    [
      'changes nothing on a NonOperational host',
      'NonOperational',
      {},
      recovering,
      { status: 'NonOperational', events: [] },
    ],
    ['is over, and the host is Up', 'Up', began(180), over, { status: 'Up', events: [], intents: [] }],
    ['is over, and the host is lost', 'NonResponsive', began(180), over, { status: 'NonResponsive', events: [] }],
  ])('%s', (_, status, more, evidence, expected) => {
    expect(decide(hostCase(host('h1', status), more), evidence)).toMatchObject(expected);
  });
});

describe('a call that the agent refuses', () => {
  const refused = (method: string) =>
    ({ kind: 'refused', method, error: new VurtiError('AGENT_ERROR', 'no') }) as const;

  it('is told, and leaves status and counters', () => {
    const c = hostCase(host('h1', 'Connecting'), { liveness: { attempts: 2 } });
    expect(decide(c, refused('Host.getCapabilities'))).toMatchObject({
      status: 'Connecting',
      events: ['VDS_BROKER_COMMAND_FAILURE'],
    });
    expect(decideHost(c, refused('Host.getStats')).draft.liveness.attempts).toBe(2);
  });

  it('has an event of its own for hardware information (§2.9)', () => {
    expect(decide(hostCase(host()), refused('Host.getHardwareInfo')).events).toEqual([
      'VDS_BROKER_COMMAND_FAILURE',
      'VDS_FAILED_TO_GET_HOST_HARDWARE_INFO',
    ]);
  });
});

describe('service start (§2.2)', () => {
  it.each<[VdsStatus, VdsStatus]>([
    ['Error', 'Up'],
    ['Reboot', 'Unassigned'],
    ['NonResponsive', 'Unassigned'],
    ['Connecting', 'Unassigned'],
    ['Installing', 'Unassigned'],
    ['Up', 'Up'],
    ['Maintenance', 'Maintenance'],
    ['PreparingForMaintenance', 'PreparingForMaintenance'],
    ['Initializing', 'Initializing'],
  ])('%s: %s, and nothing is pending', (stored, expected) => {
    const row = { ...initialRow(vdsDynamicFields), id: 'h1', status: stored, pendingVcpusCount: 4, inFenceFlow: true };
    expect(dynamicAtStart(row, NOW)).toMatchObject({
      status: expected,
      pendingVcpusCount: 0,
      inFenceFlow: stored === expected,
    });
  });

  it('leaves a row alone of which all holds', () => {
    const row = { ...initialRow(vdsDynamicFields), id: 'h1', status: 'Up' as const };
    expect(dynamicAtStart(row, NOW)).toBe(row);
  });
});
