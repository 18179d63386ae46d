import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { minutes, RealTime, VirtualTime } from '../../../src/kernel/index.js';
import { type Happening, startSimulation } from '../../../src/simulator/index.js';
import { Caller } from './support.js';

it('lives, tells what happens line by line, and can be asked', async () => {
  const time = new VirtualTime();
  const told: [string, Happening][] = [];
  await using simulation = await startSimulation({
    time,
    hosts: 5,
    vms: 100,
    onHappening: (line, happening) => told.push([line, happening]),
  });
  await time.runFor(minutes(30));
  expect(told.length).toBeGreaterThan(20);
  for (const [line, { text }] of told) {
    expect(line).toBe(text);
    expect(line).toMatch(/^\S.*\S$/);
  }
  simulation.fleet.vm('web-03').vanish();
  expect(told.at(-1)?.[1]).toMatchObject({ kind: 'vm.vanished', cause: 'script', vm: 'web-03' });
  const [endpoint] = simulation.endpoints();
  using caller = new Caller(endpoint ?? { port: 0, address: '' });
  expect(await caller.call('Host.getStats')).toMatchObject({ result: { momStatus: 'active' } });
});

it('gives the inventory of a vurti.yaml', async () => {
  const clusters = [{ name: 'prod: "A"', share: 1 }];
  await using simulation = await startSimulation({ steady: true, hosts: 2, vms: 2, clusters, time: new VirtualTime() });
  const text = simulation.inventoryYaml();
  const [first, second] = simulation.endpoints();
  const entry = (one: typeof first): unknown => ({
    name: one?.name,
    id: one?.id,
    address: '127.0.0.1',
    port: one?.port,
    cluster: 'prod: "A"',
    protocol: 'http',
    plain: true,
  });
  expect(parse(text)).toEqual({ inventory: { hosts: [entry(first), entry(second)] } });
});

it('steady: nothing happens', async () => {
  const time = new VirtualTime();
  const told: string[] = [];
  await using simulation = await startSimulation({ steady: true, time, onHappening: (line) => told.push(line) });
  await time.runFor(minutes(60));
  expect(simulation.fleet.count()).toEqual({ hosts: 20, troubled: 0, vms: 400, running: 400, listed: 400 });
  expect(told).toEqual([]);
});

it.each([
  { tls: false, end: 'protocol: vdsm, plain: true }' },
  { tls: true, end: 'protocol: vdsm }' },
])('… and of one that speaks VDSM’s protocol, TLS: $tls', async ({ tls, end }) => {
  const files = { caFile: 'pki/ca.pem', certFile: 'pki/client.pem', keyFile: 'pki/client.key' };
  await using simulation = await startSimulation({ steady: true, hosts: 1, vms: 1, protocol: 'vdsm', tls });
  const text = simulation.inventoryYaml(tls ? files : undefined);
  expect(text.trimEnd().endsWith(end)).toBe(true);
  expect((parse(text) as { agents?: unknown }).agents).toEqual(tls ? { tls: files } : undefined);
  expect(simulation.wire('kvm-01')).toMatchObject({ open: 0, dead: false });
});

it('runs by the machine’s clock, and leaves none of its timers', async () => {
  const told: string[] = [];
  const time = new RealTime();
  const simulation = await startSimulation({
    hosts: 2,
    vms: 8,
    pace: 0.001,
    time,
    life: { stop: 3600 },
    faults: 'none',
    onHappening: (line) => told.push(line),
  });
  const vm = simulation.fleet.vm('web-01');
  vm.reboot();
  while (vm.status !== 'Up') await new Promise((resolve) => setTimeout(resolve, 5));
  expect(told).toContain(`web-01 is Up on ${vm.host}`);
  expect(time.waiting().get('simulator')).toBe(1);
  await simulation.stop();
  await simulation.stop();
  expect(time.waiting().size).toBe(0);
});

it('makes its own clock when none is given', async () => {
  await using simulation = await startSimulation({ hosts: 1, vms: 1 });
  expect(simulation.fleet.count()).toMatchObject({ hosts: 1, vms: 1, running: 1 });
});
