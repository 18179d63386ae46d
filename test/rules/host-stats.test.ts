import { describe, expect, it } from 'vitest';
import { type VdsStatsReport, type VdsStatus, type Vm, vdsStatusIds } from '../../src/model/index.js';
import { decideHost, type HostVerdict } from '../../src/rules/index.js';
import { host, hostStats, nicSample, vm } from '../support/entities.js';
import { cluster, type HostCaseMore, hostCase, NOW, nic, paramsOf, summaryOf, usageOf } from '../support/host-case.js';

type Report = Partial<VdsStatsReport>;

function judge(report: Report, more: HostCaseMore = {}, h = host('h1', 'Up', { physicalMemMb: 100_000 })): HostVerdict {
  return decideHost(hostCase(h, more), { kind: 'statistics', report: hostStats(report) });
}
const thresholds = (of: object): HostCaseMore => ({
  general: { thresholds: { ...hostCase(host()).general.thresholds, ...of } },
});

describe('figures of an answer (§8.1)', () => {
  it('takes -1 for migrations and 0 for VMs that are not reported', () => {
    const { draft } = judge({}, {}, host('h1', 'Up', { vmCount: 9, vmActive: 9, incomingMigrations: 3 }));
    expect(draft.dynamic).toMatchObject({ incomingMigrations: -1, outgoingMigrations: -1, vmCount: 0, vmActive: 0 });
  });

  it('is not judged on a host that somebody else works on', () => {
    const { draft } = judge(
      { multipath: {}, statistics: { swapFree: 1, swapTotal: 9 } },
      {},
      host('h1', 'Maintenance'),
    );
    expect(draft.events).toEqual([]);
  });
});

describe('time drift', () => {
  it.each([
    [300, []],
    [301, ['VDS_TIME_DRIFT_ALERT']],
    [-301, ['VDS_TIME_DRIFT_ALERT']],
  ])('%i s', (seconds, events) => {
    const verdict = judge({ agentTime: NOW + seconds * 1000 });
    expect(summaryOf(verdict).events).toEqual(events);
    if (events.length > 0)
      expect(paramsOf(verdict, 'VDS_TIME_DRIFT_ALERT')).toMatchObject({ Actual: '301', Max: '300' });
  });

  it('is off at 0, and where the agent does not say its time', () => {
    expect(summaryOf(judge({ agentTime: 0 }, thresholds({ timeDriftSeconds: 0 }))).events).toEqual([]);
    expect(summaryOf(judge({ agentTime: null })).events).toEqual([]);
  });
});

describe('multipath', () => {
  /** Events of successive answers. */
  function events(...reports: readonly (Record<string, number> | null)[]): string[] {
    let c = hostCase(host());
    const found: string[] = [];
    for (const multipath of reports) {
      const verdict = decideHost(c, {
        kind: 'statistics',
        report: hostStats({ multipath, statistics: multipath === null ? {} : { multipathHealth: multipath } }),
      });
      found.push(...summaryOf(verdict).events);
      c = { ...c, usage: verdict.draft.usage };
    }
    return found;
  }

  it.each<[string, readonly (Record<string, number> | null)[], string[]]>([
    ['empty', [{}], ['NO_FAULTY_MULTIPATHS_ON_HOST']],
    ['no such part', [null], []],
    ['faulty', [{ g1: 1 }], ['FAULTY_MULTIPATHS_ON_HOST']],
    ['dead', [{ g1: 0 }], ['MULTIPATH_DEVICES_WITHOUT_VALID_PATHS_ON_HOST']],
    ['both', [{ g1: 1, g2: 0 }], ['MULTIPATH_DEVICES_WITHOUT_VALID_PATHS_ON_HOST', 'FAULTY_MULTIPATHS_ON_HOST']],
    ['the same twice', [{ g1: 1 }, { g1: 1 }], ['FAULTY_MULTIPATHS_ON_HOST']],
    ['the same after an answer without it', [{ g1: 1 }, null, { g1: 1 }], ['FAULTY_MULTIPATHS_ON_HOST']],
    ['healed', [{ g1: 1 }, {}], ['FAULTY_MULTIPATHS_ON_HOST', 'NO_FAULTY_MULTIPATHS_ON_HOST']],
    ['another number', [{ g1: 2 }, { g1: 1 }], ['FAULTY_MULTIPATHS_ON_HOST', 'FAULTY_MULTIPATHS_ON_HOST']],
  ])('%s', (_, reports, expected) => {
    expect(events(...reports)).toEqual(expected);
  });

  it('names the devices', () => {
    expect(paramsOf(judge({ multipath: { g1: 0, g2: 0 } }), 'MULTIPATH_DEVICES_WITHOUT_VALID_PATHS_ON_HOST')).toEqual({
      MpathGuids: 'g1, g2',
    });
  });
});

