import { hashOf, VurtiError } from '../../kernel/index.js';
import {
  type ExitReason,
  type ExitStatus,
  exitReasonIds,
  type PauseStatus,
  type VmDisk,
  type VmNic,
  type VmStatus,
} from '../../model/index.js';

/** A VM on a fake host. What is left out has a plausible value that follows from the VM's id. */
export interface FakeVm {
  /** In our words; the agent's are sent. Default Up. */
  readonly status?: VmStatus;
  /** Default: the id. */
  readonly name?: string;
  readonly pauseStatus?: PauseStatus;
  /** Of a Down VM. */
  readonly exitStatus?: Exclude<ExitStatus, 'Unknown'>;
  readonly exitReason?: ExitReason;
  readonly exitMessage?: string;
  /** Per cent of one CPU. */
  readonly cpuUser?: number;
  readonly cpuSys?: number;
  readonly memUsagePercent?: number;
  readonly migrationProgress?: number;
  /** Fingerprint of the devices: a new one asks for dumpxmls. */
  readonly deviceHash?: string;
  /** libvirt's description of it (Host.dumpxmls). Default: its name, memory and CPUs, and no devices. */
  readonly xml?: string;
  /** false: no agent in the guest says anything. Default: it speaks while the VM is Up. */
  readonly guestAgent?: boolean;
  /** The agent's own fields, laid over all others; undefined takes a field away. */
  readonly fields?: Readonly<Record<string, unknown>>;

  /** What the inventory says of it. */
  readonly cluster?: string;
  readonly ha?: boolean;
  readonly priority?: number;
  readonly lease?: boolean;
  readonly vcpus?: number;
  readonly memoryMb?: number;
  readonly minMemoryMb?: number;
}

/** What a manager would know of the VM beforehand: the facts of `createMonitor`'s `vms`. */
export interface FakeVmFacts {
  readonly id: string;
  readonly name: string;
  readonly cluster: string;
  readonly ha: boolean;
  readonly priority: number;
  readonly lease: boolean;
  readonly vcpus: number;
  readonly memoryMb: number;
  readonly minMemoryMb: number;
  readonly nics: readonly VmNic[];
  readonly disks: readonly VmDisk[];
}

/** Where the agent's clocks stand. */
export interface FakeTime {
  /** Seconds by which counters have moved on. */
  readonly seconds: number;
  /** The host's wall clock, ms since the epoch. */
  readonly now: number;
}

const MIB_IN_KIB = 1024;
/** The agent's event clock at the start: ms since boot plus 2^31 - 1. */
const EVENT_CLOCK = 2_233_896_412;

/** Our word for a status → the agent's. Words that only the engine uses are not here. */
const words: Partial<Record<VmStatus, string>> = {
  Unassigned: 'Unassigned',
  Down: 'Down',
  Up: 'Up',
  PoweringUp: 'Powering up',
  Paused: 'Paused',
  MigratingFrom: 'Migration Source',
  MigratingTo: 'Migration Destination',
  // An agent says it by monitorResponse.
  NotResponding: 'Up',
  WaitForLaunch: 'WaitForLaunch',
  RebootInProgress: 'RebootInProgress',
  SavingState: 'Saving State',
  RestoringState: 'Restoring state',
  PoweringDown: 'Powering down',
};

export function statusWord(status: VmStatus): string {
  const word = words[status];
  if (word !== undefined) return word;
  throw new VurtiError('BAD_ARGUMENT', `No agent ever reports the status ${status}; the monitor alone gives it`);
}

export function vmFacts(id: string, vm: FakeVm, hostCluster: string): FakeVmFacts {
  const memoryMb = vm.memoryMb ?? 4096;
  const { mac, imageId, name } = identityOf(id, vm);
  return {
    id,
    name,
    cluster: vm.cluster ?? hostCluster,
    ha: vm.ha ?? false,
    priority: vm.priority ?? 0,
    lease: vm.lease ?? false,
    vcpus: vm.vcpus ?? 2,
    memoryMb,
    minMemoryMb: vm.minMemoryMb ?? Math.trunc(memoryMb / 2),
    nics: [{ mac, name: 'nic1', profile: 'ovirtmgmt', speedMbps: 1000 }],
    disks: [{ imageId, lunId: null, alias: `${name}_Disk1` }],
  };
}

/** The agent's event clock: statusTime and notify_time. */
export function eventClockOf(time: FakeTime): number {
  return EVENT_CLOCK + Math.trunc(time.seconds * 1000);
}

/** The VM's entry in the answer of Host.getAllVmStats. */
export function vmPayload(id: string, vm: FakeVm, hostIp: string, time: FakeTime): Record<string, unknown> {
  const status = vm.status ?? 'Up';
  const clock = { statusTime: String(eventClockOf(time)) };
  const payload = status === 'Down' ? downPayload(vm) : runningPayload(id, vm, status, hostIp, time);
  return { ...clock, status: statusWord(status), vmId: id, ...payload, ...vm.fields };
}

/** The VM's entry in the answer of Host.getVMList. */
export function vmListEntry(id: string, vm: FakeVm, time: FakeTime): Record<string, unknown> {
  const { statusTime, status } = vmPayload(id, vm, '', time);
  return { vmId: id, status, statusTime };
}

function downPayload(vm: FakeVm): Record<string, unknown> {
  const exitStatus = vm.exitStatus ?? 'Normal';
  const reason = vm.exitReason ?? (exitStatus === 'Normal' ? 'UserShutdown' : 'GenericError');
  const message =
    exitStatus === 'Normal' ? 'User shut down from within the guest' : 'Lost connection with qemu process';
  return {
    exitCode: exitStatus === 'Normal' ? 0 : 1,
    exitReason: exitReasonIds[reason],
    exitMessage: vm.exitMessage ?? message,
    timeOffset: '0',
  };
}

