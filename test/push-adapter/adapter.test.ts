import { describe, expect, it } from 'vitest';
import { minutes, seconds } from '../../src/kernel/index.js';
import { defaultSettings } from '../../src/model/index.js';
import { World } from './fakes.js';

/** Runs to the next tick of a host that asks something, and to just before it. */
async function untilDue(world: World, id = 'h', beforeMs = 0): Promise<void> {
  const next = world.adapter.nextPollAt(id);
  if (next === null) throw new Error('not due');
  await world.time.runFor(next - world.time.now() - beforeMs);
}
const methods = (world: World, id = 'h') => world.fetcher.callsOf(id).map((call) => call.method);

describe('ticks', () => {
  it('ask a host in contact once per interval, on its grid', async () => {
    const world = new World().host('h');
    world.adapter.start();
    await world.time.runFor(seconds(150));
    const at = world.fetcher.callsOf('h', 'getStats').map((call) => call.at);
    expect(at).toHaveLength(10);
    expect(new Set(at.map((ms) => ms % seconds(15))).size).toBe(1);
    expect(world.fetcher.callsOf('h', 'getAllVmStats').map((call) => call.at)).toEqual(at);
    expect(world.fetcher.callsOf('h', 'getCapabilities')).toEqual([]);
  });

  it('bring a new host up, with its VMs, within 20 s', async () => {
    const world = new World();
    for (let i = 0; i < 100; i++) world.host(`h${i}`, 'Unassigned', { capabilitiesRead: false });
    world.adapter.start();
    await world.time.runFor(seconds(3));
    for (let i = 0; i < 100; i++) expect(world.status(`h${i}`)).toBe('Up');
    expect(new Set(methods(world, 'h0'))).toEqual(
      new Set(['getCapabilities', 'getHardwareInfo', 'getStats', 'getAllVmStats']),
    );
  });

  it('ask nothing of a host that is not monitored', async () => {
    const world = new World().host('h', 'Maintenance');
    world.adapter.start();
    world.adapter.poke('h');
    world.request('Host.getStats');
    await world.time.runFor(seconds(60));
    expect(world.fetcher.calls).toEqual([]);
    expect(world.adapter.nextPollAt('h')).toBeNull();
    world.host('h', 'Unassigned');
    await world.time.runFor(seconds(3));
    expect(methods(world)).toContain('getCapabilities');
  });

  it('never overlap; those that find their host busy are skipped and counted', async () => {
    const world = new World({ judging: false }).host('h', 'PreparingForMaintenance');
    world.fetcher.on('h', { afterMs: 7000 });
    world.adapter.start();
    await untilDue(world);
    await world.time.runFor(seconds(30));
    const at = world.fetcher.callsOf('h', 'getStats').map((call) => call.at);
    expect(at.map((ms) => ms - at[0]!)).toEqual([0, 9000, 18_000, 27_000]);
    expect(world.adapter.stats()).toMatchObject({ skipped: 7, failed: 0, total: 3 });
    expect(world.fetcher.mostPerHost).toBe(2);
  });

  it('are skipped while evidence is digested; a skipped statistics tick is made up for', async () => {
    const world = new World({ judging: false }).host('h');
    world.adapter.start();
    world.settling.add('h');
    await untilDue(world, 'h', 1);
    await world.time.runFor(2);
    expect(world.fetcher.calls).toEqual([]);
    expect(world.adapter.stats().skipped).toBe(1);
    await world.time.runFor(seconds(3));
    expect(world.adapter.stats().skipped).toBe(2);
    world.settling.clear();
    await world.time.runFor(seconds(3));
    expect(methods(world)).toEqual(['getStats', 'getAllVmStats']);
    await world.time.runFor(seconds(9));
    const at = world.fetcher.callsOf('h', 'getStats').map((call) => call.at);
    expect(at.slice(1).map((ms) => ms - at[0]!)).toEqual([seconds(9)]);
    expect(world.adapter.stats()).toMatchObject({ skipped: 2, total: 2, latenessP99Ms: 0 });
  });

  it('make up for a statistics tick that was passed over while the process was held up', async () => {
    const world = new World().host('h');
    world.adapter.start();
    await untilDue(world);
    const first = world.time.monotonic();
    await world.time.runFor(seconds(10));
    const { time } = world;
    const own = time.monotonic.bind(time);
    time.monotonic = () => Math.max(first + seconds(16), own());
    await world.time.runFor(seconds(25));
    const at = world.fetcher.callsOf('h', 'getStats').map((call) => call.at - first);
    expect(at).toEqual([0, seconds(18), seconds(30)]);
    expect(world.adapter.stats().skipped).toBe(0);
  });

  it('follow the settings: a new interval is a new grid', async () => {
    const world = new World().host('h');
    world.adapter.start();
    await world.time.runFor(seconds(30));
    world.settings = { ...defaultSettings, poll: { ...defaultSettings.poll, intervalSeconds: 60 } };
    await world.time.runFor(seconds(60));
    const before = world.fetcher.callsOf('h', 'getStats').length;
    await world.time.runFor(seconds(600));
    expect(world.fetcher.callsOf('h', 'getStats').length - before).toBe(10);
  });

  it('look for contact on a new grid, too', async () => {
    const world = new World().host('h');
    world.fetcher.on('h', 'AGENT_UNREACHABLE');
    world.adapter.start();
    await world.time.runFor(seconds(600));
    world.settings = { ...defaultSettings, poll: { ...defaultSettings.poll, intervalSeconds: 60 } };
    world.fetcher.on('h', 'ok');
    await world.time.runFor(seconds(60));
    expect(world.status('h')).toBe('Up');
  });

  it('come less often for a while when the agent is out of workers', async () => {
    const world = new World().host('h');
    world.fetcher.on('h', 'AGENT_BUSY');
    world.adapter.start();
    await world.time.runFor(seconds(600));
    const busy = world.fetcher.callsOf('h', 'getStats').map((call) => call.at);
    expect(busy.slice(-5).map((ms, i, all) => ms - (all[i - 1] ?? ms))).toEqual([0, ...new Array(4).fill(seconds(60))]);
    expect(new Set(busy.map((ms) => ms % seconds(15))).size).toBe(1);
    expect(world.evidence).toEqual([]);
    expect(world.adapter.stats().failed).toBe(0);
    world.fetcher.on('h', 'ok');
    await world.time.runFor(seconds(360));
    world.fetcher.calls.length = 0;
    await world.time.runFor(seconds(150));
    expect(world.fetcher.callsOf('h', 'getStats')).toHaveLength(10);
    world.fetcher.on('h', 'AGENT_BUSY');
    await untilDue(world);
    world.fetcher.on('h', 'ok');
    world.fetcher.calls.length = 0;
    await world.time.runFor(seconds(150));
    expect(world.fetcher.callsOf('h', 'getStats')).toHaveLength(5);
  });

  it('of a host that leaves and was not heard last time keep to the share of hosts without contact', async () => {
    const world = new World({ judging: false, concurrency: 2 }).host('well');
    for (const id of ['a', 'b']) world.host(id, 'PreparingForMaintenance', { attempts: 1 }).fetcher.on(id, 'hang');
    world.adapter.start();
    for (const id of ['a', 'b', 'well']) world.adapter.poke(id);
    expect(world.fetcher.calls.map((call) => call.host)).toEqual(['a', 'well']);
    await world.time.runFor(1);
    expect(world.names('well')).toEqual(['VdsStatsReceived', 'VmStatsReceived']);
  });

  it('say when the host is asked next', async () => {
    const world = new World().host('h').host('lost', 'NonResponsive', { attempts: 9 });
    world.fetcher.on('lost', 'hang');
    world.adapter.start();
    for (const id of ['h', 'lost']) {
      for (let i = 0; i < 5; i++) {
        const next = world.adapter.nextPollAt(id) ?? 0;
        await world.time.runFor(next - world.time.now());
        expect(world.fetcher.callsOf(id).at(-1)?.at).toBe(world.time.monotonic());
        await world.time.runFor(1);
      }
    }
    expect(world.adapter.nextPollAt('unknown')).toBeNull();
  });
});