describe('disk space (D5)', () => {
  it.each<[string, Record<string, number | null>, string[]]>([
    ['enough', { '/var': 1001 }, []],
    ['low', { '/var': 1000 }, ['VDS_LOW_DISK_SPACE']],
    ['critical', { '/var': 500 }, ['VDS_LOW_DISK_SPACE_ERROR']],
    ['one of each', { '/var': 100, '/tmp': 900 }, ['VDS_LOW_DISK_SPACE', 'VDS_LOW_DISK_SPACE_ERROR']],
    ['not known', { '/var': null }, []],
  ])('%s', (_, diskFreeMb, expected) => {
    expect(summaryOf(judge({ diskFreeMb })).events).toEqual(expected);
  });

  it('names paths and limit', () => {
    const verdict = judge({ diskFreeMb: { '/var': 100, '/var/log': 90, '/tmp': 600 } });
    expect(paramsOf(verdict, 'VDS_LOW_DISK_SPACE_ERROR')).toEqual({
      DiskSpace: '500',
      Threshold: '500',
      Disks: '/var, /var/log',
    });
    expect(paramsOf(verdict, 'VDS_LOW_DISK_SPACE')).toMatchObject({ DiskSpace: '1000', Disks: '/tmp' });
  });
});

describe('thresholds (§5.1)', () => {
  const c95 = { cluster: cluster({ memThreshold: 95 }) };

  it.each<[string, Report['statistics'], HostCaseMore, string, Record<string, string> | undefined]>([
    ['memory 95 %', { memFree: 5000, hugepages: {} }, c95, 'VDS_HIGH_MEM_USE', undefined],
    [
      'memory 96 %',
      { memFree: 4000, hugepages: {} },
      c95,
      'VDS_HIGH_MEM_USE',
      { UsedMemory: '96', Threshold: '95', Cluster: 'C1', HostName: 'h1' },
    ],
    ['memory without word of huge pages', { memFree: 4000 }, c95, 'VDS_HIGH_MEM_USE', { UsedMemory: '96' }],
    [
      'what huge pages take is left out',
      { memFree: 4000, hugepages: { 1048576: { nr: 40, free: 0 } } },
      c95,
      'VDS_HIGH_MEM_USE',
      undefined,
    ],
    [
      'our own threshold where the cluster has none',
      { memFree: 15_000 },
      { cluster: cluster(), ...thresholds({ memoryPercent: 80 }) },
      'VDS_HIGH_MEM_USE',
      { UsedMemory: '85', Threshold: '80' },
    ],
    [
      'free memory, absolute',
      { memFree: 2047 },
      { cluster: cluster({ memThreshold: 2048, memThresholdType: 'ABSOLUTE' }) },
      'VDS_LOW_MEM',
      { AvailableMemory: '2047', Threshold: '2048' },
    ],
    [
      'free memory, enough',
      { memFree: 2048 },
      { cluster: cluster({ memThreshold: 2048, memThresholdType: 'ABSOLUTE' }) },
      'VDS_LOW_MEM',
      undefined,
    ],
    [
      'absolute means no percentage',
      { memFree: 3000 },
      { cluster: cluster({ memThreshold: 2048, memThresholdType: 'ABSOLUTE' }) },
      'VDS_HIGH_MEM_USE',
      undefined,
    ],
    ['CPU 95', { cpuUser: 90, cpuSys: 5.9 }, {}, 'VDS_HIGH_CPU_USE', undefined],
    ['CPU 96', { cpuUser: 90.5, cpuSys: 5.5 }, {}, 'VDS_HIGH_CPU_USE', { UsedCpu: '96', Threshold: '95' }],
    ['swap free 1004', { swapTotal: 8000, swapFree: 1004 }, {}, 'VDS_LOW_SWAP', undefined],
    [
      'swap free 1003',
      { swapTotal: 8000, swapFree: 1003 },
      {},
      'VDS_LOW_SWAP',
      { AvailableMemory: '1003', Threshold: '1004' },
    ],
    ['no swap', { swapTotal: 0, swapFree: 0 }, {}, 'VDS_LOW_SWAP', undefined],
    ['swap used 95 %', { swapTotal: 100_000, swapFree: 5000 }, {}, 'VDS_HIGH_SWAP_USE', undefined],
    [
      'swap used 96 % (D4)',
      { swapTotal: 100_000, swapFree: 4000 },
      {},
      'VDS_HIGH_SWAP_USE',
      { UsedMemory: '96', Threshold: '95' },
    ],
  ])('%s', (_, statistics, more, event, params) => {
    const verdict = judge({ statistics: statistics ?? {} }, more);
    if (params === undefined) expect(summaryOf(verdict).events).not.toContain(event);
    else expect(paramsOf(verdict, event)).toMatchObject(params);
  });

  it('is off where its figure is not reported, though an old one is known', () => {
    const old = { usage: usageOf({}, { usageCpuPercent: 99, memFree: 1 }) };
    expect(summaryOf(judge({}, old)).events).toEqual([]);
    expect(
      summaryOf(judge({ statistics: { memFree: 1 } }, {}, host('h1', 'Up', { physicalMemMb: null }))).events,
    ).toEqual([]);
  });

  /** 1000 Mbps for 15 s are 1.875e9 bytes. */
  function traffic(percent: number, name = 'eth0'): Report {
    const bytes = BigInt(Math.round(1.875e9 * percent) / 100);
    return { nics: [nicSample(name, { rxBytes: bytes, txBytes: 0n, sampleTime: 15 })] };
  }
  const began = (name = 'eth0'): HostCaseMore => ({
    usage: {
      ...usageOf({}),
      interfaces: usageOf({ [name]: 'UP' }).interfaces.map((each) => ({
        ...each,
        rxTotal: 0n,
        rxOffset: 0n,
        txTotal: 0n,
        txOffset: 0n,
        sampleTime: 0,
      })),
    },
  });

  it('tells of each nic by itself', () => {
    const verdict = judge(traffic(96), began());
    expect(verdict.draft.events).toEqual([
      {
        name: 'HOST_INTERFACE_HIGH_NETWORK_USE',
        params: {
          HostName: 'h1',
          Cluster: 'c1',
          InterfaceName: 'eth0',
          TransmitRate: '0',
          ReceiveRate: '96',
          Threshold: '95',
        },
        customId: 'eth0',
      },
    ]);
    expect(judge(traffic(95), began()).draft.events).toEqual([]);
  });

  it('leaves bridges out once the nics of the host are known', () => {
    const h = host('h1', 'Up', { interfaces: [nic('eth0')] });
    expect(judge(traffic(99, 'br0'), began('br0'), h).draft.events).toEqual([]);
    expect(judge(traffic(99), began(), h).draft.events).toHaveLength(1);
  });
});

