import { describe, expect, it } from 'vitest';
import { minutes } from '../../src/kernel/index.js';
import {
  type DomainFacts,
  type DomainReport,
  type ReportedDevice,
  UPDATE_HASH,
  type Vm,
} from '../../src/model/index.js';
import { domain, host, polled, vm } from '../support/entities.js';
import { world } from '../support/world.js';

const hosts = [host('h1'), host('h2')];
const disk = (id: string, address = 'a'): ReportedDevice => ({
  ...{ id, type: 'disk', device: 'disk', address, alias: `ua-${id}`, path: null },
});

function withVm(stored: Vm = vm('v1', 'Up', { hash: 'old' }), mode: 'observer' | 'manager' = 'manager') {
  const w = world({ hosts, vms: [stored], mode, managesVms: true });
  const current = (): Vm => {
    const found = w.vm();
    if (found === undefined) throw new RangeError('the VM is gone');
    return found;
  };
  return {
    ...w,
    current,
    report: (hash: string) => w.poll('h1', [polled('v1', 'Up', { deviceHash: hash })]),
    answer: (facts: Partial<DomainFacts> | DomainReport = {}, from = 'h1') => {
      const report = 'read' in facts ? facts : domain('v1', facts);
      w.tell({ name: 'VmDevicesReceived', host: from, stamp: w.stampOf(from), domains: new Map([['v1', report]]) });
    },
    later: (ms = 1) => w.time.runFor(ms),
  };
}

describe('devices that a changed fingerprint asks for (D17)', () => {
  it('come with it, as rows and one change record that says all', () => {
    const w = withVm();
    w.report('new');
    w.forget();
    w.answer({ devices: [disk('d1')] });
    expect(w.current().dynamic.hash).toBe('new');
    expect(w.rows().map(({ kind }) => kind)).toEqual(['vm_dynamic', 'vm_device']);
    const [record] = w.recordsOf('change');
    expect(record?.cause.rule).toBe('vm.devices.refreshed');
    expect(record?.changes.map(({ path }) => path)).toEqual(['hash', 'devices']);
  });

  it('that nobody manages are gone with their rows', async () => {
    const w = withVm();
    w.report('new');
    w.answer({ devices: [disk('d1')] });
    await w.later();
    w.report('newer');
    w.forget();
    w.answer({ devices: [] });
    expect(w.rows('vm_device')).toEqual([{ kind: 'vm_device', deleted: ['v1', 'd1'] }]);
    expect(w.current().devices).toEqual([]);
  });

  it('that are as known write nothing but the fingerprint', async () => {
    const w = withVm();
    w.report('new');
    w.answer({ devices: [disk('d1')] });
    await w.later();
    w.report('newer');
    w.forget();
    w.answer({ devices: [disk('d1')] });
    expect(w.rows().map(({ kind }) => kind)).toEqual(['vm_dynamic']);
  });

  it('of the fingerprint before do not pass for those of a newer one', async () => {
    const w = withVm();
    w.report('new');
    const stamp = w.stampOf('h1');
    await w.later();
    w.report('newer');
    const domains = new Map([['v1', domain('v1', { devices: [disk('d1')] })]]);
    w.tell({ name: 'VmDevicesReceived', host: 'h1', stamp, domains });
    expect(w.current()).toMatchObject({ dynamic: { hash: 'old' }, devices: [{ id: 'd1' }] });
    await w.later();
    w.report('newer');
    w.answer({ devices: [disk('d2')] });
    expect(w.current()).toMatchObject({ dynamic: { hash: 'newer' }, devices: [{ id: 'd2' }] });
  });

  it('of a host that the VM has left say nothing', () => {
    const w = withVm();
    w.report('new');
    w.forget();
    w.answer({ devices: [disk('d1')] }, 'h2');
    expect([w.current().devices, w.rows()]).toEqual([[], []]);
  });

  it('that cannot be read are named in the log, and asked for again after five minutes', async () => {
    const w = withVm();
    w.report('new');
    const hostile: DomainReport = {
      ...{ vmId: 'v1', size: 1 },
      read: () => {
        throw new SyntaxError('the XML has a document type');
      },
    };
    w.answer(hostile);
    expect(w.logged).toEqual([
      {
        message: 'the description of a VM could not be read',
        fields: { vm: 'v1', problem: 'the XML has a document type' },
      },
    ]);
    w.forget();
    await w.later(minutes(4));
    w.report('new');
    expect(w.requests).toEqual([]);
    await w.later(minutes(2));
    w.report('new');
    expect(w.requests).toHaveLength(1);
    w.report('other');
    expect(w.requests).toHaveLength(2);
  });
});

