import { describe, expect, it } from 'vitest';
import { VurtiError } from '../../src/kernel/index.js';
import { type Vds, type VdsCapabilitiesReport, type VdsStatus, vdsStatusIds } from '../../src/model/index.js';
import { capabilitiesTransitions } from '../../src/rules/host/contact.js';
import { decideHost } from '../../src/rules/index.js';
import { capabilities, host, vm } from '../support/entities.js';
import {
  cluster,
  decide,
  failure,
  type HostCaseMore,
  hostCase,
  NOW,
  network,
  nic,
  usageOf,
} from '../support/host-case.js';

const answer = (h: Vds, more: HostCaseMore = {}, report: Partial<VdsCapabilitiesReport> = {}) =>
  decideHost(hostCase(h, more), {
    kind: 'capabilities',
    report: capabilities({ selinuxMode: 'ENFORCING', ...report }),
  });
const lacking: HostCaseMore = { networks: [network('req')] };

describe('what capabilities bring (§8.2)', () => {
  it('the host’s own fields and nics', () => {
    const { interfaces, dynamic } = answer(
      host(),
      {},
      {
        dynamic: { cpuModel: 'Haswell' },
        interfaces: [nic('eth0', { network: 'red' })].map(({ hostId: _, ...rest }) => rest),
      },
    ).draft;
    expect(interfaces).toEqual([nic('eth0', { network: 'red' })]);
    expect(dynamic.cpuModel).toBe('Haswell');
  });

  it('nothing where they say what is known', () => {
    const known = host('h1', 'Up', { interfaces: [nic('eth0')] });
    const report = { interfaces: known.interfaces.map(({ hostId: _, ...rest }) => rest) };
    expect(answer(known, {}, report).draft.interfaces).toBe(known.interfaces);
  });

  it('a host that has been read', () => {
    expect(answer(host(), { liveness: { capabilitiesRead: false } }).draft.liveness.capabilitiesRead).toBe(true);
  });

  it('hardware information brings the host’s fields, and is an answer', () => {
    const hardware = {
      ...{
        hwManufacturer: 'Acme',
        hwProductName: 'X',
        hwVersion: '1',
        hwSerialNumber: '2',
        hwUuid: null,
        hwFamily: null,
      },
    };
    const c = hostCase(host('h1', 'Connecting'), { liveness: { attempts: 2 } });
    const { rule, draft } = decideHost(c, { kind: 'hardware', report: { dynamic: hardware } });
    expect([rule, draft.dynamic.status, draft.liveness.attempts]).toEqual(['host.hardware', 'Connecting', 0]);
    expect(draft.dynamic).toMatchObject(hardware);
  });

  it('meet exactly one row in every status', () => {
    for (const status of Object.keys(vdsStatusIds) as VdsStatus[])
      for (const more of [{}, lacking]) {
        const c = { ...hostCase(host('h1', status), more), report: capabilities() };
        expect(capabilitiesTransitions.filter((row) => row.when(c)).map(({ name }) => name)).toHaveLength(1);
      }
  });
});

