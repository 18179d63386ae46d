import { describe, expect, it } from 'vitest';
import { decodeVmStatusEvent } from '../../src/fetcher/index.js';
import { minutes, seconds } from '../../src/kernel/index.js';
import type { Fleet, FleetOptions } from '../../src/simulator/index.js';
import { entriesOf, makeFleet, resultOf } from './support.js';

interface Told {
  readonly host: string;
  readonly method: string;
  readonly params: Record<string, Record<string, unknown>> & { notify_time: number };
}

function listening(options: Partial<FleetOptions> = {}) {
  const made = makeFleet(options);
  const told: Told[] = [];
  for (const { name } of made.fleet.hosts()) {
    made.fleet.onNotification(name, (message) => {
      const text = message();
      expect(text).toMatch(/^[\x20-\x7e]*$/);
      const { method, params } = JSON.parse(text) as Told;
      told.push({ host: name, method, params });
    });
  }
  const of = (vm: string): Record<string, unknown>[] => {
    const { id } = made.fleet.vm(vm);
    return told.filter(({ method }) => method === `|virt|VM_status|${id}`).map(({ params }) => params[id] ?? {});
  };
  made.fleet.start();
  return { ...made, told, of };
}

const elsewhere = (fleet: Fleet, vm: string): string =>
  fleet.hosts().find(({ name, cluster }) => name !== fleet.vm(vm).host && cluster === fleet.vm(vm).cluster)?.name ?? '';