describe('devices that the manager hands in', () => {
  it('whole: the fingerprint reported next is theirs, and nothing is asked', async () => {
    const w = withVm();
    const askedAt = w.vmUpdater.devices.now();
    expect(w.vmUpdater.devices.putList(w.current(), [disk('d1')], askedAt)).toBe(true);
    expect(w.current()).toMatchObject({ dynamic: { hash: UPDATE_HASH }, devices: [{ id: 'd1', managed: false }] });
    expect(w.recordsOf('change')[0]?.cause).toMatchObject({ rule: 'vm.devices.handed-in', source: { by: 'command' } });
    await w.later();
    w.report('new');
    expect([w.current().dynamic.hash, w.requests]).toEqual(['new', []]);
  });

  it('whole: what is written last is what is known, also when the VM changes with the next report', async () => {
    const w = withVm();
    w.vmUpdater.devices.putList(w.current(), [disk('d1')], w.vmUpdater.devices.now());
    await w.later();
    w.forget();
    w.poll('h1', [polled('v1', 'Paused', { deviceHash: 'new' })]);
    const rows = w.rows('vm_dynamic');
    expect(w.current().dynamic).toMatchObject({ status: 'Paused', hash: 'new' });
    expect(rows.at(-1)).toEqual({ kind: 'vm_dynamic', row: w.current().dynamic });
  });

  it('whole, but older than what is known: not taken', async () => {
    const w = withVm();
    const askedAt = w.vmUpdater.devices.now();
    await w.later();
    w.report('new');
    w.answer({ devices: [disk('d2')] });
    w.forget();
    expect(w.vmUpdater.devices.putList(w.current(), [disk('d1')], askedAt)).toBe(false);
    expect(w.rows()).toEqual([]);
  });

  it('one by one: the newer word holds against an older list', async () => {
    const w = withVm();
    w.report('new');
    const list = w.stampOf('h1');
    await w.later();
    const device = { ...disk('d1', 'mine'), vmId: 'v1', managed: true, plugged: true, logicalName: null };
    const { path: _, id, ...row } = device;
    const askedAt = w.vmUpdater.devices.now();
    expect(w.vmUpdater.devices.putOne(w.current(), 'd1', { ...row, id: id ?? '' }, askedAt)).toBe(true);
    const domains = new Map([['v1', domain('v1', { devices: [disk('d2')] })]]);
    w.tell({ name: 'VmDevicesReceived', host: 'h1', stamp: list, domains });
    expect(w.current().devices.map((each) => [each.id, each.address])).toEqual([
      ['d1', 'mine'],
      ['d2', 'a'],
    ]);
    expect(w.vmUpdater.devices.putOne(w.current(), 'd1', null, askedAt)).toBe(false);
    await w.later();
    expect(w.vmUpdater.devices.putOne(w.current(), 'd1', null, w.vmUpdater.devices.now())).toBe(true);
    expect(w.current().devices.map((each) => each.id)).toEqual(['d2']);
  });
});

describe('a VM that was made outside (§4.10)', () => {
  const foreign = { name: 'web', vcpus: 4, memoryMb: 7052 };

  it('is described once, and written when it becomes another', () => {
    const w = world({ hosts, managesVms: true });
    w.poll('h1', [polled('v9', 'Up', { vmName: 'web', deviceHash: 'x' })]);
    expect(w.requests.filter(({ method }) => method === 'Host.dumpxmls').length).toBeGreaterThan(0);
    w.forget();
    const answer = (more = {}) =>
      w.tell({
        ...{ name: 'VmDevicesReceived', host: 'h1', stamp: w.stampOf('h1') },
        domains: new Map([['v9', domain('v9', { ...foreign, ...more })]]),
      });
    answer();
    expect(w.vm('v9')?.static).toMatchObject({ name: 'external-web', origin: 'EXTERNAL', vcpus: 4, memoryMb: 7052 });
    expect(w.recordsOf('change').map(({ cause }) => cause.rule)).toEqual([
      'vm.devices.refreshed',
      'vm.described.external',
    ]);
    expect(w.advice()).toEqual([]);
  });

  it('is not described beside an engine', () => {
    const w = world({ hosts, mode: 'observer' });
    w.poll('h1', [polled('v9', 'Up', { vmName: 'web', deviceHash: 'x' })]);
    w.tell({
      ...{ name: 'VmDevicesReceived', host: 'h1', stamp: w.stampOf('h1') },
      domains: new Map([['v9', domain('v9', foreign)]]),
    });
    expect(w.vm('v9')?.static).toMatchObject({ name: 'web', origin: 'OVIRT', vcpus: null });
  });

  it('a hosted engine’s that is found by its description is to be imported, once', async () => {
    const w = world({ hosts, managesVms: true });
    w.poll('h1', [polled('v9', 'Up', { vmName: null, deviceHash: 'x' })]);
    for (let i = 0; i < 2; i++) {
      await w.time.runFor(1);
      w.tell({
        ...{ name: 'VmDevicesReceived', host: 'h1', stamp: w.stampOf('h1') },
        domains: new Map([['v9', domain('v9', { ...foreign, name: 'HostedEngine' })]]),
      });
    }
    expect(w.vm('v9')?.static).toMatchObject({ name: 'HostedEngine', origin: 'HOSTED_ENGINE' });
    expect(w.advice()).toEqual(['importVm h1', 'importHostedEngine h1']);
  });
});
