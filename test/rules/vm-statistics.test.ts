import { describe, expect, it } from 'vitest';
import type { Vm, VmDiskSample, VmStatisticsSample, VmUsage } from '../../src/model/index.js';
import { nextVmUsage } from '../../src/rules/index.js';
import {
  cpuPercent,
  keepEqual,
  latencySeconds,
  networkPercent,
  vmNetworkPercent,
} from '../../src/rules/vm/statistics.js';
import { deepFreeze } from '../support/deep-freeze.js';
import { nicSample, sample, vm } from '../support/entities.js';

/** A VM's usage after these reports, one after the other. */
function usageAfter(stored: Vm, ...samples: Partial<VmStatisticsSample>[]): VmUsage {
  let usage: VmUsage | undefined;
  for (const each of samples) usage = deepFreeze(nextVmUsage(stored, usage, sample(each)));
  return usage!;
}

describe('cpuPercent', () => {
  it.each([
    [50, 30, 2, null, 40],
    [150, 150, 2, null, 100],
    [99, 0.9, 1, null, 99],
    [0, 0, 4, null, 0],
    [null, 5, 2, 33, 33],
    [5, null, 2, 33, 33],
    [5, 5, null, 33, 33],
    [5, 5, 0, 33, 33],
    [null, null, 2, null, null],
  ])('user %s, sys %s, %s CPUs, before %s: %s', (user, sys, vcpus, before, expected) => {
    expect(cpuPercent(user, sys, vcpus, before)).toBe(expected);
  });
});

describe('networkPercent', () => {
  const nic = (rxRate: number | null, txRate: number | null) => ({ rxRate, txRate });

  it.each([
    ['no nic', [], null],
    ['no rate known', [nic(null, null)], null],
    ['the busiest direction of the busiest nic', [nic(3, 40.9), nic(12, null)], 40],
    ['sending only (the original looks at receiving only)', [nic(0, 7)], 7],
    ['never more than 100', [nic(100, 250)], 100],
  ] as const)('%s', (_, nics, expected) => {
    expect(networkPercent(nics)).toBe(expected);
  });
});

describe('network use of a VM (§4.12)', () => {
  const nic = (rxRate: number | null, txRate: number | null) => ({
    ...{ vmId: 'v1', macAddr: 'aa', name: 'eth0', speedMbps: 1000, sampleTime: 1, rxRate, txRate },
    ...{ rxTotal: 0n, txTotal: 0n, rxOffset: 0n, txOffset: 0n, rxDrop: null, txDrop: null },
  });

  it.each([
    ['no nic', [], null],
    ['no rate known', [nic(null, null)], null],
    ['a nic that receives', [nic(3, 40.9)], 40],
    ['a nic that only sends: into the void', [nic(0, 40)], 0],
    ['a nic of which is known only what it sends', [nic(null, 40)], 0],
    ['a nic of which is known only that it receives nothing', [nic(0, null)], 0],
    ['a nic of which is known only what it receives', [nic(7, null)], 7],
    ['one that receives beside one that only sends', [nic(3, 5), nic(0, 90)], 5],
  ])('%s', (_, nics, expected) => {
    expect(vmNetworkPercent(nics)).toBe(expected);
  });

  it('keeps its value while no nics are reported', () => {
    const at = (rxBytes: bigint, sampleTime: number) => ({
      nics: [nicSample('eth0', { macAddr: 'aa', rxBytes, txBytes: 0n, sampleTime })],
    });
    // 1000 Mbps for 1 s are 125 MB.
    const { statistics } = usageAfter(vm(), at(0n, 0), at(25_000_000n, 1), {});
    expect(statistics.usageNetworkPercent).toBe(20);
  });
});