describe('a lost host', () => {
  it('that hangs is NonResponsive within two minutes, by attempts 12 s apart', async () => {
    const world = new World().host('h');
    world.adapter.start();
    await world.time.runFor(seconds(40));
    world.fetcher.on('h', 'hang');
    const silentSince = world.time.monotonic();
    await world.time.runUntil(() => world.status('h') === 'NonResponsive', { within: seconds(120) });
    expect(world.time.monotonic() - silentSince).toBeLessThan(seconds(90));
    const attempts = world.evidence.filter((e) => e.name === 'VdsUnreachable').map((e) => e.stamp.receivedAt);
    expect(attempts.slice(2).map((at, i) => at - attempts[i + 1]!)).toEqual(attempts.slice(2).map(() => seconds(12)));
  });

  it('is tried about once per interval, never less often, and comes back with its first answer', async () => {
    const world = new World().host('h');
    world.fetcher.on('h', 'AGENT_UNREACHABLE');
    world.adapter.start();
    await world.time.runFor(seconds(600));
    const before = world.fetcher.callsOf('h', 'getCapabilities').length;
    await world.time.runFor(seconds(600));
    const at = world.fetcher
      .callsOf('h', 'getCapabilities')
      .map((call) => call.at)
      .slice(before);
    const gaps = at.slice(1).map((ms, i) => ms - at[i]!);
    expect(new Set(gaps)).toEqual(new Set([seconds(12), seconds(15)]));
    expect(world.adapter.stats().skipped).toBe(0);
    world.fetcher.on('h', 'ok');
    world.evidence.length = 0;
    await world.time.runFor(seconds(15));
    expect(world.status('h')).toBe('Up');
    expect(world.names().slice(0, 4)).toEqual([
      'VdsCapabilitiesReceived',
      'VdsHardwareInfoReceived',
      'VdsStatsReceived',
      'VmStatsReceived',
    ]);
  });
});

