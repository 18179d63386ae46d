import { describe, expect, it } from 'vitest';
import { ParsedVmStatsReport } from '../../src/fetcher/decode/vm-stats-report.js';
import { vmDynamicFields } from '../../src/model/index.js';
import { fixture, host, vmLists } from './support/fixtures.js';
import { misfits } from './support/storable.js';

const composed = () => new ParsedVmStatsReport(host, fixture<unknown[]>('Host.getAllVmStats'));
const up = '11111111-2222-4333-8444-000000000001';
const paused = '11111111-2222-4333-8444-000000000002';
const leaving = '11111111-2222-4333-8444-000000000003';
const down = '11111111-2222-4333-8444-000000000004';

function reported(vmId: string) {
  const vm = composed().get(vmId);
  if (vm === undefined) throw new Error(`no ${vmId}`);
  return vm;
}

describe.each(vmLists)('%s', (name) => {
  it('is read without a problem, every field in the type of its column', () => {
    const report = new ParsedVmStatsReport(host, fixture<unknown[]>(name));
    expect(report.complete).toBe(true);
    expect(report.problems).toEqual([]);
    expect([...report.changed()].map((vm) => vm.vmId)).toEqual([...report.ids()]);
    expect([...report.changed()].flatMap((vm) => misfits(vmDynamicFields, vm.dynamic))).toEqual([]);
  });
});

it('an answer knows its VMs', () => {
  const report = composed();
  expect(report.size).toBe(4);
  expect([...report.ids()]).toEqual([up, paused, leaving, down]);
  expect(report.has(down)).toBe(true);
  expect(report.has('other')).toBe(false);
  expect(report.get('other')).toBeUndefined();
  expect(report.get(up)).toBe(report.get(up));
  expect([...report.changed()].map((vm) => vm.status)).toEqual(['Up', 'Paused', 'MigratingFrom', 'Down']);
});

it('a running VM with a guest agent: every field of §8.3', () => {
  const vm = reported(up);
  expect(vm).toMatchObject({
    vmName: 'web-01',
    status: 'Up',
    timestamp: 2_233_896_412,
    deviceHash: '7160284459183712203',
  });
  expect([vm.tpmHash, vm.nvramHash]).toEqual([null, null]);
  expect(vm.dynamic).toEqual({
    status: 'Up',
    vmHost: 'web-01.example.test',
    fqdn: 'web-01.example.test',
    guestUser: 'root',
    clientIp: '',
    guestOs: '5.14.0-427.el9.x86_64',
    guestCpuCount: 2,
    appList: 'kernel-5.14.0-427.el9.x86_64,qemu-guest-agent-8.2.0',
    acpiEnabled: true,
    session: 'UserLoggedOn',
    utcDiff: 0,
    exitStatus: 'Normal',
    exitMessage: null,
    exitReason: 'Unknown',
    pauseStatus: 'NOERR',
    guestAgentNicsHash: expect.any(Number),
    lastWatchdogEvent: 1_795_200_000.5,
    lastWatchdogAction: 'reset',
    graphics: [{ type: 'vnc', port: 5900, tlsPort: null, ip: '10.0.0.11' }],
    guestTimezoneName: 'CET',
    guestTimezoneOffset: 60,
    guestOsArch: 'x86_64',
    guestOsCodename: '',
    guestOsDistribution: 'CentOS Stream',
    guestOsKernelVersion: '5.14.0-427.el9.x86_64',
    guestOsType: 'linux',
    guestOsVersion: '9',
    guestContainers: [],
  });
  expect(vm.statistics()).toEqual({
    cpuUser: 14.27,
    cpuSys: 1.93,
    elapsedSeconds: 86_000,
    memUsagePercent: 37,
    vcpuCount: 2,
    disksUsage: [
      { path: '/', fs: 'xfs', total: '53660876800', used: '12884901888' },
      { path: '/boot', fs: 'xfs', total: '1063256064', used: '312475648' },
    ],
    memory: { buffered: 2104, cached: 1_438_504, free: 2_642_784, unused: 1_202_176 },
    balloon: { current: 4_194_304, max: 4_194_304, min: 2_097_152, target: 4_194_304 },
    nics: [
      {
        name: 'vnet0',
        macAddr: '56:6f:1a:2b:00:00',
        status: 'NONE',
        speedMbps: 1000,
        rxBytes: 734_003_200,
        txBytes: 91_750_400,
        rxDropped: 0,
        txDropped: 0,
        sampleTime: 86_412.77,
      },
    ],
    disks: [
      expect.objectContaining({ device: 'sdc', imageId: null, readOps: 4, trueSize: 0 }),
      {
        device: 'sda',
        imageId: 'ab5d3f10-0000-4000-8000-000000000001',
        lunGuid: null,
        readRate: 10_240,
        writeRate: 524_288.5,
        readOps: 99_120,
        writeOps: 218_832,
        readLatencyNs: 412_330.5,
        writeLatencyNs: 1_893_221.25,
        flushLatencyNs: 0,
        trueSize: 10_737_418_240,
      },
    ],
    migrationProgress: null,
  });
  expect(vm.guestInterfaces()).toEqual([
    { name: 'lo', macAddr: '00:00:00:00:00:00', ipv4Addresses: ['127.0.0.1'], ipv6Addresses: ['::1'] },
    {
      name: 'eth0',
      macAddr: '56:6f:1a:2b:00:00',
      ipv4Addresses: ['192.168.1.21'],
      ipv6Addresses: ['fe80::546f:1aff:fe2b:0'],
    },
  ]);
  expect(vm.jobs()).toEqual([
    {
      id: 'c0ffee00-0000-4000-8000-000000000001',
      jobState: 'NORMAL',
      jobType: 'block',
      blockJobType: 'commit',
      bandwidth: 0n,
      cursorCur: 1_073_741_824n,
      cursorEnd: 4_294_967_296n,
      imageGroupId: 'ab5d3f10-0000-4000-8000-000000000001',
    },
  ]);
});

