import { describe, expect, it } from 'vitest';
import type { Graphics, VmDynamic, VmJob } from '../../src/model/index.js';
import { nextJobs } from '../../src/rules/index.js';
import { copyReported, stamped, withStatus } from '../../src/rules/vm/state.js';
import { deepFreeze } from '../support/deep-freeze.js';
import { polled, pushed, vm } from '../support/entities.js';

const NOW = 5000;
const copy = (stored: VmDynamic, report: ReturnType<typeof polled>, host = 'h1') =>
  copyReported(deepFreeze(stored), deepFreeze(report), host, NOW);

describe('copyReported (§4.11)', () => {
  const stored = vm('v1', 'Up', { guestOs: 'RHEL', fqdn: 'a.example', vmIp: '10.0.0.1', appList: 'kernel' }).dynamic;

  it('takes every agent-owned field of a poll, and none of ours', () => {
    const next = copy(
      stored,
      polled('v1', 'Up', { guestOs: null, session: 'Active', exitMessage: 'x', appList: 'agent' }),
    );
    expect(next).toMatchObject({ guestOs: null, fqdn: null, session: 'Active', exitMessage: 'x', appList: 'agent' });
    expect(next).toMatchObject({ id: 'v1', vmIp: '10.0.0.1', statusSince: 100 });
  });

  it('takes only what a push has', () => {
    expect(copy(stored, pushed('v1', 'Up', { session: 'Locked' }))).toEqual({ ...stored, session: 'Locked' });
  });

  it('keeps the stored object of equal content, so that nothing looks changed', () => {
    const graphics: readonly Graphics[] = [{ type: 'vnc', port: 5900, tlsPort: null, ip: '1.2.3.4' }];
    const before = vm('v1', 'Up', { graphics, guestContainers: [{ id: 'c' }] }).dynamic;
    const next = copy(
      before,
      polled('v1', 'Up', { graphics: structuredClone(graphics), guestContainers: [{ id: 'c' }] }),
    );
    expect([next.graphics, next.guestContainers]).toEqual([before.graphics, before.guestContainers]);
    expect(next.graphics).toBe(before.graphics);
    expect(next.guestContainers).toBe(before.guestContainers);
  });

  it('lets the VM run on the reporting host', () => {
    expect(copy(stored, polled('v1', 'PoweringUp'), 'h9').runOnVds).toBe('h9');
  });

  it.each([
    ['Up', null],
    ['Paused', null],
    ['PoweringUp', 'h2'],
    ['MigratingFrom', 'h2'],
  ] as const)('%s leaves the migration towards %s', (status, migratingToVds) => {
    const before = vm('v1', 'MigratingFrom', { migratingToVds: 'h2' }).dynamic;
    expect(copy(before, polled('v1', status)).migratingToVds).toBe(migratingToVds);
  });

  it('keeps the application list of a VM that is not Up', () => {
    expect(copy(stored, polled('v1', 'Paused', { appList: '' })).appList).toBe('kernel');
  });

  it('lets no pause code outlast the pause', () => {
    const paused = vm('v1', 'Paused', { pauseStatus: 'EIO' }).dynamic;
    expect(copy(paused, pushed('v1', 'Up')).pauseStatus).toBe('NONE');
    expect(copy(paused, pushed('v1', 'Paused')).pauseStatus).toBe('EIO');
  });

  it('says when the status changed, and only then', () => {
    expect(copy(stored, polled('v1', 'Paused')).statusSince).toBe(NOW);
    expect(copy(stored, polled('v1', 'Up', { guestOs: 'other' })).statusSince).toBe(100);
  });
});