describe('poke', () => {
  it('asks now, outside the grid, and leaves the grid alone', async () => {
    const world = new World().host('h');
    world.adapter.start();
    await untilDue(world);
    const first = world.time.monotonic();
    await world.time.runFor(4321);
    world.adapter.poke('h');
    expect(methods(world)).toEqual(['getStats', 'getAllVmStats', 'getStats', 'getAllVmStats']);
    await world.time.runFor(seconds(15));
    expect(world.fetcher.callsOf('h', 'getStats').map((call) => call.at - first)).toEqual([0, 4321, seconds(15)]);
  });

  it('of a busy host runs right after; several while one waits are one', async () => {
    const world = new World().host('h');
    world.fetcher.on('h', { afterMs: 2000 });
    world.adapter.start();
    for (let i = 0; i < 5; i++) world.adapter.poke('h');
    await world.time.runFor(1000);
    for (let i = 0; i < 5; i++) world.adapter.poke('h');
    expect(world.fetcher.callsOf('h', 'getStats').map((call) => call.at)).toEqual([0]);
    await world.time.runFor(seconds(5));
    expect(
      world.fetcher
        .callsOf('h', 'getStats')
        .map((call) => call.at)
        .slice(0, 2),
    ).toEqual([0, 2000]);
  });

  it('looks for contact at once, whatever the back-off', async () => {
    const world = new World().host('h', 'NonResponsive', { attempts: 50 });
    world.adapter.start();
    world.adapter.poke('h');
    expect(methods(world)).toEqual(['getCapabilities', 'getHardwareInfo']);
    world.adapter.poke('unknown');
    await world.adapter.stop();
    world.adapter.poke('h');
    expect(world.fetcher.calls).toHaveLength(2);
  });
});