describe('VM_status', () => {
  it('a start: the wait, the launch with all that is known and no id, the guest', async () => {
    const { time, fleet, of } = listening();
    fleet.vm('web-01').vanish();
    expect(of('web-01')).toEqual([]);
    fleet.vm('web-01').start();
    await time.runFor(minutes(2));
    const [wait, launch, up, ...more] = of('web-01');
    expect([wait, more]).toEqual([{ status: 'WaitForLaunch' }, []]);
    expect(launch).toMatchObject({
      status: 'Powering up',
      elapsedTime: expect.any(String),
      cpuActual: expect.any(Boolean),
    });
    expect(launch).toHaveProperty('hash');
    expect(launch).not.toHaveProperty('vmId');
    expect(up).toMatchObject({ status: 'Up' });
    expect(up).not.toHaveProperty('cpuUser');
  });

  it('pause and resume are a status and no more', () => {
    const { fleet, of } = listening();
    fleet.vm('web-01').pause();
    fleet.vm('web-01').resume();
    expect(of('web-01')).toEqual([{ status: 'Paused' }, { status: 'Up' }]);
  });

  it('an I/O error comes after a bare Paused', async () => {
    const { time, fleet, of } = listening();
    fleet.vm('web-01').pause('ENOSPC');
    expect(of('web-01')).toEqual([{ status: 'Paused' }]);
    await time.runFor(150);
    expect(of('web-01')[1]).toMatchObject({
      status: 'Paused',
      pauseCode: 'ENOSPC',
      ioerror: { alias: expect.stringMatching(/^ua-/), name: 'sda', path: expect.stringContaining('/') },
    });
    fleet.vm('web-01').resume();
    fleet.vm('web-01').pause('EIO');
    fleet.vm('web-01').resume();
    await time.runFor(seconds(1));
    expect(of('web-01').slice(2)).toEqual([{ status: 'Up' }, { status: 'Paused' }, { status: 'Up' }]);
  });

  it('what is done past the agent is told by nobody', async () => {
    const { time, fleet, told } = listening();
    fleet.vm('web-01').pauseOutside();
    expect(fleet.vm('web-01').status).toBe('Paused');
    fleet.vm('web-01').resumeOutside();
    fleet.vm('web-01').stick();
    fleet.vm('web-01').changeDevices();
    fleet.vm('web-01').vanish();
    await time.runFor(seconds(5));
    expect(told).toEqual([]);
  });

  it('what is started past the agent is found within a minute, and told then', async () => {
    const { time, fleet, of } = listening();
    fleet.vm('web-01').vanish();
    fleet.vm('web-01').startOutside();
    expect([fleet.vm('web-01').status, entriesOf(fleet, 'web-01')]).toEqual(['Up', []]);
    await time.runFor(seconds(61));
    expect(of('web-01')).toMatchObject([{ status: 'Up', hash: expect.any(String) }]);
    expect(entriesOf(fleet, 'web-01')).toHaveLength(1);
  });

  it('what was not found yet ends without a word, with its host too', async () => {
    const { time, fleet, told } = listening();
    for (const name of ['web-01', 'web-02']) {
      fleet.vm(name).vanish();
      fleet.vm(name).startOutside('kvm-02');
    }
    fleet.vm('web-01').crash();
    fleet.host('kvm-02').powerOff();
    await time.runFor(minutes(3));
    expect([fleet.vm('web-01').status, fleet.vm('web-02').status, told]).toEqual([null, null, []]);
  });

  it('Down has its exit, once; after VM.destroy twice, and it is not listed', () => {
    const { fleet, of } = listening({ downDomains: 'keep' });
    fleet.vm('web-01').crash('onHost');
    const { id, host } = fleet.vm('web-02');
    fleet.host(host ?? '').ask('VM.destroy', { vmID: id });
    expect(of('web-01')).toEqual([
      {
        ...{ status: 'Down', vmId: fleet.vm('web-01').id },
        ...{ exitCode: 1, exitMessage: expect.any(String), exitReason: 11 },
      },
    ]);
    expect(of('web-02')).toMatchObject([
      { status: 'Down', exitReason: 6 },
      { status: 'Down', exitReason: 6, displayInfo: [{}] },
    ]);
    expect(entriesOf(fleet, 'web-02')).toEqual([]);
    // It was Down already: nothing new.
    const { id: first } = fleet.vm('web-01');
    const listed = fleet.hosts().find(({ name }) => fleet.host(name).vms().includes('web-01'))?.name ?? '';
    fleet.host(listed).ask('VM.destroy', { vmID: first });
    expect(of('web-01')).toHaveLength(1);
  });

  it('the guest: its own fields with the status, no figures', () => {
    const { fleet, of } = listening();
    const vm = fleet.vms().find(({ name }) => {
      fleet.vm(name).changeGuest();
      return of(name).length > 0;
    });
    const [event] = of(vm?.name ?? '');
    expect(event).toMatchObject({ status: 'Up', session: expect.any(String), appsList: expect.any(Array) });
    expect(event).not.toHaveProperty('disks');
  });
});

describe('migration', () => {
  it('progress every ten seconds and at the end; source and target each tell their part', async () => {
    const { time, fleet, told, of } = listening();
    const { id, host: source } = fleet.vm('web-01');
    const target = elsewhere(fleet, 'web-01');
    fleet.vm('web-01').migrate(target, { seconds: 35 });
    await time.runFor(minutes(1));
    const progress = told.filter(({ method }) => method === `|virt|VM_migration_status|${id}`);
    expect(progress.map(({ host, params }) => [host, params[id]?.['progress']])).toEqual([
      [source, 28],
      [source, 57],
      [source, 85],
      [source, 100],
    ]);
    expect(progress.map(({ params }) => 'downtime' in (params[id] ?? {}))).toEqual([false, false, false, true]);
    expect(of('web-01')).toMatchObject([
      { status: 'Migration Source' },
      { status: 'Up', hash: expect.any(String) },
      { status: 'Down', exitReason: 4 },
    ]);
  });

  it('one that fails, and one whose VM is gone, tell no more of it', async () => {
    const { time, fleet, told, of } = listening();
    fleet.vm('web-01').migrate(elsewhere(fleet, 'web-01'), { seconds: 30, fails: true });
    fleet.vm('web-02').migrate(elsewhere(fleet, 'web-02'), { seconds: 300 });
    fleet.vm('web-02').vanish();
    await time.runFor(minutes(10));
    expect(of('web-01')).toEqual([{ status: 'Migration Source' }, { status: 'Up' }]);
    expect(told.filter(({ method }) => method.endsWith(fleet.vm('web-02').id))).toHaveLength(1);
  });
});