describe('committed memory and CPUs (§2.7)', () => {
  const sized = (id: string, status: Vm['dynamic']['status'], memoryMb: number | null, vcpus: number | null): Vm =>
    vm(id, status, { static: { memoryMb, vcpus, overheadMb: 100 } });

  it('adds up what VMs of the last report may claim', () => {
    const vms = [
      sized('a', 'Up', 1000, 2),
      sized('b', 'Paused', 500, 1),
      sized('c', 'WaitForLaunch', 9999, 9),
      sized('d', 'Down', 9999, 9),
      sized('e', 'Up', 9999, 9),
      sized('f', 'Up', null, null),
    ];
    const { draft } = judge({}, { vms, isMissing: (id) => id === 'e' }, host('h1', 'Up', { guestOverhead: 65 }));
    expect(draft.dynamic).toMatchObject({ memCommited: 65 + 1100 + 600 + 100, vmsCoresCount: 3 });
  });

  it('writes nothing for equal sums', () => {
    const known = host('h1', 'Up', {
      guestOverhead: 65,
      memCommited: 1165,
      vmsCoresCount: 2,
      incomingMigrations: -1,
      outgoingMigrations: -1,
    });
    expect(judge({}, { vms: [sized('a', 'Up', 1000, 2)] }, known).changes).toEqual([]);
    expect(judge({}, { vms: [] }, known).changes.map((change) => change.path)).toEqual([
      'vmsCoresCount',
      'memCommited',
    ]);
  });
});

it('meets exactly one transition row in every status', async () => {
  const { statsTransitions } = await import('../../src/rules/index.js');
  const { statsCase } = await import('../../src/rules/host/statistics.js');
  const problems: string[] = [];
  for (const status of Object.keys(vdsStatusIds) as VdsStatus[])
    for (const readyForUp of [true, false])
      for (const vmCount of [0, 1])
        for (const nicsDownSince of [null, 0])
          for (const maintenanceRetryAt of [null, NOW + 1]) {
            const h = host('h1', status, { interfaces: [nic('eth0', { network: 'req' })] });
            const c = statsCase(
              hostCase(h, {
                liveness: { readyForUp, nicsDownSince, maintenanceRetryAt },
                networks: [
                  {
                    clusterId: 'c1',
                    name: 'req',
                    required: true,
                    vmNetwork: false,
                    display: false,
                    status: 'OPERATIONAL',
                  },
                ],
              }),
              hostStats({ dynamic: { vmCount }, nics: [nicSample('eth0', { status: 'DOWN' })] }),
            );
            const names = statsTransitions.filter((row) => row.when(c)).map((row) => row.name);
            if (names.length !== 1) problems.push(`${status}: ${names.join(' and ')}`);
          }
  expect(problems).toEqual([]);
});
