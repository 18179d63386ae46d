import { describe, expect, it } from 'vitest';
import type { VmDisk, VmDiskSample, VmJob } from '../../src/model/index.js';
import { jobTransitions, nextJobs } from '../../src/rules/vm/jobs.js';
import { resizedLuns } from '../../src/rules/vm/luns.js';
import { deepFreeze } from '../support/deep-freeze.js';

describe('block jobs that the manager has just begun (§4.12)', () => {
  const job = (id: string, cursorCur = 0n): VmJob => ({
    ...{ id, vmId: 'v1', jobState: 'NORMAL', jobType: 'block', blockJobType: 'commit', bandwidth: 0n },
    ...{ imageGroupId: 'd1', cursorCur, cursorEnd: 100n },
  });
  const known = deepFreeze([job('j1'), job('j2')]);
  const jobsAfter = (listed: readonly VmJob[], askedAt: number) =>
    nextJobs('v1', known, { mode: 'manager', listed, askedAt, startedAt: (id) => (id === 'j2' ? 10 : null) });

  it.each([
    ['before', 9],
    ['in the same moment', 10],
  ])('stay as they are when the agent was asked %s', (_, askedAt) => {
    expect(jobsAfter([job('j1')], askedAt)).toBe(known);
    expect(jobsAfter([job('j1'), job('j2', 50n)], askedAt)).toBe(known);
    expect(jobsAfter([], askedAt)).toEqual([job('j2')]);
  });

  it('are judged as all others when it was asked later', () => {
    expect(jobsAfter([job('j1')], 11)).toEqual([job('j1')]);
    expect(jobsAfter([job('j1'), job('j2', 50n)], 11)).toEqual([job('j1'), job('j2', 50n)]);
  });

  it('meet exactly one row', () => {
    for (const mode of ['observer', 'manager'] as const)
      for (const one of [undefined, job('j')])
        for (const listed of [undefined, job('j'), job('j', 50n)])
          for (const startedAt of [null, 9, 10]) {
            if (one === undefined && listed === undefined) continue;
            const c = { mode, known: one, listed, askedAt: 10, startedAt };
            expect(jobTransitions.filter((row) => row.when(c))).toHaveLength(1);
          }
  });
});

describe('sizes of LUNs (§4.12, D18)', () => {
  const GIB = 2n ** 30n;
  const lun = (lunId: string | null, lunSizeGb?: number | null): VmDisk => ({
    ...{ imageId: `i-${lunId}`, lunId, alias: null, ...(lunSizeGb === undefined ? {} : { lunSizeGb }) },
  });
  const said = (lunGuid: string | null, trueSize: bigint | null): VmDiskSample => ({
    ...{
      device: 'sda',
      imageId: null,
      lunGuid,
      trueSize,
      readRate: null,
      writeRate: null,
      readOps: null,
      writeOps: null,
    },
    ...{ readLatencyNs: null, writeLatencyNs: null, flushLatencyNs: null },
  });

  it('are taken over in whole GiB; others keep their disk', () => {
    const disks = deepFreeze([lun('l1', 10), lun('l2', 20), lun('l3'), lun(null)]);
    const next = resizedLuns(disks, [said('l1', 15n * GIB + 5n), said('l2', 20n * GIB), said('l3', 7n * GIB)]);
    expect(next).toEqual([lun('l1', 15), lun('l2', 20), lun('l3', 7), lun(null)]);
    expect(next?.[1]).toBe(disks[1]);
  });

  it.each([
    ['equal', [said('l1', 10n * GIB)]],
    ['zero', [said('l1', 0n)]],
    ['less than one GiB', [said('l1', 5n)]],
    ['not said', [said('l1', null)]],
    ['of a LUN that the VM does not have', [said('l9', 5n * GIB)]],
    ['of a disk that is no LUN', [said(null, 5n * GIB)]],
    ['missing: the LUN is not reported', []],
  ])('change nothing when they are %s', (_, samples) => {
    const disks = deepFreeze([lun('l1', 10), lun('l2', 20)]);
    expect(resizedLuns(disks, samples)).toBe(disks);
  });

  it('are nothing where the inventory, or the report, knows of no disks', () => {
    expect(resizedLuns(null, [said('l1', GIB)])).toBeNull();
    const disks = [lun('l1', 10)];
    expect(resizedLuns(disks, null)).toBe(disks);
  });
});