describe('requests', () => {
  it('join the running cycle', async () => {
    const world = new World().host('h', 'Connecting');
    world.fetcher.on('h', { afterMs: 500 }, 'getStats').on('h', { afterMs: seconds(5) }, 'getHardwareInfo');
    world.adapter.start();
    world.adapter.poke('h');
    await world.time.runFor(600);
    expect(world.status('h')).toBe('Up');
    expect(world.adapter.stats().total).toBe(0);
    await world.time.runFor(seconds(5));
    expect(world.adapter.stats().total).toBe(1);
    expect(world.names()).toEqual([
      'VdsCapabilitiesReceived',
      'VdsStatsReceived',
      'VmStatsReceived',
      'VdsHardwareInfoReceived',
    ]);
  });

  it('run at once when the host is idle; what waits is asked once', async () => {
    const world = new World().host('h');
    world.fetcher.on('h', { afterMs: 100 });
    world.adapter.start();
    for (let i = 0; i < 4; i++) world.request('Host.getCapabilities');
    world.request('Host.getHardwareInfo');
    for (const vmIds of [
      ['a', 'b'],
      ['b', 'c'],
    ]) {
      world.streams.requests.publish({ host: 'h', method: 'Host.dumpxmls', vmIds, reason: 'test' });
    }
    world.request('Host.getStats', 'unknown');
    await world.time.runFor(500);
    expect(world.fetcher.calls.map(({ at, method, vmIds }) => [at, method, ...(vmIds ?? [])])).toEqual([
      [0, 'getCapabilities'],
      [0, 'getHardwareInfo'],
      [100, 'getCapabilities'],
      [100, 'dumpXmls', 'a', 'b', 'c'],
    ]);
    const last = world.evidence.at(-1);
    expect(last?.name === 'VmDevicesReceived' && [...last.domains.keys()]).toEqual(['a', 'b', 'c']);
  });

  it('for other VMs are not lost while a call waits for its slot', async () => {
    const world = new World({ concurrency: 1 }).host('h').host('first');
    world.fetcher.on('first', { afterMs: 100 });
    world.adapter.start();
    world.request('Host.getStats', 'first');
    for (const id of ['a', 'b']) {
      world.streams.requests.publish({ host: 'h', method: 'Host.dumpxmls', vmIds: [id], reason: 'test' });
    }
    await world.time.runFor(200);
    expect(world.fetcher.calls.flatMap((call) => call.vmIds ?? [])).toEqual(['a', 'b']);
  });

  it('are answered by a planned call that was not sent yet', async () => {
    const world = new World().host('h', 'Up', { capabilitiesRead: false });
    world.fetcher.on('h', { afterMs: 100 });
    world.adapter.start();
    world.adapter.poke('h');
    world.request('Host.getCapabilities');
    await world.time.runFor(500);
    expect(methods(world)).toEqual(['getStats', 'getAllVmStats', 'getCapabilities']);
  });

  it('put off the next reading of capabilities; without them it comes after half an hour, and not for all hosts at once', async () => {
    const world = new World();
    for (let i = 0; i < 20; i++) world.host(`h${i}`);
    world.adapter.start();
    await world.time.runFor(minutes(20));
    world.request('Host.getCapabilities', 'h0');
    await world.time.runFor(minutes(11));
    const asked = world.fetcher.calls.filter((call) => call.method === 'getCapabilities');
    expect(asked.filter((call) => call.host === 'h0')).toHaveLength(1);
    for (let i = 1; i < 20; i++) expect(asked.filter((call) => call.host === `h${i}`)).toHaveLength(1);
    expect(new Set(asked.map((call) => Math.floor(call.at / seconds(15)))).size).toBeGreaterThan(5);
  });

  it('count as an attempt when they fail, and are then forgotten', async () => {
    const world = new World({ judging: false }).host('h');
    world.fetcher.on('h', { afterMs: 100, ends: 'AGENT_UNREACHABLE' });
    world.adapter.start();
    world.streams.evidence.stream$.subscribe((e) => {
      if (e.name === 'VdsUnreachable') world.request('Host.getCapabilities');
    });
    world.request('Host.getStats');
    await world.time.runFor(500);
    expect(methods(world)).toEqual(['getStats']);
    expect(world.names()).toEqual(['VdsUnreachable']);
    await world.time.runFor(seconds(30));
    expect(methods(world)).not.toContain('getCapabilities');
  });

  it('cannot keep a cycle going for ever', async () => {
    const world = new World({ judging: false }).host('h', 'Maintenance');
    world.adapter.start();
    await world.time.runFor(seconds(15));
    world.host('h', 'Up');
    world.streams.evidence.stream$.subscribe((e) => {
      if (e.name === 'VdsStatsReceived') world.request('Host.getStats');
    });
    world.request('Host.getStats');
    await world.time.runFor(1);
    expect(methods(world)).toHaveLength(8);
    await world.time.runFor(seconds(3));
    expect(world.fetcher.callsOf('h', 'getStats')).toHaveLength(16);
  });
});

