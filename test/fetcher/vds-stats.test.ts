import { describe, expect, it } from 'vitest';
import { agentTimeText, parseAgentTime } from '../../src/fetcher/decode/agent-time.js';
import { decodeVdsStats } from '../../src/fetcher/decode/vds-stats.js';
import { vdsDynamicFields, vdsStatisticsFields } from '../../src/model/index.js';
import { fixture } from './support/fixtures.js';
import { misfits } from './support/storable.js';

describe.each(['Host.getStats', 'captured/Host.getStats'])('%s', (name) => {
  it('is read without a problem, every field in the type of its column', () => {
    const report = decodeVdsStats(fixture(name));
    expect(report.problems).toEqual([]);
    expect(misfits(vdsDynamicFields, report.dynamic)).toEqual([]);
    expect(misfits(vdsStatisticsFields, report.statistics)).toEqual([]);
    // All but what is computed later.
    const computed = ['id', 'usageMemPercent', 'usageNetworkPercent'];
    const optional = name.startsWith('captured') ? ['memShared', 'ksmCpuPercent', 'ksmPages', 'ksmState'] : [];
    const missing = Object.keys(vdsStatisticsFields).filter((field) => !(field in report.statistics));
    expect(missing.sort()).toEqual([...computed, ...optional].sort());
  });
});

it('statistics of a host: every field of §8.1', () => {
  const report = decodeVdsStats(fixture('Host.getStats'));
  expect(report.dynamic).toEqual({
    vmCount: 4,
    vmActive: 1,
    vmMigrating: 1,
    incomingMigrations: 0,
    outgoingMigrations: 1,
    netConfigDirty: false,
    transparentHugepagesState: 'always',
  });
  expect(report.statistics).toMatchObject({
    cpuUser: 11.42,
    cpuSys: 3.08,
    cpuIdle: 85.5,
    cpuLoad: 237,
    usageCpuPercent: 14,
    memFree: 50_688,
    memShared: 812,
    swapFree: 16_120,
    swapTotal: 16_383,
    ksmCpuPercent: 1,
    ksmPages: 100,
    ksmState: true,
    anonymousHugepages: 18_432,
    hugepages: { 2048: { nr: 0, free: 0 }, 1048576: { nr: 8, free: 4 } },
    bootTime: 1_794_000_000_000,
    haScore: 3400,
    haConfigured: true,
    haActive: true,
    haGlobalMaintenance: false,
    haLocalMaintenance: false,
  });
  expect(
    report.nics.map((nic) => [nic.name, nic.status, nic.speedMbps, nic.rxBytes, nic.txBytes, nic.rxDropped]),
  ).toEqual([
    ['eno1', 'UP', 10_000, 918_273_645_512, 123_456_789_012, 14],
    ['eno2', 'DOWN', 1000, 0, 0, 0],
    ['ovirtmgmt', 'UP', 10_000, 918_000_000_000, 123_400_000_000, 2],
    ['eno1.100', 'UP', 10_000, 4_294_967_296_123, 8_589_934_592_456, 0],
  ]);
  expect(report.nics[0]?.sampleTime).toBe(1_795_207_151.69962);
  expect(report.numaNodes).toEqual([
    {
      index: 0,
      memFree: 35_810,
      usageMemPercent: 72,
      cpuUser: 11.17,
      cpuSys: 3.04,
      cpuIdle: 85.8,
      usageCpuPercent: 14,
      hugepages: { 4: 9_167_360, 2048: 0, 1048576: 2 },
    },
    expect.objectContaining({ index: 1, cpuUser: 11.67, cpuSys: 3.13, memFree: 51_200 }),
  ]);
  expect(report.agentTime).toBe(Date.UTC(2026, 10, 20, 20, 39, 11));
  expect(report.storageDomains).toMatchObject({
    '5d5b1d0e-7a11-4c3c-9a6c-0f0f0f0f0f01': {
      code: 0,
      lastCheckSeconds: 4.2,
      delaySeconds: 0.000381,
      valid: true,
      actual: true,
      acquired: true,
    },
    '5d5b1d0e-7a11-4c3c-9a6c-0f0f0f0f0f02': { code: 358, valid: false, acquired: false },
  });
  expect(report.diskFreeMb).toEqual({ '/var/log': 9120, '/var/run/vdsm/': 96_512, '/tmp': 30_211 });
  expect(report.multipath).toEqual({ '360014054e75cb132d474c0eae9825766': 1 });
  expect(report.statistics.multipathHealth).toBe(report.multipath);
});

