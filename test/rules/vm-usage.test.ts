import { describe, expect, it } from 'vitest';
import type { NicSample, Vm, VmDisk, VmNic, VmStatisticsSample } from '../../src/model/index.js';
import { nextVmUsage } from '../../src/rules/index.js';
import { vmNetworkPercent } from '../../src/rules/vm/statistics.js';
import { nicSample, sample, vm } from '../support/entities.js';

const nicOf = (mac: string, speedMbps: number | null = 1000): VmNic => ({ mac, name: null, profile: 'p', speedMbps });
const usageAfter = (one: Vm, ...samples: Partial<VmStatisticsSample>[]) => {
  let usage: ReturnType<typeof nextVmUsage> | undefined;
  for (const each of samples) usage = nextVmUsage(one, usage, sample(each));
  if (usage === undefined) throw new RangeError('no sample');
  return usage;
};

describe('nics that the inventory knows (§4.12)', () => {
  const known = vm('v1', 'Up', { static: { nics: [nicOf('AA', 100)] } });
  const said = (rxBytes: bigint, sampleTime: number, more: Partial<NicSample> = {}) => ({
    nics: [nicSample('vnet0', { macAddr: 'aa', rxBytes, txBytes: 0n, sampleTime, speedMbps: 10_000, ...more })],
  });

  it('have the speed that the manager gave them', () => {
    const { interfaces } = usageAfter(known, said(0n, 0), said(1_250_000n, 1));
    expect(interfaces).toMatchObject([{ speedMbps: 100, rxRate: 10 }]);
  });

  it('that are not reported have no total and no rate, and count on when they are reported again', () => {
    const silent = usageAfter(known, said(1000n, 0), said(3000n, 1), { nics: [] });
    expect(silent.interfaces).toMatchObject([
      { macAddr: 'aa', rxTotal: null, rxOffset: -1000n, rxRate: null, txRate: null, sampleTime: null },
    ]);
    expect(nextVmUsage(known, silent, sample({ nics: [] })).interfaces).toBe(silent.interfaces);
    expect(nextVmUsage(known, silent, sample(said(5000n, 3))).interfaces).toMatchObject([
      { rxTotal: 4000n, rxOffset: -1000n, rxRate: null, sampleTime: 3 },
    ]);
  });

  it('that the VM does not have any more are forgotten', () => {
    const measured = usageAfter(known, said(1000n, 0));
    expect(nextVmUsage(vm(), measured, sample({ nics: [] })).interfaces).toEqual([]);
  });
});

describe('network usage of a VM', () => {
  const rates = (...nics: [number | null, number | null][]) =>
    vmNetworkPercent(
      nics.map(([rxRate, txRate]) => ({ rxRate, txRate }) as Parameters<typeof vmNetworkPercent>[0][number]),
    );

  it.each([
    ['the busiest direction of the busiest nic', rates([3, 40.9], [12, null]), 40],
    ['nics that receive nothing do not count, as with oVirt', rates([0, 70], [5, 1]), 5],
    ['none receives', rates([0, 70]), 0],
    ['at most 100', rates([100, 250]), 100],
    ['not known', rates([null, null]), null],
    ['no nics', rates(), null],
  ])('%s', (_, percent, expected) => {
    expect(percent).toBe(expected);
  });
});

describe('disks of a VM', () => {
  const disk = (imageId: string | null, lunGuid: string | null = null) => ({
    ...{ device: 'sda', imageId, lunGuid, readRate: 2.9, writeRate: null, readOps: 1n, writeOps: 1n, trueSize: 1n },
    ...{ readLatencyNs: 999_999_999e9, writeLatencyNs: 0, flushLatencyNs: null },
  });
  const imagesOf = (disks: readonly VmDisk[] | null) =>
    usageAfter(vm('v1', 'Up', { static: { disks } }), { disks: [disk('i1'), disk('i2'), disk(null, 'l1')] }).disks;

  it('are those that are plugged, where the inventory knows', () => {
    expect(imagesOf([{ imageId: 'i2', lunId: null, alias: null }]).map(({ imageId }) => imageId)).toEqual(['i2']);
    expect(imagesOf([])).toEqual([]);
    expect(imagesOf(null).map(({ imageId }) => imageId)).toEqual(['i1', 'i2']);
  });

  it('have whole bytes per second, and latencies in seconds', () => {
    expect(imagesOf(null)[0]).toMatchObject({
      ...{ readRate: 2, writeRate: null },
      ...{ readLatencySeconds: 999_999_999, writeLatencySeconds: 0, flushLatencySeconds: null },
    });
  });
});