describe('contact (§2.4)', () => {
  it.each<[string, VdsStatus, HostCaseMore, object]>([
    ['is ready for its statistics', 'Connecting', {}, { readyForUp: true, recoveringSince: 5 }],
    ['has recovered', 'Initializing', {}, { readyForUp: true, recoveringSince: null }],
    ['breaks a rule', 'Initializing', lacking, { readyForUp: false, recoveringSince: null }],
    ['of a host that is there already', 'Up', {}, { readyForUp: false, recoveringSince: 5 }],
  ])('%s (%s)', (_, status, more, expected) => {
    const liveness = { recoveringSince: 5, readyForUp: more === lacking };
    expect(answer(host('h1', status), { ...more, liveness }).draft.liveness).toMatchObject(expected);
  });

  it('forgets attempts that failed, and when an agent recovers, too', () => {
    const c = hostCase(host('h1', 'Connecting'), { liveness: { attempts: 2, heardAt: null, lastAnswerAt: 0 } });
    const heard = { attempts: 0, heardAt: NOW, lastAnswerAt: NOW };
    expect(answer(c.host, { liveness: c.liveness }).draft.liveness).toMatchObject(heard);
    const error = new VurtiError('AGENT_RECOVERING', 'starting');
    const { draft } = decideHost(c, { kind: 'recovering', error });
    expect(draft.liveness).toMatchObject({ ...heard, recoveringSince: NOW, readyForUp: false });
    expect(draft.events).toEqual([{ name: 'VDS_INITIALIZING', params: { ErrorMessage: 'starting' } }]);
  });

  it('the end of the time to recover is no answer', () => {
    const liveness = { attempts: 2, lastAnswerAt: 7, heardAt: 7, recoveringSince: NOW - 180_000 };
    const { draft } = decideHost(hostCase(host('h1', 'Initializing'), { liveness }), {
      kind: 'recovering',
      error: null,
    });
    expect(draft.liveness).toMatchObject({ attempts: 2, lastAnswerAt: 7, heardAt: 7, recoveringSince: null });
  });

  it.each<[string, HostCaseMore, VdsStatus, number | null]>([
    ['began before this process: it begins now', {}, 'Initializing', NOW],
    ['goes on', { liveness: { recoveringSince: NOW - 5 } }, 'Initializing', NOW - 5],
  ])('recovering that %s', (_, more, status, since) => {
    const error = new VurtiError('AGENT_RECOVERING', 'starting');
    const { draft } = decideHost(hostCase(host('h1', status), more), { kind: 'recovering', error });
    expect(draft.liveness.recoveringSince).toBe(since);
  });

  it('recovering that is no matter says so', () => {
    const error = new VurtiError('AGENT_RECOVERING', 'starting');
    const { draft } = decideHost(hostCase(host('h1', 'NonOperational')), { kind: 'recovering', error });
    expect(draft.notDone).toEqual([{ what: 'Initializing', why: 'the host is NonOperational' }]);
  });

  it('a call that is refused says which, and why', () => {
    const error = new VurtiError('AGENT_ERROR', 'no such thing');
    expect(decideHost(hostCase(host()), { kind: 'refused', method: 'Host.getStats', error }).draft.events).toEqual([
      { name: 'VDS_BROKER_COMMAND_FAILURE', params: { CommandName: 'Host.getStats', message: 'no such thing' } },
    ]);
  });
});

describe('a rule that is broken', () => {
  const since = host('h1', 'NonOperational', { statusSince: 7, previousStatus: 'Up', vmCount: 1 });
  const because = (nonOperationalReason: Vds['dynamic']['nonOperationalReason']): Vds => ({
    ...since,
    dynamic: { ...since.dynamic, nonOperationalReason },
  });

  it('is told once while it is the same', () => {
    const verdict = answer(because('NETWORK_UNREACHABLE'), { ...lacking, vms: [vm()] });
    expect([verdict.draft.events, verdict.draft.signals, verdict.draft.intents, verdict.changes]).toEqual([
      ...[[], [], [], []],
    ]);
  });

  it('is told when it is another one; the host has been NonOperational all the while', () => {
    const { draft } = answer(because('KVM_NOT_RUNNING'), { ...lacking, vms: [vm()] });
    expect(draft.events.map(({ name }) => name)).toEqual(['VDS_SET_NONOPERATIONAL_NETWORK']);
    expect(draft.dynamic).toMatchObject({
      ...{ nonOperationalReason: 'NETWORK_UNREACHABLE', statusSince: 7, previousStatus: 'Up' },
    });
    expect(draft.intents.map(({ intent }) => intent)).toEqual(['migrateVms']);
  });

  it('asks for no migration where nothing runs', () => {
    expect(answer(host(), lacking).draft.intents).toEqual([]);
    expect(
      answer(host(), { ...lacking, vms: [vm()], cluster: cluster({ migrateOnError: 'HA_ONLY' }) }).draft.intents,
    ).toEqual([]);
  });

  it('VMs of one priority go in the order of their ids', () => {
    const ids = ['c', 'a', 'd', 'b'];
    const vms = [...ids.map((id) => vm(id)), vm('z', 'Up', { static: { priority: 1 } })];
    expect(answer(host(), { ...lacking, vms }).draft.intents[0]?.evidence).toEqual({
      ...{ reason: 'NETWORK_UNREACHABLE', policy: 'YES', vms: ['z', 'a', 'b', 'c', 'd'] },
    });
  });
});

describe('usage that goes with a status (§2.8)', () => {
  it('of a host that nothing was measured of: nothing is made up', () => {
    expect(answer(host('h1', 'Up', { vmCount: 1 }), lacking).draft.usage).toBeUndefined();
  });

  it('of a lost host that nothing was measured of: it is idle', () => {
    const liveness = { attempts: 2, lastAnswerAt: NOW - 61_000 };
    const { draft } = decideHost(hostCase(host('h1', 'Connecting'), { liveness }), failure());
    expect(draft.usage).toMatchObject({ interfaces: [], numaNodes: [], statistics: { id: 'h1', cpuUser: 0 } });
    expect(draft.usage?.interfaces).toHaveLength(0);
    expect(draft.liveness.maintenanceRetryAt).toBeNull();
  });

  it('keeps nics and NUMA nodes, and the storage report while the host was not Up', () => {
    const usage = { ...usageOf({ eth0: 'UP' }, { storageDomains: {}, cpuUser: 9 }), numaNodes: [] };
    const h = host('h1', 'Connecting', { vmCount: 1 });
    expect(answer(h, { ...lacking, usage }).draft.usage).toEqual(usage);
    const lost = answer(host('h1', 'Up', { vmCount: 1 }), { ...lacking, usage }).draft.usage;
    expect(lost).toEqual({ ...usage, statistics: { ...usage.statistics, storageDomains: null } });
  });
});

