import { expect, it } from 'vitest';
import { seconds } from '../../../src/kernel/index.js';
import { StompPeer } from '../../support/stomp-peer.js';
import { eventually, openHandles, type Served, serve } from './support.js';

const QUIET_MS = 60;
const stomp = (options: Parameters<typeof serve>[0] = {}): Promise<Served> => serve({ protocol: 'vdsm', ...options });
const quiet = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, QUIET_MS));

async function listening(served: Served, heartBeat = '0,0'): Promise<StompPeer> {
  const peer = await StompPeer.connected(served.endpoint(), heartBeat);
  peer.subscribe('mine', 's');
  peer.subscribe('jms.queue.events', 'e');
  await peer.settled();
  return peer;
}

it('cut: the connection breaks in the middle of a message', async () => {
  await using served = await stomp();
  using peer = await listening(served);
  served.fleet.host('kvm-01').cut();
  peer.request('1', 'Host.getAllVmStats', {}, 'mine');
  expect(await peer.closed()).not.toBe('open');
  expect(peer.rest).toMatch(/^MESSAGE\n/);
  expect(peer.drain()).toEqual([]);
});

it('cut of an event, too; and once only where it is told so', async () => {
  await using served = await stomp();
  using peer = await listening(served);
  const host = served.fleet.host('kvm-01');
  host.disconnect(40);
  served.fleet.vm(host.vms()[0] ?? '').pause();
  expect(await peer.closed()).not.toBe('open');
  expect(peer.rest).toHaveLength(40);
  using again = await listening(served);
  again.request('1', 'Host.ping2', {}, 'mine');
  expect(await again.reply('1')).toMatchObject({ result: true });
  host.disconnect();
  expect(await again.closed()).not.toBe('open');
});

it('stall: half of a message, and nothing any more, not even a sign of life; recovering lets go', async () => {
  await using served = await stomp();
  using peer = await listening(served, '0,1000');
  served.fleet.host('kvm-01').stall();
  peer.request('1', 'Host.getAllVmStats', {}, 'mine');
  expect(await eventually(() => peer.rest.length > 1000)).toBe(true);
  const { bytes, beats } = peer;
  peer.request('2', 'Host.ping2', {}, 'mine');
  await served.time.runFor(seconds(30));
  await quiet();
  expect([peer.bytes, peer.beats, peer.ended]).toEqual([bytes, beats, null]);
  served.fleet.host('kvm-01').recover();
  expect(await peer.closed()).not.toBe('open');
});

it('hang: takes connections and says nothing at all', async () => {
  await using served = await stomp();
  served.fleet.host('kvm-01').hang();
  using peer = await StompPeer.open(served.endpoint());
  peer.write('CONNECT\naccept-version:1.2\nheart-beat:0,1000\n\n\0');
  expect(await eventually(() => served.server.wire('kvm-01')?.frames === 1)).toBe(true);
  await served.time.runFor(seconds(10));
  await quiet();
  expect(peer.bytes).toBe(0);
});

it('garbage: something else each time, never an answer', async () => {
  await using served = await stomp();
  const seen = new Set<string>();
  for (let i = 0; i < 8; i++) {
    served.fleet.host('kvm-01').recover();
    using peer = await listening(served);
    const before = peer.bytes;
    served.fleet.host('kvm-01').garbage();
    peer.request('mine', 'Host.ping2', {}, 'mine');
    expect(await eventually(() => peer.bytes > before)).toBe(true);
    await quiet();
    const all = peer.drain().map((frame) => `${frame.command} ${frame.headers['subscription']} ${frame.body}`);
    expect(all.join()).not.toMatch(/MESSAGE s \{.*"mine", "result": true\}/);
    seen.add(`${all.join()}${peer.rest}`);
  }
  expect(seen.size).toBe(8);
});

it('wrong length: too small, or too large so that the next message is swallowed', async () => {
  await using served = await stomp();
  using small = await listening(served);
  using large = await listening(served);
  served.fleet.host('kvm-01').wrongLength();
  const lengthOf = async (peer: StompPeer): Promise<number> => {
    expect(await eventually(() => peer.rest.includes('\0'))).toBe(true);
    const { rest } = peer;
    const body = rest.slice(rest.indexOf('\n\n') + 2, rest.indexOf('\0'));
    return Number(/content-length:(\d+)/.exec(rest)?.[1]) - body.length;
  };
  small.request('1', 'Host.ping2', {}, 'mine');
  const differences = [await lengthOf(small), await lengthOf(large)];
  expect([...differences].sort()).toEqual([-7, 11]);
});

