import { expect, it } from 'vitest';
import { minutes, seconds } from '../../src/kernel/index.js';
import { createTestMonitor, FakeFetcher } from '../../src/testing/index.js';

/** As the fake host's own: eno1 carries ovirtmgmt. */
const network = (state: 'up' | 'down') => ({
  eno1: { name: 'eno1', state, speed: '10000', rx: '0', tx: '0', sampleTime: 1 },
});
const required = [{ name: 'Default', networks: [{ name: 'ovirtmgmt', required: true, vmNetwork: true }] }];

it('a nic with a required network: its grace, NonOperational, and back by itself', async () => {
  const agents = new FakeFetcher().host('kvm-07', {
    stats: { network: network('up') },
    vms: { web: { status: 'Up' }, db: { status: 'Up', ha: true, priority: 9 } },
  });
  await using t = await createTestMonitor({ fetcher: agents, clusters: required });
  await t.clock.runFor(minutes(1));
  expect(t.host('kvm-07').status).toBe('Up');

  agents.on('kvm-07').answers({ stats: { network: network('down') } });
  await t.clock.runFor(seconds(60));
  expect(t.host('kvm-07').status).toBe('Up');
  expect(t.eventNames('kvm-07')).toContain('HOST_INTERFACE_STATE_DOWN');
  await t.clock.runFor(seconds(30));
  expect(t.host('kvm-07')).toMatchObject({
    status: 'NonOperational',
    nonOperationalReason: 'NETWORK_INTERFACE_IS_DOWN',
  });
  expect(t.intents('migrateVms')[0]).toMatchObject({ hostId: 'kvm-07', evidence: { vms: ['db', 'web'] } });
  expect(t.explain('host', 'kvm-07')).toMatchObject({ rule: 'host.nic-down' });
  expect(t.vm('web').status).toBe('Up');

  // Automatic recovery leaves it alone while the nic is down.
  await t.clock.runFor(minutes(6));
  expect(t.host('kvm-07').status).toBe('NonOperational');
  agents.on('kvm-07').answers({ stats: { network: network('up') } });
  await t.clock.runFor(minutes(6));
  expect(t.host('kvm-07').status).toBe('Up');
  expect(t.intents('activate')).toHaveLength(1);
});

it('maintenance: the host is emptied first, asked again, and then let go', async () => {
  const agents = new FakeFetcher().host('kvm-07', { vms: { web: { status: 'Up' } } }).host('kvm-08', { vms: {} });
  await using t = await createTestMonitor({ fetcher: agents });
  await t.clock.runFor(minutes(1));
  expect(t.monitor.hosts.maintenance('kvm-07', 'disks').status).toBe('PreparingForMaintenance');
  expect(t.host('kvm-07').status).toBe('PreparingForMaintenance');
  await t.clock.runFor(minutes(6));
  expect(t.intents('maintenanceNumberOfVdss').map((intent) => intent.round)).toEqual([0, 1]);

  agents.on('kvm-07').without('web');
  agents.on('kvm-08').with('web', { status: 'Up' });
  await t.clock.runFor(seconds(40));
  expect(t.vm('web')).toMatchObject({ status: 'Up', host: 'kvm-08' });
  expect(t.host('kvm-07')).toMatchObject({ status: 'Maintenance', cpuPercent: null });
  expect(t.intents('disconnectStoragePool')).toHaveLength(1);
  const calls = agents.on('kvm-07').count();
  await t.clock.runFor(minutes(5));
  expect(agents.on('kvm-07').count()).toBe(calls);

  t.monitor.hosts.activate('kvm-07');
  await t.clock.runFor(seconds(10));
  expect(t.host('kvm-07').status).toBe('Up');
});

