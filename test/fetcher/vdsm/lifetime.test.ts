import { describe, expect, it } from 'vitest';
import { VurtiError } from '../../../src/kernel/index.js';
import { hold } from './support/agent-server.js';
import { frameBytes } from './support/agent-wire.js';
import { ask, Heard, host, inMemory } from './support/client.js';

const MIB = 1_048_576;
const limits = (maxAnswerMiB: number, maxInFlight: number) => ({ limitsOf: () => ({ maxAnswerMiB, maxInFlight }) });

describe('a connection that does not come about', () => {
  it.each([
    ['ECONNREFUSED', 'AGENT_UNREACHABLE', 'refuses the connection'],
    ['EHOSTUNREACH', 'AGENT_UNREACHABLE', 'no route'],
    ['ENOTFOUND', 'AGENT_UNKNOWN_HOST', 'does not resolve'],
    ['EAI_AGAIN', 'AGENT_UNKNOWN_HOST', 'does not resolve'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'AGENT_TLS', 'TLS'],
  ])('%s fails all calls that wait for it', async (reason, code, text) => {
    const { fetcher, sockets, time } = inMemory();
    sockets.opening = { code: reason };
    const calls = [ask(fetcher), ask(fetcher, 'Host.getStats'), ask(fetcher)];
    await time.runFor(0);
    expect(calls.map((call) => call.error?.code)).toEqual([code, code, code]);
    expect(calls[1]?.error).toMatchObject({
      message: expect.stringContaining(text),
      details: { method: 'Host.getStats', host: 'kvm-07' },
    });
    expect(sockets.attempts).toHaveLength(1);
  });

  it('no answer to TCP: given up after 8 s', async () => {
    const { fetcher, sockets, time } = inMemory();
    sockets.opening = 'never';
    const call = ask(fetcher);
    await time.runFor(7999);
    expect(call.ended).toBe('no');
    await time.runFor(1);
    expect(call.error).toMatchObject({ code: 'AGENT_UNREACHABLE', message: expect.stringContaining('within 8 s') });
    expect([...time.waiting().keys()]).toEqual([]);
  });

  it('no CONNECTED: given up after 10 s more', async () => {
    const { agent, fetcher, time } = inMemory();
    agent.talks = false;
    const call = ask(fetcher);
    await time.runFor(9999);
    expect(call.ended).toBe('no');
    await time.runFor(1);
    expect(call.error).toMatchObject({ code: 'AGENT_UNREACHABLE', message: expect.stringContaining('CONNECTED') });
    expect(agent.open).toEqual([]);
  });

  it.each([
    ['closes', (_, close) => close(), 'AGENT_UNREACHABLE', /without saying CONNECTED/],
    ['refuses', (raw) => raw('ERROR\n\nVersion unsupported\0'), 'AGENT_BAD_ANSWER', /Version unsupported/],
    ['speaks 1.1', (raw) => raw('CONNECTED\nversion:1.1\n\n\0'), 'AGENT_BAD_ANSWER', /speaks STOMP 1\.1/],
    ['is SMTP', (raw) => raw('220 smtp.example.test ESMTP\r\n\r\n'), 'AGENT_BAD_ANSWER', /not STOMP/],
    ['sends something else first', (raw) => raw('RECEIPT\nreceipt-id:1\n\n\0'), 'AGENT_BAD_ANSWER', /RECEIPT/],
  ] as [string, (raw: (bytes: string) => void, close: () => void) => void, string, RegExp][])(
    'what listens there %s',
    async (_, act, code, message) => {
      const { agent, fetcher, time } = inMemory();
      agent.talks = false;
      const call = ask(fetcher);
      await time.runFor(0);
      const { last } = agent;
      act(
        (bytes) => last.raw(bytes),
        () => last.close(),
      );
      await time.runFor(0);
      expect([call.error?.code, call.error?.message]).toEqual([code, expect.stringMatching(message)]);
      expect(agent.open).toEqual([]);
    },
  );

  it('calls do not make it try more often than each second, however often they come', async () => {
    const { fetcher, sockets, time } = inMemory();
    sockets.opening = { code: 'ECONNREFUSED' };
    for (let ms = 0; ms < 10_000; ms += 50) {
      ask(fetcher);
      await time.runFor(50);
    }
    expect(sockets.attempts.length).toBeLessThanOrEqual(11);
    expect(sockets.attempts.length).toBeGreaterThanOrEqual(9);
  });

  it('without a listener nothing is tried between calls', async () => {
    const { fetcher, sockets, time } = inMemory();
    sockets.opening = { code: 'ECONNREFUSED' };
    ask(fetcher);
    await time.runFor(3_600_000);
    expect(sockets.attempts).toEqual([0]);
    expect([...time.waiting().keys()]).toEqual([]);
  });

  it('a listener’s waits grow to half a minute and differ by chance, and one connection is enough for it', async () => {
    const { agent, fetcher, sockets, time } = inMemory();
    sockets.opening = { code: 'ECONNREFUSED' };
    const heard = new Heard();
    const subscription = fetcher.listen(host, heard);
    await time.runFor(600_000);
    const waits = sockets.attempts.slice(1).map((at, i) => at - (sockets.attempts[i] ?? 0));
    expect(waits.slice(0, 4).every((wait, i) => wait >= 2 ** i * 1000 && wait <= 2 ** (i + 1) * 1000)).toBe(true);
    expect(waits.slice(6).every((wait) => wait >= 15_000 && wait <= 30_000)).toBe(true);
    expect(new Set(waits.slice(6)).size).toBeGreaterThan(5);
    expect(heard.log).toEqual([]);
    sockets.opening = 'agent';
    await time.runFor(30_000);
    expect(heard.log).toEqual(['connected']);
    expect(agent.connections).toHaveLength(1);
    subscription.close();
  });

  it('a call does not wait for the listener’s turn', async () => {
    const { fetcher, sockets, time } = inMemory();
    sockets.opening = { code: 'ECONNREFUSED' };
    fetcher.listen(host, new Heard());
    await time.runFor(600_000);
    sockets.opening = 'agent';
    const call = ask(fetcher);
    await time.runFor(1000);
    expect(call.value).toBe(true);
  });

  it('an agent that connects and breaks at once is tried less and less often', async () => {
    const { agent, fetcher, sockets, time } = inMemory();
    const heard = new Heard();
    heard.onConnected = () => agent.last.close();
    fetcher.listen(host, heard);
    await time.runFor(600_000);
    expect(sockets.attempts.length).toBeLessThan(45);
    expect(heard.breaches()).toEqual([]);
  });

  it('one that held for a minute is tried again at once', async () => {
    const { agent, fetcher, sockets, time } = inMemory();
    fetcher.listen(host, new Heard());
    for (let i = 0; i < 5; i++) {
      await time.runFor(120_000);
      agent.last.close();
    }
    await time.runFor(2000);
    expect(sockets.attempts).toHaveLength(6);
    expect(agent.open).toHaveLength(1);
  });
});

