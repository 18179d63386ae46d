import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seconds } from '../../src/kernel/index.js';
import { defaultSettings, type VmStatsReport } from '../../src/model/index.js';
import { vmReport, vmStats, World } from './fakes.js';

describe('host cycle', () => {
  let world: World;

  beforeEach(() => {
    world = new World({ judging: false }).host('h');
    world.adapter.start();
  });

  afterEach(async () => {
    await world.adapter.stop();
    expect(world.time.takeErrors()).toEqual([]);
  });

  /** A poked cycle, and when each piece of evidence came. */
  async function poked(within = seconds(70)): Promise<[string, number][]> {
    const startedAt = world.time.now();
    world.adapter.poke('h');
    await world.time.runFor(2);
    await world.time.runUntil(() => world.adapter.stats().inFlight === 0, { within });
    return world.evidence.map((e) => [e.name, e.stamp.receivedAt - startedAt]);
  }

  describe('deadlines', () => {
    it('publishes each answer when it arrives, and waits for the others', async () => {
      world.fetcher.on('h', { afterMs: 9000 }, 'getStats').on('h', { afterMs: 400 }, 'getAllVmStats');
      expect(await poked()).toEqual([
        ['VmStatsReceived', 400],
        ['VdsStatsReceived', 9000],
      ]);
    });

    it('gives a silent host up after poll.deadlineSeconds', async () => {
      world.fetcher.on('h', 'hang');
      expect(await poked()).toEqual([['VdsUnreachable', seconds(10)]]);
    });

    it('takes the deadlines from the settings of the host', async () => {
      world.settings = { ...defaultSettings, poll: { ...defaultSettings.poll, deadlineSeconds: 2 } };
      world.fetcher.on('h', 'hang');
      expect(await poked()).toEqual([['VdsUnreachable', seconds(2)]]);
    });

    it('lets capabilities of a host in contact take their time', async () => {
      world.host('h', 'Up', { capabilitiesRead: false });
      world.fetcher.on('h', { afterMs: 5 }, 'getStats', 'getAllVmStats');
      world.fetcher.on('h', { afterMs: seconds(40) }, 'getCapabilities');
      expect(await poked()).toEqual([
        ['VdsStatsReceived', 5],
        ['VmStatsReceived', 5],
        ['VdsCapabilitiesReceived', seconds(40) + 5],
      ]);
      expect(world.fetcher.mostPerHost).toBe(2);
    });

    it('does not wait for capabilities when nothing else was heard', async () => {
      world.host('h', 'Up', { capabilitiesRead: false });
      world.fetcher.on('h', 'hang');
      expect(await poked()).toEqual([['VdsUnreachable', seconds(10)]]);
      expect(world.fetcher.callsOf('h', 'getCapabilities')).toEqual([]);
    });
  });

  describe('without contact', () => {
    beforeEach(() => world.host('h', 'Connecting'));

    it('is one failed attempt after 10 s when nothing is heard', async () => {
      world.fetcher.on('h', 'hang');
      expect(await poked()).toEqual([['VdsUnreachable', seconds(10)]]);
      expect(world.evidence[0]).toMatchObject({ error: { code: 'AGENT_TIMEOUT' } });
    });

    it('is one failed attempt at that moment when one call failed and the other hangs', async () => {
      world.fetcher.on('h', { afterMs: 3000, ends: 'AGENT_TLS' }, 'getHardwareInfo').on('h', 'hang', 'getCapabilities');
      expect(await poked()).toEqual([['VdsUnreachable', seconds(10)]]);
      expect(world.evidence[0]).toMatchObject({ error: { code: 'AGENT_TLS' } });
    });

    it.each<[string, 'ok' | 'AGENT_ERROR', string[]]>([
      ['answered', 'ok', ['VdsHardwareInfoReceived', 'VdsCapabilitiesReceived']],
      ['answered with an error', 'AGENT_ERROR', ['VdsCallFailed', 'VdsCapabilitiesReceived']],
    ])('lets capabilities take 40 s when the hardware information is %s', async (_, ends, names) => {
      world.fetcher.on('h', { afterMs: 9000, ends }, 'getHardwareInfo');
      world.fetcher.on('h', { afterMs: seconds(40) }, 'getCapabilities');
      expect((await poked()).map(([name]) => name)).toEqual(names);
    });

    it('ends capabilities after their own deadline', async () => {
      world.fetcher.on('h', 'hang', 'getCapabilities');
      const startedAt = world.time.monotonic();
      expect(await poked()).toEqual([['VdsHardwareInfoReceived', 0]]);
      expect(world.time.monotonic() - startedAt).toBe(seconds(60));
      expect(world.adapter.history('h').at(-1)).toMatchObject({ code: 'AGENT_TIMEOUT', durationMs: seconds(60) });
    });

    it('lets the hardware information take 30 s when the capabilities answered', async () => {
      world.fetcher.on('h', { afterMs: 29_000 }, 'getHardwareInfo');
      expect((await poked()).map(([name]) => name)).toEqual(['VdsCapabilitiesReceived', 'VdsHardwareInfoReceived']);
    });

    it('asks the quickest call first when only one may be in flight', async () => {
      world.settings = { ...defaultSettings, agents: { ...defaultSettings.agents, maxInFlight: 1 } };
      world.fetcher.on('h', { afterMs: seconds(40) }, 'getCapabilities');
      expect((await poked()).map(([name]) => name)).toEqual(['VdsHardwareInfoReceived', 'VdsCapabilitiesReceived']);
      expect(world.fetcher.mostPerHost).toBe(1);
    });

    it('asks for both at once when there is room, in the order of the plan', async () => {
      await poked();
      expect(world.fetcher.calls.map((call) => call.method)).toEqual(['getCapabilities', 'getHardwareInfo']);
    });
  });

  describe('stamps', () => {
    it('say when was asked, when it came, and count the answers of the host', async () => {
      world.fetcher.on('h', { afterMs: 100 }, 'getStats');
      const asked = world.time.monotonic();
      await poked();
      expect(world.evidence.map((e) => e.stamp)).toEqual(
        [
          ...[{ host: 'h', session: 1, kind: 'poll', seq: 1, requestedAt: asked, complete: true }],
          ...[{ host: 'h', session: 1, kind: 'poll', seq: 2, requestedAt: asked, complete: true }],
        ].map((stamp, i) => ({ ...stamp, receivedAt: world.time.now() - world.time.monotonic() + asked + i * 100 })),
      );
    });

    it('begin a session after each failed attempt, and when the address changed', async () => {
      world.fetcher.on('h', 'AGENT_UNREACHABLE');
      await poked();
      world.fetcher.on('h', 'ok');
      await poked();
      world.address = '10.0.0.2';
      await poked();
      expect(world.evidence.map((e) => [e.name, e.stamp.session])).toEqual([
        ['VdsUnreachable', 1],
        ['VdsStatsReceived', 2],
        ['VmStatsReceived', 2],
        ['VdsStatsReceived', 3],
        ['VmStatsReceived', 3],
      ]);
      expect(world.fetcher.released).toEqual(['h']);
    });
  });

  describe('VM poll', () => {
    const told = () =>
      world.evidence.flatMap((e) =>
        'vmId' in e ? [`${e.name} ${e.vmId}`] : e.name === 'VmStatsReceived' ? [e.name] : [],
      );

    it('tells what differs from the repository, then who is absent', async () => {
      world.vm('same', 'h').vm('sameHash', 'h', { hash: '1' }).vm('noHash', 'h', { hash: '1' });
      world.vm('status', 'h').vm('elsewhere', 'h2').vm('nowhere', null).vm('hash', 'h', { hash: '1' });
      world.vm('field', 'h', { guestUser: 'root' }).vm('gone', 'h').vm('other', 'h2');
      world.fetcher.reports.set(
        'h',
        vmStats([
          vmReport('unknown'),
          vmReport('same', 'Up', { dynamic: { guestUser: null } }),
          vmReport('sameHash', 'Up', { deviceHash: '1' }),
          vmReport('noHash'),
          vmReport('status', 'Paused'),
          vmReport('elsewhere'),
          vmReport('nowhere'),
          vmReport('hash', 'Up', { deviceHash: '2' }),
          vmReport('field', 'Up', { dynamic: { guestUser: 'alice' } }),
        ]),
      );
      await poked();
      expect(told()).toEqual([
        'VmStatsReceived',
        ...['unknown', 'status', 'elsewhere', 'nowhere', 'hash', 'field'].map((id) => `VmStateChanged ${id}`),
        'VmDisappeared gone',
      ]);
      expect(new Set(world.evidence.filter((e) => e.name.startsWith('Vm')).map((e) => e.stamp)).size).toBe(1);
    });

    it('takes no VM of an incomplete report as absent', async () => {
      world.vm('gone', 'h');
      world.fetcher.reports.set('h', vmStats([], false));
      await poked();
      expect(told()).toEqual(['VmStatsReceived']);
      expect(world.evidence.find((e) => e.name === 'VmStatsReceived')?.stamp.complete).toBe(false);
    });

    it('tells what was held when the answer came, whatever its listeners change', async () => {
      world.vm('a', 'h').vm('b', 'h');
      world.streams.evidence.stream$.subscribe((e) => {
        if (e.name === 'VmStatsReceived') world.vm('c', 'h').vms.delete('b');
      });
      await poked();
      expect(told()).toEqual(['VmStatsReceived', 'VmDisappeared a', 'VmDisappeared b']);
    });

    it('publishes nothing of an answer that turns out to be unreadable', async () => {
      world.vm('gone', 'h');
      const broken: VmStatsReport = {
        ...vmStats([]),
        all: () => {
          throw new TypeError('broken');
        },
      };
      world.fetcher.reports.set('h', broken);
      expect((await poked()).map(([name]) => name)).toEqual(['VdsStatsReceived', 'VmStatsFailed']);
      expect(world.evidence.at(-1)).toMatchObject({ error: { code: 'INTERNAL' } });
    });
  });

  it('keeps what happened last', async () => {
    world.fetcher.on('h', { afterMs: 250, ends: 'AGENT_ERROR' }, 'getAllVmStats');
    await poked();
    const at = world.time.now();
    expect(world.adapter.history('h')).toEqual([
      { at: at - 250, method: 'Host.getStats', outcome: 'answered', durationMs: 0, code: null },
      { at, method: 'Host.getAllVmStats', outcome: 'refused', durationMs: 250, code: 'AGENT_ERROR' },
    ]);
    for (let i = 0; i < 6; i++) await poked();
    expect(world.adapter.history('h')).toHaveLength(8);
    expect(world.adapter.history('unknown')).toEqual([]);
  });
});
