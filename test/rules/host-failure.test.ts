import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  defaultSettings,
  initialRow,
  notMonitored,
  type SpmStatus,
  type VdsStatus,
  type VdsUsage,
  vdsStatisticsFields,
  vdsStatusIds,
} from '../../src/model/index.js';
import { decideHost, failureTransitions, graceSeconds } from '../../src/rules/index.js';
import { host, vm } from '../support/entities.js';
import { failure, type HostCaseMore, NOW } from '../support/host-case.js';
import { expectHostRow, frozenCase, type HostRow, hostSummaryOf } from '../support/host-verdict.js';

/** So many failed attempts before this one, and the last answer so many seconds ago. */
const silent = (attempts: number, seconds: number, more: HostCaseMore = {}): HostCaseMore => ({
  ...more,
  liveness: { attempts, lastAnswerAt: NOW - seconds * 1000, ...more.liveness },
});

describe('graceSeconds (§3.2)', () => {
  it.each<[vms: number, SpmStatus, seconds: number]>([
    [0, 'None', 60],
    [1, 'None', 60],
    [2, 'None', 61],
    [5, 'None', 62],
    [0, 'Contending', 80],
    [10, 'SPM', 85],
    [100, 'None', 110],
  ])('%i VMs, SPM %s: %i s', (vms, spm, seconds) => {
    expect(graceSeconds(defaultSettings.grace, vms, spm)).toBe(seconds);
  });

  it('takes its numbers from the settings, and is whole', () => {
    expect(graceSeconds({ attempts: 9, seconds: 10.9, perVmSeconds: 0.3, spmSeconds: 7 }, 3, 'None')).toBe(11);
    expect(graceSeconds({ attempts: 9, seconds: 10, perVmSeconds: 0, spmSeconds: 7 }, 1000, 'SPM')).toBe(17);
  });
});

describe('a failed attempt, status by status (§3.2)', () => {
  const pm = { static: { pmEnabled: true } } as const;
  const connecting = { rule: 'host.failure.connecting', to: 'Connecting' } as const;
  const waits = { rule: 'host.failure.in-grace', to: 'same' } as const;
  const lost = {
    ...{ rule: 'host.lost', to: 'NonResponsive', signals: ['fencingTreatment'], intents: ['fence'] },
    events: ['VDS_FAILURE Error=connection refused'],
  } as const;

  const rows: HostRow[] = [
    ...(['Up', 'Unassigned', 'NonOperational', 'Error', 'Initializing'] as const).map(
      (status): HostRow => ({
        title: `in grace, ${status}: contact is looked for`,
        host: host('h1', status),
        more: silent(0, 3),
        ...connecting,
        events: ['VDS_HOST_NOT_RESPONDING Seconds=60'],
      }),
    ),
    {
      title: 'in grace, with power management and VMs',
      host: host('h1', 'Up', { ...pm, vmCount: 10 }),
      more: silent(0, 3),
      ...connecting,
      events: ['VDS_HOST_NOT_RESPONDING_CONNECTING Seconds=65'],
    },
    ...(['Connecting', 'PreparingForMaintenance', 'NonResponsive'] as const).map(
      (status): HostRow => ({
        title: `in grace, ${status}: counted`,
        host: host('h1', status),
        more: silent(1, 10),
        ...waits,
      }),
    ),
    ...(['Connecting', 'Up', 'Unassigned', 'PreparingForMaintenance', 'NonOperational'] as const).map(
      (status): HostRow => ({
        title: `out of grace, ${status}: lost`,
        host: host('h1', status, { nonOperationalReason: 'NONE' }),
        more: silent(2, 61),
        ...lost,
      }),
    ),
    {
      title: 'out of grace, lost already',
      host: host('h1', 'NonResponsive'),
      more: silent(9, 500),
      rule: 'host.failure.still-lost',
      to: 'same',
    },
    {
      title: 'while the manager has it rebooted: not even counted',
      host: host('h1', 'Connecting'),
      more: silent(9, 500, { liveness: { rebootUntil: NOW + 1 } }),
      rule: 'host.failure.rebooting',
      to: 'same',
    },
    {
      title: 'after the time for the reboot',
      host: host('h1', 'Connecting'),
      more: silent(9, 500, { liveness: { rebootUntil: NOW } }),
      ...lost,
    },
  ];

  it.each(rows.map((row): [string, HostRow] => [row.title, row]))('%s', (_, row) => {
    expectHostRow(row, failure());
  });

  it.each([...notMonitored])('D2, D21: %s never changes by a failure, and writes nothing', (status) => {
    for (const more of [silent(0, 3), silent(9, 5000)]) {
      expectHostRow(
        { title: status, host: host('h1', status), more, rule: 'host.failure.not-monitored', to: 'same' },
        failure(),
      );
    }
  });

  it('says when the name is to blame', () => {
    const verdict = decideHost(frozenCase(host('h1', 'Connecting'), silent(2, 61)), failure('AGENT_UNKNOWN_HOST'));
    expect(verdict.draft.events.map(({ name }) => name)).toEqual(['VDS_UNKNOWN_HOST']);
  });
});

