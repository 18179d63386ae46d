import { describe, expect, it } from 'vitest';
import type { VmReport } from '../../src/model/index.js';
import { host, nicSample, polled, pushed, sample, vm } from '../support/entities.js';
import { world } from '../support/world.js';

const twoHosts = [host('h1'), host('h2')];

describe('a decision about a VM', () => {
  it('goes out as one change set, before anybody is told', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    w.poll('h1', [polled('v1', 'Paused', { pauseStatus: 'EIO' })]);
    expect(w.order).toEqual(['commit', 'VmStateChanged', 'VmSignalled removeAsync', 'VmSignalled confirmRunning']);
    const [set] = w.committer.sets;
    expect(set?.rows).toEqual([{ kind: 'vm_dynamic', row: w.vm()?.dynamic }]);
    expect(set?.records.map((record) => (record.kind === 'event' ? record.name : record.kind))).toEqual([
      ...['change', 'VM_PAUSED', 'VM_PAUSED_EIO'],
    ]);
  });

  it('stands in the repository when others are told of it', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    const seen: unknown[] = [];
    w.streams.changes.stream$.subscribe((change) => {
      if (change.name === 'VmStateChanged') seen.push(change.current === w.vm(), w.vm()?.dynamic.status);
    });
    w.poll('h1', [polled('v1', 'Paused')]);
    expect(seen).toEqual([true, 'Paused']);
  });

  it('says what changed, from which evidence and by which rule', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    w.poll('h1', [polled('v1', 'NotResponding')]);
    const cause = {
      rule: 'vm.here.status-changed',
      source: { by: 'poll', host: 'h1', session: 1, seq: 1, receivedAt: w.time.now() },
    };
    const changes = [
      { path: 'status', from: 'Up', to: 'NotResponding' },
      { path: 'statusSince', from: 100, to: w.time.now() },
    ];
    expect(w.recordsOf('change')).toMatchObject([{ entity: 'vm', entityId: 'v1', what: 'changed', changes, cause }]);
    expect(w.changes[0]).toMatchObject({
      ...{ name: 'VmStateChanged', from: 'Up', to: 'NotResponding', changes, cause },
      vm: { id: 'v1', name: 'v1', host: 'h1' },
    });
    expect(w.vmUpdater.statusCause('v1')).toEqual(cause);
  });

  it('that changes another field only is an update, and no new cause of the status', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    w.poll('h1', [polled('v1', 'Up', { guestUser: 'eve' })]);
    expect(w.changes.map((change) => change.name)).toContain('VmUpdated');
    expect(w.vm()?.dynamic).toMatchObject({ guestUser: 'eve', statusSince: 100 });
    expect(w.vmUpdater.statusCause('v1')).toBeUndefined();
  });

  it('that changes nothing writes and says nothing', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    w.poll('h1', [polled('v1', 'Up')]);
    w.forget();
    for (let i = 0; i < 5; i++) {
      w.poll('h1', [polled('v1', 'Up')]);
      w.push('h1', pushed('v1', 'Up'));
    }
    expect(w.order).toEqual([]);
  });

  it('is taken from a push as well, without the fields that it leaves out', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up', { guestOs: 'RHEL', vmIp: '10.0.0.1' })] });
    w.push('h1', pushed('v1', 'Paused', { pauseStatus: 'ENOSPC' }));
    expect(w.vm()?.dynamic).toMatchObject({
      status: 'Paused',
      pauseStatus: 'ENOSPC',
      guestOs: 'RHEL',
      vmIp: '10.0.0.1',
    });
    expect(w.recordsOf('change')[0]?.cause.source).toMatchObject({ by: 'push', host: 'h1' });
  });

  it('takes an unknown VM in', () => {
    const w = world({ mode: 'observer', hosts: twoHosts });
    w.poll('h1', [polled('v7', 'Up', { vmName: 'web' })]);
    expect(w.vm('v7')?.static).toMatchObject({ name: 'web', adopted: true, clusterId: 'c1' });
    expect(w.rows().map((row) => row.kind)).toEqual(['vm_static', 'vm_dynamic']);
    expect(w.recordsOf('change')).toMatchObject([{ what: 'added', entityId: 'v7' }]);
    expect(w.changes.map((change) => change.name)).toContain('VmAdded');
  });

  it('settles the waiting command that it ends, and the cold reboot that it advises', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'PoweringUp'), vm('v2', 'Up')] });
    w.commands.begin('v1', 'start');
    w.commands.expectColdReboot('v2');
    w.poll('h1', [polled('v1', 'Up'), polled('v2', 'Down', { exitReason: 'UserShutdown' })]);
    expect(w.commands.of('v1').asyncRunning).toBe(false);
    expect(w.commands.of('v2').coldReboot).toBe(false);
    expect(w.advice()).toContain('coldReboot h1');
  });

  it('about a host that is not known is none', () => {
    const w = world({ hosts: [], vms: [vm('v1', 'Up')] });
    w.poll('h1', [polled('v1', 'Paused')]);
    w.push('h1', pushed('v1', 'Paused'));
    expect(w.vm()?.dynamic.status).toBe('Up');
    expect(w.order).toEqual([]);
  });
});

