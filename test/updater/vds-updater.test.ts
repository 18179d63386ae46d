import { describe, expect, it } from 'vitest';
import { VurtiError } from '../../src/kernel/index.js';
import { defaultSettings, type VdsStatsReport, type VdsStatus } from '../../src/model/index.js';
import { host, hostStats, nicSample, polled, vm } from '../support/entities.js';
import { nic } from '../support/host-case.js';
import { type WorldOptions, world } from '../support/world.js';

/** h1 with v1 and v2, and h2 with v3; h1 has been silent for too long after two attempts. */
async function aboutToLose(options: WorldOptions = {}) {
  const w = world({
    hosts: [host('h1', 'Up'), host('h2', 'Up')],
    vms: [vm('v1', 'Up'), vm('v2', 'Paused', { migratingToVds: 'h2' }), vm('v3', 'Up', { runOnVds: 'h2' })],
    ...options,
  });
  for (let i = 0; i < 2; i++) w.unreachable('h1');
  await w.time.runFor(61_000);
  w.forget();
  return w;
}

describe('a host that does not answer', () => {
  it('is looked for at the first failure, and lost when attempts and time are used up', async () => {
    const w = world({ hosts: [host('h1', 'Up')] });
    const statusAfter = async (ms: number): Promise<VdsStatus | undefined> => {
      await w.time.runFor(ms);
      w.unreachable('h1');
      return w.host()?.dynamic.status;
    };
    expect(await statusAfter(3000)).toBe('Connecting');
    expect(await statusAfter(3000)).toBe('Connecting');
    expect(await statusAfter(54_000)).toBe('Connecting');
    expect(await statusAfter(1)).toBe('NonResponsive');
    expect(w.changes.filter(({ name }) => name === 'VdsStateChanged')).toHaveLength(2);
  });

  it('is written only when something changed: the second failure counts in memory', () => {
    const w = world({ hosts: [host('h1', 'Up')] });
    w.unreachable('h1');
    w.forget();
    w.unreachable('h1');
    expect([w.order, w.sets.hosts.liveness('h1')?.attempts]).toEqual([[], 2]);
  });

  it('has a cause that names the failure', () => {
    const w = world({ hosts: [host('h1', 'Up')] });
    w.unreachable('h1', 'AGENT_TIMEOUT');
    const cause = {
      rule: 'host.failure.connecting',
      source: { by: 'failure', host: 'h1', code: 'AGENT_TIMEOUT', at: w.time.now() },
    };
    expect(w.vdsUpdater.statusCause('h1')).toEqual(cause);
    expect(w.recordsOf('change')).toMatchObject([{ entity: 'host', entityId: 'h1', cause }]);
  });
});

describe('the loss of a host', () => {
  it('is one change set: its row, its VMs’ rows and all records', async () => {
    const w = await aboutToLose();
    w.unreachable('h1');
    expect(w.committer.sets).toHaveLength(1);
    expect(w.rows().map((row) => ('row' in row && 'id' in row.row ? `${row.kind} ${row.row.id}` : row.kind))).toEqual([
      ...['vds_dynamic h1', 'vm_dynamic v1', 'vm_dynamic v2'],
    ]);
    expect(w.order[0]).toBe('commit');
    expect(w.changes.filter(({ name }) => name.endsWith('StateChanged')).map(({ name }) => name)).toEqual([
      ...['VdsStateChanged', 'VmStateChanged', 'VmStateChanged'],
    ]);
  });

  it('is one incident: the host’s event is the parent of its VMs’ events', async () => {
    const w = await aboutToLose();
    w.unreachable('h1');
    const [lost, ...others] = w.recordsOf('event');
    expect(lost).toMatchObject({ name: 'VDS_FAILURE', parent: null, correlation: expect.any(String) });
    const ofVms = others.filter(({ name }) => name === 'VM_SET_TO_UNKNOWN_STATUS');
    expect(ofVms.map(({ vmId, parent, correlation }) => [vmId, parent, correlation])).toEqual([
      ['v1', lost?.id, lost?.correlation],
      ['v2', lost?.id, lost?.correlation],
    ]);
    const changes = w.recordsOf('change').filter(({ entity }) => entity === 'vm');
    expect(changes.map(({ correlation }) => correlation)).toEqual([lost?.correlation, lost?.correlation]);
  });

  it('changes no more of its VMs than the status, and nothing of others', async () => {
    const w = await aboutToLose();
    const before = w.vm('v2')?.dynamic;
    w.unreachable('h1');
    expect(w.vm('v2')?.dynamic).toEqual({ ...before, status: 'Unknown', statusSince: w.time.now() });
    expect([w.vm('v1')?.dynamic.status, w.vm('v3')?.dynamic.status]).toEqual(['Unknown', 'Up']);
  });

  it('is not told again of VMs that are Unknown already', async () => {
    const w = await aboutToLose({ vms: [vm('v1', 'Unknown'), vm('v2', 'Up')] });
    w.unreachable('h1');
    expect(w.recordsOf('event').flatMap(({ vmId }) => vmId ?? [])).toEqual(['v2']);
  });

  it('ends what commands wait for: nothing will be heard', async () => {
    const w = await aboutToLose();
    w.commands.begin('v1', 'migrate');
    w.unreachable('h1');
    expect(w.commands.of('v1').asyncRunning).toBe(false);
    expect(w.changes).toContainEqual(expect.objectContaining({ name: 'VmSignalled', signal: 'removeAsync' }));
  });

  it('is the next incident when it happens again', async () => {
    const w = await aboutToLose();
    w.unreachable('h1');
    const first = w.recordsOf('event')[0]?.correlation;
    w.caps('h1');
    w.stats('h1');
    for (let i = 0; i < 2; i++) w.unreachable('h1');
    await w.time.runFor(61_000);
    w.unreachable('h1');
    const again = w.recordsOf('event').findLast(({ name }) => name === 'VDS_FAILURE')?.correlation;
    expect(again).toEqual(expect.any(String));
    expect(again).not.toBe(first);
  });
});

