import { describe, expect, it } from 'vitest';
import { domain, host, polled, pushed, vm } from '../support/entities.js';
import { world } from '../support/world.js';

const twoHosts = [host('h1'), host('h2')];

describe('absence (D23)', () => {
  it('counts complete reports, and is final at the second', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    w.poll('h1', []);
    expect([w.vm()?.dynamic.status, w.sets.vms.unsettled('v1')]).toEqual([
      'Up',
      { reason: 'missing', misses: 1, since: w.time.now(), lastSeq: 1 },
    ]);
    expect(w.rows()).toEqual([]);
    w.poll('h1', []);
    expect([w.vm()?.dynamic.status, w.sets.vms.unsettled('v1')]).toEqual(['Down', undefined]);
    expect(w.eventNames()).toEqual(['VM_DOWN_ERROR']);
  });

  it('counts one report once, however often it is judged', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    w.poll('h1', []);
    // The same answer is judged as unsettled and as VmDisappeared: both bear the same stamp.
    const stamp = w.stampOf('h1', { seq: 1 });
    w.tell({ name: 'VmDisappeared', host: 'h1', stamp, vmId: 'v1' });
    expect(w.sets.vms.unsettled('v1')).toMatchObject({ misses: 1 });
    expect(w.vm()?.dynamic.status).toBe('Up');
  });

  it('is forgotten when the VM is reported again', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    w.poll('h1', []);
    w.poll('h1', [polled('v1', 'Up')]);
    expect(w.sets.vms.unsettled('v1')).toBeUndefined();
    w.poll('h1', []);
    expect(w.vm()?.dynamic.status).toBe('Up');
  });

  it.each<[string, Parameters<ReturnType<typeof world>['poll']>[2]]>([
    ['a partial report', { complete: false }],
    ['a report in which its entry could not be read', { unreadable: ['v1'] }],
  ])('is not inferred from %s', (_, more) => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    for (let i = 0; i < 3; i++) w.poll('h1', [], more);
    expect([w.vm()?.dynamic.status, w.sets.vms.unsettled('v1')]).toEqual(['Up', undefined]);
  });

  it('does not go on counting in a partial report', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    w.poll('h1', []);
    w.poll('h1', [], { complete: false });
    expect(w.sets.vms.unsettled('v1')).toMatchObject({ misses: 1 });
    expect(w.vm()?.dynamic.status).toBe('Up');
  });

  it('takes the host’s own number of misses', () => {
    const settings = { absence: { misses: 3 }, hosts: { h2: { absence: { misses: 1 } } } };
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up'), vm('v2', 'Up', { runOnVds: 'h2' })], settings });
    for (const id of ['h1', 'h2']) w.poll(id, []);
    expect(['v1', 'v2'].map((id) => w.vm(id)?.dynamic.status)).toEqual(['Up', 'Down']);
    w.poll('h1', []);
    expect(w.vm('v1')?.dynamic.status).toBe('Up');
    w.poll('h1', []);
    expect(w.vm('v1')?.dynamic.status).toBe('Down');
  });

  it.each(['Down', 'Paused', 'MigratingTo', 'MigratingFrom'] as const)(
    'counts on though another host lists what is left of the VM: %s',
    (leftover) => {
      const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
      w.poll('h1', []);
      w.poll('h2', [polled('v1', leftover)]);
      w.poll('h1', []);
      expect(w.vm()?.dynamic.status).toBe('Down');
    },
  );

  it('on a host that does not run the VM means nothing, also after its report was once put off', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    w.commands.begin('v1', 'snapshot');
    w.poll('h2', [polled('v1', 'Paused')]);
    w.commands.end('v1', 'snapshot');
    for (let i = 0; i < 5; i++) w.poll('h2', []);
    expect(w.vm()?.dynamic).toMatchObject({ status: 'Up', runOnVds: 'h1' });
    expect([w.sets.vms.unsettled('v1'), w.eventNames()]).toEqual([undefined, []]);
  });

  it('is not taken from evidence that was overtaken: the VM has moved meanwhile', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    const stamp = w.stampOf('h1');
    w.push('h2', pushed('v1', 'Up'));
    w.tell({ name: 'VmDisappeared', host: 'h1', stamp, vmId: 'v1' });
    expect([w.vm()?.dynamic.runOnVds, w.sets.vms.unsettled('v1')]).toEqual(['h2', undefined]);
  });
});

