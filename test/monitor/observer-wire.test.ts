import { expect, it, onTestFinished } from 'vitest';
import { createMonitor } from '../../src/index.js';
import { observerMethods } from '../../src/model/index.js';
import { fixture, type Json } from '../fetcher/support/fixtures.js';
import { onTheNetwork, pem } from '../fetcher/vdsm/support/network.js';

it('beside an engine the whole program sends nothing but what reads, whatever handlers it is given', async () => {
  const tls = { ca: pem('ca.pem'), cert: pem('client.pem'), key: pem('client.key'), checkHostName: false };
  const server = { key: pem('agent.key'), cert: pem('agent.pem'), ca: pem('ca.pem'), requestCert: true };
  const { agent, host } = await onTheNetwork(server, tls);
  for (const method of [
    'Host.getStats',
    'Host.getAllVmStats',
    'Host.getCapabilities',
    'Host.getVMList',
    'Host.getJobs',
  ])
    agent.serve({ [method]: fixture<unknown>(method) });
  agent.serve({
    'Host.getHardwareInfo': fixture('Host.getHardwareInfo'),
    'Host.dumpxmls': fixture('captured/Host.dumpxmls'),
  });
  const handled: string[] = [];
  const monitor = await createMonitor({
    mode: 'observer',
    hosts: [{ id: 'h1', name: 'kvm-07', address: host.address, port: host.port, tls }],
    settings: { poll: { intervalSeconds: 1, deadlineSeconds: 0.9 } },
    intentHandler: {
      handle: async ({ kind }) => {
        handled.push(kind);
        return true;
      },
    },
  });
  onTestFinished(() => monitor.stop());
  await monitor.start();
  const asked = (method: string): number => agent.requests.filter((request) => request.method === method).length;
  await expect.poll(() => asked('Host.getAllVmStats'), { timeout: 20_000 }).toBeGreaterThan(2);
  // A VM that is gone and one that is down: what would make a manager act.
  const [, ...rest] = fixture<Json[]>('Host.getAllVmStats');
  agent.serve({ 'Host.getAllVmStats': rest });
  agent.push('|net|host_conn|no_id', {});
  const before = asked('Host.getAllVmStats');
  await expect.poll(() => asked('Host.getAllVmStats'), { timeout: 20_000 }).toBeGreaterThan(before + 3);

  expect(monitor.hosts.get('kvm-07').status).not.toBe('Unassigned');
  expect(handled).toEqual([]);
  expect(agent.connections).toHaveLength(1);
  const frames = agent.connections.flatMap((connection) => connection.frames);
  expect([...new Set(frames.map(({ command }) => command))].filter((command) => command !== 'UNSUBSCRIBE')).toEqual([
    ...['CONNECT', 'SUBSCRIBE', 'SEND'],
  ]);
  const methods = new Set(agent.requests.map(({ method }) => method));
  expect([...methods].filter((method) => !(observerMethods as ReadonlySet<string>).has(method))).toEqual([]);
  expect(methods.has('Host.getCapabilities')).toBe(true);
  const places = frames
    .filter(({ command }) => command === 'SUBSCRIBE')
    .map(({ headers }) => headers.get('destination'));
  expect(places.filter((place) => place !== 'jms.queue.events')).toEqual([expect.stringMatching(/^vurti\./)]);
  expect(places.length).toBeLessThanOrEqual(2);
});
