import { describe, expect, it } from 'vitest';
import { decodeVdsCapabilities } from '../../src/fetcher/decode/vds-capabilities.js';
import { decodeVdsHardware } from '../../src/fetcher/decode/vds-hardware.js';
import { vdsDynamicFields, vdsInterfaceFields } from '../../src/model/index.js';
import { fixture, type Json } from './support/fixtures.js';
import { misfits } from './support/storable.js';

describe.each(['Host.getCapabilities', 'captured/Host.getCapabilities'])('%s', (name) => {
  it('is read without a problem, every field in the type of its column', () => {
    const report = decodeVdsCapabilities(fixture(name));
    expect(report.problems).toEqual([]);
    expect(misfits(vdsDynamicFields, report.dynamic)).toEqual([]);
    expect([...report.interfaces].flatMap((nic) => misfits(vdsInterfaceFields, nic))).toEqual([]);
  });
});

it('capabilities of a host: every field of §8.2', () => {
  const caps: Json = {
    ...fixture('Host.getCapabilities'),
    boot_uuid: 'b-1',
    ISCSIInitiatorName: 'iqn.1994-05.com.example:1',
  };
  const report = decodeVdsCapabilities(caps);
  expect(report.dynamic).toMatchObject({
    cpuCores: 4,
    cpuThreads: 4,
    cpuSockets: 2,
    cpuModel: 'Example CPU @ 2.60GHz',
    cpuSpeedMhz: 2596.148,
    cpuFlags: caps['cpuFlags'],
    onlineCpus: '0,1,2,3',
    cpuTopology: [
      { cpuId: 0, numaCellId: 0, socketId: 0, dieId: 0, coreId: 0 },
      { cpuId: 1, numaCellId: 0, socketId: 0, dieId: 0, coreId: 1 },
    ],
    vdsmCpusAffinity: '0,1',
    kvmEnabled: true,
    physicalMemMb: 131_072,
    reservedMem: 321,
    guestOverhead: 65,
    netConfigDirty: false,
    softwareVersion: '4.50.99',
    versionName: 'Rig',
    buildName: '1',
    supportedClusterLevels: '4.6,4.7',
    supportedEngines: '4.5',
    hostOs: 'Debian - 12.11',
    prettyName: 'Debian GNU/Linux 12 (bookworm)',
    libvirtVersion: 'libvirt-9.0.0-4+deb12u2',
    spiceVersion: '0.15.1-1',
    kernelVersion: '6.18.44 - fc-v669',
    iscsiInitiatorName: 'iqn.1994-05.com.example:1',
    hooks: {},
    hbas: { FC: [], iSCSI: [] },
    supportedRngSources: 'RANDOM,HWRNG',
    kdumpStatus: -1,
    selinuxEnforceMode: -1,
    autoNumaBalancing: 2,
    numaSupported: false,
    kernelArgs: 'BOOT_IMAGE=/vmlinuz quiet',
    kernelFeatures: {},
    supportedBlockSize: expect.objectContaining({ GLUSTERFS: [0, 512, 4096] }),
    supportedDomainVersions: '0,2,3,4,5',
    additionalFeatures: 'libgfapi_supported,GLUSTER_SNAPSHOT,GLUSTER_GEO_REPLICATION,GLUSTER_BRICK_MANAGEMENT',
    tscFrequency: '2596148000',
    tscScaling: false,
    fipsEnabled: false,
    bootUuid: 'b-1',
    vncEncryptionEnabled: false,
    backupEnabled: true,
    coldBackupEnabled: true,
    clearBitmapsEnabled: true,
    cdChangePdiv: true,
    ovnConfigured: false,
    hostdevEnabled: false,
    hostedEngineConfigured: false,
  });
  expect(report.selinuxMode).toBe('DISABLED');
  expect(report.clusterLevels).toEqual(['4.6', '4.7']);
  expect(report.supportedEngines).toEqual(['4.5']);
  expect(report.rngSources).toEqual(['RANDOM', 'HWRNG']);
  expect(report.emulatedMachines).toContain('pc-q35-7.2');
  expect(report.additionalFeatures).toHaveLength(4);
  expect(report.cpuFlags).toContain('model_486');
});

it('a real host that reports nearly all: only packages that are not installed are missing', () => {
  const { dynamic } = decodeVdsCapabilities(fixture('captured/Host.getCapabilities'));
  const ofCapabilities = Object.entries(vdsDynamicFields).filter(
    ([name, field]) => field.owner === 'agent' && !/^hw|^vm|Migrations$/.test(name),
  );
  const missing = ofCapabilities.map(([name]) => name).filter((name) => !(name in dynamic));
  expect(missing.sort()).toEqual(
    [
      'bootUuid',
      'glusterVersion',
      'glusterfsCliVersion',
      'kvmVersion',
      'librbd1Version',
      'nmstateVersion',
      'openvswitchVersion',
      'rpmVersion',
      'transparentHugepagesState',
    ].sort(),
  );
});

