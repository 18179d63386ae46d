import {
  bool,
  boolOr,
  count,
  float,
  int,
  intOr,
  json,
  label,
  oneOf,
  ownJson,
  type RowOf,
  text,
  time,
} from './field.js';
import type { VmDevice } from './vm-device.js';
import { exitReasonIds, exitStatusIds, originIds, pauseStatusIds, vmStatusIds } from './vm-status.js';

const ours = { owner: 'vurti' } as const;

export interface VmNic {
  readonly mac: string;
  readonly name: string | null;
  /** vNIC profile; null = without. */
  readonly profile: string | null;
  readonly speedMbps: number | null;
}

export interface VmDisk {
  readonly imageId: string;
  readonly lunId: string | null;
  readonly alias: string | null;
  /** Of a LUN: its size, GiB, as last reported when the VM powered up; absent = not known. */
  readonly lunSizeGb?: number | null;
}

/** Inventory: what is said about a VM, not measured. Key: id. */
export const vmStaticFields = {
  id: label('vm_guid', ours),
  name: label('vm_name', ours),
  clusterId: text('cluster_id', ours),
  origin: oneOf('origin', originIds, 'OVIRT', ours),
  /** Not in the inventory; taken in from a report under its own name (D26). */
  adopted: boolOr('adopted', false, ours),
  /** Highly available: restarted elsewhere when it is proven down. null = not known: the rules that need it are off. */
  ha: bool('auto_startup', ours),
  priority: intOr('priority', 0, ours),
  lease: boolOr('lease', false, ours),
  vcpus: int('num_of_cpus', ours),
  memoryMb: int('mem_size_mb', ours),
  minMemoryMb: int('min_allocated_mem', ours),
  /** QEMU's own need on top of the guest's memory. */
  overheadMb: intOr('overhead_mb', 0, ours),
  cpuPinningPolicy: text('cpu_pinning_policy', ours),
  nics: ownJson<readonly VmNic[]>('nics'),
  disks: ownJson<readonly VmDisk[]>('disks'),
} as const;
export type VmStatic = RowOf<typeof vmStaticFields>;

export interface Graphics {
  readonly type: 'spice' | 'vnc';
  readonly port: number | null;
  readonly tlsPort: number | null;
  readonly ip: string | null;
}

/** State of a VM. Written when a value changed. Key: id. Compared and copied fields: monitoring-rules.md §4.11. */
export const vmDynamicFields = {
  id: label('vm_guid', ours),
  status: oneOf('status', vmStatusIds, 'Down'),
  /** When `status` became what it is. */
  statusSince: time('status_changed_at', ours),
  /** Host that runs it; not null is what "runs on a host" means, whatever the status. */
  runOnVds: text('run_on_vds', ours),
  migratingToVds: text('migrating_to_vds', ours),
  vmHost: text('vm_host'),
  vmIp: text('vm_ip', ours),
  fqdn: text('vm_fqdn', { max: 255 }),
  lastStartTime: time('last_start_time', ours),
  lastStopTime: time('last_stop_time', ours),
  bootTime: time('boot_time', ours),
  downtime: int('downtime', ours),
  guestUser: text('guest_cur_user_name', { max: 255 }),
  consoleUser: text('console_cur_user_name', ours),
  consoleUserId: text('console_user_id', ours),
  clientIp: text('client_ip', { max: 255 }),
  guestOs: text('guest_os', { max: 255 }),
  guestCpuCount: int('guest_cpu_count'),
  guestRequestedMemory: int('guest_requested_memory'),
  appList: text('app_list'),
  acpiEnabled: bool('acpi_enable'),
  session: text('session', { max: 40 }),
  utcDiff: int('utc_diff'),
  exitStatus: oneOf('exit_status', exitStatusIds, 'Normal'),
  exitMessage: text('exit_message', { max: 4000 }),
  exitReason: oneOf('exit_reason', exitReasonIds, 'Unknown'),
  pauseStatus: oneOf('pause_status', pauseStatusIds, 'NONE'),
  /** Fingerprint of the devices; a new one asks for dumpxmls. */
  hash: text('hash', { owner: 'vurti', max: 64 }),
  /** Fingerprints of the TPM's and the NVRAM's data; new ones ask for the data to be saved. */
  tpmHash: text('tpm_hash', { owner: 'vurti', max: 255 }),
  nvramHash: text('nvram_hash', { owner: 'vurti', max: 255 }),
  guestAgentNicsHash: int('guest_agent_nics_hash'),
  lastWatchdogEvent: float('last_watchdog_event'),
  lastWatchdogAction: text('last_watchdog_action', { max: 64 }),
  volatileRun: boolOr('volatile_run', false, ours),
  cpuName: text('cpu_name', ours),
  emulatedMachine: text('emulated_machine', ours),
  currentCd: text('current_cd', { max: 4000 }),
  graphics: json<readonly Graphics[]>('graphics'),
  guestTimezoneName: text('guest_timezone_name', { max: 255 }),
  guestTimezoneOffset: int('guest_timezone_offset'),
  guestOsArch: text('guestos_arch', { max: 64 }),
  guestOsCodename: text('guestos_codename', { max: 255 }),
  guestOsDistribution: text('guestos_distribution', { max: 255 }),
  guestOsKernelVersion: text('guestos_kernel_version', { max: 255 }),
  guestOsType: text('guestos_type', { max: 64 }),
  guestOsVersion: text('guestos_version', { max: 255 }),
  guestContainers: json<readonly unknown[]>('guest_containers'),
  runtimeName: text('runtime_name', ours),
  currentCpuPinning: text('current_cpu_pinning', ours),
} as const;
export type VmDynamic = RowOf<typeof vmDynamicFields>;

