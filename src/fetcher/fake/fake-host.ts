import { hashOf } from '../../kernel/index.js';
import type { SpmStatus } from '../../model/index.js';
import { agentTimeText } from '../decode/agent-time.js';
import type { FakeTime, FakeVm } from './fake-vm.js';

/** A fake host. What is left out has a plausible value: 2 × 16 cores, 128 GiB, one network, every rule kept. */
export interface FakeHost {
  readonly vms?: Readonly<Record<string, FakeVm>>;
  /** Default "Default". */
  readonly cluster?: string;
  readonly address?: string;
  readonly port?: number;
  readonly pmEnabled?: boolean;
  readonly spmStatus?: SpmStatus;
  /** The agent's own fields, laid over the answers of the three methods; undefined takes a field away. */
  readonly stats?: Readonly<Record<string, unknown>>;
  readonly capabilities?: Readonly<Record<string, unknown>>;
  readonly hardware?: Readonly<Record<string, unknown>>;
}

/** What a manager would know of the host beforehand: the facts of `createMonitor`'s `hosts`. */
export interface FakeHostFacts {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly protocol: 'vdsm';
  readonly cluster: string;
  readonly pmEnabled: boolean;
  readonly spmStatus: SpmStatus;
}

const BOOT_SECONDS_BEFORE = 86_412;
const GIB_IN_MIB = 1024;

export function hostFacts(name: string, host: FakeHost): FakeHostFacts {
  return {
    id: name,
    name,
    address: host.address ?? `${name}.example.test`,
    port: host.port ?? 54_321,
    protocol: 'vdsm',
    cluster: host.cluster ?? 'Default',
    pmEnabled: host.pmEnabled ?? false,
    spmStatus: host.spmStatus ?? 'None',
  };
}

export function ipOf(name: string): string {
  const number = hashOf(name);
  return `10.0.${(number >>> 8) % 250}.${1 + (number % 250)}`;
}

export function statsPayload(host: FakeHost, vms: ReadonlyMap<string, FakeVm>, time: FakeTime, startedAt: number) {
  const statuses = [...vms.values()].map((vm) => vm.status ?? 'Up');
  const count = (status: string): number => statuses.filter((s) => s === status).length;
  const incoming = count('MigratingTo');
  const outgoing = count('MigratingFrom');
  const sampleTime = startedAt / 1000 + time.seconds;
  const rx = 918_273_645_512n + BigInt(Math.trunc(time.seconds)) * 1_250_000n;
  const tx = 123_456_789_012n + BigInt(Math.trunc(time.seconds)) * 250_000n;
  return {
    cpuLoad: '2.37',
    cpuUser: '11.42',
    cpuSys: '3.08',
    cpuIdle: '85.50',
    cpuSysVdsmd: '0.13',
    cpuUserVdsmd: '0.47',
    elapsedTime: (BOOT_SECONDS_BEFORE + time.seconds).toFixed(2),
    memUsed: '61',
    anonHugePages: '18432',
    network: {
      eno1: nic('eno1', 'up', rx, tx, '10000', sampleTime),
      eno2: nic('eno2', 'down', 0n, 0n, '1000', sampleTime),
      ovirtmgmt: nic('ovirtmgmt', 'up', rx, tx, '10000', sampleTime),
    },
    rxDropped: '0',
    txDropped: '0',
    hugepages: { 2048: noHugepages, 1048576: noHugepages },
    diskStats: { '/tmp': { free: '30211' }, '/var/log': { free: '9120' }, '/var/run/vdsm/': { free: '96512' } },
    thpState: 'always',
    bootTime: String(Math.trunc(startedAt / 1000) - BOOT_SECONDS_BEFORE),
    numaNodeMemFree: {
      0: { memFree: '25344', memPercent: 61, hugepages: { 4: { freePages: 6_488_064 } } },
      1: { memFree: '25344', memPercent: 61, hugepages: { 4: { freePages: 6_488_064 } } },
    },
    cpuStatistics: {
      0: { nodeIndex: 0, cpuUser: '12.40', cpuSys: '3.27', cpuIdle: '84.33' },
      1: { nodeIndex: 1, cpuUser: '10.44', cpuSys: '2.89', cpuIdle: '86.67' },
    },
    v2vJobs: {},
    storageDomains: {},
    multipathHealth: {},
    memFree: 50_688,
    swapTotal: 16_383,
    swapFree: 16_120,
    vmCount: vms.size,
    vmActive: count('Up'),
    vmMigrating: incoming + outgoing,
    incomingVmMigrations: incoming,
    outgoingVmMigrations: outgoing,
    dateTime: agentTimeText(time.now),
    momStatus: 'active',
    ksmState: false,
    ksmPages: 100,
    ksmMergeAcrossNodes: true,
    memShared: 0,
    ksmCpu: 0,
    netConfigDirty: 'False',
    haStats: { configured: false, active: false, score: 0, globalMaintenance: false, localMaintenance: false },
    ...host.stats,
  };
}

