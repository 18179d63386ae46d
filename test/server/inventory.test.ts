import { expect, it } from 'vitest';
import { takeInventory } from '../../src/cli/serve/inventory.js';
import { silentTelemetry } from '../../src/kernel/index.js';
import { InventorySources } from '../../src/monitor/index.js';
import { createTestMonitor, FakeFetcher, minutes, type TestMonitor } from '../../src/testing/index.js';
import { type Setup, setup } from './setup.js';

function served(t: TestMonitor): Setup {
  return setup({ monitor: () => t.monitor, clock: t.clock, scheduler: t.clock });
}

const off = (t: TestMonitor): string[] => t.monitor.status().rulesOff.map(({ rule }) => rule);

it('a cluster’s facts, given by the API, turn its rules on', async () => {
  const agents = new FakeFetcher().host('kvm-01', { cluster: 'prod' });
  await using t = await createTestMonitor({ fetcher: agents });
  await t.clock.runFor(minutes(1));
  expect(t.host('kvm-01').status).toBe('Up');
  const before = off(t);
  expect(before).not.toEqual([]);

  const api = served(t);
  const answer = await api.send('POST', '/api/v1/clusters', {
    name: 'prod',
    cpuFlags: [],
    compatibilityVersion: '4.7',
    networks: [{ name: 'storage', required: true }],
  });
  expect(answer.json()).toMatchObject({ kind: 'Cluster', item: { name: 'prod', compatibilityVersion: '4.7' } });
  expect(off(t).length).toBeLessThan(before.length);
  t.monitor.hosts.refresh('kvm-01');
  await t.clock.runFor(minutes(1));
  expect(t.host('kvm-01')).toMatchObject({ status: 'NonOperational', nonOperationalReason: 'NETWORK_UNREACHABLE' });
});

it('a VM is put and removed by the API', async () => {
  await using t = await createTestMonitor({ fetcher: new FakeFetcher().host('kvm-01', {}) });
  const api = served(t);
  const put = await api.send('POST', '/api/v1/vms', { id: 'v1', name: 'web-01', cluster: 'prod', ha: true });
  expect(put.json()).toMatchObject({ kind: 'Vm', item: { id: 'v1', name: 'web-01', ha: true } });
  expect((await api.send('DELETE', '/api/v1/vms/web-01')).json()).toMatchObject({ item: { id: 'v1' } });
  expect((await api.get('/api/v1/vms/web-01')).statusCode).toBe(404);
});

it.each([
  [{ name: 'x', cpuFlag: [] }, /did you mean cpuFlags/],
  [{ name: '' }, /name/],
  [{ name: 'x', networks: [{ name: 'n', status: 'BROKEN' }] }, /networks/],
])('a cluster that is not one is refused: %j', async (body, message) => {
  const answer = await setup().send('POST', '/api/v1/clusters', body);
  expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([400, 'BAD_REQUEST']);
  expect(answer.json<{ detail: string }>().detail).toMatch(message);
});

it('needs the token', async () => {
  const api = setup();
  for (const [method, url] of [
    ['POST', '/api/v1/clusters'],
    ['DELETE', '/api/v1/vms/web-01'],
  ] as const) {
    expect((await api.send(method, url, undefined, { authorization: 'Bearer wrong' })).statusCode).toBe(403);
  }
});

it('the settings’ clusters, hosts and VMs are taken in this order, and again without a change', async () => {
  await using t = await createTestMonitor({ fetcher: new FakeFetcher(), hosts: [], vms: [] });
  const listed = {
    clusters: [{ name: 'prod', compatibilityVersion: '4.7', networks: [{ name: 'ovirtmgmt', required: true }] }],
    files: [],
    hosts: [{ id: 'h1', name: 'kvm-01', address: 'kvm-01', cluster: 'prod', source: 'settings' }],
    vms: [{ id: 'v1', name: 'web-01', cluster: 'prod', ha: true }],
  };
  const { monitor, clock } = t;
  const sources = new InventorySources({ hosts: monitor.hosts, clock, scheduler: clock, telemetry: silentTelemetry });
  takeInventory(t.monitor, listed, sources);
  expect(t.monitor.clusters.list().map(({ name, compatibilityVersion }) => [name, compatibilityVersion])).toEqual([
    ['prod', '4.7'],
  ]);
  expect([t.host('kvm-01').cluster, t.vm('web-01').ha]).toEqual(['prod', true]);
  const ofInventory = () =>
    t.records().filter((record) => record.kind === 'change' && record.cause.rule === 'inventory');
  await t.clock.runFor(1000);
  const records = ofInventory();
  expect(records).toHaveLength(4);
  takeInventory(t.monitor, listed, sources);
  await t.clock.runFor(1000);
  expect(ofInventory()).toEqual(records);
});
