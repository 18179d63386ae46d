import { describe, expect, it } from 'vitest';
import { seconds } from '../../src/kernel/index.js';
import { type Behaviour, World } from './fakes.js';

const names = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `kvm-${from + i}.example.com`);

/** How late each statistics poll of these hosts was, by their grid of 15 s: the first poll of each defines it. */
function lateness(world: World, hosts: string[]): number[] {
  return hosts.flatMap((id) => {
    const at = world.fetcher.callsOf(id, 'getStats').map((call) => call.at);
    return at.map((ms) => (ms - at[0]!) % seconds(15));
  });
}

// Much happens here: a loaded machine may take its time.
describe('200 hosts, 50 of them in trouble', { timeout: 60_000 }, () => {
  it.each<[string, Behaviour]>([
    ['hang', 'hang'],
    ['refuse', 'AGENT_UNREACHABLE'],
    ['answer garbage', 'AGENT_BAD_ANSWER'],
    ['answer after 9 s', { afterMs: 9000 }],
  ])('others are polled on time when they %s', async (_, trouble) => {
    const world = new World();
    const healthy = names(0, 150);
    const ill = names(150, 200);
    for (const id of healthy) world.host(id).fetcher.on(id, { afterMs: 150 });
    for (const id of ill) world.host(id).fetcher.on(id, { afterMs: 150 });
    world.adapter.start();
    await world.time.runFor(seconds(45));
    const silentSince = world.time.monotonic();
    for (const id of ill) world.fetcher.on(id, trouble);
    await world.time.runFor(seconds(150));

    expect(Math.max(...lateness(world, healthy))).toBe(0);
    for (const id of healthy) expect(world.fetcher.callsOf(id, 'getStats').length).toBe(13);
    expect(world.adapter.stats().latenessP99Ms).toBe(0);
    expect(world.fetcher.mostInFlight).toBeLessThanOrEqual(64);
    expect(world.fetcher.mostPerHost).toBe(2);
    for (const id of healthy) expect(world.status(id)).toBe('Up');
    if (typeof trouble === 'string') {
      for (const id of ill) {
        expect(world.status(id)).toBe('NonResponsive');
        expect((world.lostAt.get(id) ?? 0) - silentSince).toBeLessThan(seconds(120));
      }
    } else {
      for (const id of ill) expect(world.status(id)).toBe('Up');
    }

    for (const id of ill) world.fetcher.on(id, { afterMs: 150 });
    await world.time.runFor(seconds(40));
    for (const id of ill) expect(world.status(id)).toBe('Up');
    expect(Math.max(...lateness(world, healthy))).toBe(0);
  });

  it('brings hosts with slow capabilities up, though as many hang', async () => {
    const world = new World();
    const hanging = names(0, 50);
    const slow = names(50, 60);
    for (const id of hanging) world.host(id, 'Unassigned', { capabilitiesRead: false }).fetcher.on(id, 'hang');
    for (const id of slow) {
      world.host(id, 'Unassigned', { capabilitiesRead: false }).fetcher.on(id, { afterMs: 200 });
      world.fetcher.on(id, { afterMs: seconds(40) }, 'getCapabilities');
    }
    world.adapter.start();
    await world.time.runFor(seconds(90));
    for (const id of slow) expect(world.status(id)).toBe('Up');
    await world.time.runFor(seconds(30));
    for (const id of hanging) expect(world.status(id)).toBe('NonResponsive');
  });

  it('polls 150 healthy hosts on time beside 200 that hang since ever', async () => {
    const world = new World();
    const healthy = names(0, 150);
    for (const id of healthy) world.host(id).fetcher.on(id, { afterMs: 150 });
    for (const id of names(150, 350)) world.host(id, 'Unassigned').fetcher.on(id, 'hang');
    world.adapter.start();
    await world.time.runFor(seconds(120));
    expect(Math.max(...lateness(world, healthy))).toBe(0);
    expect(world.fetcher.mostInFlight).toBeLessThanOrEqual(64);
    for (const id of names(150, 350)) expect(world.status(id)).not.toBe('Unassigned');
  });

  it('starts 1,000 hosts whose capabilities take 3 s without holding their statistics up', async () => {
    const world = new World();
    const all = names(0, 1000);
    for (const id of all) {
      world.host(id, 'Up', { capabilitiesRead: false }).fetcher.on(id, { afterMs: 100 });
      world.fetcher.on(id, { afterMs: 3000 }, 'getCapabilities');
    }
    world.adapter.start();
    await world.time.runFor(seconds(15));
    for (const id of all) expect(world.fetcher.callsOf(id, 'getStats').length).toBeGreaterThan(0);
    expect(world.adapter.stats().latenessP99Ms).toBe(0);
    await world.adapter.stop();
    expect(world.timers()).toEqual({});
  });
});
