import { describe, expect, it } from 'vitest';
import { minutes, seconds } from '../../src/kernel/index.js';
import type { Fleet } from '../../src/simulator/index.js';
import { entriesOf, entryOf, hostStats, makeFleet, resultOf, vmStats } from './support.js';

const listOn = (fleet: Fleet, vm: string): string[] =>
  entriesOf(fleet, vm).map(({ host, entry }) => `${host} ${entry.status}`);
const elsewhere = (fleet: Fleet, vm: string): string =>
  fleet.hosts().find(({ name, cluster }) => name !== fleet.vm(vm).host && cluster === fleet.vm(vm).cluster)?.name ?? '';

describe('start and end', () => {
  it('starts by way of WaitForLaunch and Powering up, with the guest agent last', async () => {
    const { time, fleet } = makeFleet();
    const vm = fleet.vm('web-01');
    vm.vanish();
    expect([vm.status, vm.host, entriesOf(fleet, 'web-01')]).toEqual([null, null, []]);
    vm.start('kvm-02');
    const seen = new Set<string | null>();
    for (let i = 0; i < 60; i++) {
      seen.add(vm.status);
      if (vm.status === 'Powering up') expect(entryOf(fleet, 'web-01').appsList).toEqual([]);
      await time.runFor(seconds(1));
    }
    expect([...seen]).toEqual(['WaitForLaunch', 'Powering up', 'Up']);
    expect(vm.host).toBe('kvm-02');
    expect(Number(entryOf(fleet, 'web-01').elapsedTime)).toBe(60);
    await time.runFor(seconds(15));
    expect(entryOf(fleet, 'web-01').appsList).not.toEqual([]);
  });

  it('shuts down: Down with exit data, listed for a while, then gone', async () => {
    const { time, fleet } = makeFleet();
    fleet.vm('web-01').shutdown();
    expect(fleet.vm('web-01').status).toBe('Powering down');
    await time.runFor(seconds(25));
    expect(entryOf(fleet, 'web-01')).toMatchObject({ status: 'Down', exitCode: 0, exitReason: 7 });
    expect(fleet.vm('web-01').status).toBe(null);
    await time.runFor(minutes(3));
    expect(entriesOf(fleet, 'web-01')).toEqual([]);
  });

  it.each([
    ['engine', 5, 0],
    ['keep', 86_400, 1],
  ] as const)('Down VMs with %s', async (downDomains, after, left) => {
    const { time, fleet } = makeFleet({ downDomains });
    fleet.vm('web-01').crash();
    expect(entriesOf(fleet, 'web-01')).toHaveLength(1);
    await time.runFor(seconds(after));
    expect(entriesOf(fleet, 'web-01')).toHaveLength(left);
  });

  it('VM.destroy takes a Down VM from the list, and kills a running one', () => {
    const { fleet } = makeFleet({ downDomains: 'keep' });
    const { id, host } = fleet.vm('web-01');
    fleet.vm('web-01').crash('onHost');
    expect(resultOf(fleet, host ?? '', 'VM.destroy', { vmID: id })).toBe(true);
    expect(fleet.host(host ?? '').ask('VM.destroy', { vmID: id })).toMatchObject({ error: { code: 1 } });
    const other = fleet.vm('web-02');
    const where = other.host ?? '';
    expect(resultOf(fleet, where, 'VM.destroy', { vmID: other.id })).toBe(true);
    expect(other.status).toBe(null);
  });

  it('a start on the host that still lists it as Down takes the old entry away', async () => {
    const { time, fleet } = makeFleet({ downDomains: 'keep' });
    const host = fleet.vm('web-01').host ?? '';
    fleet.vm('web-01').crash();
    fleet.vm('web-01').start(host);
    expect(listOn(fleet, 'web-01')).toEqual([`${host} WaitForLaunch`]);
    await time.runFor(minutes(5));
    expect(listOn(fleet, 'web-01')).toEqual([`${host} Up`]);
  });

  it('saves and restores', async () => {
    const { time, fleet } = makeFleet();
    const vm = fleet.vm('db-01');
    vm.suspend();
    expect(vm.status).toBe('Saving State');
    await time.runFor(seconds(30));
    expect(entryOf(fleet, 'db-01')).toMatchObject({ status: 'Down', exitReason: 5 });
    vm.start();
    expect(vm.status).toBe('Restoring state');
    await time.runFor(seconds(10));
    expect(vm.status).toBe('Up');
  });

  it('reboots without ending', async () => {
    const { time, fleet } = makeFleet();
    const before = Number(entryOf(fleet, 'web-01').elapsedTime);
    fleet.vm('web-01').reboot();
    expect(fleet.vm('web-01').status).toBe('RebootInProgress');
    await time.runFor(minutes(1));
    expect(entryOf(fleet, 'web-01').status).toBe('Up');
    expect(Number(entryOf(fleet, 'web-01').elapsedTime)).toBe(before + 60);
  });
});

