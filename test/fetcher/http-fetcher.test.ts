import { gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { VurtiError } from '../../src/kernel/index.js';
import { agentMethods } from '../../src/model/index.js';
import { failureOf, limits, newFetcher, oneLine, patient } from './support/calls.js';
import { fixture, host as nowhere } from './support/fixtures.js';
import { closed, json, resultsOf, startGateway, startRaw } from './support/gateway.js';

const samples = {
  'Host.getStats': fixture('Host.getStats'),
  'Host.getCapabilities': fixture('Host.getCapabilities'),
  'Host.getHardwareInfo': fixture('Host.getHardwareInfo'),
  'Host.getAllVmStats': fixture('Host.getAllVmStats'),
  'Host.getVMList': fixture('Host.getVMList'),
  'Host.dumpxmls': fixture('captured/Host.dumpxmls'),
  'Host.ping2': true,
  'VM.destroy': true,
};

describe('asking', () => {
  it('is JSON-RPC 2.0 by POST /jsonrpc, with ids from outside', async () => {
    const { host, asked } = await startGateway(resultsOf(samples));
    await newFetcher().getStats(host, patient());
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ method: 'Host.getStats', params: {}, id: '00000000-0000-4000-8000-000000000001' });
    expect(asked[0]?.request).toMatchObject({ method: 'POST', url: '/jsonrpc' });
    expect(asked[0]?.request.headers).toMatchObject({
      'content-type': 'application/json',
      accept: 'application/json',
      'accept-encoding': 'gzip',
    });
  });

  it('decodes the answer of every typed method', async () => {
    const { host, asked } = await startGateway(resultsOf(samples));
    const fetcher = newFetcher();
    const xmlId = Object.keys(samples['Host.dumpxmls'])[0] as string;
    expect((await fetcher.getStats(host, patient())).statistics.cpuLoad).toBe(237);
    expect((await fetcher.getCapabilities(host, patient())).clusterLevels).toEqual(['4.6', '4.7']);
    expect((await fetcher.getHardwareInfo(host, patient())).dynamic.hwFamily).toBe('Rack');
    const vms = await fetcher.getAllVmStats(host, patient());
    expect([vms.size, vms.complete]).toEqual([4, true]);
    expect((await fetcher.getVmList(host, patient())).vms).toHaveLength(4);
    expect((await fetcher.dumpXmls(host, [xmlId], patient())).get(xmlId)?.read().name).toBe('writer');
    expect(asked.at(-1)?.params).toEqual({ vmList: [xmlId] });
  });

  it('any allowed method by its name, with the result as it came', async () => {
    const { host, asked } = await startGateway(resultsOf(samples));
    const fetcher = newFetcher({ allowed: new Set(agentMethods) });
    expect(await fetcher.call(host, 'Host.ping2', {}, patient())).toBe(true);
    expect(await fetcher.call(host, 'VM.destroy', { vmID: 'a' }, patient())).toBe(true);
    expect(asked.map(({ method, params }) => [method, params])).toEqual([
      ['Host.ping2', {}],
      ['VM.destroy', { vmID: 'a' }],
    ]);
  });

  it('takes a compressed answer, and numbers beyond 2^53 whole', async () => {
    const { host } = await startGateway(({ id }, response) => {
      json(
        response,
        gzipSync(`{"jsonrpc":"2.0","id":"${id}","result":{"network":{"e":{"rx":18446744073709551615}}}}`),
        { 'content-encoding': 'gzip' },
      );
    });
    expect((await newFetcher().getStats(host, patient())).nics[0]?.rxBytes).toBe(18446744073709551615n);
  });

  it('goes to the agent itself whatever proxy the environment names', async () => {
    const proxy = await startRaw((socket) => socket.end());
    for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY'])
      vi.stubEnv(name, `http://127.0.0.1:${proxy.host.port}`);
    const { host } = await startGateway(resultsOf(samples));
    expect(await newFetcher().call(host, 'Host.ping2', {}, patient())).toBe(true);
    expect(proxy.sockets).toEqual([]);
  });
});

