import { describe, expect, it } from 'vitest';
import { silentTelemetry } from '../../../src/kernel/index.js';
import { fixture } from '../support/fixtures.js';
import { AgentError, hold } from './support/agent-server.js';
import { frameBytes } from './support/agent-wire.js';
import { ask, Heard, host, inMemory, type Memory } from './support/client.js';

/** vdsm-protocol.md §6, and what §2 and §3 mark as observed. */

describe('the test server has the habits it is to have', () => {
  const raw = async (...pieces: (string | Buffer)[]) => {
    const { agent, sockets, time } = inMemory();
    agent.serve({ 'Host.ping2': true });
    const { stream } = await sockets.open(host, new AbortController().signal);
    let text = '';
    stream.on('data', (piece: Buffer) => {
      text += piece.toString();
    });
    for (const piece of pieces) {
      stream.write(piece);
      await time.runFor(0);
    }
    return { agent, text: () => text, time, stream };
  };
  const subscribe = frameBytes('SUBSCRIBE', { destination: 'jms.topic.vdsm_responses', id: '1' });
  const send = (body: string, more = {}) =>
    frameBytes('SEND', { destination: 'jms.topic.vdsm_requests', ...more }, body);
  const ping = (id: unknown) => JSON.stringify({ jsonrpc: '2.0', method: 'Host.ping2', params: {}, id });

  it.each([
    ['a line end first', '\nCONNECT\naccept-version:1.2\n\n\0'],
    ['the alias STOMP', 'STOMP\naccept-version:1.2\n\n\0'],
    ['POST', 'POST /RPC2 HTTP/1.1\r\n\r\n'],
    ['a bare second colon', 'CONNECT\naccept-version:1.2\nhost:10.0.0.1:54321\n\n\0'],
    ['ACK', frameBytes('ACK', { id: '1' })],
  ])('%s closes the connection', async (_, bytes) => {
    const { agent } = await raw(bytes);
    expect(agent.last.closed).toBe(true);
  });

  it.each([['1.0,1.1,1.2'], ['1.1'], ['']])(
    'accept-version "%s" is refused, and the connection stays',
    async (versions) => {
      const { agent, text } = await raw(`CONNECT\naccept-version:${versions}\n\n\0`);
      expect(text()).toContain('Version unsupported');
      expect(agent.last.closed).toBe(false);
    },
  );

  it('a notification makes it deaf; a batch of two is not answered, one of one is', async () => {
    const { agent, text } = await raw(subscribe, send(`[${ping('a')},${ping('b')}]`));
    expect(text()).toBe('');
    const one = await raw(subscribe, send(`[${ping('a')}]`));
    expect(one.text()).toContain('"id":"a","result":true');
    const deaf = await raw(subscribe, send('{"jsonrpc":"2.0","method":"Host.ping2"}'), send(ping('c')));
    expect([deaf.agent.deaf, deaf.text()]).toEqual([true, '']);
    expect(agent.deaf).toBe(false);
  });

  it('errors of requests that cannot be read go to the default destination, without an id', async () => {
    const { text } = await raw(subscribe, send('{', { 'reply-to': 'vurti.x' }));
    expect(text()).toMatch(/-32700.*/);
    expect(text()).toContain('"id":null');
  });

  it('replies are heard by everybody who subscribed to their destination', async () => {
    const { agent, text } = await raw(subscribe, send(ping('a')));
    expect(agent.subscriptions.get('jms.topic.vdsm_responses')).toHaveLength(1);
    expect(text()).toContain('"id":"a"');
  });

  it('a SEND to nobody is an ERROR; DISCONNECT with a receipt is answered and closes nothing', async () => {
    const { agent, text } = await raw(
      frameBytes('SEND', { destination: 'nowhere' }, 'x'),
      frameBytes('DISCONNECT', { receipt: '7' }),
    );
    expect(text()).toContain('Subscription not available');
    expect(text()).toContain('receipt-id:7');
    expect(agent.last.closed).toBe(false);
  });
});

