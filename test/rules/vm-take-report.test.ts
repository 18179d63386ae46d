import { describe, expect, it } from 'vitest';
import type { VmDisk, VmJob, VmReport } from '../../src/model/index.js';
import { decideVm, type VmCase } from '../../src/rules/index.js';
import { polled, vm } from '../support/entities.js';
import { vmCase } from '../support/vm-verdict.js';

const withData = (tpmHash: string | null, nvramHash: string | null = null): VmReport => ({
  ...polled(),
  tpmHash,
  nvramHash,
});
const draftOf = (stored: ReturnType<typeof vm>, report: VmReport, more: Parameters<typeof vmCase>[2] = {}) =>
  decideVm(vmCase(stored, report, more)).draft;

describe('TPM and NVRAM data (§4.13)', () => {
  it('are to be saved when their fingerprint is another one, and the fingerprint is remembered', () => {
    const draft = draftOf(vm('v1', 'Up', { tpmHash: 'a', nvramHash: 'n' }), withData('b', 'n'));
    expect(draft.state).toMatchObject({ tpmHash: 'b', nvramHash: 'n' });
    expect(draft.intents).toMatchObject([
      { intent: 'saveExternalData', vmId: 'v1', hostId: 'h1', evidence: { tpmHash: 'b', nvramHash: 'n' } },
    ]);
  });

  it('are other advice when they are other data, although the VM’s status stays', () => {
    const round = (tpmHash: string) => draftOf(vm(), withData(tpmHash)).intents[0]?.round;
    expect(round('b')).toBe(round('b'));
    expect(round('b')).not.toBe(round('c'));
  });

  it.each([
    ['known', withData('a')],
    ['not reported', withData(null)],
  ])('are left alone when their fingerprint is %s', (_, report) => {
    const draft = draftOf(vm('v1', 'Up', { tpmHash: 'a' }), report);
    expect([draft.intents, draft.state.tpmHash]).toEqual([[], 'a']);
  });

  it.each([
    ['TPM', withData('b', null), { tpmHash: 'b', nvramHash: 'n' }],
    ['NVRAM', withData(null, 'm'), { tpmHash: 'a', nvramHash: 'm' }],
    ['both', withData('b', 'm'), { tpmHash: 'b', nvramHash: 'm' }],
  ])('of which %s alone is other is saved with what is known of the rest', (_, report, hashes) => {
    const draft = draftOf(vm('v1', 'Up', { tpmHash: 'a', nvramHash: 'n' }), report);
    expect(draft.state).toMatchObject(hashes);
    expect(draft.intents.map(({ evidence }) => evidence)).toEqual([hashes]);
  });

  it('are other advice also when only the NVRAM’s are other', () => {
    const round = (nvramHash: string) =>
      draftOf(vm('v1', 'Up', { tpmHash: 'a' }), withData('a', nvramHash)).intents[0]?.round;
    expect(round('m')).not.toBe(round('n'));
  });

  it('are the engine’s to save beside an engine; the fingerprint is remembered, so that it is asked about once', () => {
    const draft = draftOf(vm(), withData('a'), { mode: 'observer' });
    expect([draft.intents, draft.signals, draft.requests]).toEqual([[], [], []]);
    expect(draft.state.tpmHash).toBe('a');
  });
});

describe('sizes of LUNs', () => {
  const disks: VmDisk[] = [{ imageId: 'i1', lunId: 'l1', alias: null, lunSizeGb: 10 }];
  const sample = {
    disks: [
      {
        ...{ device: 'sda', imageId: null, lunGuid: 'l1', trueSize: 15n * 2n ** 30n, readRate: null, writeRate: null },
        ...{ readOps: null, writeOps: null, readLatencyNs: null, writeLatencyNs: null, flushLatencyNs: null },
      },
    ],
  };
  const sizeAfter = (status: 'WaitForLaunch' | 'Up') =>
    draftOf(vm('v1', status, { static: { disks } }), polled('v1', 'Up', { sample })).static?.disks;

  it('are looked at when the VM powers up, and then alone', () => {
    expect(sizeAfter('WaitForLaunch')).toEqual([{ ...disks[0], lunSizeGb: 15 }]);
    expect(sizeAfter('Up')).toBeUndefined();
  });

  it('that are the same leave the VM’s facts as they are', () => {
    const same: VmDisk[] = [{ imageId: 'i1', lunId: 'l1', alias: null, lunSizeGb: 15 }];
    const draft = draftOf(vm('v1', 'WaitForLaunch', { static: { disks: same } }), polled('v1', 'Up', { sample }));
    expect(draft.static).toBeUndefined();
  });
});

describe('block jobs', () => {
  const job = { id: 'j1', jobState: 'NORMAL', jobType: 'block', blockJobType: 'commit' } as const;
  const at = (cursorCur: bigint): VmJob => ({
    ...{ ...job, vmId: 'v1', bandwidth: 0n, imageGroupId: 'd1', cursorCur, cursorEnd: 100n },
  });
  const { vmId: _, ...listed } = at(50n);
  const stored = { ...vm(), jobs: [at(0n)] };

  it('move on as the report lists them', () => {
    expect(draftOf(stored, polled('v1', 'Up', { jobs: [listed] })).jobs).toEqual([at(50n)]);
  });

  it('end when they are listed no more, and stay when nothing is said of them', () => {
    expect(draftOf(stored, polled('v1', 'Up', { jobs: [] })).jobs).toEqual([]);
    expect(draftOf(stored, polled('v1', 'Up')).jobs).toEqual([at(0n)]);
  });
});

describe('a migration that has come to nothing', () => {
  it('has no progress any more', () => {
    const leaving = vm('v1', 'MigratingFrom', { migratingToVds: 'h2' });
    expect(draftOf(leaving, polled('v1', 'Up')).migrationFailed).toBe(true);
    expect(draftOf(leaving, polled('v1', 'MigratingFrom')).migrationFailed).toBe(false);
  });
});

it('a nic blacklist of the settings holds', () => {
  const nics = ['docker0', 'lo'].map((name) => ({
    name,
    macAddr: null,
    ipv4Addresses: ['10.0.0.1'],
    ipv6Addresses: null,
  }));
  const data: VmCase['data'] = { nicBlacklist: [/^docker/], hostedEngineVmName: null, jobStartedAt: () => null };
  const draft = draftOf(vm(), polled('v1', 'Up', { guestAgentNicsHash: 7, nics }), { data });
  expect(draft.guestInterfaces.map(({ name }) => name)).toEqual(['lo']);
});