describe('observer mode', () => {
  it('what is not on the list is refused before a connection is made', async () => {
    const { host, sockets } = await startGateway(resultsOf(samples));
    const fetcher = newFetcher();
    const refused = await failureOf(fetcher.call(host, 'VM.destroy', { vmID: 'a' }, patient()));
    expect(refused).toMatchObject({
      code: 'OBSERVER_MODE',
      message: expect.stringContaining('VM.destroy refused on kvm-07'),
    });
    for (const method of ['Host.ping', 'Host.confirmConnectivity', 'constructor']) {
      expect(await failureOf(fetcher.call(host, method as 'Host.ping2', {}, patient()))).toMatchObject({
        code: 'OBSERVER_MODE',
      });
    }
    expect(sockets).toEqual([]);
  });

  it('a narrower list holds for the typed methods too', async () => {
    const fetcher = newFetcher({ allowed: new Set(['Host.getStats']) });
    const options = patient();
    const calls = [
      fetcher.getCapabilities(nowhere, options),
      fetcher.getHardwareInfo(nowhere, options),
      fetcher.getAllVmStats(nowhere, options),
      fetcher.getVmList(nowhere, options),
      fetcher.dumpXmls(nowhere, ['a'], options),
    ];
    for (const call of calls) expect((await failureOf(call)).code).toBe('OBSERVER_MODE');
  });
});

describe('errors that the agent answers', () => {
  it.each([
    [99, 'AGENT_RECOVERING', 'still re-adopting its VMs (code 99)'],
    [1100, 'AGENT_BUSY', 'out of workers (code 1100)'],
    [5022, 'AGENT_NETWORK', 'code 5022'],
    [1, 'AGENT_ERROR', 'answered Host.getStats with error 1: Virtual machine does not exist'],
    [-32601, 'AGENT_ERROR', 'error -32601'],
  ])('code %i → %s', async (code, expected, text) => {
    const message = 'Virtual machine does not exist';
    const { host } = await startGateway(({ id }, response) =>
      json(response, { jsonrpc: '2.0', id, error: { code, message } }),
    );
    const error = await failureOf(newFetcher().getStats(host, patient()));
    expect(error).toMatchObject({
      code: expected,
      details: { host: 'kvm-07', method: 'Host.getStats', agentCode: code, agentMessage: message },
    });
    expect(error.message).toContain(text);
    expect(error.message).toMatch(oneLine);
  });

  it('an agent that could not read the request does not know its id', async () => {
    const { host } = await startGateway((_, response) =>
      json(response, { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'Parse error' } }),
    );
    expect(await failureOf(newFetcher().getStats(host, patient()))).toMatchObject({
      code: 'AGENT_ERROR',
      details: { agentCode: -32700 },
    });
  });

  it('its text is shortened and made printable', async () => {
    const error = { code: 7, message: `\u001b[31m${'x'.repeat(5000)}` };
    const { host } = await startGateway(({ id }, response) => json(response, { jsonrpc: '2.0', id, error }));
    expect((await failureOf(newFetcher().getStats(host, patient()))).message).toMatch(oneLine);
  });
});