describe('figures', () => {
  it('are taken as reported', () => {
    const { statistics } = usageAfter(vm(), {
      ...{ cpuUser: 30, cpuSys: 10, vcpuCount: 2, elapsedSeconds: 99, memUsagePercent: 45 },
      memory: { buffered: 1, cached: 2, free: 3, unused: 4 },
      balloon: { current: 5, max: 6, min: 7, target: 8 },
      disksUsage: [{ path: '/', fs: 'xfs', total: '10', used: '5' }],
    });
    expect(statistics).toEqual({
      ...{ id: 'v1', cpuUser: 30, cpuSys: 10, elapsedSeconds: 99, usageCpuPercent: 20, usageMemPercent: 45 },
      ...{ guestMemBuffered: 1, guestMemCached: 2, guestMemFree: 3, guestMemUnused: 4, usageNetworkPercent: null },
      ...{ balloonCurrent: 5, balloonMax: 6, balloonMin: 7, balloonTarget: 8 },
      disksUsage: [{ path: '/', fs: 'xfs', total: '10', used: '5' }],
    });
  });

  it('keep their value when they are not reported', () => {
    const full = { cpuUser: 30, cpuSys: 10, vcpuCount: 2, memUsagePercent: 45, elapsedSeconds: 9 };
    expect(usageAfter(vm(), full, {}).statistics).toEqual(usageAfter(vm(), full).statistics);
  });

  it('count the CPUs of the inventory before those of the agent', () => {
    const busy = { cpuUser: 100, cpuSys: 0, vcpuCount: 1 };
    expect(usageAfter(vm('v1', 'Up', { static: { vcpus: 4 } }), busy).statistics.usageCpuPercent).toBe(25);
    expect(usageAfter(vm(), busy).statistics.usageCpuPercent).toBe(100);
  });

  it('have the migration’s progress only while it is reported (D16)', () => {
    expect(usageAfter(vm(), { migrationProgress: 40 }).migrationProgress).toBe(40);
    expect(usageAfter(vm(), { migrationProgress: 40 }, {}).migrationProgress).toBeNull();
  });
});

describe('nics', () => {
  const nic = (rxBytes: bigint, sampleTime: number, more = {}) =>
    nicSample('vnet0', { macAddr: 'aa', rxBytes, txBytes: 0n, sampleTime, ...more });

  it('have rates by MAC, from the second report on', () => {
    const { interfaces, statistics } = usageAfter(
      vm(),
      { nics: [nic(0n, 0)] },
      { nics: [nic(12_500_000n, 1, { name: 'vnet7' })] },
    );
    expect(interfaces).toMatchObject([{ vmId: 'v1', macAddr: 'aa', name: 'vnet7', rxRate: 10, txRate: 0 }]);
    expect(statistics.usageNetworkPercent).toBe(10);
  });

  it('have the speed of the inventory before the agent’s', () => {
    const slow = vm('v1', 'Up', { static: { nics: [{ mac: 'aa', name: null, profile: null, speedMbps: 100 }] } });
    const { interfaces } = usageAfter(slow, { nics: [nic(0n, 0)] }, { nics: [nic(12_500_000n, 1)] });
    expect(interfaces).toMatchObject([{ speedMbps: 100, rxRate: 100 }]);
    const unsaid = vm('v1', 'Up', { static: { nics: [{ mac: 'aa', name: null, profile: null, speedMbps: null }] } });
    expect(usageAfter(unsaid, { nics: [nic(0n, 0)] }).interfaces).toMatchObject([{ speedMbps: 1000 }]);
  });

  it('of one MAC twice in a report are one, the busier', () => {
    const twice = (a: bigint, b: bigint, at: number) => ({
      nics: [nic(a, at, { rxDropped: 1n, txDropped: null }), nic(b, at, { rxDropped: 5n, txDropped: 2n })],
    });
    const { interfaces } = usageAfter(vm(), twice(0n, 0n, 0), twice(25_000_000n, 12_500_000n, 1));
    expect(interfaces).toMatchObject([{ macAddr: 'aa', rxRate: 20, rxDrop: 5n, txDrop: 2n }]);
    expect(interfaces).toHaveLength(1);
  });

  it('without a MAC cannot be told apart, and are left out', () => {
    expect(usageAfter(vm(), { nics: [nic(0n, 0, { macAddr: null })] }).interfaces).toEqual([]);
  });

  it('stay when none are reported, and go when they are reported gone', () => {
    const measured = usageAfter(vm(), { nics: [nic(0n, 0)] });
    expect(nextVmUsage(vm(), measured, sample()).interfaces).toBe(measured.interfaces);
    const gone = nextVmUsage(vm(), measured, sample({ nics: [] }));
    expect([gone.interfaces, gone.statistics.usageNetworkPercent]).toEqual([[], null]);
  });
});