export function capabilitiesPayload(name: string, host: FakeHost): Record<string, unknown> {
  const addr = ipOf(name);
  const bridge = {
    addr,
    netmask: '255.255.0.0',
    gateway: '10.0.0.1',
    mtu: '1500',
    ports: ['eno1'],
    stp: 'off',
    opts: {},
  };
  return {
    clusterLevels: ['4.2', '4.3', '4.4', '4.5', '4.6', '4.7', '4.8'],
    supportedENGINEs: ['4.4', '4.5'],
    cpuModel: 'Example CPU @ 2.60GHz',
    cpuCores: '32',
    cpuThreads: '64',
    cpuSockets: '2',
    cpuSpeed: '2596.148',
    cpuFlags: 'vmx,nx,lm,sse4_2,aes,avx,avx2,model_Nehalem,model_Westmere,model_SandyBridge,model_Haswell',
    onlineCpus: '0,1,2,3',
    cpuTopology: [
      { cpu_id: 0, numa_cell_id: 0, socket_id: 0, die_id: 0, core_id: 0 },
      { cpu_id: 1, numa_cell_id: 1, socket_id: 1, die_id: 0, core_id: 0 },
    ],
    vdsmToCpusAffinity: [1],
    memSize: String(128 * GIB_IN_MIB),
    reservedMem: '321',
    guestOverhead: '65',
    kvmEnabled: 'true',
    emulatedMachines: ['pc', 'pc-i440fx-rhel7.6.0', 'q35', 'pc-q35-rhel8.6.0', 'pc-q35-rhel9.0.0'],
    rngSources: ['random', 'hwrng', 'urandom'],
    selinux: { mode: '1' },
    kdumpStatus: 0,
    autoNumaBalancing: 1,
    numaNodes: { 0: { cpus: [0], totalMemory: '65536' }, 1: { cpus: [1], totalMemory: '65536' } },
    numaNodeDistance: { 0: [10, 21], 1: [21, 10] },
    additionalFeatures: [],
    domain_versions: [0, 2, 3, 4, 5],
    supported_block_size: { NFS: [512], ISCSI: [512], FCP: [512] },
    operatingSystem: { name: 'RHEL', version: '9.4', release: '1.el9', pretty_name: 'Example Enterprise Linux 9.4' },
    packages2: {
      vdsm: { version: '4.50.99', release: '1.el9' },
      'qemu-kvm': { version: '8.2.0', release: '11.el9' },
      libvirt: { version: '10.0.0', release: '6.el9' },
      'spice-server': { version: '0.15.1', release: '1.el9' },
      kernel: { version: '5.14.0', release: '427.el9.x86_64' },
    },
    software_version: '4.50.99',
    software_revision: '1',
    version_name: 'Snow Man',
    kernelArgs: 'BOOT_IMAGE=/vmlinuz quiet',
    kernelFeatures: {},
    hooks: {},
    HBAInventory: { iSCSI: [], FC: [] },
    ISCSIInitiatorName: '',
    networks: { ovirtmgmt: { ...bridge, bridged: true, iface: 'ovirtmgmt', switch: 'legacy' } },
    bridges: { ovirtmgmt: bridge },
    nics: { eno1: hardNic(`${name}:eno1`, 10_000), eno2: hardNic(`${name}:eno2`, 0) },
    vlans: {},
    bondings: {},
    nameservers: ['10.0.0.1'],
    uuid: hardwareUuid(name),
    boot_uuid: '',
    liveSnapshot: 'true',
    liveMerge: 'true',
    netConfigDirty: 'False',
    hostdevPassthrough: 'false',
    hostedEngineDeployed: false,
    realtimeKernel: false,
    nestedVirtualization: false,
    fipsEnabled: false,
    tscFrequency: '2596148000',
    tscScaling: true,
    ovnConfigured: false,
    backupEnabled: true,
    coldBackupEnabled: true,
    clearBitmapsEnabled: true,
    cd_change_pdiv: true,
    vncEncrypted: false,
    vmTypes: ['kvm'],
    ...host.capabilities,
  };
}

export function hardwarePayload(name: string, host: FakeHost): Record<string, unknown> {
  return {
    systemManufacturer: 'Example Inc.',
    systemProductName: 'Rack 9000',
    systemVersion: 'A01',
    systemSerialNumber: `EX${hashOf(name)}`,
    systemUUID: hardwareUuid(name),
    systemFamily: 'Rack',
    ...host.hardware,
  };
}

const noHugepages = { free_hugepages: 0, 'vm.free_hugepages': 0, nr_hugepages: 0, resv_hugepages: 0 };

function nic(name: string, state: string, rx: bigint, tx: bigint, speed: string, sampleTime: number) {
  const counters = { rx: String(rx), tx: String(tx), rxErrors: '0', txErrors: '0', rxDropped: '0', txDropped: '0' };
  return { name, state, speed, duplex: 'full', sampleTime, ...counters };
}

function hardNic(seed: string, speed: number): Record<string, unknown> {
  const hwaddr = `52:54:${hashOf(seed).toString(16).padStart(8, '0').match(/../g)?.join(':')}`;
  return { addr: '', netmask: '', gateway: '', hwaddr, permhwaddr: hwaddr, mtu: '1500', speed };
}

function hardwareUuid(name: string): string {
  const hex = hashOf(name).toString(16).padStart(8, '0');
  return `${hex}-0000-4000-8000-${hex}0000`;
}
