import { describe, expect, it } from 'vitest';
import { FakeFetcher, type FakeVm } from '../../src/fetcher/index.js';
import {
  type VmStatus,
  vdsDynamicFields,
  vdsStatisticsFields,
  vmDynamicFields,
  vmStatusIds,
} from '../../src/model/index.js';
import { failureOf, patient } from './support/calls.js';
import { kvm, one, statusOf } from './support/one-host.js';
import { misfits } from './support/storable.js';

describe('what it says', () => {
  it('is decoded by the decoders of all fetchers, without a problem', async () => {
    const agents = one();
    const stats = await agents.getStats(kvm, patient());
    const caps = await agents.getCapabilities(kvm, patient());
    const vms = await agents.getAllVmStats(kvm, patient());
    expect([...stats.problems, ...caps.problems, ...vms.problems]).toEqual([]);
    expect(misfits(vdsDynamicFields, { ...stats.dynamic, ...caps.dynamic })).toEqual([]);
    expect(misfits(vdsStatisticsFields, stats.statistics)).toEqual([]);
    expect(misfits(vmDynamicFields, vms.get('web-03')?.dynamic ?? {})).toEqual([]);
    expect((await agents.getHardwareInfo(kvm, patient())).dynamic.hwManufacturer).toBe('Example Inc.');
  });

  it('is a whole host: nothing that a rule asks for is missing', async () => {
    const agents = one();
    const caps = await agents.getCapabilities(kvm, patient());
    const missing = Object.entries(vdsDynamicFields)
      .filter(
        ([name, field]) =>
          field.owner === 'agent' && !/^hw|^vm|Migrations$|Hugepages/.test(name) && !(name in caps.dynamic),
      )
      .map(([name]) => name);
    expect(missing.sort()).toEqual([
      'bootUuid',
      'glusterVersion',
      'glusterfsCliVersion',
      'librbd1Version',
      'nmstateVersion',
      'openvswitchVersion',
    ]);
    expect(caps).toMatchObject({ selinuxMode: 'ENFORCING', networks: [{ name: 'ovirtmgmt', bridged: true }] });
    const { statistics, dynamic } = await agents.getStats(kvm, patient());
    expect(Object.keys(vdsStatisticsFields).filter((name) => !(name in statistics))).toEqual([
      'id',
      'usageMemPercent',
      'usageNetworkPercent',
    ]);
    expect(dynamic).toMatchObject({ vmCount: 1, vmActive: 1, vmMigrating: 0 });
  });

  it.each(Object.keys(vmStatusIds) as VmStatus[])(
    'status %s comes back as it was given, or is refused at once',
    async (status) => {
      const madeByUs = ['Unknown', 'Suspended', 'ImageIllegal', 'ImageLocked'].includes(status);
      if (madeByUs)
        expect(() => new FakeFetcher().host('kvm-07', { vms: { a: { status } } })).toThrow(
          `No agent ever reports the status ${status}`,
        );
      else expect(await statusOf(new FakeFetcher().host('kvm-07', { vms: { a: { status } } }), 'a')).toBe(status);
    },
  );

  it.each<[FakeVm, object]>([
    [
      { status: 'Down', exitStatus: 'Error' },
      { exitStatus: 'Error', exitReason: 'GenericError', exitMessage: 'Lost connection with qemu process' },
    ],
    [{ status: 'Down' }, { exitStatus: 'Normal', exitReason: 'UserShutdown' }],
    [
      { status: 'Down', exitReason: 'MigrationSucceeded', exitMessage: 'moved' },
      { exitReason: 'MigrationSucceeded', exitMessage: 'moved' },
    ],
    [
      { status: 'Paused', pauseStatus: 'ENOSPC' },
      { pauseStatus: 'ENOSPC', guestAgentNicsHash: 0 },
    ],
    [{ fields: { cdrom: '/iso/a.iso', pauseCode: undefined } }, { currentCd: 'a.iso', pauseStatus: 'NONE' }],
    [{ name: 'shop' }, { fqdn: 'shop.example.test', session: 'UserLoggedOn', guestOsType: 'linux' }],
    [{ guestAgent: false }, { fqdn: null, session: 'Unknown', guestOsType: 'Other', guestAgentNicsHash: 0 }],
  ])('a VM with %j', async (vm, dynamic) => {
    const report = await new FakeFetcher().host('kvm-07', { vms: { a: vm } }).getAllVmStats(kvm, patient());
    expect(report.get('a')?.dynamic).toMatchObject(dynamic);
  });

  it('figures of a VM, and what a manager knows of it, belong together', async () => {
    const agents = new FakeFetcher().host('kvm-07', {
      vms: { a: { cpuUser: 12.5, memUsagePercent: 80, vcpus: 4, deviceHash: '17', migrationProgress: 9 } },
    });
    const vm = (await agents.getAllVmStats(kvm, patient())).get('a');
    const facts = agents.inventory().vms[0];
    expect(vm?.statistics()).toMatchObject({ cpuUser: 12.5, memUsagePercent: 80, vcpuCount: 4, migrationProgress: 9 });
    expect(vm?.deviceHash).toBe('17');
    expect(facts).toMatchObject({ id: 'a', name: 'a', cluster: 'Default', vcpus: 4, memoryMb: 4096 });
    expect(vm?.statistics()?.nics?.map((nic) => nic.macAddr)).toEqual(facts?.nics.map((nic) => nic.mac));
    expect(vm?.guestInterfaces()?.map((nic) => nic.macAddr)).toContain(facts?.nics[0]?.mac);
    expect(vm?.statistics()?.disks?.map((disk) => disk.imageId)).toContain(facts?.disks[0]?.imageId);
  });

  it('lists, XML and actions', async () => {
    const agents = one();
    expect((await agents.getVmList(kvm, patient())).vms).toEqual([{ vmId: 'web-03', status: 'Up' }]);
    expect((await agents.dumpXmls(kvm, ['web-03'], patient())).get('web-03')?.read().name).toBe('web-03');
    expect((await failureOf(agents.dumpXmls(kvm, ['web-03', 'gone'], patient()))).details).toMatchObject({
      agentCode: -32603,
    });
    expect(await agents.call(kvm, 'Host.ping2', {}, patient())).toBe(true);
    expect(await agents.call(kvm, 'Host.getJobs', {}, patient())).toEqual({});
    expect(await agents.call(kvm, 'VM.destroy', { vmID: 'web-03' }, patient())).toBe(true);
    expect((await failureOf(agents.call(kvm, 'VM.destroy', { vmID: 'web-03' }, patient()))).details).toMatchObject({
      agentCode: 1,
    });
    expect(await statusOf(agents)).toBeUndefined();
  });
});