describe('disks', () => {
  const disk = (more: Partial<VmDiskSample>): VmDiskSample => ({
    ...{ device: 'vda', imageId: 'i1', lunGuid: null, readRate: 1.5, writeRate: 2, readOps: 3n, writeOps: 4n },
    ...{ readLatencyNs: 1, writeLatencyNs: 1_500_000_000, flushLatencyNs: null, trueSize: 2n ** 40n, ...more },
  });

  it('are kept by image, with latencies in seconds', () => {
    expect(usageAfter(vm(), { disks: [disk({})] }).disks).toEqual([
      {
        ...{ imageId: 'i1', vmId: 'v1', readRate: 1, writeRate: 2, readOps: 3n, writeOps: 4n, actualSize: 2n ** 40n },
        ...{ readLatencySeconds: 1e-9, writeLatencySeconds: 1.5, flushLatencySeconds: null },
      },
    ]);
  });

  it('without an image are left out', () => {
    const lun = disk({ imageId: null, lunGuid: 'l1' });
    expect(usageAfter(vm(), { disks: [lun, disk({})] }).disks.map(({ imageId }) => imageId)).toEqual(['i1']);
  });

  it.each([
    [1, 1e-9],
    [0, 0],
    [12_345_678_901, 12.345678901],
    [0.4, 0],
    [null, null],
  ])('a latency of %s ns is %s s', (ns, seconds) => {
    expect(latencySeconds(ns)).toBe(seconds);
  });
});

describe('nothing changed', () => {
  const full: Partial<VmStatisticsSample> = {
    ...{ cpuUser: 30, cpuSys: 10, vcpuCount: 2, migrationProgress: 5 },
    nics: [nicSample('a', { macAddr: 'aa', rxBytes: 1n, sampleTime: 1 }), nicSample('b', { macAddr: 'bb' })],
    disks: [],
  };

  it('is the same object', () => {
    const before = usageAfter(vm(), full);
    expect(nextVmUsage(vm(), before, sample(structuredClone(full)))).toBe(before);
    expect(nextVmUsage(vm(), before, sample({ migrationProgress: 5 }))).toBe(before);
  });

  it('in one part leaves the other parts and the other nics the same objects', () => {
    const before = usageAfter(vm(), full);
    const [a] = full.nics ?? [];
    const next = nextVmUsage(
      vm(),
      before,
      sample({ ...full, nics: [a!, nicSample('b', { macAddr: 'bb', rxBytes: 9n })] }),
    );
    expect(next).not.toBe(before);
    expect([next.disks, next.statistics, next.interfaces[0]]).toEqual([
      before.disks,
      before.statistics,
      before.interfaces[0],
    ]);
    expect(next.disks).toBe(before.disks);
    expect(next.statistics).toBe(before.statistics);
    expect(next.interfaces[0]).toBe(before.interfaces[0]);
    expect(next.interfaces[1]).not.toBe(before.interfaces[1]);
  });
});

describe('keepEqual', () => {
  const [a, b] = [{ n: 1 }, { n: 2 }];

  it('gives the old list when the contents are the same', () => {
    const old = [a, b];
    expect(keepEqual(old, [{ n: 1 }, { n: 2 }])).toBe(old);
  });

  it.each([
    ['longer', [{ n: 1 }, { n: 2 }, { n: 3 }]],
    ['shorter', [{ n: 1 }]],
    ['another', [{ n: 1 }, { n: 9 }]],
  ])('gives the new one, sharing what is equal: %s', (_, next) => {
    const result = keepEqual([a, b], next);
    expect(result).toEqual(next);
    expect(result[0]).toBe(a);
  });
});