describe('connections', () => {
  it('one is kept for call after call', async () => {
    const { host, sockets, asked } = await startGateway(resultsOf(samples));
    const fetcher = newFetcher();
    for (let i = 0; i < 5; i++) await fetcher.getStats(host, patient());
    await fetcher.getAllVmStats(host, patient());
    expect([asked.length, sockets.length]).toEqual([6, 1]);
  });

  it('it is kept after an answer that was compressed, and after an error answer', async () => {
    const { host, sockets } = await startGateway(({ id, method }, response) => {
      if (method === 'Host.getStats')
        json(response, gzipSync(JSON.stringify({ id, result: {} })), { 'content-encoding': 'gzip' });
      else json(response, { id, error: { code: 99, message: '' } });
    });
    const fetcher = newFetcher();
    for (let i = 0; i < 3; i++) {
      await fetcher.getStats(host, patient());
      await failureOf(fetcher.getAllVmStats(host, patient()));
    }
    expect(sockets).toHaveLength(1);
  });

  it('no more than maxInFlight at once per host, the others wait', async () => {
    const held: (() => void)[] = [];
    const { host, sockets, asked } = await startGateway((one, response) => {
      held.push(() => resultsOf(samples)(one, response));
    });
    const fetcher = newFetcher(limits(64, 2));
    const calls = Array.from({ length: 5 }, () => fetcher.call(host, 'Host.ping2', {}, patient()));
    await asked.until(2);
    expect([asked.length, sockets.length]).toEqual([2, 2]);
    while (asked.length < 5 || held.length > 0) {
      held.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await Promise.all(calls)).toEqual([true, true, true, true, true]);
    expect(sockets).toHaveLength(2);
  });

  it('a host that hangs does not keep another one from being asked', async () => {
    const silent = await startRaw(() => undefined, 'kvm-silent');
    const { host } = await startGateway(resultsOf(samples));
    const fetcher = newFetcher(limits(64, 1));
    const hanging = [1, 2, 3].map(() => failureOf(fetcher.getStats(silent.host, patient())));
    await expect(fetcher.getStats(host, patient())).resolves.toBeDefined();
    await fetcher.close();
    expect((await Promise.all(hanging)).map((error) => error.code)).toEqual([
      'AGENT_ABORTED',
      'AGENT_ABORTED',
      'AGENT_ABORTED',
    ]);
  });

  it('a released host loses its connection and is asked over a new one', async () => {
    const { host, sockets } = await startGateway(resultsOf(samples));
    const fetcher = newFetcher();
    await fetcher.getStats(host, patient());
    fetcher.release(host.id);
    fetcher.release('never heard of');
    await closed(sockets[0]);
    await fetcher.getStats(host, patient());
    expect(sockets).toHaveLength(2);
  });

  it('a call in flight ends when its host is released', async () => {
    const { host, sockets } = await startRaw(() => undefined);
    const fetcher = newFetcher();
    const call = failureOf(fetcher.getStats(host, patient()));
    await sockets.until(1);
    fetcher.release(host.id);
    expect((await call).code).toBe('AGENT_ABORTED');
    await closed(sockets[0]);
  });

  it('another address of the same host means another connection', async () => {
    const first = await startGateway(resultsOf(samples));
    const second = await startGateway(resultsOf(samples));
    const fetcher = newFetcher();
    await fetcher.getStats(first.host, patient());
    await fetcher.getStats(second.host, patient());
    await closed(first.sockets[0]);
    expect([first.sockets.length, second.sockets.length]).toEqual([1, 1]);
  });

  it('after close nothing is asked any more', async () => {
    const { host, sockets } = await startGateway(resultsOf(samples));
    const fetcher = newFetcher();
    await fetcher.getStats(host, patient());
    await fetcher.close();
    await closed(sockets[0]);
    expect(await failureOf(fetcher.getStats(host, patient()))).toMatchObject({
      code: 'AGENT_ABORTED',
      message: expect.stringContaining('closed'),
    });
    await fetcher.close();
    expect(sockets).toHaveLength(1);
  });
});

describe('giving up', () => {
  const late = new VurtiError('AGENT_TIMEOUT', 'kvm-07 did not answer within 10 s');

  it.each([
    ['with an error of ours: that is the reason', late, 'AGENT_TIMEOUT'],
    ['with anything else', new Error('enough'), 'AGENT_ABORTED'],
    ['with nothing', undefined, 'AGENT_ABORTED'],
  ])('%s', async (_, reason, code) => {
    const { host, sockets } = await startRaw(() => undefined);
    const fetcher = newFetcher();
    const controller = new AbortController();
    const call = failureOf(fetcher.getStats(host, { signal: controller.signal }));
    await sockets.until(1);
    controller.abort(reason);
    expect((await call).code).toBe(code);
    await closed(sockets[0]);
    if (reason === late) expect(await call).toBe(late);
  });

  it('before it began: no connection', async () => {
    const { host, sockets } = await startGateway(resultsOf(samples));
    expect(await failureOf(newFetcher().getStats(host, { signal: AbortSignal.abort(late) }))).toBe(late);
    expect(sockets).toEqual([]);
  });

  it('while it waits for a free connection: the agent never hears of it', async () => {
    const { host, asked } = await startGateway(() => undefined);
    const fetcher = newFetcher(limits(64, 1));
    const controller = new AbortController();
    const first = failureOf(fetcher.getStats(host, patient()));
    await asked.until(1);
    const second = failureOf(fetcher.getStats(host, { signal: controller.signal }));
    controller.abort(late);
    expect(await second).toBe(late);
    expect(asked).toHaveLength(1);
    await fetcher.close();
    await first;
  });

  it('leaves nothing behind on a signal that lives on', async () => {
    const { host } = await startGateway(resultsOf(samples));
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    const fetcher = newFetcher();
    for (let i = 0; i < 20; i++) await fetcher.getStats(host, { signal });
    expect(added.mock.calls.length).toBeGreaterThan(0);
    expect(removed.mock.calls.length).toBe(added.mock.calls.length);
  });
});