describe('pause', () => {
  it.each(['ENOSPC', 'EIO', 'EPERM', 'EOTHER', 'NOERR'] as const)('%s stands still until resumed', async (code) => {
    const { time, fleet } = makeFleet();
    fleet.vm('db-02').pause(code);
    await time.runFor(seconds(20));
    const first = entryOf(fleet, 'db-02');
    expect(first).toMatchObject({ status: 'Paused', pauseCode: code, cpuUser: '0.00' });
    await time.runFor(minutes(30));
    expect(entryOf(fleet, 'db-02').cpuUsage).toBe(first.cpuUsage);
    fleet.vm('db-02').resume();
    await time.runFor(minutes(1));
    const after = entryOf(fleet, 'db-02');
    expect(after.status).toBe('Up');
    expect(after).not.toHaveProperty('pauseCode');
    expect(BigInt(after.cpuUsage ?? 0)).toBeGreaterThan(BigInt(first.cpuUsage ?? 0));
  });
});

describe('migration', () => {
  it('is on both hosts while it lasts, then the source is Down with reason 4, then gone', async () => {
    const { time, fleet } = makeFleet();
    const vm = fleet.vm('web-01');
    const [from, to] = [vm.host ?? '', elsewhere(fleet, 'web-01')];
    const elapsed = Number(entryOf(fleet, 'web-01').elapsedTime);
    vm.migrate(to, { seconds: 20 });
    expect(listOn(fleet, 'web-01').sort()).toEqual([`${from} Migration Source`, `${to} Migration Destination`].sort());
    expect(hostStats(fleet, from)).toMatchObject({ vmMigrating: 1, outgoingVmMigrations: 1 });
    expect(hostStats(fleet, to)).toMatchObject({ vmMigrating: 1, incomingVmMigrations: 1 });
    await time.runFor(seconds(10));
    expect(entriesOf(fleet, 'web-01').find(({ host }) => host === from)?.entry.migrationProgress).toBe(50);
    await time.runFor(seconds(10));
    expect(listOn(fleet, 'web-01').sort()).toEqual([`${from} Down`, `${to} Up`].sort());
    expect(entriesOf(fleet, 'web-01').find(({ host }) => host === from)?.entry).toMatchObject({
      exitCode: 0,
      exitReason: 4,
    });
    expect(vm.host).toBe(to);
    await time.runFor(minutes(3));
    expect(Number(entryOf(fleet, 'web-01').elapsedTime)).toBe(elapsed + 200);
  });

  it('that fails goes on where it was, and leaves nothing', async () => {
    const { time, fleet } = makeFleet();
    const from = fleet.vm('web-01').host ?? '';
    fleet.vm('web-01').migrate(elsewhere(fleet, 'web-01'), { seconds: 20, fails: true });
    await time.runFor(seconds(20));
    expect(listOn(fleet, 'web-01')).toEqual([`${from} Up`]);
  });

  it('ends with the crash of the VM, with its vanishing, and with either host', () => {
    const ends: [string, (fleet: Fleet, from: string, to: string) => void, RegExp][] = [
      ['crash', (fleet) => fleet.vm('web-01').crash(), /^from Down$/],
      ['vanish', (fleet) => fleet.vm('web-01').vanish(), /^$/],
      ['source off', (fleet, from) => fleet.host(from).powerOff(), /^$/],
      ['target off', (fleet, _, to) => fleet.host(to).powerOff(), /^from Up$/],
      [
        'target destroyed',
        (fleet, _, to) => void resultOf(fleet, to, 'VM.destroy', { vmID: fleet.vm('web-01').id }),
        /^from Up$/,
      ],
      [
        'source destroyed',
        (fleet, from) => void resultOf(fleet, from, 'VM.destroy', { vmID: fleet.vm('web-01').id }),
        /^$/,
      ],
    ];
    for (const [what, act, left] of ends) {
      const { fleet } = makeFleet();
      const [from, to] = [fleet.vm('web-01').host ?? '', elsewhere(fleet, 'web-01')];
      fleet.vm('web-01').migrate(to);
      act(fleet, from, to);
      expect(listOn(fleet, 'web-01').join().replace(from, 'from').replace(to, 'to'), what).toMatch(left);
    }
  });
});

describe('what changes while the status stays', () => {
  it('monitor, console, guest, devices, job, watchdog', async () => {
    const { time, fleet } = makeFleet();
    const vm = fleet.vm('web-01');
    const before = entryOf(fleet, 'web-01');
    vm.stick();
    vm.console('10.0.2.7');
    vm.changeDevices();
    vm.merge(10);
    expect(entryOf(fleet, 'web-01')).toMatchObject({ monitorResponse: '-1', clientIp: '10.0.2.7', status: 'Up' });
    expect(entryOf(fleet, 'web-01').hash).not.toBe(before.hash);
    await time.runFor(seconds(5));
    const [job] = Object.values(entryOf(fleet, 'web-01').vmJobs ?? {});
    expect(job?.cur).toBe((job?.end ?? 0) / 2);
    vm.unstick();
    vm.console(null);
    await time.runFor(seconds(6));
    expect(entryOf(fleet, 'web-01')).toMatchObject({ monitorResponse: '0', clientIp: '', vmJobs: {} });
    const guest = (): string => JSON.stringify({ ...entryOf(fleet, 'web-01'), statusTime: '' });
    const text = guest();
    vm.changeGuest();
    expect(guest()).not.toBe(text);
  });
});