describe('contact', () => {
  it('makes the host Up, asks for its VMs, and those are restored', () => {
    const w = world({ hosts: [host('h1', 'NonResponsive')], vms: [vm('v1', 'Unknown')] });
    w.caps('h1', { selinuxMode: 'ENFORCING' });
    expect(w.requests.map(({ method }) => method)).toEqual(['Host.getStats']);
    w.stats('h1');
    expect(w.requests.map(({ method }) => method)).toEqual(['Host.getStats', 'Host.getAllVmStats']);
    w.poll('h1', [polled('v1', 'Up')]);
    expect([w.host()?.dynamic.status, w.vm()?.dynamic.status]).toEqual(['Up', 'Up']);
    expect(w.eventNames()).toEqual(['VDS_DETECTED', 'VM_STATUS_RESTORED']);
  });

  it('publishes what it asks for after its change was committed and told', () => {
    const w = world({ hosts: [host('h1', 'Connecting')] });
    w.caps('h1');
    w.forget();
    w.stats('h1');
    const [commit, change, request] = ['commit', 'VdsStateChanged', 'Host.getAllVmStats h1'].map((what) =>
      w.order.indexOf(what),
    );
    expect([commit! >= 0, commit! < change!, change! < request!]).toEqual([true, true, true]);
  });

  it('of its VMs’ answer alone is a sign of life, and makes no host Up', () => {
    const w = world({ hosts: [host('h1', 'Connecting')] });
    for (let i = 0; i < 3; i++) w.unreachable('h1');
    w.poll('h1', []);
    expect(w.host()?.dynamic.status).toBe('Connecting');
    const now = w.time.now();
    expect(w.sets.hosts.liveness('h1')).toMatchObject({
      attempts: 0,
      lastAnswerAt: now,
      heardAt: now,
      initialized: true,
    });
  });

  it('remembers since when VMs are not answered for (D29)', async () => {
    const w = world({ hosts: [host('h1', 'Up')] });
    const fail = () => {
      const error = new VurtiError('AGENT_TIMEOUT', 'late');
      w.tell({ name: 'VmStatsFailed', host: 'h1', stamp: w.stampOf('h1'), error });
    };
    fail();
    const since = w.time.now();
    await w.time.runFor(15_000);
    fail();
    expect(w.sets.hosts.liveness('h1')).toMatchObject({ vmStatsFailingSince: since, attempts: 0 });
    expect(w.host()?.dynamic.status).toBe('Up');
    w.poll('h1', []);
    expect(w.sets.hosts.liveness('h1')?.vmStatsFailingSince).toBeNull();
  });
});

describe('an agent that recovers (D6)', () => {
  it('is judged when its time is over, though it says nothing new', async () => {
    const w = world({ hosts: [host('h1', 'Up')] });
    w.recovering('h1');
    expect([w.host()?.dynamic.status, w.time.waiting().get('recovery')]).toEqual(['Initializing', 1]);
    await w.time.runFor(179_999);
    expect(w.host()?.dynamic.status).toBe('Initializing');
    await w.time.runFor(1);
    expect(w.host()?.dynamic).toMatchObject({
      ...{ status: 'NonOperational', nonOperationalReason: 'TIMEOUT_RECOVERING_FROM_CRASH' },
    });
    expect(w.vdsUpdater.statusCause('h1')?.source).toEqual({ by: 'timer', at: w.time.now() });
    expect([w.eventNames(), w.time.waiting().get('recovery')]).toEqual([
      ['VDS_INITIALIZING', 'VDS_RECOVER_FAILED'],
      undefined,
    ]);
  });

  it('is not judged any more when it has recovered, failed, or the service stops', async () => {
    const recovered = world({ hosts: [host('h1', 'Up')] });
    recovered.recovering('h1');
    recovered.caps('h1');
    recovered.stats('h1');
    const silent = world({ hosts: [host('h1', 'Up')] });
    silent.recovering('h1');
    silent.unreachable('h1');
    const stopped = world({ hosts: [host('h1', 'Up')] });
    stopped.recovering('h1');
    stopped.vdsUpdater.stop();
    const removed = world({ hosts: [host('h1', 'Up')] });
    removed.recovering('h1');
    removed.pipeline.forgetHost('h1');
    for (const w of [recovered, silent, stopped, removed]) {
      expect(w.time.waiting().get('recovery')).toBeUndefined();
      await w.time.runFor(200_000);
      expect(w.eventNames()).not.toContain('VDS_RECOVER_FAILED');
    }
  });

  it('does not begin to recover by an old timer after it was activated anew', async () => {
    const w = world({ hosts: [host('h1', 'Up')] });
    w.recovering('h1');
    await w.time.runFor(60_000);
    const dynamic = { ...host('h1', 'Unassigned').dynamic };
    w.sets.putHost({ ...host('h1'), dynamic });
    w.forget();
    await w.time.runFor(200_000);
    expect([w.host()?.dynamic.status, w.eventNames()]).toEqual(['Unassigned', []]);
  });

  it('has its time from the settings of its host', async () => {
    const settings = { ...defaultSettings, hosts: { h1: { recoveryTimeoutSeconds: 10 } } };
    const w = world({ hosts: [host('h1', 'Up')], settings });
    w.recovering('h1');
    await w.time.runFor(10_000);
    expect(w.host()?.dynamic.status).toBe('NonOperational');
  });
});

