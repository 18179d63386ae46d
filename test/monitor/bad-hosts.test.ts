import { expect, it } from 'vitest';
import { minutes, seconds } from '../../src/kernel/index.js';
import { createTestMonitor, FakeFetcher, type TestMonitor } from '../../src/testing/index.js';

const HEALTHY = 20;
const VMS = 10;
/** 60 s and half a second for each VM (monitoring-rules.md §3.2). */
const GRACE_MS = 65_000;

function fleet(): FakeFetcher {
  const agents = new FakeFetcher({ advance: true });
  const names = ['hung', 'refusing', 'garbage', ...Array.from({ length: HEALTHY }, (_, i) => `kvm-${i}`)];
  for (const name of names) {
    agents.host(name, {
      vms: Object.fromEntries(Array.from({ length: VMS }, (_, i) => [`${name}-vm-${i}`, { status: 'Up' }])),
    });
  }
  return agents;
}

/** When the host came to the status, in ms of virtual time since `from`. */
function when(t: TestMonitor, host: string, status: string, from: number): number {
  const record = t
    .records()
    .find(
      (r) =>
        r.kind === 'change' &&
        r.entityId === host &&
        r.time > from &&
        r.changes.some((change) => change.path === 'status' && change.to === status),
    );
  if (record === undefined) throw new Error(`${host} never became ${status}`);
  return record.time - from;
}

it('a hung, a refusing and a garbage host hurt only themselves, and go and come back by the rules', async () => {
  const agents = fleet();
  await using t = await createTestMonitor({ fetcher: agents });
  await t.clock.runFor(minutes(1));
  expect(t.monitor.status().hosts.byStatus).toEqual({ Up: HEALTHY + 3 });
  const heard = new Map(['hung', 'refusing', 'garbage'].map((name) => [name, t.host(name).heardAt ?? 0]));

  agents.on('hung').hang();
  agents.on('refusing').refuse();
  agents.on('garbage').garbage();
  await t.clock.runFor(minutes(4));

  for (const [name, heardAt] of heard) {
    expect(t.host(name)).toMatchObject({ status: 'NonResponsive', freshness: 'unknown', cpuPercent: null });
    expect(t.monitor.vms.where({ host: name, status: 'Unknown' }), name).toHaveLength(VMS);
    const connecting = when(t, name, 'Connecting', heardAt);
    const lost = when(t, name, 'NonResponsive', heardAt);
    // The next statistics tick finds it silent, a hung one after its deadline.
    expect(connecting, name).toBe(name === 'hung' ? seconds(25) : seconds(15));
    // The first failed attempt after the grace time; a hung host is tried every 12 s (10 s deadline, 3 s grid), others every 3 s.
    expect(lost, name).toBeGreaterThan(GRACE_MS);
    expect(lost, name).toBeLessThanOrEqual(GRACE_MS + (name === 'hung' ? seconds(12) : seconds(3)));
    expect(t.eventNames(name).filter((event) => event === 'VDS_FAILURE')).toHaveLength(1);
    expect(t.eventNames(`${name}-vm-3`)).toEqual(['VM_SET_TO_UNKNOWN_STATUS']);
  }
  const polls = t.monitor.status().polls;
  expect(polls.latenessP99Ms).toBe(0);
  for (let i = 0; i < HEALTHY; i++) {
    expect(t.host(`kvm-${i}`)).toMatchObject({ status: 'Up', freshness: 'live', attempts: 0 });
  }

  for (const name of heard.keys()) agents.on(name).recover();
  await t.clock.runFor(seconds(45));
  for (const name of heard.keys()) {
    expect(t.host(name)).toMatchObject({ status: 'Up', freshness: 'live' });
    expect(t.monitor.vms.where({ host: name, status: 'Up' }), name).toHaveLength(VMS);
    expect(t.eventNames(`${name}-vm-3`)).toEqual(['VM_SET_TO_UNKNOWN_STATUS', 'VM_STATUS_RESTORED']);
  }
});

it('the loss of a host is one incident: its event is the parent of its VMs’ events', async () => {
  const agents = new FakeFetcher().host('kvm-07', { vms: { a: { status: 'Up' }, b: { status: 'Up' } } });
  await using t = await createTestMonitor({ fetcher: agents });
  await t.clock.runFor(seconds(20));
  agents.on('kvm-07').refuse();
  await t.clock.runFor(minutes(2));
  const failure = t.events('kvm-07').find((event) => event.name === 'VDS_FAILURE');
  const parts = t.events().filter((event) => event.name === 'VM_SET_TO_UNKNOWN_STATUS');
  expect(parts).toHaveLength(2);
  for (const part of parts) expect(part).toMatchObject({ parent: failure?.id, correlation: failure?.correlation });
});

it('code 99 is no failure: Initializing, and after three minutes NonOperational', async () => {
  const agents = new FakeFetcher().host('kvm-07', { vms: { a: { status: 'Up' } } });
  await using t = await createTestMonitor({ fetcher: agents });
  await t.clock.runFor(seconds(20));
  agents.on('kvm-07').code(99);
  await t.clock.runFor(seconds(20));
  expect(t.host('kvm-07')).toMatchObject({ status: 'Initializing', attempts: 0 });
  expect(t.vm('a').status).toBe('Up');
  await t.clock.runFor(minutes(3));
  expect(t.host('kvm-07')).toMatchObject({
    status: 'NonOperational',
    nonOperationalReason: 'TIMEOUT_RECOVERING_FROM_CRASH',
  });
  expect(t.vm('a').status).toBe('Up');
  expect(t.eventNames('kvm-07')).toEqual(expect.arrayContaining(['VDS_INITIALIZING', 'VDS_RECOVER_FAILED']));
});

it('a VM is Down after two complete reports without it, not after one', async () => {
  const agents = new FakeFetcher().host('kvm-07', { vms: { a: { status: 'Up' }, b: { status: 'Up' } } });
  await using t = await createTestMonitor({ fetcher: agents });
  await t.clock.runFor(seconds(20));
  agents.on('kvm-07').without('a');
  await t.clock.runFor(seconds(15));
  expect(t.vm('a')).toMatchObject({ status: 'Up' });
  await t.clock.runFor(seconds(15));
  expect(t.vm('a')).toMatchObject({ status: 'Down', host: null });
  expect(t.eventNames('a')).toEqual(['VM_DOWN_ERROR']);
  expect(t.vm('b')).toMatchObject({ status: 'Up', freshness: 'live' });
});