describe('freshness', () => {
  it('keeps the older time for a VM that is missing', async () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    w.poll('h1', [polled('v1', 'Up')]);
    const heardAt = w.time.now();
    await w.time.runFor(15_000);
    w.poll('h1', []);
    expect(w.sets.vms.heardAt('v1')).toBe(heardAt);
  });

  it('does not take a VM for seen that half a report leaves out', async () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up'), vm('v2', 'Up')] });
    w.poll('h1', [polled('v1', 'Up'), polled('v2', 'Up')]);
    const heardAt = w.time.now();
    await w.time.runFor(15_000);
    w.poll('h1', [polled('v1', 'Up')], { complete: false });
    expect(['v1', 'v2'].map((id) => w.sets.vms.heardAt(id))).toEqual([w.time.now(), heardAt]);
  });

  it('follows the VM to the host that reports it', async () => {
    const w = world({
      division: 'cluster',
      hosts: [host('h1'), host('h2', 'Up', { static: { clusterId: 'c2' } })],
      vms: [vm()],
    });
    w.poll('h1', [polled('v1', 'Up')]);
    await w.time.runFor(15_000);
    w.poll('h2', [polled('v1', 'Up')]);
    expect([w.sets.setOfVm('v1')?.name, w.sets.vms.heardAt('v1')]).toEqual(['c2', w.time.now()]);
  });
});

describe('reports that are not admitted', () => {
  it('wait for the command to end, and are judged at the next report though it says the same', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    w.commands.begin('v1', 'snapshot');
    w.poll('h1', [polled('v1', 'Paused')]);
    expect([w.vm()?.dynamic.status, w.sets.vms.unsettled('v1')?.reason, w.rows()]).toEqual(['Up', 'command', []]);
    w.commands.end('v1', 'snapshot');
    // Asked before the command ended.
    w.poll('h1', [polled('v1', 'Paused')], { stamp: { requestedAt: w.time.monotonic() } });
    expect(w.vm()?.dynamic.status).toBe('Up');
    w.poll('h1', [polled('v1', 'Paused')], { stamp: { requestedAt: w.time.monotonic() + 1 } });
    expect([w.vm()?.dynamic.status, w.sets.vms.unsettled('v1')]).toEqual(['Paused', undefined]);
  });

  it('do not make a miss forgotten', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    w.poll('h1', []);
    w.commands.begin('v1', 'snapshot');
    w.poll('h1', []);
    expect(w.sets.vms.unsettled('v1')).toMatchObject({ reason: 'missing', misses: 1 });
  });

  it('are those that are older than what was judged', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    w.push('h1', pushed('v1', 'Paused', { timestamp: 900 }));
    w.poll('h1', [polled('v1', 'Up', { timestamp: 899 })]);
    expect([w.vm()?.dynamic.status, w.sets.vms.unsettled('v1')?.reason]).toEqual(['Paused', 'older']);
    w.poll('h1', [polled('v1', 'Up', { timestamp: 900 })]);
    expect(w.vm()?.dynamic.status).toBe('Up');
  });

  it('may be older after the host came up: its clock has started anew', () => {
    const w = world({ hosts: [host('h1', 'Connecting')], vms: [vm('v1', 'Up')] });
    w.push('h1', pushed('v1', 'Paused', { timestamp: 900 }));
    w.caps('h1');
    w.stats('h1');
    expect(w.host()?.dynamic.status).toBe('Up');
    w.poll('h1', [polled('v1', 'Up', { timestamp: 1 })]);
    expect(w.vm()?.dynamic.status).toBe('Up');
  });
});