describe('an exception in one VM’s rules', () => {
  /** A report of v1, Paused, that throws when this part of it is read. */
  const bad = (part: 'dynamic' | 'statistics' | 'guestInterfaces'): VmReport => {
    const fail = (): never => {
      throw new Error('unreadable');
    };
    const report = polled('v1', 'Paused', { guestAgentNicsHash: 5 });
    return Object.defineProperty(report, part, part === 'dynamic' ? { get: fail } : { value: fail });
  };

  it.each(['dynamic', 'guestInterfaces'] as const)('leaves the VM as it was and the others alone: %s', (part) => {
    const w = world({ hosts: twoHosts, vms: ['v0', 'v1', 'v2'].map((id) => vm(id, 'Up')) });
    const stamp = w.stampOf('h1', { kind: 'push', complete: false });
    for (const report of [polled('v0', 'Paused'), bad(part), polled('v2', 'Paused')]) {
      w.tell({ name: 'VmStateChanged', host: 'h1', stamp, vmId: report.vmId, report });
    }
    expect(['v0', 'v1', 'v2'].map((id) => w.vm(id)?.dynamic.status)).toEqual(['Paused', 'Up', 'Paused']);
    expect(w.rows('vm_dynamic')).toHaveLength(2);
    expect(w.logged).toEqual([{ message: 'a VM could not be judged', fields: expect.objectContaining({ vm: 'v1' }) }]);
    expect(w.sets.vms.unsettled('v1')?.reason).toBe('failed');
  });

  it('does not leave a decision half done: what is stored is written', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up'), vm('v2', 'Up')] });
    w.poll('h1', [bad('statistics'), polled('v2', 'Paused')]);
    expect(['v1', 'v2'].map((id) => w.vm(id)?.dynamic.status)).toEqual(['Paused', 'Paused']);
    expect(w.rows('vm_dynamic')).toEqual(['v1', 'v2'].map((id) => ({ kind: 'vm_dynamic', row: w.vm(id)?.dynamic })));
    expect(w.logged).toHaveLength(1);
  });

  it('does not stop the figures of the others', async () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Paused'), vm('v2', 'Up')] });
    w.poll('h1', [bad('statistics'), polled('v2', 'Up', { sample: { memUsagePercent: 30 } })]);
    await w.pipeline.whenIdle();
    expect(w.sets.vms.usage('v2')?.statistics.usageMemPercent).toBe(30);
    expect(w.sets.vms.usage('v1')).toBeUndefined();
  });

  it('is made up for at the next report, whatever that says', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    const stamp = w.stampOf('h1', { kind: 'push', complete: false });
    w.tell({ name: 'VmStateChanged', host: 'h1', stamp, vmId: 'v1', report: bad('dynamic') });
    w.poll('h1', [polled('v1', 'Paused')]);
    expect([w.vm()?.dynamic.status, w.sets.vms.unsettled('v1')]).toEqual(['Paused', undefined]);
  });

  it('does not make a miss forgotten', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    w.poll('h1', []);
    const stamp = w.stampOf('h2', { kind: 'push', complete: false });
    w.tell({ name: 'VmStateChanged', host: 'h2', stamp, vmId: 'v1', report: bad('dynamic') });
    expect(w.sets.vms.unsettled('v1')).toMatchObject({ reason: 'missing', misses: 1 });
  });
});

