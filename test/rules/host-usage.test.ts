import { describe, expect, it } from 'vitest';
import { notMonitored, type Vds, type VdsStatsReport, type VdsUsage } from '../../src/model/index.js';
import { decideHost } from '../../src/rules/index.js';
import { deepFreeze } from '../support/deep-freeze.js';
import { host, hostStats, nicSample } from '../support/entities.js';
import { nic, usageOf } from '../support/host-case.js';
import { frozenCase } from '../support/host-verdict.js';

/** What is known of a host after these answers, one after the other. */
function draftAfter(vds: Vds, ...reports: Partial<VdsStatsReport>[]) {
  let usage: VdsUsage | undefined;
  let draft = decideHost(frozenCase(vds), { kind: 'statistics', report: hostStats(reports[0]) }).draft;
  for (const report of reports) {
    const c = frozenCase(vds, { usage });
    draft = decideHost(c, { kind: 'statistics', report: deepFreeze(hostStats(report)) }).draft;
    usage = draft.usage;
  }
  return draft;
}
const usageAfter = (...args: Parameters<typeof draftAfter>): VdsUsage => draftAfter(...args).usage!;

describe('usage of a host (§8.1)', () => {
  it('CPU: half of it that is said to be unknown is not known', () => {
    expect(usageAfter(host(), { statistics: { cpuUser: null, cpuSys: 5 } }).statistics.usageCpuPercent).toBeNull();
  });

  it('network: not known while no rate is', () => {
    const nics = [nicSample('eth0', { rxBytes: 5n, txBytes: 5n, sampleTime: 1 })];
    expect(usageAfter(host(), { nics }).statistics.usageNetworkPercent).toBeNull();
  });

  it('network: each nic is measured against itself', () => {
    const at = (sampleTime: number, eth0: bigint, eth1: bigint) => ({
      nics: [
        nicSample('eth0', { rxBytes: eth0, txBytes: 0n, sampleTime }),
        nicSample('eth1', { rxBytes: eth1, txBytes: 0n, sampleTime }),
      ],
    });
    // 1000 Mbps for 10 s are 1.25e9 bytes.
    const { interfaces, numaNodes } = usageAfter(host(), at(0, 7n, 9_000_000_000n), at(10, 7n, 9_125_000_000n));
    expect(interfaces.map(({ name, rxRate }) => [name, rxRate])).toEqual([
      ['eth0', 0],
      ['eth1', 10],
    ]);
    expect(numaNodes).toEqual([]);
  });

  it.each([
    [12.7, 3.5, 16],
    [0, 0, 0],
    [99.9, 0.09, 99],
  ])('CPU: user %s and sys %s are %s %% used', (cpuUser, cpuSys, used) => {
    expect(usageAfter(host(), { statistics: { cpuUser, cpuSys } }).statistics.usageCpuPercent).toBe(used);
  });

  it('CPU: the old figure stays when half of it is missing, a missing load is 0', () => {
    const measured = { statistics: { cpuUser: 10, cpuSys: 5, cpuLoad: 150 } };
    const { statistics } = usageAfter(host(), measured, { statistics: { cpuUser: 90 } });
    expect(statistics).toMatchObject({ usageCpuPercent: 15, cpuLoad: 0, cpuUser: 90 });
  });

  const memory = (physicalMemMb: number | null, statistics: VdsStatsReport['statistics']) =>
    usageAfter(host('h1', 'Up', { physicalMemMb }), { statistics }).statistics.usageMemPercent;

  it.each<[string, number | null, VdsStatsReport['statistics'], number | null]>([
    ['without huge pages', 100_000, { memFree: 40_000, hugepages: {} }, 60],
    [
      'free huge pages are free memory',
      100_000,
      { memFree: 40_000, hugepages: { '2048': { nr: 9000, free: 5000 } } },
      50,
    ],
    [
      'of several sizes',
      4096,
      { memFree: 0, hugepages: { '2048': { nr: 9, free: 512 }, '1048576': { nr: 1, free: 1 } } },
      50,
    ],
    ['rounded as the original does', 1000, { memFree: 5, hugepages: {} }, 99],
    ['unknown free huge pages count as none', 1000, { memFree: 500, hugepages: { '2048': { nr: 5, free: null } } }, 50],
    ['huge pages not reported', 1000, { memFree: 500 }, null],
    ['free memory not reported', 1000, { hugepages: {} }, null],
    ['size of the host not known', null, { memFree: 500, hugepages: {} }, null],
  ])('memory: %s', (_, physical, statistics, expected) => {
    expect(memory(physical, statistics)).toBe(expected);
  });

  it('network: the busiest direction of the busiest nic that is neither a vlan nor a slave', () => {
    const interfaces = [
      nic('eth0'),
      nic('eth0.5', { vlanId: 5, baseInterface: 'eth0' }),
      nic('bond0'),
      nic('eth1', { bondName: 'bond0' }),
    ];
    // 12.5 MB in a second are 10 % of 1 Gbps.
    const at = (time: number, percents: Readonly<Record<string, number>>): Partial<VdsStatsReport> => ({
      nics: Object.entries(percents).map(([name, percent]) =>
        nicSample(name, { rxBytes: 0n, txBytes: BigInt(percent * time * 1_250_000), sampleTime: time }),
      ),
    });
    const vds = host('h1', 'Up', { interfaces });
    const percents = { eth0: 20, 'eth0.5': 90, bond0: 30, eth1: 80 };
    const { statistics, interfaces: nics } = usageAfter(vds, at(0, percents), at(1, percents));
    expect(statistics.usageNetworkPercent).toBe(30);
    expect(nics.map(({ name, txRate }) => [name, txRate])).toEqual([
      ['eth0', 20],
      ['eth0.5', 90],
      ['bond0', 30],
      ['eth1', 80],
    ]);
    // As long as its nics are not known, each one counts.
    expect(usageAfter(host(), at(0, percents), at(1, percents)).statistics.usageNetworkPercent).toBe(90);
  });

  it('keeps what an answer leaves out of disks, storage domains and paths', () => {
    const domain = { code: 0, lastCheckSeconds: 1, delaySeconds: 0.1, valid: true, actual: true, acquired: true };
    const full = { diskFreeMb: { '/var': 5 }, storageDomains: { sd1: domain }, multipath: { m1: 2 } };
    expect(usageAfter(host(), full, {}).statistics).toMatchObject({
      ...{ diskFreeMb: { '/var': 5 }, storageDomains: { sd1: domain }, multipathHealth: { m1: 2 } },
    });
    expect(usageAfter(host(), full, { multipath: {} }).statistics.multipathHealth).toEqual({});
  });

  it('is the same object when an answer says the same, and shares what is equal', () => {
    const node = {
      index: 0,
      memFree: 5,
      usageMemPercent: 1,
      cpuSys: 1,
      cpuUser: 1,
      cpuIdle: 1,
      usageCpuPercent: 2,
      hugepages: null,
    };
    const report: Partial<VdsStatsReport> = {
      ...{ statistics: { cpuUser: 1, cpuSys: 1, cpuLoad: 5 }, numaNodes: [node] },
      nics: [nicSample('eth0', { rxBytes: 1n, sampleTime: 1 }), nicSample('eth1', { rxBytes: 1n, sampleTime: 1 })],
    };
    const usage = usageAfter(host(), report);
    const again = decideHost(frozenCase(host(), { usage }), {
      kind: 'statistics',
      report: hostStats(structuredClone(report)),
    });
    expect(again.draft.usage).toBe(usage);
    const nics = [...(report.nics ?? [])].with(1, nicSample('eth1', { rxBytes: 9n, sampleTime: 2 }));
    const moved = decideHost(frozenCase(host(), { usage }), {
      kind: 'statistics',
      report: hostStats({ ...report, nics }),
    });
    expect(moved.draft.usage?.interfaces[0]).toBe(usage.interfaces[0]);
    expect(moved.draft.usage?.interfaces[1]).not.toBe(usage.interfaces[1]);
    expect(moved.draft.usage?.numaNodes).toBe(usage.numaNodes);
    expect(usage.numaNodes).toEqual([{ hostId: 'h1', ...node }]);
  });

  it('forgets nics that are not reported any more', () => {
    const { interfaces } = usageAfter(
      host(),
      { nics: [nicSample('eth0'), nicSample('eth1')] },
      { nics: [nicSample('eth1')] },
    );
    expect(interfaces.map(({ name }) => name)).toEqual(['eth1']);
  });

  it('any answer is a sign of life', () => {
    const c = frozenCase(host(), { liveness: { attempts: 7, heardAt: null, lastAnswerAt: 0 } });
    const { draft } = decideHost(c, { kind: 'statistics', report: hostStats() });
    expect(draft.liveness).toMatchObject({ attempts: 0, heardAt: c.now, lastAnswerAt: c.now });
  });

  it.each([...notMonitored])('an answer that comes too late for a host that is %s changes nothing', (status) => {
    const idle = usageOf({ eth0: 'UP' }, { usageCpuPercent: 0 });
    const report = hostStats({ dynamic: { vmCount: 5 }, statistics: { cpuUser: 50, cpuSys: 20 } });
    const { draft, changes } = decideHost(frozenCase(host('h1', status), { usage: idle }), {
      kind: 'statistics',
      report,
    });
    expect([changes, draft.usage]).toEqual([[], idle]);
  });
});
