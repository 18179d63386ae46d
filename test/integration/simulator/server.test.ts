import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import type { VmEntry } from '../../simulator/support.js';
import { Caller, eventually, openHandles, serve } from './support.js';

it('answers every method over HTTP with what the fleet answers without it', async () => {
  await using served = await serve();
  const caller = served.caller();
  for (const method of [
    'Host.getStats',
    'Host.getAllVmStats',
    'Host.getVMList',
    'Host.getCapabilities',
    'Host.ping2',
  ]) {
    const direct = served.fleet.host('kvm-01').ask(method);
    expect(await caller.call(method)).toEqual({
      jsonrpc: '2.0',
      id: 'q',
      result: 'result' in direct ? JSON.parse(direct.result) : undefined,
    });
  }
});

it('names errors as JSON-RPC does, with status 200', async () => {
  await using served = await serve();
  const caller = served.caller();
  expect(await caller.call('Host.nonsense')).toMatchObject({ id: 'q', error: { code: -32601 } });
  expect(await caller.call('VM.destroy', { vmID: 'nobody' })).toMatchObject({ error: { code: 1 } });
  const reply = await caller.post('{"jsonrpc":');
  expect(reply).toMatchObject({ status: 200, type: 'application/json' });
  expect(JSON.parse(reply.body)).toMatchObject({ id: null, error: { code: -32700 } });
});

it('refuses other paths, other verbs and huge requests', async () => {
  await using served = await serve();
  const caller = served.caller();
  expect(await caller.post('{}', { path: '/' })).toMatchObject({ status: 404 });
  expect(await caller.post('', { method: 'GET' })).toMatchObject({ status: 405 });
  expect(await caller.post('x'.repeat(2 << 20))).toMatchObject({ status: 413 });
  expect(await caller.call('Host.ping2')).toMatchObject({ result: true });
});

it('pages when its list is longer than maxPage', async () => {
  await using served = await serve({ hosts: 1, maxPage: 4 });
  const caller = served.caller();
  const ids: string[] = [];
  let params: Record<string, unknown> = { limit: 1000 };
  for (let pages = 1; ; pages++) {
    const { result } = (await caller.call('Host.getAllVmStats', params)) as {
      result: { items: VmEntry[]; next?: string };
    };
    ids.push(...result.items.map((item) => item.vmId));
    if (result.next === undefined) {
      expect(pages).toBe(3);
      break;
    }
    params = { limit: 1000, marker: result.next };
  }
  expect(new Set(ids).size).toBe(10);
});

it('VM.destroy over the wire changes the world', async () => {
  await using served = await serve({ downDomains: 'keep' });
  const vm = served.fleet.vm(served.fleet.host('kvm-01').vms()[0] ?? '');
  vm.crash();
  const caller = served.caller();
  expect(await caller.call('VM.destroy', { vmID: vm.id })).toMatchObject({ result: true });
  expect(await caller.call('VM.destroy', { vmID: vm.id })).toMatchObject({ error: { code: 1 } });
  expect(served.fleet.host('kvm-01').vms()).not.toContain(vm.name);
});

it('names its endpoints: one port per host, or one address per host', async () => {
  await using ports = await serve({ hosts: 3 });
  const [a, b, c] = ports.server.endpoints();
  expect(new Set([a?.port, b?.port, c?.port]).size).toBe(3);
  expect(a).toMatchObject({ name: 'kvm-01', address: '127.0.0.1', protocol: 'http', tls: null, cluster: 'prod' });
  const free = a?.port ?? 0;
  await ports[Symbol.asyncDispose]();

  await using addresses = await serve({
    hosts: 3,
    bind: { kind: 'addresses', port: free, firstAddress: '127.0.9.253' },
  });
  expect(addresses.server.endpoints().map(({ address, port }) => `${address}:${port}`)).toEqual([
    `127.0.9.253:${free}`,
    `127.0.9.254:${free}`,
    `127.0.10.1:${free}`,
  ]);
  expect(await addresses.caller('kvm-03').call('Host.ping2')).toMatchObject({ result: true });
});

it('when a port is taken it says so, and listens nowhere', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  const first = port - 1;
  try {
    await expect(serve({ hosts: 2, bind: { kind: 'ports', firstPort: first } })).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
    });
    using caller = new Caller({ address: '127.0.0.1', port: first });
    await expect(caller.call('Host.ping2')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  } finally {
    await new Promise((resolve) => other.close(resolve));
  }
});

it('refuses a place to listen that there is not', async () => {
  await expect(serve({ bind: { kind: 'ports', firstPort: 65_535 } })).rejects.toThrow('no port 65536');
  await expect(serve({ bind: { kind: 'addresses', port: 1, firstAddress: '10.0.0.1' } })).rejects.toThrow(
    'no loopback',
  );
  await expect(serve({ maxPage: 0 })).rejects.toThrow('maxPage');
});

it('stop leaves nothing: no port, no connection, no timer', async () => {
  // Those of the test before may be closing still.
  expect(await eventually(() => openHandles().length === 0)).toBe(true);
  const served = await serve({ hosts: 5, vms: 20 });
  const [a, b] = [served.caller('kvm-01'), served.caller('kvm-02')];
  await a.call('Host.ping2');
  served.fleet.host('kvm-02').hang();
  served.fleet.host('kvm-03').slow(60_000);
  served.fleet.host('kvm-04').loris();
  served.fleet.host('kvm-05').refuse();
  const waiting = [b, served.caller('kvm-03'), served.caller('kvm-04')].map((caller) => caller.call('Host.ping2'));
  const ended = Promise.allSettled(waiting);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await served.server.stop();
  await served.server.stop();
  expect((await ended).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect([...served.time.waiting()]).toEqual([]);
  await served[Symbol.asyncDispose]();
  expect(await eventually(() => openHandles().length === 0)).toBe(true);
});
