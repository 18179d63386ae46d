import { describe, expect, it } from 'vitest';
import { notMonitored, type VdsStatsReport } from '../../src/model/index.js';
import { decideHost } from '../../src/rules/index.js';
import { host, hostStats, nicSample } from '../support/entities.js';
import { cluster, type HostCaseMore, hostCase, nic, usageOf } from '../support/host-case.js';

type Figures = VdsStatsReport['statistics'];

const judge = (
  report: Partial<VdsStatsReport>,
  more: HostCaseMore = {},
  h = host('h1', 'Up', { physicalMemMb: 100_000 }),
) => decideHost(hostCase(h, more), { kind: 'statistics', report: hostStats(report) });
const absolute = (memThreshold: number | null): HostCaseMore => ({
  cluster: cluster({ memThreshold, memThresholdType: 'ABSOLUTE' }),
});

/** Each with all that it says beside the names of host and cluster (§5.1). */
describe('figures against their thresholds, what each says', () => {
  it.each<[string, Figures, HostCaseMore, Record<string, Record<string, string>>]>([
    [
      'used memory is used of what huge pages leave',
      { memFree: 2000, hugepages: { 2048: { nr: 10_000, free: 0 } } },
      {},
      { VDS_HIGH_MEM_USE: { UsedMemory: '97', AvailableMemory: '2000', Threshold: '95' } },
    ],
    [
      'free memory says what is used, too',
      { memFree: 4000 },
      absolute(5000),
      { VDS_LOW_MEM: { AvailableMemory: '4000', UsedMemory: '96', Threshold: '5000' } },
    ],
    [
      'free memory, and huge pages take all that there is: what is used of nothing is not said',
      { memFree: 4000, hugepages: { 2048: { nr: 50_000, free: 0 } } },
      absolute(5000),
      { VDS_LOW_MEM: { AvailableMemory: '4000', Threshold: '5000' } },
    ],
    [
      'an absolute threshold that nobody gave is none: our percentage counts',
      { memFree: 3000 },
      absolute(null),
      { VDS_HIGH_MEM_USE: { UsedMemory: '97', AvailableMemory: '3000', Threshold: '95' } },
    ],
    ['an absolute threshold is no percentage', { memFree: 3000 }, absolute(50), {}],
    [
      'free swap space says what is used, cut to a tenth',
      { swapTotal: 8000, swapFree: 1003 },
      {},
      { VDS_LOW_SWAP: { AvailableMemory: '1003', UsedMemory: '87.4', Threshold: '1004' } },
    ],
    [
      'both of swap space',
      { swapTotal: 8000, swapFree: 300 },
      {},
      {
        VDS_LOW_SWAP: { AvailableMemory: '300', UsedMemory: '96.2', Threshold: '1004' },
        VDS_HIGH_SWAP_USE: { AvailableMemory: '300', UsedMemory: '96.2', Threshold: '95' },
      },
    ],
  ])('%s', (_, statistics, more, expected) => {
    const { events } = judge({ statistics }, more).draft;
    const said = events.map(({ name, params: { HostName: _host, Cluster: _cluster, ...params } }) => [name, params]);
    expect(Object.fromEntries(said)).toEqual(expected);
  });
});

describe('figures that are missing or make no sense say nothing', () => {
  it.each<[string, Figures, HostCaseMore]>([
    ['free memory', { memFree: null }, {}],
    ['free memory, absolute', { memFree: null }, absolute(2048)],
    ['free memory, absolute, not reported', {}, absolute(2048)],
    ['huge pages beyond the host’s size', { memFree: 2000, hugepages: { 2048: { nr: 90_000, free: 0 } } }, {}],
    ['CPU of the system', { cpuUser: 99, cpuSys: null }, {}],
    ['CPU of users', { cpuUser: null, cpuSys: 99 }, {}],
    ['free swap space', { swapFree: null, swapTotal: 8000 }, {}],
    ['the size of swap space', { swapFree: 5 }, {}],
    ['the size of swap space, though said to be nothing', { swapFree: 5, swapTotal: null }, {}],
  ])('%s', (_, statistics, more) => {
    expect(judge({ statistics }, more).draft.events).toEqual([]);
  });
});

describe('traffic', () => {
  /** 1000 Mbps for 15 s are 1.875e9 bytes. */
  const sent = (percent: number) => ({
    nics: [nicSample('eth0', { txBytes: BigInt(18_750_000 * percent), rxBytes: 0n, sampleTime: 15 })],
  });
  const began: HostCaseMore = {
    usage: {
      ...usageOf({}),
      interfaces: usageOf({ eth0: 'UP' }).interfaces.map((each) => ({
        ...each,
        ...{ rxTotal: 0n, rxOffset: 0n, txTotal: 0n, txOffset: 0n, sampleTime: 0 },
      })),
    },
  };

  it.each([
    [95, undefined],
    [96, { TransmitRate: '96', ReceiveRate: '0' }],
  ])('%i %% that are sent count as those that are received', (percent, expected) => {
    const { draft, effects } = judge(sent(percent), began);
    expect(effects.includes('host.threshold.network')).toBe(expected !== undefined);
    if (expected === undefined) expect(draft.events).toEqual([]);
    else expect(draft.events).toMatchObject([{ params: expected }]);
  });

  it.each([...notMonitored])('%s: no figure of a host that somebody else works on is judged', (status) => {
    const h = host('h1', status, { physicalMemMb: 100_000, interfaces: [nic('eth0')] });
    const statistics = { memFree: 10, cpuUser: 99, cpuSys: 1, swapFree: 1, swapTotal: 1000 };
    const report = { ...sent(99), statistics, agentTime: 0, diskFreeMb: { '/': 1, '/var': 900 } };
    const multipath = { g1: 0, g2: 1 };
    expect(judge({ ...report, multipath }, began, h)).toMatchObject({ effects: [], draft: { events: [] } });
    expect(judge({ ...report, multipath: {} }, { ...began, ...absolute(2048) }, h)).toMatchObject({
      ...{ effects: [], draft: { events: [] } },
    });
  });
});