it('host_conn at a nic’s change, jobs at each of their steps', async () => {
  const { time, fleet, told } = listening();
  fleet.host('kvm-01').nic('eno2', 'down');
  expect(told).toEqual([
    { host: 'kvm-01', method: '|net|host_conn|no_id', params: { notify_time: expect.any(Number) } },
  ]);
  const good = fleet.host('kvm-01').job({ seconds: 20 });
  const bad = fleet.host('kvm-01').job({ seconds: 20, fails: true });
  await time.runFor(seconds(11));
  expect(resultOf(fleet, 'kvm-01', 'Host.getJobs')).toMatchObject({
    [good]: { status: 'running', job_type: 'storage', progress: 50 },
    [bad]: { status: 'running' },
  });
  await time.runFor(seconds(11));
  const statuses = (id: string): unknown[] =>
    told.filter(({ method }) => method === `|jobs|status|${id}`).map(({ params }) => params['status']);
  expect([statuses(good), statuses(bad)]).toEqual([
    ['pending', 'running', 'done'],
    ['pending', 'running', 'failed'],
  ]);
  expect(resultOf(fleet, 'kvm-01', 'Host.getJobs', { job_ids: [bad] })).toMatchObject({ [bad]: { error: {} } });
  await time.runFor(minutes(61));
  expect(resultOf(fleet, 'kvm-01', 'Host.getJobs')).toEqual({});
});

describe('notify_time', () => {
  it('is the clock of statusTime, and a reboot starts it anew', async () => {
    const { time, fleet, told } = listening();
    const [vm] = fleet.host('kvm-01').vms();
    fleet.vm(vm ?? '').pause();
    const [entry] = entriesOf(fleet, vm ?? '');
    expect(told[0]?.params.notify_time).toBe(Number(entry?.entry.statusTime));
    fleet.host('kvm-01').powerOff();
    await time.runFor(minutes(5));
    fleet.host('kvm-01').recover();
    fleet.vm(vm ?? '').start('kvm-01');
    expect(told.at(-1)?.params.notify_time).toBe(2 ** 31 - 1);
    await time.runFor(1);
    fleet.host('kvm-01').nic('eno1', 'down');
    expect(told.at(-1)?.params.notify_time).toBe(2 ** 31);
  });

  it('a host without power, or one that re-adopts its VMs, tells nothing', () => {
    const { fleet, told } = listening();
    fleet.host('kvm-01').fail(99);
    fleet.vm(fleet.host('kvm-01').vms()[0] ?? '').pause();
    fleet.host('kvm-01').powerOff();
    expect(told).toEqual([]);
  });
});

it('all that a lively fleet tells is understood by the product’s decoder', async () => {
  const { time, fleet, told } = listening({
    hosts: 4,
    vms: 60,
    life: 'demo',
    faults: { crash: 100, enospc: 200, migration: 100, nic: 20 },
  });
  await time.runFor(minutes(60));
  const [endpoint] = fleet.hosts();
  const host = { id: endpoint?.id ?? '', name: 'kvm-01', address: 'x', port: 1, protocol: 'vdsm', tls: null } as const;
  const seen = new Set<string>();
  for (const { method, params } of told) {
    seen.add(method.split('|')[2] ?? '');
    if (!method.startsWith('|virt|VM_status|')) continue;
    const { vms, problems, notifyTime } = decodeVmStatusEvent(host, params);
    expect([problems, vms.length, notifyTime]).toEqual([[], 1, params.notify_time]);
    for (const vm of vms) seen.add(vm.status);
  }
  expect([...seen]).toEqual(
    expect.arrayContaining(['VM_status', 'VM_migration_status', 'host_conn', 'Paused', 'Down', 'Up', 'MigratingFrom']),
  );
});