describe('hosts and VMs that are known beforehand', () => {
  it('in the shape of the monitor’s options', () => {
    const agents = new FakeFetcher()
      .host('kvm-01', {
        cluster: 'prod',
        pmEnabled: true,
        vms: { a: { ha: true, priority: 50 }, b: { status: 'MigratingFrom' } },
      })
      .host('kvm-02', { address: '10.0.0.2', spmStatus: 'SPM', vms: { b: { status: 'MigratingTo' } } });
    expect(agents.hosts()).toEqual(['kvm-01', 'kvm-02']);
    const { hosts, vms } = agents.inventory();
    expect(hosts).toEqual([
      {
        id: 'kvm-01',
        name: 'kvm-01',
        address: 'kvm-01.example.test',
        port: 54_321,
        protocol: 'vdsm',
        cluster: 'prod',
        pmEnabled: true,
        spmStatus: 'None',
      },
      {
        id: 'kvm-02',
        name: 'kvm-02',
        address: '10.0.0.2',
        port: 54_321,
        protocol: 'vdsm',
        cluster: 'Default',
        pmEnabled: false,
        spmStatus: 'SPM',
      },
    ]);
    expect(vms.map((vm) => [vm.id, vm.cluster, vm.ha, vm.priority])).toEqual([
      ['a', 'prod', true, 50],
      ['b', 'prod', false, 0],
    ]);
  });

  it('mistakes of the test are told', () => {
    const agents = one();
    expect(() => agents.host('kvm-07')).toThrow('There is a host kvm-07 already');
    expect(() => agents.on('kvm-08')).toThrow('There is no host kvm-08; there are kvm-07');
    expect(() => agents.on('kvm-07').vm('web-4', { status: 'Paused' })).toThrow(
      'kvm-07 has no VM web-4; it has web-03',
    );
  });
});