describe('figures of a VM', () => {
  const nic = (rxBytes: bigint, sampleTime: number) =>
    nicSample('vnet0', { macAddr: '00:11', rxBytes, txBytes: 0n, sampleTime });
  const measured = (rxBytes: bigint, at: number) =>
    polled('v1', 'Up', { sample: { cpuUser: 50, cpuSys: 10, vcpuCount: 1, nics: [nic(rxBytes, at)] } });

  it('are kept in memory and cause no write of state', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    w.poll('h1', [measured(0n, 0)]);
    w.poll('h1', [measured(12_500_000n, 1)]);
    expect(w.sets.vms.usage('v1')).toMatchObject({
      statistics: { usageCpuPercent: 60, usageNetworkPercent: 10 },
      interfaces: [{ rxRate: 10 }],
    });
    expect(w.rows()).toEqual([]);
  });

  it('are not written again while they are the same', async () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')], persistMs: 1000 });
    w.statistics.start();
    w.poll('h1', [measured(0n, 0)]);
    const usage = w.sets.vms.usage('v1');
    await w.time.runFor(1000);
    w.forget();
    w.poll('h1', [measured(0n, 0)]);
    expect(w.sets.vms.usage('v1')).toEqual(usage);
    await w.time.runFor(1000);
    expect(w.rows()).toEqual([]);
  });

  it('are not taken from a host that does not run it', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    w.poll('h2', [{ ...measured(0n, 0), status: 'MigratingTo' }]);
    expect(w.sets.vms.usage('v1')).toBeUndefined();
  });

  it('end with it', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    w.poll('h1', [measured(0n, 0)]);
    w.poll('h1', [polled('v1', 'Down')]);
    expect(w.sets.vms.usage('v1')).toMatchObject({
      ...{ interfaces: [], disks: [], migrationProgress: null },
      statistics: { id: 'v1', cpuUser: null, usageCpuPercent: null },
    });
  });

  it('of jobs go on without a word about the state', () => {
    const job = (cursorCur: bigint) => ({
      ...{ id: 'j1', jobState: null, jobType: 'block', blockJobType: 'COMMIT', bandwidth: 0n, imageGroupId: 'd1' },
      ...{ cursorCur, cursorEnd: 100n },
    });
    const w = world({ mode: 'observer', hosts: twoHosts, vms: [vm('v1', 'Up')] });
    for (const cursor of [10n, 20n]) w.poll('h1', [polled('v1', 'Up', { jobs: [job(cursor)] })]);
    expect(w.vm()?.jobs).toMatchObject([{ id: 'j1', vmId: 'v1', cursorCur: 20n }]);
    expect(w.rows().map((row) => row.kind)).toEqual(['vm_jobs', 'vm_jobs']);
    w.forget();
    w.poll('h1', [polled('v1', 'Up', { jobs: [job(20n)] })]);
    expect(w.rows()).toEqual([]);
    w.poll('h1', [polled('v1', 'Up', { jobs: [] })]);
    expect(w.rows()).toEqual([{ kind: 'vm_jobs', deleted: ['j1'] }]);
  });
});

it('a report may say little: what is not in it stays', () => {
  expect(Object.values(sample()).every((value) => value === null)).toBe(true);
  const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
  w.poll('h1', [polled('v1', 'Up', { sample: { memUsagePercent: 30 } })]);
  w.poll('h1', [polled('v1', 'Up', { sample: {} })]);
  expect(w.sets.vms.usage('v1')?.statistics.usageMemPercent).toBe(30);
});