describe('capabilities: versions and modes', () => {
  const decode = (caps: Json) => decodeVdsCapabilities(caps);

  it('packages in the two forms of the columns', () => {
    const version = (v: string, r = '') => ({ version: v, release: r });
    const packages2 = {
      vdsm: version('4.50.99', '1.el9'),
      'qemu-kvm': version('8.2.0', '11.el9'),
      glusterfs: version('11.1', '1'),
      'glusterfs-cli': version('11.1'),
      librbd1: version('16.2.4', '5.el9'),
      openvswitch: version('3.1'),
      nmstate: version('2.2.9', '1'),
    };
    expect(decode({ packages2 }).dynamic).toEqual({
      rpmVersion: 'vdsm-4.50.99-1.el9',
      kvmVersion: '8.2.0 - 11.el9',
      glusterVersion: 'glusterfs-11.1-1',
      glusterfsCliVersion: 'glusterfs-cli-11.1',
      librbd1Version: 'librbd1-16.2.4-5.el9',
      openvswitchVersion: 'openvswitch-3.1',
      nmstateVersion: 'nmstate-2.2.9-1',
    });
  });

  it('the operating system in three parts', () => {
    const operatingSystem = { name: 'RHEL', version: '9', release: '1.el9', pretty_name: 'Example Linux 9' };
    expect(decode({ operatingSystem }).dynamic).toEqual({ hostOs: 'RHEL - 9 - 1.el9', prettyName: 'Example Linux 9' });
  });

  it.each([
    ['1', 'ENFORCING'],
    [0, 'PERMISSIVE'],
    ['-1', 'DISABLED'],
    [undefined, null],
  ])('selinux %j → %s', (mode, expected) => {
    expect(decode({ selinux: { mode } }).selinuxMode).toBe(expected);
  });

  it('lists are null when not reported, empty when empty', () => {
    const nothing = decode({});
    expect(nothing).toEqual({
      dynamic: {},
      interfaces: [],
      networks: [],
      cpuFlags: null,
      clusterLevels: null,
      supportedEngines: null,
      emulatedMachines: null,
      rngSources: null,
      additionalFeatures: null,
      selinuxMode: null,
      problems: [],
    });
    expect(decode({ clusterLevels: [], cpuFlags: '' })).toMatchObject({ clusterLevels: [], cpuFlags: [] });
  });

  it('two NUMA nodes are NUMA', () => {
    expect(decode({ numaNodes: { 0: {}, 1: {} } }).dynamic.numaSupported).toBe(true);
  });
});

describe('networks of a host', () => {
  const nic = (name: string, more: Json = {}) => ({
    [name]: { hwaddr: `52:54:00:00:00:0${name.at(-1)}`, mtu: '1500', addr: '', ...more },
  });
  const byName = (caps: Json) => {
    const report = decodeVdsCapabilities(caps);
    return { ...report, nic: Object.fromEntries(report.interfaces.map((i) => [i.name, i])) };
  };

  it('of the sample: the bridge’s port carries the network, with the bridge’s address', () => {
    const { networks, nic } = byName(fixture('Host.getCapabilities'));
    expect(networks).toEqual([{ name: 'ovirtmgmt', bridged: true }]);
    expect(nic['eno1']).toEqual({
      name: 'eno1',
      network: 'ovirtmgmt',
      bridged: true,
      baseInterface: null,
      vlanId: null,
      bondName: null,
      macAddr: '52:54:00:00:00:01',
      mtu: 1500,
      ipv4Address: '10.0.0.11',
    });
    expect(nic['eno2']).toMatchObject({ network: null, bridged: null });
    expect(nic['eno1.100']).toMatchObject({ baseInterface: 'eno1', vlanId: 100, macAddr: null });
  });

  it('a bond of two slaves with a vlan that carries a network behind a bridge', () => {
    const { nic: found, interfaces } = byName({
      nics: { ...nic('eth0', { permhwaddr: '52:54:00:AA:00:00' }), ...nic('eth1') },
      bondings: { bond0: { hwaddr: '52:54:00:00:00:0b', slaves: ['eth0', 'eth1', 'gone'], mtu: '9000' } },
      vlans: { 'bond0.7': { vlanid: 7, iface: 'bond0' } },
      bridges: { blue: { ports: ['bond0.7', 'vnet3'], addr: '10.7.0.1' } },
      networks: { blue: { iface: 'blue', bridged: true }, plain: { iface: 'bond0', bridged: false, addr: '10.8.0.1' } },
    });
    expect(interfaces.map((i) => i.name)).toEqual(['eth0', 'eth1', 'bond0.7', 'bond0']);
    expect(found['eth0']).toMatchObject({ bondName: 'bond0', macAddr: '52:54:00:aa:00:00', network: null });
    expect(found['eth1']).toMatchObject({ bondName: 'bond0' });
    expect(found['bond0']).toMatchObject({
      bondName: null,
      macAddr: '52:54:00:00:00:0b',
      mtu: 9000,
      network: 'plain',
      bridged: false,
      ipv4Address: '10.8.0.1',
    });
    expect(found['bond0.7']).toMatchObject({
      baseInterface: 'bond0',
      vlanId: 7,
      network: 'blue',
      bridged: true,
      ipv4Address: '10.7.0.1',
    });
  });

  it('a vlan of an older agent says its id by its name; a network that does not say bridged is', () => {
    const { nic: found, networks } = byName({
      nics: nic('eth0'),
      vlans: { 'eth0.42': {} },
      networks: { old: { iface: 'eth0.42' }, nowhere: {} },
    });
    expect(found['eth0.42']).toMatchObject({ baseInterface: 'eth0', vlanId: 42, network: 'old', bridged: true });
    expect(networks.map((n) => n.name)).toEqual(['old', 'nowhere']);
  });
});

it('hardware: what is missing or empty is not known', () => {
  expect(decodeVdsHardware(fixture('Host.getHardwareInfo')).dynamic).toEqual({
    hwManufacturer: 'Example Inc.',
    hwProductName: 'Rack 9000',
    hwVersion: 'A01',
    hwSerialNumber: 'EX0001',
    hwUuid: '4c4c4544-0000-4000-8000-000000000001',
    hwFamily: 'Rack',
  });
  expect(decodeVdsHardware({ systemFamily: ' ' }).dynamic).toMatchObject({ hwFamily: null, hwUuid: null });
});