describe('a connection that is lost', () => {
  it('fails at once what is in flight and what waits; nothing is sent twice', async () => {
    const { agent, fetcher, time } = inMemory();
    agent.methods.set('Host.ping2', () => hold);
    const calls = [1, 2, 3, 4].map(() => ask(fetcher));
    await time.runFor(100);
    agent.last.close();
    await time.runFor(0);
    expect(calls.map((call) => call.error?.code)).toEqual(Array(4).fill('AGENT_NETWORK'));
    await time.runFor(600_000);
    expect(agent.requests).toHaveLength(2);
    expect(agent.connections).toHaveLength(1);
    expect([...time.waiting().keys()]).toEqual([]);
  });

  it('half a frame is no frame', async () => {
    const { agent, fetcher, time } = inMemory();
    const heard = new Heard();
    fetcher.listen(host, heard);
    await time.runFor(0);
    const frame = frameBytes(
      'MESSAGE',
      { destination: 'jms.queue.events' },
      '{"jsonrpc":"2.0","method":"|net|host_conn|no_id","params":{}}',
    );
    agent.last.raw(frame.subarray(0, -1));
    await time.runFor(0);
    agent.last.close();
    await time.runFor(10_000);
    expect(heard.log).toEqual(['connected', 'lost', 'connected']);
  });

  it.each([
    ['garbage', 'AGENT_BAD_ANSWER', 'garbage\n\n\0'],
    ['a wrong length', 'AGENT_BAD_ANSWER', 'MESSAGE\ncontent-length:1\n\nabc\0'],
    ['a command of clients', 'AGENT_BAD_ANSWER', 'SEND\n\n\0'],
    ['more than allowed', 'AGENT_ANSWER_TOO_LARGE', `MESSAGE\ncontent-length:${MIB + 1}\n\n`],
    ['an endless head', 'AGENT_BAD_ANSWER', 'x'.repeat(10_000)],
  ])('%s ends it: what follows could mean anything', async (_, code, bytes) => {
    const { agent, fetcher, time } = inMemory(limits(1, 2));
    const heard = new Heard();
    fetcher.listen(host, heard);
    await time.runFor(0);
    agent.methods.set('Host.ping2', () => hold);
    const call = ask(fetcher);
    await time.runFor(0);
    agent.last.raw(bytes);
    await time.runFor(0);
    expect(call.error?.code).toBe(code);
    expect(heard.losses.map((error) => error.code)).toEqual([code]);
    expect(agent.open).toEqual([]);
  });

  it('an answer just within the limit is taken', async () => {
    const { agent, fetcher, time } = inMemory(limits(1, 2));
    agent.serve({ 'Host.getJobs': 'x'.repeat(MIB - 200) });
    const call = ask(fetcher, 'Host.getJobs');
    await time.runFor(0);
    expect(String(call.value)).toHaveLength(MIB - 200);
  });
});

