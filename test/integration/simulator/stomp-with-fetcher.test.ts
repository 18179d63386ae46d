import { expect, it } from 'vitest';
import { VdsmFetcher } from '../../../src/fetcher/index.js';
import { CountedIds, minutes, RealTime, SeededRandom, seconds, VurtiError } from '../../../src/kernel/index.js';
import type { AgentPush, HostEndpoint } from '../../../src/model/index.js';
import type { WireFigures } from '../../../src/simulator/index.js';
import { eventually, serve } from './support.js';

const signal = new AbortController().signal;
const time = new RealTime();

function fetcherOf(): VdsmFetcher {
  return new VdsmFetcher({ ids: new CountedIds(), clock: time, scheduler: time, random: new SeededRandom(1) });
}

/** What an agent holds against its client: nothing. */
const blameless: Partial<WireFigures> = {
  ...{ dead: false, notifications: 0, errors: 0, badFrames: 0, notDetected: 0 },
  ...{ heartBeatsMissed: 0, repliesDropped: 0, overloads: 0 },
};

it.each([{ tls: false }, { tls: true }])(
  'the product’s own fetcher reads every answer and every event without a problem: $tls',
  async ({ tls }) => {
    await using served = await serve({
      ...{ protocol: 'vdsm', tls, hosts: 3, vms: 45, life: 'demo', wireTime: time },
      faults: { crash: 500, enospc: 500, migration: 200, nic: 50 },
    });
    const fetcher = fetcherOf();
    const pushed: { readonly endpoint: HostEndpoint; readonly push: AgentPush }[] = [];
    let connected = 0;
    try {
      for (const endpoint of served.server.endpoints()) {
        const listener = {
          connected: () => (connected += 1),
          pushed: (push: AgentPush) => pushed.push({ endpoint, push }),
          lost: () => undefined,
        };
        expect(fetcher.listen(endpoint, listener)).not.toBeNull();
      }
      expect(await eventually(() => connected === 3)).toBe(true);
      // What an agent answers after a subscription was sent, it answers with the subscription taken.
      for (const endpoint of served.server.endpoints()) await fetcher.getStats(endpoint, { signal });
      for (let round = 0; round < 12; round++) {
        await served.time.runFor(minutes(2) + 777);
        for (const endpoint of served.server.endpoints()) {
          const stats = await fetcher.getStats(endpoint, { signal });
          const capabilities = await fetcher.getCapabilities(endpoint, { signal });
          const hardware = await fetcher.getHardwareInfo(endpoint, { signal });
          const vms = await fetcher.getAllVmStats(endpoint, { signal });
          const problems = [stats, capabilities, vms].flatMap((report) => report.problems);
          expect(hardware.dynamic.hwManufacturer).toBe('Example Inc.');
          expect([problems, vms.complete, vms.size]).toEqual([[], true, stats.dynamic.vmCount]);
          const running = [...vms.ids()].filter((id) => vms.get(id)?.status !== 'Down');
          expect((await fetcher.dumpXmls(endpoint, running, { signal })).size).toBe(running.length);
          expect(await fetcher.call(endpoint, 'Host.getJobs', {}, { signal })).toEqual({});
        }
      }
      const sent = (): number =>
        served.server.endpoints().reduce((sum, { id }) => sum + (served.server.wire(id)?.events ?? 0), 0);
      expect(await eventually(() => pushed.length === sent())).toBe(true);
      expect(pushed.flatMap(({ push }) => push.problems)).toEqual([]);
      expect(new Set(pushed.map(({ push }) => push.kind))).toEqual(
        new Set(['vmStatus', 'vmMigration', 'hostConnection']),
      );
      for (const { id } of served.server.endpoints()) {
        expect(served.server.wire(id)).toMatchObject({ ...blameless, accepted: 1, eventsLost: 0, listeners: 1 });
      }
    } finally {
      await fetcher.close();
    }
    expect(
      await eventually(() => served.server.endpoints().every(({ id }) => served.server.wire(id)?.open === 0)),
    ).toBe(true);
  },
);

it.each([
  ['refuse', 'AGENT_UNREACHABLE'],
  ['cut', 'AGENT_NETWORK'],
  ['expire', 'AGENT_TLS'],
] as const)('it takes %s for what it is', async (fault, code) => {
  await using served = await serve({ protocol: 'vdsm', tls: true, hosts: 1, vms: 2 });
  const fetcher = fetcherOf();
  try {
    served.fleet.host('kvm-01')[fault]();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const error: unknown = await fetcher
      .getAllVmStats(served.endpoint(), { signal })
      .catch((reason: unknown) => reason);
    expect(error instanceof VurtiError && error.code).toBe(code);
    served.fleet.host('kvm-01').recover();
    const well = (): Promise<boolean> => fetcher.getStats(served.endpoint(), { signal }).then(Boolean, () => false);
    expect(await eventually(well)).toBe(true);
    expect(served.server.wire('kvm-01')).toMatchObject(blameless);
  } finally {
    await fetcher.close();
  }
});

it.each(['garbage', 'wrongLength', 'stall', 'hang', 'loris'] as const)(
  'under %s no call is answered wrongly, and all is well again afterwards',
  async (fault) => {
    await using served = await serve({ protocol: 'vdsm', tls: true, hosts: 1, vms: 2 });
    const fetcher = fetcherOf();
    const host = served.fleet.host('kvm-01');
    try {
      await fetcher.getStats(served.endpoint(), { signal });
      host[fault]();
      await served.time.runFor(seconds(1));
      for (let i = 0; i < 4; i++) {
        const abort = new AbortController();
        setTimeout(() => abort.abort(new VurtiError('AGENT_TIMEOUT', 'The test has no more time')), 150);
        const answer: unknown = await fetcher
          .getStats(served.endpoint(), { signal: abort.signal })
          .catch((reason: unknown) => reason);
        expect(answer).toBeInstanceOf(VurtiError);
        await served.time.runFor(seconds(1));
      }
      host.recover();
      const well = (): Promise<boolean> => {
        const abort = new AbortController();
        setTimeout(() => abort.abort(new VurtiError('AGENT_TIMEOUT', 'The test has no more time')), 500);
        return fetcher.getStats(served.endpoint(), { signal: abort.signal }).then(Boolean, () => false);
      };
      expect(await eventually(well)).toBe(true);
      expect(served.server.wire('kvm-01')).toMatchObject({ dead: false, notifications: 0, errors: 0, badFrames: 0 });
    } finally {
      await fetcher.close();
    }
  },
);

it('hundreds of megabytes an hour: answers of many MiB come whole', async () => {
  await using served = await serve({ protocol: 'vdsm', tls: true, hosts: 1, vms: 1500 });
  const fetcher = fetcherOf();
  try {
    for (let i = 0; i < 3; i++) {
      const [a, b] = await Promise.all([
        fetcher.getAllVmStats(served.endpoint(), { signal }),
        fetcher.getAllVmStats(served.endpoint(), { signal }),
      ]);
      expect([a.size, b.size, a.problems, b.problems]).toEqual([1500, 1500, [], []]);
    }
  } finally {
    await fetcher.close();
  }
});