function runningPayload(id: string, vm: FakeVm, status: VmStatus, hostIp: string, time: FakeTime) {
  const running = status !== 'Paused' && status !== 'SavingState';
  const { number, mac, imageId, name } = identityOf(id, vm);
  const memoryKib = String((vm.memoryMb ?? 4096) * MIB_IN_KIB);
  const tap = `vnet${number % 1000}`;
  const elapsed = Math.trunc(86_000 + time.seconds);
  return {
    vmName: name,
    vmType: 'kvm',
    kvmEnable: 'true',
    acpiEnable: 'true',
    elapsedTime: String(elapsed),
    monitorResponse: status === 'NotResponding' ? '-1' : '0',
    clientIp: '',
    timeOffset: '0',
    pauseCode: vm.pauseStatus ?? 'NOERR',
    cpuUser: (vm.cpuUser ?? (running ? 5 + (number % 20) : 0)).toFixed(2),
    cpuSys: (vm.cpuSys ?? (running ? 1.5 : 0)).toFixed(2),
    cpuUsage: String(BigInt(elapsed) * 160_000_000n),
    cpuActual: true,
    vcpuCount: String(vm.vcpus ?? 2),
    vcpuQuota: '-1',
    vcpuPeriod: 100_000,
    memUsage: String(vm.memUsagePercent ?? 20 + (number % 40)),
    network: { [tap]: nicPayload(tap, mac, time) },
    disks: { sda: diskPayload(imageId, time), sdc: emptyCdPayload },
    balloonInfo: {
      balloon_max: memoryKib,
      balloon_min: String(Math.trunc((vm.minMemoryMb ?? (vm.memoryMb ?? 4096) / 2) * MIB_IN_KIB)),
      balloon_cur: memoryKib,
      balloon_target: memoryKib,
      ballooning_enabled: true,
    },
    displayInfo: [{ type: 'vnc', port: String(5900 + (number % 1000)), tlsPort: '-1', ipAddress: hostIp }],
    hash: vm.deviceHash ?? String(7_160_284_459_183_000_000n + BigInt(number)),
    vmJobs: {},
    ...(vm.migrationProgress === undefined ? {} : { migrationProgress: vm.migrationProgress }),
    ...((vm.guestAgent ?? status === 'Up') ? guestPayload(name, number, mac) : silentGuest),
  };
}

function nicPayload(tap: string, mac: string, { seconds }: FakeTime): Record<string, unknown> {
  return {
    macAddr: mac,
    name: tap,
    speed: '1000',
    state: 'unknown',
    rxErrors: '0',
    rxDropped: '0',
    txErrors: '0',
    txDropped: '0',
    rx: String(734_003_200 + Math.trunc(seconds * 12_500)),
    tx: String(91_750_400 + Math.trunc(seconds * 2500)),
    sampleTime: 86_412.75 + seconds,
  };
}

function diskPayload(imageID: string, { seconds }: FakeTime): Record<string, unknown> {
  return {
    truesize: '10737418240',
    apparentsize: '53687091200',
    readLatency: '412330.5',
    writeLatency: '1893221.25',
    flushLatency: '0',
    readOps: String(99_120 + Math.trunc(seconds * 2)),
    writeOps: String(218_832 + Math.trunc(seconds * 8)),
    readBytes: '3221225472',
    writtenBytes: '7784628224',
    readRate: '10240.0',
    writeRate: '524288.5',
    imageID,
  };
}

const emptyCdPayload = {
  truesize: '0',
  apparentsize: '0',
  readLatency: '0',
  writeLatency: '0',
  flushLatency: '0',
  readOps: '4',
  writeOps: '0',
  readBytes: '152',
  writtenBytes: '0',
  readRate: '0.0',
  writeRate: '0.0',
};

const silentGuest = {
  username: 'Unknown',
  session: 'Unknown',
  guestCPUCount: -1,
  appsList: [],
  guestIPs: '',
  guestFQDN: '',
};

function guestPayload(name: string, number: number, mac: string): Record<string, unknown> {
  const ip = `192.168.${(number >>> 8) % 250}.${1 + (number % 250)}`;
  const fqdn = `${name}.example.test`;
  const kernel = '5.14.0-427.el9.x86_64';
  return {
    username: 'None',
    session: 'UserLoggedOn',
    guestCPUCount: 2,
    appsList: [`kernel-${kernel}`, 'qemu-guest-agent-8.2.0'],
    guestIPs: ip,
    guestFQDN: fqdn,
    guestName: fqdn,
    guestOs: kernel,
    guestOsInfo: { type: 'linux', arch: 'x86_64', kernel, distribution: 'CentOS Stream', version: '9', codename: '' },
    guestTimezone: { offset: 60, zone: 'CET' },
    netIfaces: [
      { name: 'lo', inet: ['127.0.0.1'], inet6: ['::1'], hw: '00:00:00:00:00:00' },
      { name: 'eth0', inet: [ip], inet6: [], hw: mac },
    ],
    disksUsage: [{ path: '/', total: 53_660_876_800, used: 12_884_901_888, fs: 'xfs' }],
    memoryStats: {
      mem_total: '3901440',
      mem_unused: '1202176',
      mem_free: '2642784',
      mem_buffers: '2104',
      mem_cached: '1438504',
    },
  };
}

function identityOf(id: string, vm: FakeVm): { number: number; mac: string; imageId: string; name: string } {
  const number = hashOf(id);
  const hex = number.toString(16).padStart(8, '0');
  const mac = `56:6f:${hex.match(/../g)?.join(':')}`;
  return { number, mac, imageId: `${hex}-0000-4000-8000-${hex}0001`, name: vm.name ?? id };
}