describe('signs of life', () => {
  it('we send twice within what we promised, and an idle connection lasts', async () => {
    const { agent, fetcher, time } = inMemory();
    fetcher.listen(host, new Heard());
    await time.runFor(3_600_000);
    expect(agent.connections).toHaveLength(1);
    expect(agent.last.closed).toBe(false);
    expect(agent.last.beatsHeard).toBeGreaterThanOrEqual(240);
    expect(agent.last.beatsHeard).toBeLessThanOrEqual(361);
  });

  it('nothing is sent that nobody wants', async () => {
    const { agent, fetcher, time } = inMemory();
    agent.tamper = (frame) => Buffer.from(frame.toString().replace(/heart-beat:.*\n/, ''));
    fetcher.listen(host, new Heard());
    await time.runFor(29_000);
    expect(agent.last.beatsHeard).toBe(0);
    agent.beats = false;
    await time.runFor(600_000);
    expect(agent.connections.length).toBeGreaterThan(0);
  });

  it('an agent that is silent for 22.5 s is given up, and again after each reconnect: the time never shrinks', async () => {
    const { agent, fetcher, time } = inMemory();
    const heard = new Heard();
    const spans: number[] = [];
    let from = 0;
    heard.onConnected = () => {
      from = time.monotonic();
    };
    heard.onLost = () => spans.push(time.monotonic() - from);
    agent.beats = false;
    fetcher.listen(host, heard);
    for (let i = 0; i < 6; i++) {
      await time.runUntil(() => heard.losses.length > i, { within: 120_000 });
    }
    expect(spans).toEqual(Array(6).fill(22_500));
    expect(heard.losses[0]).toMatchObject({
      code: 'AGENT_NETWORK',
      message: expect.stringContaining('no sign of life'),
    });
  });

  it('any byte counts as one', async () => {
    const { agent, fetcher, time } = inMemory();
    const heard = new Heard();
    agent.beats = false;
    fetcher.listen(host, heard);
    for (let i = 0; i < 20; i++) {
      await time.runFor(20_000);
      agent.push('|net|host_conn|no_id', {});
    }
    expect(heard.losses).toEqual([]);
  });

  it.each(['1,1', '999999999,999999999', '-5,x', '1', '', '99999999999999999999,0'])(
    'an agent that says heart-beat:%s makes us neither busy nor deaf',
    async (value) => {
      const { agent, fetcher, time } = inMemory();
      agent.beats = false;
      agent.tamper = (frame) => Buffer.from(frame.toString().replace(/heart-beat:.*\n/, `heart-beat:${value}\n`));
      fetcher.listen(host, new Heard());
      await time.runFor(600_000);
      expect(time.executed).toBeLessThan(8000);
    },
  );

  it('an agent that dribbles one endless message is given up after two minutes', async () => {
    const { agent, fetcher, time } = inMemory();
    const heard = new Heard();
    fetcher.listen(host, heard);
    await time.runFor(0);
    const { last } = agent;
    last.raw('MESSAGE\ndestination:x\n\n');
    for (let i = 0; i < 150 && !last.closed; i++) {
      last.raw('x');
      await time.runFor(1000);
    }
    expect(heard.losses[0]?.message).toContain('has not ended a message');
    expect(time.monotonic()).toBeLessThan(150_000);
  });
});

