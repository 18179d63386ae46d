import { expect, it } from 'vitest';
import { createMonitor, ofType } from '../../src/index.js';
import { createTestMonitor, FakeFetcher, minutes, seconds } from '../../src/testing/index.js';

it('a VM of a silent host is Unknown, never Down, and comes back', async () => {
  const agents = new FakeFetcher().host('kvm-07', { vms: { 'web-03': { status: 'Up' } } });
  await using t = await createTestMonitor({ fetcher: agents, startAt: '2026-01-01T00:00:00Z' }); // virtual clock, memory store; its VMs are known
  await t.clock.runFor(seconds(20));
  expect(t.vm('web-03')).toMatchObject({ status: 'Up', host: 'kvm-07', freshness: 'live' });

  agents.on('kvm-07').hang(); // also refuse(), garbage(), code(99), slow(seconds(9)), push(event), without('web-03')
  await t.clock.runUntil(() => t.vm('web-03').status === 'Unknown', { within: minutes(2) });
  expect(t.host('kvm-07').status).toBe('NonResponsive');
  expect(t.eventNames('web-03')).toEqual(['VM_SET_TO_UNKNOWN_STATUS']);
  expect(t.explain('vm', 'web-03').rule).toBe('host.lost.vms-unknown');
  expect(t.intents('autoRun')).toEqual([]); // no restart without proof

  agents.on('kvm-07').recover();
  await t.clock.runFor(seconds(30));
  expect(t.eventNames('web-03').at(-1)).toBe('VM_STATUS_RESTORED');
});

it('the embedding example runs as it is written', async () => {
  const agents = new FakeFetcher().host('kvm-01', { vms: { 'vm-17': { status: 'Up' } } });
  const seen: string[] = [];
  const shutdowns: string[] = [];
  const appended: string[] = [];
  const manager = { shutdown: async (id: string) => void shutdowns.push(id) };
  await using monitor = await createMonitor({
    mode: 'manager',
    hosts: [{ id: 'kvm-01', name: 'kvm-01', address: 'kvm-01.example.com', cluster: 'prod' }],
    vms: [{ id: 'vm-17', name: 'vm-17' }],
    settings: { poll: { intervalSeconds: 1, deadlineSeconds: 0.5 } },
    fetcher: agents,
  });
  monitor.changes$
    .pipe(ofType('VmStateChanged'))
    .subscribe(({ vm, from, to, cause }) => seen.push(`${vm.id} ${from} ${to} ${cause.rule}`));
  monitor.intents$.subscribe((intent) => {
    if (intent.kind === 'intent' && intent.intent === 'autoRun') shutdowns.push(intent.key);
  });
  await monitor.start();
  await monitor.until('synced', { timeoutSeconds: 60 });
  expect(monitor.vms.where({ cluster: null, status: 'Up' })).toHaveLength(1);
  expect(seen).toContain('vm-17 Down Up vm.elsewhere.adopt');
  monitor.commands.begin('vm-17', 'shutdown'); // reports older than this cannot undo it
  try {
    await manager.shutdown('vm-17');
  } finally {
    monitor.commands.end('vm-17', 'shutdown');
  }
  expect(shutdowns).toEqual(['vm-17']);
  for await (const event of monitor.log.read({ after: 'oldest' })) {
    appended.push(event.cursor);
    if (event.kind === 'change' && event.cause.rule === 'vm.elsewhere.adopt') break;
  }
  expect(appended.length).toBeGreaterThan(2);
  expect(appended).toEqual([...new Set(appended)]);
});