describe('pitfalls', () => {
  it('nothing is sent before CONNECT, and nothing after it until CONNECTED', async () => {
    const { agent, fetcher, time } = inMemory();
    agent.talks = false;
    ask(fetcher);
    fetcher.listen(host, new Heard());
    await time.runFor(5000);
    expect(agent.last.bytes.toString()).toBe('CONNECT\naccept-version:1.2\nhost:vurti\nheart-beat:30000,15000\n\n\0');
  });

  it('every frame and every request of a long and busy life is one that VDSM takes', async () => {
    const { agent, fetcher, time } = inMemory();
    agent.serve({ 'Host.dumpxmls': {}, 'Host.getVMList': [] });
    const subscription = fetcher.listen(host, new Heard());
    for (let round = 0; round < 20; round++) {
      ask(fetcher, 'Host.getStats');
      ask(fetcher, 'Host.dumpxmls', { vmList: ['a:b', 'é\n'] });
      ask(fetcher, 'Host.getVMList');
      await time.runFor(20_000);
      if (round % 5 !== 4) continue;
      agent.last.close();
      await time.runFor(5000);
    }
    subscription.close();
    await time.runFor(60_000);
    const ids = agent.requests.map(({ id }) => id);
    expect(ids).toHaveLength(60);
    expect(new Set(ids).size).toBe(60);
    for (const connection of agent.connections) {
      for (const { body } of connection.of('SEND')) {
        expect(JSON.parse(body.toString())).toEqual({
          jsonrpc: '2.0',
          method: expect.any(String),
          params: expect.any(Object),
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        });
      }
      const subscriptions = connection.of('SUBSCRIBE').map(({ headers }) => headers.get('destination'));
      expect(subscriptions).toEqual([expect.stringMatching(/^vurti\./), 'jms.queue.events']);
    }
    const places = agent.connections.map((one) => one.of('SUBSCRIBE')[0]?.headers.get('destination'));
    expect(new Set(places).size).toBe(agent.connections.length);
    expect(agent.deaf).toBe(false);
  });

  it('answers to unknown ids, foreign destinations and late answers are ignored without fuss', async () => {
    const counted: string[] = [];
    const { agent, fetcher, time } = inMemory({
      telemetry: { ...silentTelemetry, count: (name) => void counted.push(name) },
    });
    agent.methods.set('Host.ping2', () => hold);
    const call = ask(fetcher);
    const late = ask(fetcher);
    await time.runFor(0);
    const [first, second] = agent.requests;
    late.controller.abort();
    await time.runFor(0);
    const replyTo = first?.replyTo ?? '';
    for (const id of ['"f00"', '7', '{"a":1}', '["x"]', 'true']) {
      agent.send(replyTo, `{"jsonrpc":"2.0","id":${id},"result":"foreign"}`);
    }
    agent.last.send('MESSAGE', { destination: 'jms.topic.vdsm_responses' }, '{"jsonrpc":"2.0","id":"x","result":1}');
    second?.result('too late');
    await time.runFor(0);
    expect(call.ended).toBe('no');
    expect(late.error).toMatchObject({ code: 'AGENT_ABORTED' });
    first?.result('ours');
    await time.runFor(0);
    expect(call.value).toBe('ours');
    expect(counted.filter((name) => name === 'vurti_agent_frames_ignored_total')).toHaveLength(6);
    expect(agent.connections).toHaveLength(1);
  });

  it('answers come in any order', async () => {
    const { agent, fetcher, time } = inMemory();
    agent.methods.set('Host.ping2', () => hold);
    const calls = [ask(fetcher), ask(fetcher)];
    await time.runFor(0);
    agent.requests[1]?.result('second');
    agent.requests[0]?.result('first');
    await time.runFor(0);
    expect(calls.map(({ value }) => value)).toEqual(['first', 'second']);
  });

  it.each([
    [99, 'AGENT_RECOVERING'],
    [1100, 'AGENT_BUSY'],
    [5022, 'AGENT_NETWORK'],
    [-32_601, 'AGENT_ERROR'],
    [-32_603, 'AGENT_ERROR'],
    [1, 'AGENT_ERROR'],
    [358, 'AGENT_ERROR'],
  ])('code %i is %s', async (agentCode, code) => {
    const { agent, fetcher, time } = inMemory();
    agent.methods.set('Host.getStats', () => {
      throw new AgentError(agentCode, "Virtual machine does not exist: {'vmId': 'x'}");
    });
    const call = ask(fetcher, 'Host.getStats');
    await time.runFor(0);
    expect(call.error).toMatchObject({ code, details: { agentCode, method: 'Host.getStats', host: 'kvm-07' } });
    expect(agent.last.closed).toBe(false);
  });

  it('an agent that starts answers 99 to everything and pushes nothing; the connection is good', async () => {
    const { agent, fetcher, time } = inMemory();
    const heard = new Heard();
    agent.recovering = true;
    fetcher.listen(host, heard);
    const call = ask(fetcher);
    await time.runFor(0);
    agent.push('|virt|VM_status|a', { a: { status: 'Up' } });
    await time.runFor(0);
    expect(call.error?.code).toBe('AGENT_RECOVERING');
    expect(heard.log).toEqual(['connected']);
    agent.recovering = false;
    const next = ask(fetcher);
    await time.runFor(0);
    expect(next.value).toBe(true);
  });

  it('out of workers (1100): one request at a time for a minute', async () => {
    const { agent, fetcher, time } = inMemory();
    agent.methods.set('Host.getStats', () => {
      throw new AgentError(1100);
    });
    agent.methods.set('Host.ping2', () => hold);
    ask(fetcher, 'Host.getStats');
    await time.runFor(0);
    const calls = [ask(fetcher), ask(fetcher)];
    await time.runFor(0);
    expect(agent.requests).toHaveLength(2);
    agent.requests[1]?.result(true);
    await time.runFor(0);
    agent.requests[2]?.result(true);
    await time.runFor(60_000);
    expect(calls.every((call) => call.value === true)).toBe(true);
    for (let i = 0; i < 3; i++) ask(fetcher);
    await time.runFor(0);
    expect(agent.requests).toHaveLength(5);
  });

  it('an error without an id ends what is in flight, since it does not say what it means', async () => {
    const { agent, fetcher, time } = inMemory();
    agent.methods.set('Host.ping2', () => hold);
    const call = ask(fetcher);
    await time.runFor(0);
    agent.send(
      agent.requests[0]?.replyTo ?? '',
      '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Invalid JSON"}}',
    );
    await time.runFor(0);
    expect(call.error).toMatchObject({ code: 'AGENT_ERROR', details: { agentCode: -32_700 } });
    expect(agent.last.closed).toBe(false);
  });

  it('an ERROR frame ends what is in flight and nothing else; before the first answer, the connection', async () => {
    const { agent, fetcher, time } = inMemory();
    ask(fetcher);
    await time.runFor(0);
    agent.methods.set('Host.ping2', () => hold);
    const call = ask(fetcher);
    await time.runFor(0);
    agent.last.send('ERROR', {}, 'Subscription not available');
    await time.runFor(0);
    expect(call.error).toMatchObject({
      code: 'AGENT_BAD_ANSWER',
      message: expect.stringContaining('Subscription not available'),
    });
    expect(agent.connections).toHaveLength(1);
    agent.last.close();
    await time.runFor(5000);
    const next = ask(fetcher);
    await time.runFor(0);
    agent.last.send('ERROR', {}, 'Subscription id already exists');
    await time.runFor(0);
    expect(next.error?.message).toContain('Subscription id already exists');
    expect(agent.open).toEqual([]);
  });

  it('what cannot be read is told to the call whose id is in it, else to all in flight', async () => {
    const { agent, fetcher, time } = inMemory();
    agent.methods.set('Host.ping2', () => hold);
    const calls = [ask(fetcher), ask(fetcher)];
    await time.runFor(0);
    const { id, replyTo } = agent.requests[0]!;
    agent.send(replyTo, `{"jsonrpc":"2.0","id":"${id}","result":NaN}`);
    await time.runFor(0);
    expect(calls.map((call) => call.error?.code)).toEqual(['AGENT_BAD_ANSWER', undefined]);
    agent.send(replyTo, 'nonsense');
    await time.runFor(0);
    expect(calls[1]?.error?.message).toContain('nonsense');
  });

  it('events of no known kind, unreadable ones and answers in their place change nothing', async () => {
    const { agent, fetcher, time } = inMemory();
    const heard = new Heard();
    fetcher.listen(host, heard);
    await time.runFor(0);
    for (const body of [
      '{',
      '[]',
      'null',
      '{"jsonrpc":"2.0","id":"a","result":true}',
      '{"jsonrpc":"2.0","method":"|a|b|c","params":{}}',
      '{"jsonrpc":"2.0","method":7}',
    ]) {
      agent.send('jms.queue.events', body);
    }
    agent.push('|virt|VM_status|a', { a: { status: 'Up' } });
    await time.runFor(0);
    expect(heard.log).toEqual(['connected', 'pushed']);
  });

  it('64-bit counters come whole; numbers may be texts', async () => {
    const { agent, fetcher, time } = inMemory();
    agent.methods.set('Host.getStats', () => hold);
    const call = ask(fetcher, 'Host.getStats');
    await time.runFor(0);
    const { id, replyTo } = agent.requests[0]!;
    agent.send(replyTo, `{"jsonrpc":"2.0","id":"${id}","result":{"rx":18446744073709551615,"memFree":"17"}}`);
    await time.runFor(0);
    expect(call.value).toEqual({ rx: '18446744073709551615', memFree: '17' });
  });

  it('a method outside the allowlist leaves no byte and opens no connection', async () => {
    const { fetcher, sockets, time } = inMemory({ allowed: new Set(['Host.ping2']) });
    const call = ask(fetcher, 'VM.destroy', { vmID: 'x' });
    await time.runFor(1000);
    expect(call.error?.code).toBe('OBSERVER_MODE');
    expect(sockets.attempts).toEqual([]);
  });
});