it('a lost host: fencing is advised, its VMs are Down by proof, and highly available ones come up in order', async () => {
  const agents = new FakeFetcher()
    .host('kvm-07', {
      pmEnabled: true,
      vms: {
        web: { status: 'Up' },
        app: { status: 'Up', ha: true, priority: 1 },
        db: { status: 'Up', ha: true, priority: 50 },
        leased: { status: 'Up', lease: true },
      },
    })
    .host('kvm-08', { vms: {} });
  await using t = await createTestMonitor({ fetcher: agents });
  await t.clock.runFor(minutes(6));
  agents.on('kvm-07').refuse();
  // Its tenth failed call after it was lost comes within some minutes.
  await t.clock.runFor(minutes(6));
  expect(t.host('kvm-07').status).toBe('NonResponsive');
  expect(t.intents('fence')[0]?.evidence).toMatchObject({
    pmEnabled: true,
    steps: expect.arrayContaining(['restartHost']),
  });
  expect(t.intents('restartOnLease')).toMatchObject([{ vmId: 'leased', hostId: 'kvm-07' }]);
  // Nobody has proof yet that its VMs do not run.
  expect(t.intents('autoRun')).toEqual([]);
  expect(() => t.monitor.hosts.confirmRebooted('kvm-08')).toThrow(/refused/);

  t.monitor.hosts.confirmRebooted('kvm-07');
  await t.clock.runFor(0);
  expect(
    t.monitor.vms
      .where({ status: 'Down' })
      .map((vm) => vm.id)
      .sort(),
  ).toEqual(['app', 'db', 'leased', 'web']);
  expect(t.intents('autoRun').map((intent) => intent.vmId)).toEqual(['db']);
  agents.on('kvm-08').with('db', { status: 'PoweringUp' });
  await t.clock.runFor(seconds(20));
  expect(t.intents('autoRun').map((intent) => intent.vmId)).toEqual(['db']);
  agents.on('kvm-08').with('db', { status: 'Up' });
  await t.clock.runFor(seconds(20));
  expect(t.intents('autoRun').map((intent) => intent.vmId)).toEqual(['db', 'app']);
  t.monitor.vms.restartFailed('app');
  await t.clock.runFor(seconds(31));
  expect(t.eventNames('app').filter((name) => name === 'HA_VM_RESTART_FAILED')).toHaveLength(1);
  expect(t.intents('autoRun').map((intent) => intent.vmId)).toEqual(['db', 'app', 'app']);
  expect(new Set(t.intents('autoRun').map((intent) => intent.key)).size).toBe(3);
});

it('a reboot that is known is no alarm', async () => {
  const agents = new FakeFetcher().host('kvm-07', { vms: {} });
  await using t = await createTestMonitor({ fetcher: agents });
  await t.clock.runFor(minutes(1));
  t.monitor.hosts.rebooting('kvm-07', 240);
  agents.on('kvm-07').refuse();
  await t.clock.runFor(minutes(3));
  expect(t.host('kvm-07')).toMatchObject({ status: 'Up', freshness: 'stale', attempts: 0 });
  agents.on('kvm-07').recover();
  await t.clock.runFor(minutes(1));
  expect(t.host('kvm-07')).toMatchObject({ status: 'Up', freshness: 'live' });
});

it('beside an engine nothing of this is ours to say', async () => {
  const agents = new FakeFetcher().host('kvm-07', { vms: { web: { status: 'Up' } } });
  await using t = await createTestMonitor({ fetcher: agents, mode: 'observer' });
  await t.clock.runFor(minutes(1));
  expect(() => t.monitor.hosts.confirmRebooted('kvm-07')).toThrow(/engine manages/);
  expect(() => t.monitor.vms.restartFailed('web')).toThrow(/engine manages/);
  expect(t.monitor.hosts.maintenance('kvm-07').status).toBe('Maintenance');
  expect(t.intents().every((intent) => intent.advisory)).toBe(true);
});

it('status names the rules that are off, and where', async () => {
  const agents = new FakeFetcher().host('kvm-07', { vms: {} }).host('lab-01', { cluster: 'lab', vms: {} });
  await using t = await createTestMonitor({
    fetcher: agents,
    clusters: [...required, { name: 'lab' }, { name: 'empty' }],
  });
  const { rulesOff } = t.monitor.status();
  expect(rulesOff).toContainEqual({
    rule: 'host.nic-down',
    because: 'not known: networks of the cluster',
    clusters: ['lab'],
  });
  expect(rulesOff.find((off) => off.rule === 'host.check.cpu-flags')?.clusters).toEqual(['Default', 'lab']);
});

it('capabilities and hardware are read again when somebody asks', async () => {
  const agents = new FakeFetcher().host('kvm-07', { vms: {} });
  await using t = await createTestMonitor({ fetcher: agents });
  await t.clock.runFor(minutes(1));
  const before = agents.on('kvm-07').count('Host.getCapabilities');
  agents.on('kvm-07').code(17, 'Host.getHardwareInfo');
  t.monitor.hosts.refresh('kvm-07');
  await t.clock.runFor(seconds(1));
  expect(agents.on('kvm-07').count('Host.getCapabilities')).toBe(before + 1);
  expect(t.eventNames('kvm-07')).toContain('VDS_FAILED_TO_GET_HOST_HARDWARE_INFO');
});