describe('the edge of the grace period', () => {
  const outcome = (
    attempts: number,
    silentMs: number,
    vmCount = 0,
    spm: SpmStatus = 'None',
    more: HostCaseMore = {},
  ): string => {
    const vds = host('h1', 'Connecting', { vmCount, static: { spmStatus: spm } });
    const c = frozenCase(vds, { ...more, liveness: { attempts, lastAnswerAt: NOW - silentMs } });
    return hostSummaryOf(decideHost(c, failure()), vds).to;
  };

  it.each([
    ['time is over, but this is only the 2nd attempt', 1, 3_600_000, 'same'],
    ['… the 3rd attempt', 2, 3_600_000, 'NonResponsive'],
    ['many attempts, exactly at the limit', 99, 60_000, 'same'],
    ['… 1 ms after it', 99, 60_001, 'NonResponsive'],
    ['both at their limit', 1, 60_000, 'same'],
    ['the answer lies in the future (the clock was set back)', 99, -5000, 'same'],
  ])('%s: %i attempts before', (_, attempts, silentMs, expected) => {
    expect(outcome(attempts, silentMs)).toBe(expected);
  });

  it('is later with VMs and for the storage pool manager', () => {
    // 60 + 20 + 0.5 × 11 = 85.5, cut to 85.
    expect([outcome(5, 85_000, 11, 'SPM'), outcome(5, 85_001, 11, 'SPM')]).toEqual(['same', 'NonResponsive']);
  });

  it('follows the host’s own settings', () => {
    const settings = { ...defaultSettings, grace: { ...defaultSettings.grace, attempts: 5, seconds: 1 } };
    expect(outcome(4, 10_000, 0, 'None', { settings })).toBe('same');
    expect(outcome(5, 10_000, 0, 'None', { settings })).toBe('NonResponsive');
  });

  it('never loses a host before both attempts and time are used up, and always after', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 10 }),
        fc.nat({ max: 200_000 }),
        fc.nat({ max: 100 }),
        (attempts, silentMs, vmCount) => {
          const used = attempts + 1 > 2 && silentMs > Math.trunc(60 + 0.5 * vmCount) * 1000;
          expect(outcome(attempts, silentMs, vmCount)).toBe(used ? 'NonResponsive' : 'same');
        },
      ),
    );
  });
});