describe('statistics of a host: what is missing or odd', () => {
  it('nothing reported, nothing said', () => {
    expect(decodeVdsStats({})).toEqual({
      dynamic: {},
      statistics: {},
      nics: [],
      numaNodes: [],
      agentTime: null,
      storageDomains: null,
      diskFreeMb: null,
      multipath: null,
      problems: [],
    });
  });

  it('MOM down: its five fields are absent', () => {
    expect(decodeVdsStats(fixture('captured/Host.getStats')).statistics).not.toHaveProperty('ksmState');
  });

  it.each([
    [
      { storageDomains: { a: {} } },
      {
        storageDomains: {
          a: { code: null, lastCheckSeconds: null, delaySeconds: null, valid: false, actual: true, acquired: false },
        },
      },
    ],
    [{ diskStats: { '/': {} } }, { diskFreeMb: { '/': null } }],
    [{ diskStats: { '/': { free: '12.9' } } }, { diskFreeMb: { '/': 12 } }],
    [{ multipathHealth: {} }, { multipath: {} }],
    [{ haScore: 2400 }, { statistics: { haScore: 2400, haConfigured: true, haActive: true } }],
    [{ haScore: 0 }, { statistics: { haScore: 0, haConfigured: true, haActive: false } }],
    [{ cpuUser: '99.6', cpuSys: '99.6' }, { statistics: { cpuUser: 99.6, cpuSys: 99.6, usageCpuPercent: 199 } }],
    [{ cpuLoad: '0.07' }, { statistics: { cpuLoad: 7 } }],
    [{ dateTime: '2024-02-29T23:59:59 GMT' }, { agentTime: Date.UTC(2024, 1, 29, 23, 59, 59) }],
    [
      { network: { e: { state: 'UP' }, f: { state: 'degraded' }, g: {} } },
      { nics: [{ status: 'UP' }, { status: 'DOWN' }, { status: 'NONE' }] },
    ],
    [
      { cpuStatistics: { 0: { nodeIndex: '3', cpuUser: '10', cpuSys: '1', cpuIdle: '89' } } },
      { numaNodes: [{ index: 3, memFree: null, cpuUser: 10, usageCpuPercent: 11, hugepages: null }] },
    ],
  ])('%j', (stats, expected) => {
    expect(decodeVdsStats(stats)).toMatchObject(expected);
    expect(decodeVdsStats(stats).problems).toEqual([]);
  });

  it('a multipath part that cannot be read is not "all paths are well"', () => {
    const report = decodeVdsStats({ multipathHealth: { a: { valid_paths: 'two' }, b: 4 } });
    expect(report.multipath).toBeNull();
    expect(report.problems).not.toEqual([]);
    expect(decodeVdsStats({ multipathHealth: { a: { valid_paths: 'two' }, b: { valid_paths: 0 } } }).multipath).toEqual(
      { b: 0 },
    );
  });

  it('one bad part leaves the others alone', () => {
    const stats = { ...fixture('Host.getStats'), network: [], hugepages: 'x', dateTime: 'yesterday', memFree: {} };
    const report = decodeVdsStats(stats);
    expect(report.problems.map((p) => p.path).sort()).toEqual(['dateTime', 'hugepages', 'memFree', 'network']);
    expect(report.statistics.cpuUser).toBe(11.42);
  });
});

it('the agent’s time', () => {
  expect(parseAgentTime('2026-11-20T20:39:11 GMT')).toBe(Date.UTC(2026, 10, 20, 20, 39, 11));
  for (const bad of ['', '2026-13-01T00:00:00 GMT', '2026-11-20', '20:39:11', '2026-11-20T25:00:00 GMT']) {
    expect(parseAgentTime(bad), bad).toBeUndefined();
  }
  expect(agentTimeText(Date.UTC(2026, 0, 2, 3, 4, 5) + 999)).toBe('2026-01-02T03:04:05 GMT');
});
