import { expect, it } from 'vitest';
import { EngineClient } from '../../support/engine-client.js';
import { StompPeer } from '../../support/stomp-peer.js';
import { eventually, serve } from './support.js';

it('an engine alone is answered, and hears what happens', async () => {
  await using served = await serve({ protocol: 'vdsm' });
  await using engine = await EngineClient.open(served.endpoint());
  expect(await eventually(() => engine.unanswered === 0)).toBe(true);
  for (let i = 0; i < 10; i++) {
    engine.cycle();
    expect(await eventually(() => engine.unanswered === 0)).toBe(true);
  }
  served.fleet.vm(served.fleet.host('kvm-01').vms()[0] ?? '').pause();
  expect(await eventually(() => engine.events.length === 1)).toBe(true);
  expect([engine.answered, engine.late, engine.foreign, engine.errors]).toEqual([13, 0, [], []]);
});

it('a neighbour who uses the engine’s topic is noticed; one with a topic of its own is not', async () => {
  await using served = await serve({ protocol: 'vdsm' });
  await using engine = await EngineClient.open(served.endpoint());
  expect(await eventually(() => engine.unanswered === 0)).toBe(true);
  using good = await StompPeer.connected(served.endpoint());
  good.subscribe('its.own', '1');
  good.request('mine', 'Host.ping2', {}, 'its.own');
  expect(await good.reply('mine')).toMatchObject({ result: true });
  good.request('rude', 'Host.ping2');
  expect(await eventually(() => engine.foreign.length === 1)).toBe(true);
  expect(engine.foreign[0]).toContain('"rude"');
});

it('a neighbour who takes all workers is noticed', async () => {
  await using served = await serve({ protocol: 'vdsm' });
  served.fleet.host('kvm-01').takes('Host.dumpxmls', 60_000);
  await using engine = await EngineClient.open(served.endpoint());
  expect(await eventually(() => engine.unanswered === 0)).toBe(true);
  using greedy = await StompPeer.connected(served.endpoint());
  for (let i = 0; i < 8; i++) greedy.request(String(i), 'Host.dumpxmls', { vmList: [] }, 'its.own');
  await greedy.settled();
  engine.cycle();
  engine.cycle();
  expect(engine.late).toBe(2);
});