describe('the display network (§2.4 row 4)', () => {
  it('is named, and several are in order', () => {
    const at = (ip: string | null) => [
      nic('eth2', { network: 'data', ipv4Address: '10.9.9.9' }),
      nic('eth1', { network: 'show', ipv4Address: ip }),
      nic('eth0', { network: 'play', ipv4Address: ip }),
    ];
    const display = { required: false, display: true };
    const networks = [network('show', display), network('play', display), network('data', { required: false })];
    const h = host('h1', 'Up', { vmActive: 1, interfaces: at('10.0.0.1') });
    const { draft } = answer(h, { networks }, { interfaces: at('10.0.0.2').filter(({ name }) => name !== 'eth1') });
    expect(draft.events).toEqual([
      { name: 'NETWORK_UPDATE_DISPLAY_FOR_HOST_WITH_ACTIVE_VM', params: { Networks: 'play, show' } },
    ]);
  });
});

describe('what commands leave behind', () => {
  const tell = (h: Vds, command: Parameters<typeof decideHost>[1] & { kind: 'command' }, more: HostCaseMore = {}) =>
    decideHost(hostCase(h, more), command);
  const maintenance = { kind: 'command', command: { is: 'maintenance', reason: 'disks' } } as const;
  const recovery = { kind: 'command', command: { is: 'autoRecovery' } } as const;

  it.each<[string, Vds, HostCaseMore, VdsStatus]>([
    ['empty', host(), {}, 'Maintenance'],
    ['with VMs', host(), { vms: [vm()] }, 'PreparingForMaintenance'],
    ['being emptied', host('h1', 'PreparingForMaintenance'), { vms: [vm()] }, 'PreparingForMaintenance'],
  ])('the reason of maintenance, %s', (_, h, more, status) => {
    expect(tell(h, maintenance, more).draft.dynamic).toMatchObject({ status, maintenanceReason: 'disks' });
  });

  it('maintenance names the migrations to cancel in order', () => {
    const more = { vms: [vm()], incomingVms: () => [vm('v9'), vm('v3')] };
    expect(tell(host(), maintenance, more).draft.intents[0]?.evidence['cancelMigrationsOf']).toEqual(['v3', 'v9']);
  });

  it('automatic recovery begins anew, and says why it may', () => {
    const h = host('h1', 'NonOperational', { nonOperationalReason: 'KVM_NOT_RUNNING' });
    const { draft } = tell(h, recovery, { liveness: { attempts: 4, readyForUp: true } });
    expect(draft.liveness).toMatchObject({ attempts: 0, readyForUp: false });
    expect(draft.intents[0]?.evidence).toEqual({ because: 'KVM_NOT_RUNNING' });
  });

  const red = nic('eth0', { network: 'red', bridged: false });
  const blue = nic('eth1', { network: 'blue', bridged: false });
  const both = [red, blue, nic('eth2')];
  const vmNetwork = { vmNetwork: true };
  it.each<[string, readonly ReturnType<typeof nic>[], HostCaseMore, string]>([
    [
      'nics that are down',
      both,
      { networks: [network('red'), network('blue')], usage: usageOf({ eth0: 'DOWN', eth1: 'DOWN' }) },
      'nics are down: eth0, eth1',
    ],
    ['missing networks', [nic('eth2')], { networks: [network('red')] }, 'networks are missing: red'],
    [
      'VM networks without a bridge',
      both,
      { networks: [network('red', vmNetwork), network('blue', vmNetwork)] },
      'VM networks have no bridge: red, blue',
    ],
    [
      'VM networks without a bridge, among others',
      [...both, nic('eth3', { network: 'foreign', bridged: false })],
      { networks: [network('red', vmNetwork), network('blue')] },
      'VM networks have no bridge: red',
    ],
  ])('automatic recovery says what forbids it: %s', (_, interfaces, more, why) => {
    const h = host('h1', 'NonOperational', { interfaces: [...interfaces] });
    expect(tell(h, recovery, more).draft.notDone).toEqual([{ what: 'activate', why }]);
    expect(decide(hostCase(h, more), recovery).status).toBe('NonOperational');
  });
});
