import { describe, expect, it } from 'vitest';
import { seconds } from '../../../src/kernel/index.js';
import { StompPeer } from '../../support/stomp-peer.js';
import { eventually, type Served, serve } from './support.js';

const stomp = (options: Parameters<typeof serve>[0] = {}): Promise<Served> => serve({ protocol: 'vdsm', ...options });
const REPLIES = 'test.replies';

describe('detection', () => {
  it.each([
    ['a line end before CONNECT', '\nCONNECT\naccept-version:1.2\n\n\0'],
    ['the command of later STOMP', 'STOMP\naccept-version:1.2\n\n\0'],
    ['POST', 'POST /RPC2 HTTP/1.1\r\n\r\n'],
    ['the client hello of TLS', Buffer.from('16030100a5010000a10303000102', 'hex')],
  ])('%s is reset', async (_, bytes) => {
    await using served = await stomp();
    using peer = await StompPeer.open(served.endpoint());
    peer.write(bytes);
    expect(await peer.closed()).not.toBe('open');
    expect(served.server.wire('kvm-01')).toMatchObject({ notDetected: 1, frames: 0 });
  });

  it('GET is answered 400', async () => {
    await using served = await stomp();
    using peer = await StompPeer.open(served.endpoint());
    peer.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await peer.closed()).toBe('end');
    expect(peer.rest).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('fewer bytes than it takes are waited for, ten seconds and no longer', async () => {
    await using served = await stomp();
    using peer = await StompPeer.open(served.endpoint());
    peer.write('CONNECT\n\n\0');
    await eventually(() => served.server.wire('kvm-01')?.accepted === 1);
    await served.time.runFor(seconds(9.9));
    expect(peer.ended).toBeNull();
    await served.time.runFor(seconds(0.2));
    expect(await peer.closed()).not.toBe('open');
  });
});

describe('CONNECT', () => {
  it.each(['1.0,1.1,1.2', '1.1', ''])('accept-version %j is refused; the connection stays', async (version) => {
    await using served = await stomp();
    using peer = await StompPeer.open(served.endpoint());
    peer.write(`CONNECT\n${version === '' ? 'host:null' : `accept-version:${version}`}\n\n\0`);
    expect(await peer.next()).toMatchObject({ command: 'ERROR', body: 'Version unsupported' });
    peer.write('CONNECT\naccept-version:1.2\n\n\0');
    expect(await peer.next()).toMatchObject({ command: 'CONNECTED', headers: { version: '1.2', 'heart-beat': '0,0' } });
  });

  it.each([
    ['0,15000', '15000,0'],
    ['400,15000', '15000,1000'],
    ['2000,10', '1000,2000'],
  ])('heart-beat %s is answered %s', async (asked, answered) => {
    await using served = await stomp();
    using peer = await StompPeer.open(served.endpoint());
    peer.write(`CONNECT\r\naccept-version:1.2\r\nhost:10.0.0.1\r\nheart-beat:${asked}\r\n\r\n\0`);
    expect((await peer.next())?.headers['heart-beat']).toBe(answered);
  });

  it('a raw second colon in a header is fatal, an escaped one is not', async () => {
    await using served = await stomp();
    using good = await StompPeer.open(served.endpoint());
    good.write('CONNECT\naccept-version:1.2\nhost:10.0.0.1\\c54321\n\n\0');
    expect(await good.next()).toMatchObject({ command: 'CONNECTED' });
    using bad = await StompPeer.open(served.endpoint());
    bad.write('CONNECT\naccept-version:1.2\nhost:10.0.0.1:54321\n\n\0');
    expect(await bad.closed()).not.toBe('open');
    expect(served.server.wire('kvm-01')?.badFrames).toBe(1);
  });
});

describe('heart-beats', () => {
  it('a client that promised to be heard and is not is closed at once when the time is over', async () => {
    await using served = await stomp();
    using peer = await StompPeer.connected(served.endpoint(), '2000,0');
    await served.time.runFor(seconds(1.9));
    peer.write('\n');
    // The world's clock stands still while the byte is on its way.
    await eventually(async () => {
      await peer.settled();
      return true;
    });
    await served.time.runFor(seconds(1.9));
    expect(peer.ended).toBeNull();
    await served.time.runFor(seconds(0.2));
    expect(await peer.closed()).not.toBe('open');
    expect(served.server.wire('kvm-01')).toMatchObject({ heartBeatsMissed: 1, open: 0 });
  });

  it('the agent gives a sign of life when it has been silent for so long', async () => {
    await using served = await stomp();
    using peer = await StompPeer.connected(served.endpoint(), '0,15000');
    await served.time.runFor(seconds(46));
    expect(await eventually(() => peer.beats === 3)).toBe(true);
    served.fleet.host('kvm-01').hang();
    await served.time.runFor(seconds(60));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(peer.beats).toBe(3);
  });
});

describe('frames', () => {
  it('content-length counts bytes, and NUL stands behind them', async () => {
    await using served = await stomp();
    using peer = await StompPeer.connected(served.endpoint());
    peer.subscribe(REPLIES, 's');
    peer.send('{"jsonrpc":"2.0","id":"ä\\u0000€","method":"Host.ping2"}', REPLIES);
    expect(await peer.reply('ä\0€')).toMatchObject({ result: true });
    const body = '{"jsonrpc":"2.0","id":"2","method":"Host.ping2"}';
    peer.write(`SEND\ndestination:jms.topic.vdsm_requests\ncontent-length:${body.length - 1}\n\n${body}\0`);
    expect(await peer.closed()).not.toBe('open');
  });

  it('come in any pieces, many at once, with or without their length', async () => {
    await using served = await stomp();
    using peer = await StompPeer.connected(served.endpoint());
    peer.subscribe(REPLIES, 's');
    const one = (id: number): string =>
      `SEND\ndestination:jms.topic.vdsm_requests\nreply-to:${REPLIES}\n\n{"jsonrpc":"2.0","id":${id},"method":"Host.ping2"}\0\n`;
    const text = Array.from({ length: 20 }, (_, id) => one(id)).join('');
    for (let at = 0; at < text.length; at += 7) {
      peer.write(text.slice(at, at + 7));
      if (at % 70 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    for (let id = 0; id < 20; id++) expect(JSON.parse((await peer.next())?.body ?? '')).toMatchObject({ id });
  });

  it.each(['ACK\nid:1\n\n\0', 'BEGIN\ntransaction:1\n\n\0', 'NONSENSE\n\n\0'])('%j closes', async (frame) => {
    await using served = await stomp();
    using peer = await StompPeer.connected(served.endpoint());
    peer.write(frame);
    expect(await peer.closed()).not.toBe('open');
  });

  it('ERROR frames have their text in the body, and the connection goes on', async () => {
    await using served = await stomp();
    using peer = await StompPeer.connected(served.endpoint());
    const error = async (frame: string): Promise<string | undefined> => {
      peer.write(frame);
      const answer = await peer.next();
      expect(answer).toMatchObject({ command: 'ERROR' });
      expect(answer?.headers['message']).toBeUndefined();
      return answer?.body;
    };
    expect(await error('SUBSCRIBE\nid:1\n\n\0')).toBe('Missing destination or subscription id header');
    peer.subscribe('a', '1');
    expect(await error('SUBSCRIBE\ndestination:b\nid:1\n\n\0')).toBe('Subscription id already exists');
    expect(await error('UNSUBSCRIBE\n\n\0')).toBe('Missing id header');
    expect(await error('SEND\ndestination:b\n\nx\0')).toBe('Subscription not available');
    peer.write('SEND\ndestination:a\n\nhello\0');
    expect(await peer.next()).toMatchObject({ command: 'MESSAGE', body: 'hello' });
    peer.write('DISCONNECT\nreceipt:77\n\n\0');
    expect(await peer.next()).toEqual({ command: 'RECEIPT', headers: { 'receipt-id': '77' }, body: '' });
    await peer.settled();
    expect(peer.ended).toBeNull();
  });
});

describe('requests', () => {
  it('answer what the fleet answers, in ASCII, with the length of the body', async () => {
    await using served = await stomp();
    using peer = await StompPeer.connected(served.endpoint());
    peer.subscribe(REPLIES, 's1');
    for (const method of ['Host.getStats', 'Host.getAllVmStats', 'Host.getCapabilities', 'Host.getJobs']) {
      const direct = served.fleet.host('kvm-01').ask(method);
      peer.request(method, method, {}, REPLIES);
      const frame = await peer.next();
      expect(frame?.headers).toEqual({
        destination: REPLIES,
        'content-type': 'application/json',
        subscription: 's1',
        'content-length': String(Buffer.byteLength(frame?.body ?? '')),
      });
      expect(frame?.body).toMatch(/^[\x20-\x7e]*$/);
      const result: unknown = 'result' in direct ? JSON.parse(direct.result) : undefined;
      expect(JSON.parse(frame?.body ?? '')).toEqual({ jsonrpc: '2.0', id: method, result });
    }
  });

  it('are taken at a dotted child; without reply-to the answer goes to the default topic', async () => {
    await using served = await stomp();
    using peer = await StompPeer.connected(served.endpoint());
    const ask = (id: string): void => {
      const body = `{"jsonrpc":"2.0","id":"${id}","method":"Host.ping2"}`;
      peer.send(body, undefined, 'jms.topic.vdsm_requests.of.mine');
    };
    ask('nobody-listens');
    peer.subscribe('jms.topic.vdsm_responses', 'r');
    ask('heard');
    expect(await peer.next()).toMatchObject({ body: expect.stringContaining('"heard"') });
    expect(served.server.wire('kvm-01')).toMatchObject({ requests: 2, replies: 1, repliesDropped: 1 });
  });

  it('replies reach every subscription of their destination, over all connections', async () => {
    await using served = await stomp();
    using one = await StompPeer.connected(served.endpoint());
    using other = await StompPeer.connected(served.endpoint());
    one.subscribe('jms.topic.vdsm_responses', 'x');
    other.subscribe('jms.topic.vdsm_responses', 'y');
    other.subscribe('jms.topic.vdsm_responses', 'z');
    await Promise.all([one.settled(), other.settled()]);
    one.request('1', 'Host.ping2');
    expect((await one.next())?.headers['subscription']).toBe('x');
    expect([(await other.next())?.headers['subscription'], (await other.next())?.headers['subscription']]).toEqual([
      'y',
      'z',
    ]);
  });

  it('positions, unknown names, missing names', async () => {
    await using served = await stomp();
    using peer = await StompPeer.connected(served.endpoint());
    peer.subscribe(REPLIES, 's');
    const [vm] = served.fleet.host('kvm-01').vms();
    const { id } = served.fleet.vm(vm ?? '');
    peer.request('1', 'VM.getStats', [id], REPLIES);
    expect(await peer.reply('1')).toMatchObject({ result: [{ vmId: id }] });
    peer.request('2', 'Host.getAllVmStats', { limit: 'much', marker: 7 }, REPLIES);
    expect(await peer.reply('2')).toMatchObject({ result: expect.any(Array) });
    peer.request('3', 'VM.getStats', { vmId: id }, REPLIES);
    expect(await peer.reply('3')).toMatchObject({ error: { code: -32603, message: expect.stringContaining('vmID') } });
    peer.request('4', 'VM.getStats', { vmID: 'nobody' }, REPLIES);
    expect(await peer.reply('4')).toMatchObject({ error: { code: 1 } });
    peer.request('5', 'Host.nonsense', {}, REPLIES);
    expect(await peer.reply('5')).toMatchObject({ error: { code: -32601 } });
    peer.send('{"jsonrpc":"2.0","id":6,"method":"Host.ping2"}', REPLIES);
    expect(JSON.parse((await peer.next())?.body ?? '')).toMatchObject({ id: 6, result: true });
  });

  it('what is no request is told to the default topic alone', async () => {
    await using served = await stomp();
    using peer = await StompPeer.connected(served.endpoint());
    peer.subscribe('jms.topic.vdsm_responses', 'd');
    peer.subscribe(REPLIES, 'p');
    peer.send('{"jsonrpc":', REPLIES);
    expect(await peer.next()).toMatchObject({
      headers: { subscription: 'd' },
      body: expect.stringContaining('-32700'),
    });
    peer.send('{"id":"1","method":"Host.ping2"}', REPLIES);
    expect(await peer.reply(null)).toMatchObject({ id: null, error: { code: -32600 } });
  });

  it('a batch of two is done and never answered, a batch of one is answered plainly', async () => {
    await using served = await stomp();
    using peer = await StompPeer.connected(served.endpoint());
    peer.subscribe(REPLIES, 'p');
    const ping = (id: string): string => `{"jsonrpc":"2.0","id":"${id}","method":"Host.ping2"}`;
    peer.send(`[${ping('1')},${ping('2')}]`, REPLIES);
    peer.send(`[${ping('3')}]`, REPLIES);
    expect(JSON.parse((await peer.next())?.body ?? '')).toEqual({ jsonrpc: '2.0', id: '3', result: true });
    await peer.settled();
    expect(peer.drain()).toEqual([]);
  });

  it.each(['{"jsonrpc":"2.0","method":"Host.ping2"}', '[{"jsonrpc":"2.0","method":"Host.ping2"}]'])(
    '%s kills the agent for everybody until it is started anew',
    async (notification) => {
      await using served = await stomp();
      using peer = await StompPeer.connected(served.endpoint(), '0,1000');
      using other = await StompPeer.connected(served.endpoint());
      other.subscribe(REPLIES, 's');
      peer.send(notification);
      await peer.settled();
      other.request('1', 'Host.ping2', {}, REPLIES);
      await other.settled();
      expect(other.drain()).toEqual([]);
      expect(served.server.wire('kvm-01')).toMatchObject({ dead: true, notifications: 1 });
      // It still looks alive.
      await served.time.runFor(seconds(3));
      expect(await eventually(() => peer.beats > 1)).toBe(true);
      served.fleet.host('kvm-01').restartAgent(0);
      expect(await other.closed()).not.toBe('open');
      await served.time.runFor(seconds(4));
      expect(await eventually(() => served.server.wire('kvm-01')?.dead === false)).toBe(true);
    },
  );

  it('with the switch off a notification is ignored, but counted', async () => {
    await using served = await stomp();
    served.fleet.host('kvm-01').mortal = false;
    using peer = await StompPeer.connected(served.endpoint());
    peer.subscribe(REPLIES, 's');
    peer.send('{"jsonrpc":"2.0","method":"Host.ping2"}');
    peer.request('1', 'Host.ping2', {}, REPLIES);
    expect(await peer.reply('1')).toMatchObject({ result: true });
    expect(served.server.wire('kvm-01')).toMatchObject({ dead: false, notifications: 1 });
  });
});

describe('workers', () => {
  it('eight at work, eighty waiting, then 1100; answers come in the order of completion', async () => {
    await using served = await stomp();
    const host = served.fleet.host('kvm-01');
    host.takes('Host.getCapabilities', seconds(10));
    host.takes('Host.getStats', seconds(1));
    using peer = await StompPeer.connected(served.endpoint());
    peer.subscribe(REPLIES, 's');
    peer.request('slow', 'Host.getCapabilities', {}, REPLIES);
    peer.request('quick', 'Host.getStats', {}, REPLIES);
    peer.request('at-once', 'Host.ping2', {}, REPLIES);
    for (let i = 0; i < 6; i++) peer.request(`busy-${i}`, 'Host.getCapabilities', {}, REPLIES);
    for (let i = 0; i < 80; i++) peer.request(`waits-${i}`, 'Host.ping2', {}, REPLIES);
    peer.request('too-much', 'Host.ping2', {}, REPLIES);
    expect(await peer.reply('at-once')).toMatchObject({ result: true });
    expect(await peer.reply('too-much')).toMatchObject({ error: { code: 1100 } });
    expect(served.server.wire('kvm-01')).toMatchObject({ busyWorkers: 8, waitingRequests: 80, overloads: 1 });
    await served.time.runFor(seconds(1));
    expect(await peer.reply('quick')).toMatchObject({ result: {} });
    expect(await peer.reply('waits-79')).toMatchObject({ result: true });
    await served.time.runFor(seconds(9));
    expect(await peer.reply('slow')).toMatchObject({ result: {} });
    expect(served.server.wire('kvm-01')).toMatchObject({ busyWorkers: 0, waitingRequests: 0 });
  });

  it('an answer is as old as its work', async () => {
    await using served = await stomp();
    const host = served.fleet.host('kvm-01');
    host.takes('Host.getVMList', seconds(5));
    using peer = await StompPeer.connected(served.endpoint());
    peer.subscribe(REPLIES, 's');
    peer.subscribe('jms.queue.events', 'e');
    await peer.settled();
    const vm = served.fleet.vm(host.vms()[0] ?? '');
    peer.request('1', 'Host.getVMList', { vmList: [vm.id] }, REPLIES);
    await peer.settled();
    vm.pause();
    const event = await peer.event('|virt|VM_status|');
    await served.time.runFor(seconds(5));
    const reply = (await peer.reply('1')) as { result: { status: string; statusTime: string }[] } | null;
    expect(reply?.result).toMatchObject([{ status: 'Up' }]);
    expect(Number(reply?.result[0]?.statusTime)).toBeLessThanOrEqual(Number(event?.params['notify_time']));
  });
});

it('while it recovers every method answers 99, and nothing is told', async () => {
  await using served = await stomp();
  served.fleet.host('kvm-01').fail(99, 'Recovering from crash or Initializing');
  using peer = await StompPeer.connected(served.endpoint());
  peer.subscribe(REPLIES, 's');
  peer.subscribe('jms.queue.events', 'e');
  await peer.settled();
  served.fleet.vm(served.fleet.host('kvm-01').vms()[0] ?? '').pause();
  for (const method of ['Host.ping2', 'Host.getStats', 'Host.nonsense']) {
    peer.request(method, method, {}, REPLIES);
    expect(await peer.reply(method)).toMatchObject({ error: { code: 99 } });
  }
  expect(peer.drain()).toEqual([]);
  expect(served.server.wire('kvm-01')).toMatchObject({ events: 0, eventsLost: 0 });
});