/** What an agent says about a VM's state: only fields that were present (pushes) or all of them (polls, with defaults). */
export type ReportedVmDynamic = Partial<{
  readonly [K in keyof VmDynamic as (typeof vmDynamicFields)[K]['owner'] extends 'agent' ? K : never]: VmDynamic[K];
}>;

export interface DiskUsage {
  readonly path: string;
  readonly fs: string | null;
  readonly total: string | null;
  readonly used: string | null;
}

/** Usage of a VM: kept in memory always, written at the pace of statistics.persistIntervalSeconds. Key: id. */
export const vmStatisticsFields = {
  id: label('vm_guid', ours),
  /** Per cent of one CPU, all vCPUs together. */
  cpuUser: float('cpu_user'),
  cpuSys: float('cpu_sys'),
  elapsedSeconds: int('elapsed_time'),
  usageCpuPercent: int('usage_cpu_percent'),
  usageMemPercent: int('usage_mem_percent'),
  usageNetworkPercent: int('usage_network_percent'),
  disksUsage: json<readonly DiskUsage[]>('disks_usage'),
  guestMemBuffered: int('guest_mem_buffered'),
  guestMemCached: int('guest_mem_cached'),
  guestMemFree: int('guest_mem_free'),
  guestMemUnused: int('guest_mem_unused'),
  /** KiB. */
  balloonCurrent: int('balloon_current'),
  balloonMax: int('balloon_max'),
  balloonMin: int('balloon_min'),
  balloonTarget: int('balloon_target'),
} as const;
export type VmStatistics = RowOf<typeof vmStatisticsFields>;

/** Counters and rates of one nic of a VM. Key: vmId, macAddr. */
export const vmInterfaceStatisticsFields = {
  vmId: label('vm_id', ours),
  macAddr: label('mac_addr', ours),
  name: text('name'),
  speedMbps: int('speed'),
  rxRate: float('rx_rate'),
  txRate: float('tx_rate'),
  rxDrop: count('rx_drop'),
  txDrop: count('tx_drop'),
  rxTotal: count('rx_total'),
  rxOffset: count('rx_offset'),
  txTotal: count('tx_total'),
  txOffset: count('tx_offset'),
  sampleTime: float('sample_time'),
} as const;
export type VmInterfaceStatistics = RowOf<typeof vmInterfaceStatisticsFields>;

/** Usage of one disk image. Key: imageId. */
export const diskStatisticsFields = {
  imageId: label('image_id', ours),
  vmId: label('vm_id', ours),
  /** Bytes per second. */
  readRate: float('read_rate'),
  writeRate: float('write_rate'),
  readOps: count('read_ops'),
  writeOps: count('write_ops'),
  /** Bytes. */
  actualSize: count('actual_size'),
  readLatencySeconds: float('read_latency_seconds'),
  writeLatencySeconds: float('write_latency_seconds'),
  flushLatencySeconds: float('flush_latency_seconds'),
} as const;
export type DiskStatistics = RowOf<typeof diskStatisticsFields>;

/** The guest's own view of a nic. Key: vmId, name. */
export const guestInterfaceFields = {
  vmId: label('vm_id', ours),
  name: label('interface_name', ours),
  macAddr: text('mac_address'),
  ipv4Addresses: json<readonly string[]>('ipv4_addresses'),
  ipv6Addresses: json<readonly string[]>('ipv6_addresses'),
} as const;
export type GuestInterface = RowOf<typeof guestInterfaceFields>;

/** A live block job (merge) of a VM. Key: id. */
export const vmJobFields = {
  id: label('vm_job_id', ours),
  vmId: label('vm_id', ours),
  jobState: text('job_state'),
  jobType: text('job_type'),
  blockJobType: text('block_job_type'),
  bandwidth: count('bandwidth'),
  cursorCur: count('cursor_cur'),
  cursorEnd: count('cursor_end'),
  imageGroupId: text('image_group_id'),
} as const;
export type VmJob = RowOf<typeof vmJobFields>;

/** One VM as the repository holds it. Immutable: a change makes a new object that shares all parts left alone. */
export interface Vm {
  readonly id: string;
  readonly static: VmStatic;
  readonly dynamic: VmDynamic;
  readonly guestInterfaces: readonly GuestInterface[];
  readonly jobs: readonly VmJob[];
  readonly devices: readonly VmDevice[];
}

/** What was measured last; kept beside the VM, because it changes with every poll and the VM does not. */
export interface VmUsage {
  readonly statistics: VmStatistics;
  readonly interfaces: readonly VmInterfaceStatistics[];
  readonly disks: readonly DiskStatistics[];
  /** Per cent, while migrating; memory only. */
  readonly migrationProgress: number | null;
}
