import { expect, it } from 'vitest';
import type { InventoryPlace } from '../../src/monitor/index.js';
import { createTestMonitor, FakeFetcher } from '../../src/testing/index.js';

it('the revision grows with what lists show, and not with reports that bring nothing new', async () => {
  const agents = new FakeFetcher().host('kvm-01', { vms: { 'web-01': { status: 'Up' } } });
  await using t = await createTestMonitor({ fetcher: agents });
  await t.clock.runFor(120_000);
  const steady = t.monitor.revision();
  await t.clock.runFor(120_000);
  expect(t.monitor.revision()).toBe(steady);
  t.monitor.clusters.put({ name: 'lab', networks: [{ name: 'ovirtmgmt', required: true }] });
  const withCluster = t.monitor.revision();
  expect(withCluster).toBeGreaterThan(steady);
  t.monitor.hosts.put({ id: 'h9', name: 'kvm-09', address: 'kvm-09', cluster: 'lab' });
  const withHost = t.monitor.revision();
  expect(withHost).toBeGreaterThan(withCluster);
  agents.on('kvm-01').hang();
  await t.clock.runUntil(() => t.vm('web-01').status === 'Unknown', { within: 300_000 });
  expect(t.monitor.revision()).toBeGreaterThan(withHost);
});

it('the inventory has what was said of clusters, hosts and VMs', async () => {
  const agents = new FakeFetcher().host('kvm-01', { vms: { 'web-01': { status: 'Up' } } });
  await using t = await createTestMonitor({ fetcher: agents });
  t.monitor.clusters.put({ name: 'lab', networks: [{ name: 'ovirtmgmt', required: true }] });
  const { items: entries } = await t.monitor.inventory();
  const all = entries.map(({ entity, name }) => `${entity} ${name}`);
  expect(all).toEqual(expect.arrayContaining(['cluster lab', 'host kvm-01', 'vm web-01']));
  expect(all).toEqual(all.toSorted());
  expect(entries.find(({ name }) => name === 'lab')).toMatchObject({
    networks: [{ name: 'ovirtmgmt', required: true }],
  });
});

it('commands that are under way are listed until they end, or their time is over', async () => {
  await using t = await createTestMonitor({ fetcher: new FakeFetcher(), vms: [], hosts: [] });
  const { commands } = t.monitor;
  const now = t.clock.now();
  commands.begin('v1', 'shutdown', { ttlSeconds: 60 });
  commands.begin('v1', 'shutdown', { ttlSeconds: 90 });
  commands.begin('v2', 'start');
  expect(commands.list()).toEqual([
    { vmId: 'v1', command: 'shutdown', count: 2, since: now, endsAt: now + 90_000 },
    { vmId: 'v2', command: 'start', count: 1, since: now, endsAt: now + 21_600_000 },
  ]);
  commands.end('v2', 'start');
  await t.clock.runFor(91_000);
  expect(commands.list()).toEqual([]);
});

it('the inventory comes in pages over clusters, hosts and VMs, each entity once, and none is empty but the last', async () => {
  await using t = await createTestMonitor({ fetcher: new FakeFetcher(), vms: [], hosts: [] });
  for (const name of ['c2', 'c1']) t.monitor.clusters.put({ name });
  for (const name of ['h3', 'h1', 'h2']) t.monitor.hosts.put({ name, address: name, cluster: 'c1' });
  for (const id of ['2', '1']) t.monitor.vms.put({ id, name: 'twin', cluster: 'c1' });
  const keyOf = ({ entity, id }: { entity: string; id: string }): string => `${entity} ${id}`;
  const all = (await t.monitor.inventory()).items.map(keyOf);
  for (const limit of [1, 2, 3, 5, 7, 100]) {
    const walked: string[] = [];
    for (let after: InventoryPlace | null = null, page = await t.monitor.inventory({ limit }); ; ) {
      expect(page).toMatchObject({ total: all.length, matched: all.length });
      expect(page.items.length).toBeGreaterThan(0);
      walked.push(...page.items.map(keyOf));
      after = page.next;
      if (after === null) break;
      page = await t.monitor.inventory({ limit, after });
    }
    expect(walked).toEqual(all);
  }
  const hosts = await t.monitor.inventory({ entities: ['host'], limit: 2 });
  expect(hosts).toMatchObject({ total: all.length, matched: 3, items: [{ id: 'h1' }, { id: 'h2' }] });
});