it('a paused VM without a guest agent', () => {
  const vm = reported(paused);
  expect(vm).toMatchObject({ status: 'Paused', deviceHash: '-4564003444505532772' });
  expect(vm.dynamic).toMatchObject({
    pauseStatus: 'ENOSPC',
    fqdn: null,
    guestCpuCount: null,
    appList: '',
    guestAgentNicsHash: 0,
  });
  expect(vm.guestInterfaces()).toBeNull();
  expect(vm.jobs()).toEqual([]);
  expect(vm.statistics()).toMatchObject({ memory: null, disksUsage: null });
});

it('a migrating VM', () => {
  expect(reported(leaving).status).toBe('MigratingFrom');
  expect(reported(leaving).statistics()?.migrationProgress).toBe(42);
});

it('a Down VM has an end and nothing measured; the rest are the defaults of §4.1', () => {
  const vm = reported(down);
  expect(vm).toMatchObject({ vmName: null, status: 'Down', deviceHash: null });
  expect(vm.dynamic).toMatchObject({
    exitStatus: 'Error',
    exitReason: 'LostQEMUConnection',
    exitMessage: 'Lost connection with qemu process',
    pauseStatus: 'NONE',
    session: 'Unknown',
    acpiEnabled: true,
    guestOsType: 'Other',
    guestOsVersion: '',
    guestContainers: [],
    graphics: [],
  });
  expect([vm.statistics(), vm.jobs(), vm.guestInterfaces()]).toEqual([null, null, null]);
});

it('placeholders of a CPU that was not sampled are no 0 %', () => {
  const report = new ParsedVmStatsReport(host, fixture<unknown[]>('captured/Host.getAllVmStats'));
  const vm = report.get('aaaaaaaa-0000-4000-8000-000000000003');
  expect(vm?.statistics()).toMatchObject({
    cpuUser: null,
    cpuSys: null,
    vcpuCount: null,
    balloon: null,
    nics: null,
    disks: null,
  });
  // Paused and silent on its monitor: only a VM whose CPU should run is NotResponding.
  expect(vm?.status).toBe('Paused');
});

it('a resumed VM keeps no pause code', () => {
  const report = new ParsedVmStatsReport(host, fixture<unknown[]>('captured/Host.getAllVmStats.paused-and-down'));
  expect(report.get('aaaaaaaa-0000-4000-8000-000000000002')?.dynamic.pauseStatus).toBe('NONE');
  expect(report.get('aaaaaaaa-0000-4000-8000-000000000001')?.dynamic).toMatchObject({
    exitStatus: 'Error',
    exitReason: 'HostShutdown',
  });
});