describe('two hosts (D11)', () => {
  const both = () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    w.poll('h1', [polled('v1', 'Up')]);
    w.poll('h2', [polled('v1', 'Up')]);
    return w;
  };

  it('the last reporter adopts; the earlier owner’s next word is one alert and moves nothing', () => {
    const w = both();
    expect([w.vm()?.dynamic.runOnVds, w.eventNames()]).toEqual(['h2', []]);
    // Asked for before the VM went away: it was on its way.
    w.poll('h1', [polled('v1', 'Up')], { stamp: { requestedAt: w.time.monotonic() } });
    expect([w.vm()?.dynamic.runOnVds, w.eventNames()]).toEqual(['h2', []]);
    for (let i = 0; i < 3; i++) {
      w.poll('h1', [polled('v1', 'Up')], { stamp: { requestedAt: w.time.monotonic() + 1 } });
      w.poll('h2', [polled('v1', 'Up')]);
    }
    expect(w.vm()?.dynamic.runOnVds).toBe('h2');
    expect(w.recordsOf('event').map((event) => [event.name, event.message])).toEqual([
      ['VM_RUNNING_ON_TWO_HOSTS', 'is reported alive on h1 and on h2'],
    ]);
  });

  it('ends when the owner has missed it once and the earlier owner says it again: the VM was never down', () => {
    const w = both();
    w.poll('h2', []);
    const later = { stamp: { requestedAt: w.time.monotonic() + 1 } };
    w.poll('h1', [polled('v1', 'Up')], later);
    w.poll('h2', []);
    w.poll('h1', [polled('v1', 'Up')], later);
    expect([w.vm()?.dynamic.status, w.vm()?.dynamic.runOnVds, w.eventNames()]).toEqual(['Up', 'h1', []]);
  });

  it('is told of anew when the second copy had ended and a third host has one', () => {
    const w = world({ hosts: [...twoHosts, host('h3')], vms: [vm('v1', 'Up')] });
    const later = { stamp: { requestedAt: w.time.monotonic() + 1 } };
    w.poll('h1', [polled('v1', 'Up')]);
    w.poll('h2', [polled('v1', 'Up')]);
    w.poll('h1', [polled('v1', 'Up')], later);
    w.poll('h2', []);
    w.poll('h3', [polled('v1', 'Up')]);
    for (let i = 0; i < 3; i++) w.poll('h1', [polled('v1', 'Up')], later);
    expect(w.recordsOf('event').map(({ message }) => message)).toEqual([
      'is reported alive on h1 and on h2',
      'is reported alive on h1 and on h3',
    ]);
  });

  it('is told of once for each host that claims it, also when one of three misses it for a moment', () => {
    const hosts = [...twoHosts, host('h3')];
    const w = world({ hosts, vms: [vm('v1', 'Up')] });
    const later = { stamp: { requestedAt: w.time.monotonic() + 1 } };
    const all = () => {
      for (const { id } of hosts) w.poll(id, [polled('v1', 'Up')], later);
    };
    for (let i = 0; i < 3; i++) all();
    expect(w.recordsOf('event')).toHaveLength(2);
    w.poll(w.vm()?.dynamic.runOnVds ?? '', []);
    for (let i = 0; i < 3; i++) all();
    expect(w.recordsOf('event')).toHaveLength(3);
  });

  it('ends when the earlier owner stops reporting it, so that a later move is one again', () => {
    const w = both();
    w.poll('h1', []);
    w.poll('h1', [polled('v1', 'Up')]);
    expect([w.vm()?.dynamic.runOnVds, w.eventNames()]).toEqual(['h1', []]);
  });

  it('ends when the owner stops reporting it: the other copy is the VM', () => {
    const w = both();
    w.poll('h1', [polled('v1', 'Up')]);
    for (let i = 0; i < 2; i++) w.poll('h2', []);
    expect(w.vm()?.dynamic.status).toBe('Down');
    w.poll('h1', [polled('v1', 'Up')]);
    expect(w.vm()?.dynamic).toMatchObject({ status: 'Up', runOnVds: 'h1' });
  });

  it('is not feared after a migration', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'MigratingFrom', { migratingToVds: 'h2' })] });
    w.poll('h2', [polled('v1', 'Up')]);
    w.poll('h1', [polled('v1', 'MigratingFrom')]);
    expect([w.vm()?.dynamic.runOnVds, w.eventNames()]).toEqual(['h2', []]);
  });

  it('is forgotten with the host that has the VM', () => {
    const w = world({ hosts: [...twoHosts, host('h3')], vms: [vm('v1', 'Up')] });
    const later = { stamp: { requestedAt: w.time.monotonic() + 1 } };
    w.poll('h1', [polled('v1', 'Up')]);
    w.poll('h2', [polled('v1', 'Up')]);
    w.poll('h1', [polled('v1', 'Up')], later);
    w.pipeline.forgetHost('h2');
    w.poll('h3', [polled('v1', 'Up')]);
    w.poll('h1', [polled('v1', 'Up')], later);
    expect(w.eventNames()).toEqual(['VM_RUNNING_ON_TWO_HOSTS']);
    expect(w.vm()?.dynamic.runOnVds).toBe('h1');
  });

  it('is forgotten with the host', () => {
    const w = both();
    w.pipeline.forgetHost('h1');
    w.poll('h1', [polled('v1', 'Up')]);
    expect(w.eventNames()).toEqual([]);
  });
});