describe('commands that cannot be', () => {
  it.each([
    ['resume a running VM', (fleet: Fleet) => fleet.vm('web-01').resume()],
    ['start a running VM', (fleet: Fleet) => fleet.vm('web-01').start()],
    ['migrate to where it is', (fleet: Fleet) => fleet.vm('web-01').migrate(fleet.vm('web-01').host ?? '')],
    ['crash one that is off', (fleet: Fleet) => fleet.vm('web-02').crash()],
    ['shut down one that is off', (fleet: Fleet) => fleet.vm('web-02').shutdown()],
    ['start on a host without power', (fleet: Fleet) => fleet.vm('web-02').start('kvm-02')],
    ['hang a host without power', (fleet: Fleet) => fleet.host('kvm-02').hang()],
  ])('%s', (_, act) => {
    const { fleet } = makeFleet();
    fleet.vm('web-02').vanish();
    fleet.host('kvm-02').powerOff();
    expect(fleet.vm('web-01').status).toBe('Up');
    expect(() => act(fleet)).toThrowError(expect.objectContaining({ code: 'BAD_ARGUMENT' }));
  });
});

describe('hosts', () => {
  it('restarts its agent: closed, code 99, well; its VMs notice nothing', async () => {
    const { time, fleet } = makeFleet();
    const host = fleet.host('kvm-01');
    const before = vmStats(fleet, 'kvm-01').map(({ vmId, elapsedTime }) => [vmId, Number(elapsedTime) + 40]);
    host.restartAgent(seconds(20));
    expect(host.condition).toEqual({ kind: 'refuse' });
    await time.runFor(seconds(5));
    expect(host.ask('Host.ping2')).toMatchObject({ error: { code: 99 } });
    await time.runFor(seconds(35));
    expect(host.condition).toEqual({ kind: 'ok' });
    expect(vmStats(fleet, 'kvm-01').map(({ vmId, elapsedTime }) => [vmId, Number(elapsedTime)])).toEqual(before);
  });

  it('loses its power with all that ran on it, and boots empty with a new clock', async () => {
    const { time, fleet } = makeFleet();
    const [host, before] = [fleet.host('kvm-01'), hostStats(fleet, 'kvm-01')];
    const lost = host.vms();
    expect(lost).toHaveLength(6);
    host.powerOff();
    expect([host.powered, host.condition.kind, host.vms()]).toEqual([false, 'refuse', []]);
    expect(lost.map((name) => fleet.vm(name).status)).toEqual(lost.map(() => null));
    await time.runFor(minutes(2));
    host.recover();
    expect([host.powered, host.condition.kind]).toEqual([true, 'ok']);
    await time.runFor(minutes(1));
    expect(Number(hostStats(fleet, 'kvm-01').bootTime)).toBeGreaterThan(Number(before.bootTime));
    fleet.vm(lost[0] ?? '').start('kvm-01');
    expect(Number(vmStats(fleet, 'kvm-01')[0]?.statusTime)).toBe(2 ** 31 - 1 + 60_000);
  });

  it('nics go down and up', () => {
    const { fleet } = makeFleet();
    fleet.host('kvm-01').nic('eno2', 'down');
    expect(hostStats(fleet, 'kvm-01').network['eno2']?.state).toBe('down');
    expect(hostStats(fleet, 'kvm-01').network['eno1']?.state).toBe('up');
    fleet.host('kvm-01').nic('eno2', 'up');
    expect(hostStats(fleet, 'kvm-01').network['eno2']?.state).toBe('up');
    expect(() => fleet.host('kvm-01').nic('eth9', 'up')).toThrow('no nic "eth9"');
  });
});

it('tells what happens, why, and to whom', async () => {
  const { time, fleet } = makeFleet();
  const told: string[] = [];
  const end = fleet.subscribe(({ cause, kind, host, vm, text }) =>
    told.push([cause, kind, host, vm, text].join(' | ')),
  );
  const from = fleet.vm('web-01').host ?? '';
  fleet.vm('web-01').crash();
  fleet.host('kvm-02').hang();
  await time.runFor(minutes(3));
  fleet.settle();
  end();
  fleet.host('kvm-02').recover();
  expect(told).toEqual([
    `script | vm.crashed | ${from} | web-01 | web-01 crashes on ${from}: Lost connection with qemu process`,
    `script | vm.down | ${from} | web-01 | web-01 is Down on ${from}: Lost connection with qemu process`,
    'script | host.condition | kvm-02 |  | kvm-02 hangs: accepts connections, answers nothing',
    `course | vm.removed | ${from} | web-01 | web-01 leaves the list of ${from}`,
  ]);
});