describe('calls', () => {
  it('one that is given up keeps its place at the agent for 20 s, or until it is answered', async () => {
    const { agent, fetcher, time } = inMemory();
    agent.methods.set('Host.ping2', () => hold);
    const calls = [1, 2, 3, 4].map(() => ask(fetcher));
    await time.runFor(1000);
    const reason = new VurtiError('AGENT_TIMEOUT', 'too late');
    calls[0]?.controller.abort(reason);
    calls[1]?.controller.abort(reason);
    await time.runFor(10_000);
    expect(calls.map((call) => call.error?.code)).toEqual(['AGENT_TIMEOUT', 'AGENT_TIMEOUT', undefined, undefined]);
    expect(agent.requests).toHaveLength(2);
    agent.requests[0]?.result('late');
    await time.runFor(0);
    expect(agent.requests).toHaveLength(3);
    await time.runFor(10_000);
    expect(agent.requests).toHaveLength(4);
  });

  it('one that is given up before it was sent is never sent; before it was made, makes no connection', async () => {
    const { agent, fetcher, sockets, time } = inMemory();
    const early = new AbortController();
    early.abort(new VurtiError('AGENT_TIMEOUT', 'too late'));
    await expect(fetcher.call(host, 'Host.ping2', {}, { signal: early.signal })).rejects.toMatchObject({
      code: 'AGENT_TIMEOUT',
    });
    expect(sockets.attempts).toEqual([]);
    const call = ask(fetcher);
    call.controller.abort();
    await time.runFor(0);
    expect(call.error?.code).toBe('AGENT_ABORTED');
    expect(agent.requests).toEqual([]);
  });

  it('too many that wait are refused', async () => {
    const { agent, fetcher, time } = inMemory();
    agent.methods.set('Host.ping2', () => hold);
    const calls = Array.from({ length: 300 }, () => ask(fetcher));
    await time.runFor(0);
    const refused = calls.filter((call) => call.error?.code === 'AGENT_QUEUE_FULL');
    expect(refused.length).toBeGreaterThan(30);
    expect(calls.filter((call) => call.ended === 'no').length).toBeLessThanOrEqual(258);
  });

  it('an agent that takes nothing more is sent nothing more', async () => {
    const { agent, fetcher, time } = inMemory(limits(4, 8));
    const heard = new Heard();
    agent.patient = true;
    fetcher.listen(host, heard);
    await time.runFor(0);
    agent.last.stream.pause();
    const vmList = Array.from({ length: 4000 }, (_, i) => `00000000-0000-4000-8000-${i}`);
    const calls = Array.from({ length: 8 }, () => ask(fetcher, 'Host.dumpxmls', { vmList }));
    await time.runFor(50_000);
    expect(agent.requests.length).toBeLessThan(2);
    await time.runFor(60_000);
    expect(heard.losses[0]?.message).toContain('has taken nothing');
    expect(calls.every((call) => call.error?.code === 'AGENT_NETWORK')).toBe(true);
  });

  it('when it takes something again, what waits goes on', async () => {
    const { agent, fetcher, time } = inMemory(limits(4, 8));
    agent.serve({ 'Host.dumpxmls': {} });
    ask(fetcher);
    await time.runFor(0);
    agent.last.stream.pause();
    const vmList = Array.from({ length: 4000 }, (_, i) => `00000000-0000-4000-8000-${i}`);
    const calls = Array.from({ length: 8 }, () => ask(fetcher, 'Host.dumpxmls', { vmList }));
    await time.runFor(5000);
    agent.last.stream.resume();
    await time.runFor(5000);
    expect(calls.map((call) => call.ended)).toEqual(Array(8).fill('yes'));
    expect(agent.requests).toHaveLength(9);
  });
});