describe('a new device fingerprint (D17)', () => {
  it('asks for the devices, and is remembered when they came', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up', { hash: 'old' })] });
    w.poll('h1', [polled('v1', 'Up', { deviceHash: 'new' })]);
    const request = { host: 'h1', method: 'Host.dumpxmls', vmIds: ['v1'], reason: 'vm.devices.hash-changed' };
    expect(w.requests).toEqual([request]);
    expect(w.vm()?.dynamic.hash).toBe('old');
    // Not answered: asked again.
    w.poll('h1', [polled('v1', 'Up', { deviceHash: 'new' })]);
    expect(w.requests).toEqual([request, request]);
    w.tell({ name: 'VmDevicesReceived', host: 'h1', stamp: w.stampOf('h1'), domains: new Map([['v1', domain('v1')]]) });
    expect([w.vm()?.dynamic.hash, w.rows('vm_dynamic').length]).toEqual(['new', 1]);
    w.poll('h1', [polled('v1', 'Up', { deviceHash: 'new' })]);
    expect(w.requests).toHaveLength(2);
  });

  it('is not asked for again by devices that came unasked, nor of a VM that is coming in', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up', { hash: 'old' }), vm('v2', 'MigratingTo')] });
    const domains = new Map([['v1', domain('v1')]]);
    w.tell({ name: 'VmDevicesReceived', host: 'h1', stamp: w.stampOf('h1'), domains });
    w.poll('h1', [polled('v1', 'Up', { deviceHash: 'old' }), polled('v2', 'MigratingTo', { deviceHash: 'x' })]);
    expect([w.requests, w.rows()]).toEqual([[], []]);
  });
});

describe('VMs that are forgotten', () => {
  it('leave nothing behind: a VM of the same id begins anew', () => {
    const w = world({ hosts: twoHosts, vms: [vm('v1', 'Up')] });
    w.push('h1', pushed('v1', 'Paused', { timestamp: 900 }));
    w.commands.begin('v1', 'snapshot');
    w.vmUpdater.forgetVm('v1');
    expect([w.vmUpdater.statusCause('v1'), w.commands.of('v1').busy]).toEqual([undefined, false]);
    w.push('h1', pushed('v1', 'Up', { timestamp: 1 }));
    expect(w.vm()?.dynamic.status).toBe('Up');
  });
});
