import { describe, expect, it } from 'vitest';
import { FakeFetcher, type FakeVm } from '../../src/fetcher/index.js';
import {
  type HostEndpoint,
  initialRow,
  type Unsettled,
  type Vm,
  type VmDynamic,
  vmDynamicFields,
  vmStaticFields,
} from '../../src/model/index.js';
import { unannounced } from '../../src/push-adapter/push-gaps.js';

const kvm: HostEndpoint = {
  ...{ id: 'kvm', name: 'kvm', address: 'kvm.example.test', port: 54_321 },
  protocol: 'vdsm',
  tls: null,
};
const up: Partial<VmDynamic> = { status: 'Up', runOnVds: 'kvm' };

async function turns(
  stored: Partial<VmDynamic> | undefined,
  reported: FakeVm,
  of: { pushed?: boolean; unsettled?: Unsettled; origin?: 'EXTERNAL' } = {},
): Promise<string[]> {
  const agents = new FakeFetcher().host('kvm', { vms: { a: reported } });
  const report = await agents.getAllVmStats(kvm, { signal: new AbortController().signal });
  const vm: Vm | undefined = stored && {
    id: 'a',
    static: { ...initialRow(vmStaticFields), id: 'a', ...(of.origin === undefined ? {} : { origin: of.origin }) },
    dynamic: { ...initialRow(vmDynamicFields), id: 'a', ...stored },
    ...{ guestInterfaces: [], jobs: [], devices: [] },
  };
  const vms = { get: () => vm, unsettled: () => of.unsettled };
  return unannounced('kvm', report.all(), vms, () => of.pushed ?? false).map(({ status }) => status);
}

describe('what a poll shows that should have been pushed', () => {
  it.each<[string, Partial<VmDynamic>, FakeVm]>([
    ['an end', up, { status: 'Down' }],
    ['a reboot', up, { status: 'RebootInProgress' }],
    ['a migration', up, { status: 'MigratingFrom' }],
    ['a pause on error', up, { status: 'Paused', pauseStatus: 'ENOSPC' }],
    ['another error', { ...up, status: 'Paused', pauseStatus: 'ENOSPC' }, { status: 'Paused', pauseStatus: 'EIO' }],
    ['a start', { status: 'Down', runOnVds: null }, { status: 'PoweringUp' }],
  ])('%s', async (_, stored, reported) => {
    expect(await turns(stored, reported)).toEqual([reported.status]);
    expect(await turns(stored, reported, { pushed: true })).toEqual([]);
    expect(await turns(stored, reported, { unsettled: { reason: 'command', since: 0 } })).toEqual([]);
  });

  it.each<[string, Partial<VmDynamic> | undefined, FakeVm]>([
    ['the same', up, { status: 'Up' }],
    ['a pause done outside', up, { status: 'Paused' }],
    ['a resume done outside', { ...up, status: 'Paused', pauseStatus: 'ENOSPC' }, { status: 'Up' }],
    ['the same pause', { ...up, status: 'Paused', pauseStatus: 'EIO' }, { status: 'Paused', pauseStatus: 'EIO' }],
    ['a silent QEMU monitor', up, { status: 'NotResponding' }],
    ['powering up and down', { ...up, status: 'PoweringUp' }, { status: 'Up' }],
    ['saving', up, { status: 'SavingState' }],
    ['a VM that nobody knows', undefined, { status: 'Up' }],
    ['a VM of another host', { ...up, runOnVds: 'other' }, { status: 'Down' }],
    ['a host that was lost', { ...up, status: 'Unknown' }, { status: 'Down' }],
    ['a migration that arrives', { status: 'Down', runOnVds: null }, { status: 'MigratingTo' }],
  ])('nothing: %s', async (_, stored, reported) => {
    expect(await turns(stored, reported)).toEqual([]);
  });

  it('a VM made outside may start without a word', async () => {
    const stored = { status: 'Down', runOnVds: null } as const;
    expect(await turns(stored, { status: 'Up' }, { origin: 'EXTERNAL' })).toEqual([]);
  });
});