describe('what a failure does beside the status', () => {
  const judge = (status: VdsStatus, more: HostCaseMore) =>
    decideHost(frozenCase(host('h1', status), more), failure()).draft;

  it('counts, and makes a contact that was about to succeed begin anew', () => {
    const { liveness } = judge('Connecting', silent(1, 10, { liveness: { readyForUp: true } }));
    expect(liveness).toMatchObject({ attempts: 2, readyForUp: false, lastAnswerAt: NOW - 10_000 });
    expect(judge('Maintenance', silent(1, 10)).liveness.attempts).toBe(1);
  });

  it('makes the usage of a lost host nothing (§2.8)', () => {
    const usage: VdsUsage = {
      ...{ interfaces: [], numaNodes: [] },
      statistics: { ...initialRow(vdsStatisticsFields), id: 'h1', cpuUser: 30, usageCpuPercent: 30, memFree: 512 },
    };
    const { statistics } = judge('Connecting', silent(2, 61, { usage })).usage ?? usage;
    expect(statistics).toMatchObject({
      ...{ cpuUser: 0, cpuSys: 0, cpuIdle: 0, cpuLoad: 0, memFree: 512 },
      ...{ usageCpuPercent: 0, usageMemPercent: 0, usageNetworkPercent: 0 },
    });
    expect(judge('Up', silent(0, 3, { usage })).usage).toEqual(usage);
  });

  it('makes the VMs of a lost host unknown, not down, and says when the status changed', () => {
    expect(judge('Connecting', silent(2, 61)).vmsBecome).toBe('unknown');
    expect(judge('Connecting', silent(1, 61)).vmsBecome).toBeUndefined();
    expect(judge('Connecting', silent(2, 61)).dynamic).toMatchObject({
      previousStatus: 'Connecting',
      statusSince: NOW,
    });
  });

  it('judges every status in every situation by exactly one row', () => {
    const problems: string[] = [];
    for (const status of Object.keys(vdsStatusIds) as VdsStatus[])
      for (const attempts of [0, 1, 2])
        for (const seconds of [3, 61])
          for (const rebootUntil of [null, NOW + 1]) {
            const more = silent(attempts, seconds, { liveness: { rebootUntil } });
            const { error } = failure() as Extract<ReturnType<typeof failure>, { kind: 'failure' }>;
            const c = { ...frozenCase(host('h1', status), more), error };
            const rows = failureTransitions.filter((row) => row.when(c)).map((row) => row.name);
            if (rows.length !== 1) problems.push(`${status} ${attempts} ${seconds}: ${rows.join(' and ')}`);
          }
    expect(problems).toEqual([]);
  });
});

it('without VMs no failure counts for leases', () => {
  const more = silent(9, 900, { liveness: { leaseCounter: -4 } });
  expect(decideHost(frozenCase(host('h1', 'NonResponsive'), more), failure()).draft.liveness.leaseCounter).toBe(-4);
});

it('a try on a lease says how important the VM is, and which try it is', () => {
  const vms = [vm('v1', 'Unknown', { static: { lease: true, priority: 7 } })];
  const more = silent(9, 900, { liveness: { leaseCounter: 100 }, vms });
  expect(decideHost(frozenCase(host('h1', 'NonResponsive'), more), failure()).draft.intents).toEqual([
    { intent: 'restartOnLease', vmId: 'v1', hostId: 'h1', round: 2, evidence: { priority: 7, attempt: 2 } },
  ]);
});

describe('VMs with leases (§3.5)', () => {
  const vms = [
    vm('low', 'Unknown', { static: { lease: true, priority: 1 } }),
    vm('none', 'Unknown', { static: { lease: false, priority: 99 } }),
    vm('high', 'Unknown', { static: { lease: true, priority: 50 } }),
  ];

  /** At which failures out of grace which VMs are to be started elsewhere; the first failure loses the host. */
  function tries(failures: number): [number, string[]][] {
    const found: [number, string[]][] = [];
    let c = frozenCase(host('h1', 'Connecting'), silent(2, 61, { vms }));
    for (let n = 1; n <= failures; n++) {
      const { draft } = decideHost(c, failure());
      const started = draft.intents.filter(({ intent }) => intent === 'restartOnLease').map(({ vmId }) => vmId ?? '');
      if (started.length > 0) found.push([n, started]);
      c = { ...c, host: { ...c.host, dynamic: draft.dynamic }, liveness: draft.liveness };
    }
    return found;
  }

  it('are tried elsewhere at the 10th failure and every 101st after it, the most important first', () => {
    expect(tries(220)).toEqual([
      [10, ['high', 'low']],
      [111, ['high', 'low']],
      [212, ['high', 'low']],
    ]);
  });

  it('are tried with another round each time, so that each is advice of its own', () => {
    const c = frozenCase(host('h1', 'NonResponsive'), silent(9, 500, { vms, liveness: { leaseCounter: 100 } }));
    const { draft } = decideHost(c, failure());
    expect(draft.intents.map(({ vmId, round }) => [vmId, round])).toEqual([
      ['high', 2],
      ['low', 2],
    ]);
  });
});