it('loris: bytes one by one, and right in the end', async () => {
  await using served = await stomp();
  using peer = await listening(served);
  served.fleet.host('kvm-01').loris();
  peer.request('1', 'Host.ping2', {}, 'mine');
  expect(await eventually(() => peer.rest.length === 1)).toBe(true);
  await served.time.runFor(seconds(9));
  expect(await eventually(() => peer.rest.length === 10)).toBe(true);
  await served.time.runFor(seconds(300));
  expect(await peer.reply('1')).toMatchObject({ result: true });
});

it('slow: good answers, late, by all workers', async () => {
  await using served = await stomp();
  using peer = await listening(served);
  served.fleet.host('kvm-01').slow(9000);
  peer.request('1', 'Host.ping2', {}, 'mine');
  await peer.settled();
  await served.time.runFor(seconds(8.9));
  await quiet();
  expect(peer.drain()).toEqual([]);
  await served.time.runFor(seconds(0.1));
  expect(await peer.reply('1')).toMatchObject({ result: true });
});

it('drop: connections end soon, those that there are and those that come', async () => {
  await using served = await stomp();
  using old = await listening(served);
  served.fleet.host('kvm-01').drop();
  for (let i = 0; i < 3; i++) {
    using young = await StompPeer.connected(served.endpoint());
    await served.time.runFor(seconds(0.5));
    expect(await young.closed()).not.toBe('open');
  }
  expect(await old.closed()).not.toBe('open');
  expect(served.server.wire('kvm-01')).toMatchObject({ open: 0, listeners: 0, accepted: 4 });
});

it('refuse, restart, power: the port closes, and what was worked on is forgotten', async () => {
  await using served = await stomp();
  const host = served.fleet.host('kvm-01');
  host.takes('Host.getCapabilities', seconds(30));
  using peer = await listening(served);
  peer.request('1', 'Host.getCapabilities', {}, 'mine');
  await peer.settled();
  expect(served.server.wire('kvm-01')).toMatchObject({ busyWorkers: 1, listeners: 1 });
  host.restartAgent(seconds(20));
  expect(await peer.closed()).not.toBe('open');
  expect(served.server.wire('kvm-01')).toMatchObject({ busyWorkers: 0 });
  await expect(StompPeer.open(served.endpoint())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await served.time.runFor(seconds(4));
  const connects = (): Promise<boolean> =>
    StompPeer.connected(served.endpoint()).then(
      (young) => {
        young[Symbol.dispose]();
        return true;
      },
      () => false,
    );
  expect(await eventually(connects)).toBe(true);
  using young = await listening(served);
  young.request('1', 'Host.ping2', {}, 'mine');
  expect(await young.reply('1')).toMatchObject({ error: { code: 99 } });
});

it('stop leaves nothing: no port, no connection, no timer, whatever is under way', async () => {
  expect(await eventually(() => openHandles().length === 0)).toBe(true);
  const served = await stomp({ hosts: 6, vms: 12, tls: true });
  const peers: StompPeer[] = [];
  for (const name of ['kvm-01', 'kvm-02', 'kvm-03', 'kvm-04', 'kvm-05', 'kvm-06']) {
    const peer = await StompPeer.connected(served.endpoint(name), '5000,5000');
    peer.subscribe('mine', 's');
    peers.push(peer);
    await peer.settled();
  }
  served.fleet.host('kvm-01').hang();
  served.fleet.host('kvm-02').slow(60_000);
  served.fleet.host('kvm-03').loris();
  served.fleet.host('kvm-04').drop();
  served.fleet.host('kvm-05').stall();
  served.fleet.host('kvm-06').refuse();
  for (const peer of peers) peer.request('1', 'Host.getStats', {}, 'mine');
  await quiet();
  await served.server.stop();
  await served.server.stop();
  expect(await Promise.all(peers.map((peer) => peer.closed()))).not.toContain('open');
  expect(await eventually(() => served.time.waiting().size === 0)).toBe(true);
  expect(await eventually(() => openHandles().length === 0)).toBe(true);
});