describe('what is taken over', () => {
  it('nics as rows of their own, and no more than changed', () => {
    const { hostId: _, ...eth0 } = nic('eth0');
    const w = world({ hosts: [host('h1', 'Up')] });
    w.caps('h1', { interfaces: [eth0, { ...eth0, name: 'eth1' }] });
    expect(w.rows('vds_interface')).toHaveLength(2);
    w.forget();
    w.caps('h1', { interfaces: [eth0, { ...eth0, name: 'eth2' }] });
    expect(w.rows('vds_interface')).toEqual([
      { kind: 'vds_interface', row: { hostId: 'h1', ...eth0, name: 'eth2' } },
      { kind: 'vds_interface', deleted: ['h1', 'eth1'] },
    ]);
    expect(w.recordsOf('change')[0]?.changes.map(({ path }) => path)).toEqual(['interfaces']);
  });

  it('figures in memory, written at the pace of statistics', async () => {
    const w = world({ hosts: [host('h1', 'Up')], persistMs: 60_000 });
    w.statistics.start();
    w.stats('h1', { statistics: { cpuUser: 20, cpuSys: 5 } });
    w.forget();
    w.stats('h1', { statistics: { cpuUser: 30, cpuSys: 5 } });
    expect([w.sets.hosts.usage('h1')?.statistics.usageCpuPercent, w.rows()]).toEqual([35, []]);
    await w.time.runFor(60_000);
    expect(w.rows().map((row) => row.kind)).toEqual(['vds_statistics']);
  });

  it('nothing in steady state (principle 10)', () => {
    const report: Partial<VdsStatsReport> = {
      ...{ dynamic: { vmCount: 0 }, statistics: { cpuUser: 20, cpuSys: 5 } },
      nics: [nicSample('eth0', { rxBytes: 5n, txBytes: 5n, sampleTime: 1 })],
    };
    const w = world({ hosts: [host('h1', 'Up')] });
    w.caps('h1', { selinuxMode: 'ENFORCING' });
    w.stats('h1', report);
    w.forget();
    for (let i = 0; i < 5; i++) {
      w.stats('h1', report);
      w.caps('h1', { selinuxMode: 'ENFORCING' });
      w.poll('h1', []);
    }
    expect(w.order).toEqual([]);
  });
});

describe('errors', () => {
  it('an exception in one host’s rules leaves it and the others as they are', () => {
    const w = world({ hosts: [host('h1', 'Up'), host('h2', 'Connecting')] });
    const report = Object.defineProperty(hostStats(), 'statistics', {
      get: () => {
        throw new Error('unreadable');
      },
    });
    w.tell({ name: 'VdsStatsReceived', host: 'h1', stamp: w.stampOf('h1'), report });
    expect(w.logged).toEqual([
      { message: 'a host could not be judged', fields: expect.objectContaining({ host: 'h1', error: 'unreadable' }) },
    ]);
    w.caps('h2');
    w.stats('h2');
    w.unreachable('h1');
    expect([w.host('h1')?.dynamic.status, w.host('h2')?.dynamic.status]).toEqual(['Connecting', 'Up']);
  });

  it('evidence of a host that is gone is none', () => {
    const w = world({ hosts: [] });
    w.unreachable('h1');
    w.stats('h1');
    w.caps('h1');
    w.recovering('h1');
    w.poll('h1', [polled('v1', 'Up')]);
    expect([w.order, w.logged]).toEqual([[], []]);
  });

  it('an error answer is told, and changes nothing (D7)', () => {
    const w = world({ hosts: [host('h1', 'Up')] });
    const error = new VurtiError('AGENT_ERROR', 'Unexpected exception');
    w.tell({ name: 'VdsCallFailed', host: 'h1', stamp: w.stampOf('h1'), method: 'Host.getStats', error });
    expect([w.eventNames(), w.rows(), w.host()?.dynamic.status]).toEqual([['VDS_BROKER_COMMAND_FAILURE'], [], 'Up']);
  });
});