describe('a second client of the engine’s kind on the same agent', () => {
  it('sees no reply of ours, loses none of its own, and keeps its events', async () => {
    const { agent, fetcher, sockets, time } = inMemory();
    const heard = new Heard();
    fetcher.listen(host, heard);
    const { stream } = await sockets.open(host, new AbortController().signal);
    let seen = '';
    stream.on('data', (piece: Buffer) => {
      seen += piece.toString();
    });
    stream.write(frameBytes('CONNECT', { 'accept-version': '1.2', host: 'null', 'heart-beat': '0,15000' }));
    stream.write(frameBytes('SUBSCRIBE', { destination: 'jms.topic.vdsm_responses', id: '1', ack: 'auto' }));
    stream.write(frameBytes('SUBSCRIBE', { destination: 'jms.queue.events', id: '2', ack: 'auto' }));
    agent.serve({ 'Host.getStats': { of: 'us' }, 'Host.getJobs': { of: 'them' } });
    for (let i = 0; i < 10; i++) {
      ask(fetcher, 'Host.getStats');
      const body = JSON.stringify({ jsonrpc: '2.0', method: 'Host.getJobs', params: {}, id: `engine-${i}` });
      const headers = { destination: 'jms.topic.vdsm_requests', 'reply-to': 'jms.topic.vdsm_responses' };
      stream.write(frameBytes('SEND', headers, body));
      await time.runFor(3000);
    }
    agent.push('|virt|VM_status|a', { a: { status: 'Up' } });
    await time.runFor(0);
    expect(seen.match(/"of":"them"/g)).toHaveLength(10);
    expect(seen).not.toContain('"of":"us"');
    expect(seen).toContain('VM_status');
    expect(heard.pushes).toHaveLength(1);
    expect(agent.open).toHaveLength(2);
  });
});

