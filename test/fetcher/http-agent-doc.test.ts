import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { failureOf, newFetcher, patient } from './support/calls.js';

/** The example of docs/http-agent.md, running. */
async function exampleGateway(): Promise<number> {
  const doc = readFileSync(new URL('../../docs/http-agent.md', import.meta.url), 'utf8');
  const code = /```js\n([\s\S]+?)```/.exec(doc)?.[1] ?? '';
  vi.stubEnv('PORT', '0');
  const { server } = (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`)) as {
    server: Server;
  };
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  if (!server.listening) await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

it('the gateway of the documentation is one', async () => {
  const port = await exampleGateway();
  const host = { id: 'gw', name: 'gw', address: '127.0.0.1', port, protocol: 'http', tls: null } as const;
  const fetcher = newFetcher();
  const vms = await fetcher.getAllVmStats(host, patient());
  expect([...vms.changed()].map((vm) => [vm.vmId, vm.vmName, vm.status])).toEqual([
    ['vm-1', 'web-01', 'Up'],
    ['vm-2', 'db-01', 'Paused'],
    ['vm-3', null, 'Down'],
  ]);
  expect([vms.complete, vms.problems]).toEqual([true, []]);
  expect((await fetcher.getStats(host, patient())).dynamic.vmCount).toBe(3);
  expect((await fetcher.getCapabilities(host, patient())).dynamic.kvmEnabled).toBe(true);
  expect((await fetcher.getHardwareInfo(host, patient())).dynamic.hwManufacturer).toBe('Example Inc.');
  expect(await fetcher.call(host, 'Host.ping2', {}, patient())).toBe(true);
  expect(await failureOf(fetcher.getVmList(host, patient()))).toMatchObject({
    code: 'AGENT_ERROR',
    details: { agentCode: -32601 },
  });
});