describe('coming and going', () => {
  it('asks a host that was added, and forgets one that was removed', async () => {
    const world = new World();
    world.adapter.start();
    world.add('h', 'Unassigned');
    await world.time.runFor(seconds(3));
    expect(world.status('h')).toBe('Up');
    world.remove('h');
    const { length } = world.fetcher.calls;
    await world.time.runFor(seconds(60));
    expect(world.fetcher.calls).toHaveLength(length);
    expect(world.fetcher.released).toEqual(['h']);
    expect(world.adapter.stats().hosts).toBe(0);
    expect(world.time.waiting().size).toBe(0);
    world.add('h', 'Unassigned');
    await world.time.runFor(seconds(3));
    expect(world.status('h')).toBe('Up');
  });

  it('publishes nothing of a host removed with calls in flight', async () => {
    const world = new World().host('h', 'Connecting');
    world.fetcher.on('h', { afterMs: 2000 });
    world.adapter.start();
    world.adapter.poke('h');
    world.adapter.poke('h');
    world.request('Host.getStats');
    await world.time.runFor(1000);
    world.remove('h');
    await world.time.runFor(seconds(120));
    expect(world.evidence).toEqual([]);
    expect(methods(world)).toHaveLength(2);
    expect(world.fetcher.inFlight).toBe(0);
    expect(world.adapter.stats()).toMatchObject({ inFlight: 0, total: 0, failed: 0, hosts: 0 });
    expect(world.time.waiting().size).toBe(0);
  });

  it('stops publishing in the middle of an answer when the host is removed there', async () => {
    const world = new World({ judging: false }).host('h').vm('a', 'h').vm('b', 'h');
    world.adapter.start();
    world.streams.evidence.stream$.subscribe((e) => {
      if (e.name === 'VmDisappeared') world.remove('h');
    });
    world.adapter.poke('h');
    await world.time.runFor(1);
    expect(world.names()).toEqual(['VdsStatsReceived', 'VmStatsReceived', 'VmDisappeared']);
  });

  it('stops at once: no timer, no subscription, no evidence afterwards', async () => {
    const world = new World({ concurrency: 4 });
    for (let i = 0; i < 20; i++) {
      world.host(`h${i}`, i % 2 === 0 ? 'Up' : 'Connecting');
      world.fetcher.on(`h${i}`, i % 3 === 0 ? 'hang' : { afterMs: 5000 });
    }
    world.adapter.start();
    expect(() => world.adapter.start()).toThrow();
    await world.time.runFor(seconds(16));
    expect(world.fetcher.inFlight).toBe(4);
    const { length } = world.evidence;
    await world.adapter.stop();
    await world.adapter.stop();
    expect(world.timers()).toEqual({});
    expect(world.fetcher.inFlight).toBe(0);
    expect(world.streams.changes.observers).toBe(0);
    expect(world.streams.requests.observers).toBe(0);
    await world.time.runFor(seconds(60));
    expect(world.evidence).toHaveLength(length);
    expect(world.time.waiting().size).toBe(0);
  });

  it('stops even when a fetcher ignores its signal', async () => {
    const world = new World().host('h');
    world.fetcher.getStats = () => new Promise(() => undefined);
    world.adapter.start();
    world.adapter.poke('h');
    await world.adapter.stop();
    expect(world.timers()).toEqual({});
  });

  it('has one timer and two subscriptions for any number of hosts, beside the calls in flight', async () => {
    const world = new World();
    for (let i = 0; i < 300; i++) world.host(`h${i}`);
    world.adapter.start();
    expect(world.timers()).toEqual({ planner: 1 });
    await world.time.runFor(seconds(40));
    expect(world.timers()).toEqual({ planner: 1 });
    expect(world.streams.changes.observers + world.streams.requests.observers).toBe(2);
    world.fetcher.on('h7', 'hang');
    world.adapter.poke('h7');
    await world.time.runFor(1);
    expect(world.timers()).toEqual({ planner: 1, 'Host.getStats': 1, 'Host.getAllVmStats': 1 });
    world.host('h8', 'Connecting');
    world.fetcher.on('h8', 'hang');
    world.adapter.poke('h8');
    expect(world.timers()).toMatchObject({ 'Host.getCapabilities': 1, 'Host.getHardwareInfo': 1, silence: 1 });
  });
});