describe('captured answers', () => {
  const reads: Readonly<Record<string, (fetcher: Memory['fetcher'], signal: AbortSignal) => Promise<object>>> = {
    'captured/Host.getStats': (fetcher, signal) => fetcher.getStats(host, { signal }),
    'captured/Host.getCapabilities': (fetcher, signal) => fetcher.getCapabilities(host, { signal }),
    'Host.getHardwareInfo': (fetcher, signal) => fetcher.getHardwareInfo(host, { signal }),
    'captured/Host.getVMList': (fetcher, signal) => fetcher.getVmList(host, { signal }),
  };

  it.each(Object.entries(reads))(
    '%s is decoded as from anywhere else, though it came in small pieces',
    async (name, read) => {
      const { agent, fetcher, time } = inMemory();
      agent.pieceBytes = 7;
      const method = name.replace('captured/', '');
      agent.serve({ [method]: fixture<unknown>(name) });
      const got = read(fetcher, new AbortController().signal);
      await time.runFor(0);
      const whole = inMemory();
      whole.agent.serve({ [method]: fixture<unknown>(name) });
      const expected = read(whole.fetcher, new AbortController().signal);
      await whole.time.runFor(0);
      expect(await got).toEqual(await expected);
    },
  );

  it.each(['Host.getAllVmStats', 'captured/Host.getAllVmStats', 'captured/Host.getAllVmStats.paused-and-down'])(
    '%s: every VM is there',
    async (name) => {
      const { agent, fetcher, time } = inMemory();
      agent.pieceBytes = 1000;
      const vms = fixture<{ vmId: string }[]>(name);
      agent.serve({ 'Host.getAllVmStats': vms });
      const report = fetcher.getAllVmStats(host, { signal: new AbortController().signal });
      await time.runFor(0);
      expect([...(await report).ids()].sort()).toEqual(vms.map(({ vmId }) => vmId).sort());
    },
  );

  it('the composed events are pushed and decoded, in order', async () => {
    const { agent, fetcher, time } = inMemory();
    const heard = new Heard();
    fetcher.listen(host, heard);
    await time.runFor(0);
    const events = fixture<{ method: string; params: { notify_time: number } }[]>('events');
    agent.pieceBytes = 13;
    for (const { method, params } of events) agent.push(method, params, params.notify_time);
    await time.runFor(0);
    expect(heard.pushes.map(({ notifyTime }) => notifyTime)).toEqual(events.map(({ params }) => params.notify_time));
  });
});