describe('the end', () => {
  it('release gives up the calls and the listener, and leaves nothing', async () => {
    const { agent, fetcher, sockets, time } = inMemory();
    const heard = new Heard();
    const subscription = fetcher.listen(host, heard);
    agent.methods.set('Host.ping2', () => hold);
    const calls = [1, 2, 3].map(() => ask(fetcher));
    await time.runFor(0);
    fetcher.release(host.id);
    await time.runFor(600_000);
    expect(calls.map((call) => call.error?.code)).toEqual(Array(3).fill('AGENT_ABORTED'));
    expect(heard.log).toEqual(['connected', 'lost']);
    subscription.close();
    expect(sockets.attempts).toHaveLength(1);
    expect(agent.open).toEqual([]);
    expect([...time.waiting().keys()]).toEqual([]);
  });

  it.each(['agent', 'never', { code: 'ECONNREFUSED' }] as const)('close leaves nothing (%o)', async (opening) => {
    const { agent, fetcher, sockets, time } = inMemory();
    sockets.opening = opening;
    const call = ask(fetcher);
    fetcher.listen(host, new Heard());
    await time.runFor(500);
    await fetcher.close();
    await time.runFor(600_000);
    expect(call.ended).toBe('yes');
    expect(agent.open).toEqual([]);
    expect([...time.waiting().keys()]).toEqual([]);
    const late = ask(fetcher);
    await time.runFor(0);
    expect(late.error?.code).toBe('AGENT_ABORTED');
  });

  it('another address: the old connection is given up, the listener stays', async () => {
    const { agent, fetcher, time } = inMemory();
    const heard = new Heard();
    fetcher.listen(host, heard);
    await time.runFor(0);
    const call = ask(fetcher, 'Host.ping2', {}, { ...host, address: '10.0.0.9' });
    await time.runFor(0);
    expect(call.value).toBe(true);
    expect(heard.log).toEqual(['connected', 'lost', 'connected']);
    expect(agent.open).toHaveLength(1);
    ask(fetcher, 'Host.ping2', {}, { ...host, address: '10.0.0.9', name: 'other' });
    await time.runFor(0);
    expect(agent.connections).toHaveLength(2);
  });

  it('a second listener is refused; after the first has closed, it is the one', async () => {
    const { agent, fetcher, time } = inMemory();
    const [first, second] = [new Heard(), new Heard()];
    const subscription = fetcher.listen(host, first);
    expect(() => fetcher.listen(host, second)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }));
    await time.runFor(0);
    subscription.close();
    subscription.close();
    fetcher.listen(host, second);
    expect(second.log).toEqual([]);
    await time.runFor(0);
    agent.push('|net|host_conn|no_id', {});
    await time.runFor(0);
    expect([first.log, second.log]).toEqual([['connected'], ['connected', 'pushed']]);
    expect(agent.connections).toHaveLength(1);
  });

  it('one timer per connection', async () => {
    const { fetcher, time } = inMemory();
    for (let i = 0; i < 50; i++) {
      const at = { ...host, id: `h${i}`, name: `h${i}` };
      fetcher.listen(at, new Heard());
      ask(fetcher, 'Host.ping2', {}, at);
    }
    await time.runFor(20_000);
    expect(Object.fromEntries(time.waiting())).toEqual({ 'heart-beat': 50, 'agent-beat': 100 });
  });
});