describe('withStatus (§4.8.1)', () => {
  const exit = { exitStatus: 'Error', exitMessage: 'boom', exitReason: 'GenericError' } as const;
  const busy = deepFreeze(
    vm('v1', 'Up', {
      ...{ vmIp: '1', fqdn: 'a', guestUser: 'b', clientIp: 'c', consoleUser: 'd', consoleUserId: 'e', cpuName: 'f' },
      ...{ emulatedMachine: 'g', graphics: [], volatileRun: true, guestAgentNicsHash: 5, migratingToVds: 'h2' },
      ...{ bootTime: 1, runtimeName: 'n', currentCpuPinning: '0#1', downtime: 9, pauseStatus: 'EIO', appList: 'k' },
    }).dynamic,
  );
  const set = (status: VmDynamic['status']) => withStatus(busy, status, exit, NOW);

  it('sets how it ended with every status', () => {
    for (const status of ['Up', 'Unknown', 'Down', 'Suspended'] as const)
      expect(set(status)).toMatchObject({ ...exit, status });
  });

  it('of a running VM leaves the rest', () => {
    expect(set('MigratingTo')).toEqual({ ...busy, ...exit, status: 'MigratingTo', statusSince: NOW });
  });

  const noRuntime = {
    ...{
      migratingToVds: null,
      graphics: null,
      guestUser: null,
      consoleUser: null,
      consoleUserId: null,
      clientIp: null,
    },
    ...{ vmIp: null, fqdn: null, cpuName: null, emulatedMachine: null, volatileRun: false, guestAgentNicsHash: 0 },
  };

  it('of a VM of which nothing is known keeps the host and the last boot', () => {
    expect(set('Unknown')).toEqual({ ...busy, ...exit, ...noRuntime, status: 'Unknown', statusSince: NOW });
  });

  it('of a VM that does not run keeps no host', () => {
    expect(set('Suspended')).toEqual({
      ...{ ...busy, ...exit, ...noRuntime, status: 'Suspended', statusSince: NOW },
      ...{ runOnVds: null, pauseStatus: 'NONE', lastStopTime: NOW },
    });
  });

  it('of a VM that is Down keeps nothing of its last run', () => {
    expect(set('Down')).toEqual({
      ...{ ...busy, ...exit, ...noRuntime, status: 'Down', statusSince: NOW },
      ...{ runOnVds: null, pauseStatus: 'NONE', lastStopTime: NOW },
      ...{ bootTime: null, runtimeName: null, currentCpuPinning: null, downtime: 0 },
    });
  });

  it('does not move statusSince when the status stays', () => {
    expect(stamped(busy, { ...busy, guestOs: 'x' }, NOW).statusSince).toBe(100);
    expect(stamped(busy, { ...busy, status: 'Down' }, NOW).statusSince).toBe(NOW);
  });
});

describe('nextJobs (§4.12)', () => {
  const job = (id: string, cursorCur = 0n): VmJob => ({
    ...{ id, vmId: 'v1', jobState: null, jobType: 'block', blockJobType: 'COMMIT', bandwidth: 0n, imageGroupId: 'd1' },
    ...{ cursorCur, cursorEnd: 100n },
  });
  const known = deepFreeze(vm('v1', 'Up', { jobs: [job('j1'), job('j2')] }));
  const jobsAfter = (jobs: readonly VmJob[], mode: 'observer' | 'manager' = 'manager') =>
    nextJobs('v1', known.jobs, { mode, listed: jobs, askedAt: 1, startedAt: () => null });

  it('is the same list while nothing changes', () => {
    expect(jobsAfter([job('j1'), job('j2')])).toBe(known.jobs);
  });

  it('takes what has moved on, and shares what has not', () => {
    const next = jobsAfter([job('j1', 50n), job('j2')]);
    expect(next).toEqual([job('j1', 50n), job('j2')]);
    expect(next[1]).toBe(known.jobs[1]);
  });

  it('ends what is not listed any more', () => {
    expect(jobsAfter([job('j2')])).toEqual([job('j2')]);
    expect(jobsAfter([])).toEqual([]);
  });

  it.each([
    ['manager', ['j1', 'j2']],
    ['observer', ['j1', 'j2', 'j3']],
  ] as const)('a %s knows of these jobs then', (mode, ids) => {
    expect(jobsAfter([job('j1'), job('j2'), job('j3')], mode).map(({ id }) => id)).toEqual(ids);
  });
});
