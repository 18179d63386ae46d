import { bool, boolOr, count, float, int, intOr, json, label, oneOf, type RowOf, text, time } from './field.js';
import { interfaceStatusIds, nonOperationalReasonIds, spmStatusIds, vdsStatusIds } from './vds-status.js';

const ours = { owner: 'vurti' } as const;

/** Which protocol the host's agent speaks: VDSM's own (JSON-RPC over STOMP) or our HTTP gateway protocol. */
export const agentProtocolIds = { vdsm: 0, http: 1 } as const;
export type AgentProtocol = keyof typeof agentProtocolIds;

/** Inventory: what is said about a host, not measured. Key: id. */
export const vdsStaticFields = {
  id: label('vds_id', ours),
  name: label('vds_name', ours),
  address: label('host_name', ours),
  port: int('port', ours),
  protocol: oneOf('protocol', agentProtocolIds, 'vdsm', ours),
  clusterId: label('cluster_id', ours),
  /** Where the host comes from: settings, api, file, engine, demo. */
  source: label('source', ours),
  /** Power management (fencing) is configured; it decides the wording of the first alarm. */
  pmEnabled: boolOr('pm_enabled', false, ours),
  spmStatus: oneOf('spm_status', spmStatusIds, 'None', ours),
  autoRecoverable: boolOr('recoverable', true, ours),
} as const;
export type VdsStatic = RowOf<typeof vdsStaticFields>;

export interface CpuTopologyEntry {
  readonly cpuId: number;
  readonly numaCellId: number;
  readonly socketId: number;
  readonly dieId: number | null;
  readonly coreId: number;
}

/** State and capabilities of a host. Written when a value changed, never in steady state. Key: id. */
export const vdsDynamicFields = {
  id: label('vds_id', ours),
  status: oneOf('status', vdsStatusIds, 'Unassigned', ours),
  previousStatus: oneOf('previous_status', vdsStatusIds, 'Unassigned', ours),
  /** When `status` became what it is. */
  statusSince: time('status_changed_at', ours),
  nonOperationalReason: oneOf('non_operational_reason', nonOperationalReasonIds, 'NONE', ours),
  maintenanceReason: text('maintenance_reason', ours),
  vmCount: intOr('vm_count', 0),
  vmActive: intOr('vm_active', 0),
  vmMigrating: intOr('vm_migrating', 0),
  incomingMigrations: intOr('incoming_migrations', 0),
  outgoingMigrations: intOr('outgoing_migrations', 0),
  vmsCoresCount: intOr('vms_cores_count', 0, ours),
  memCommited: intOr('mem_commited', 0, ours),
  pendingVmemSize: intOr('pending_vmem_size', 0, ours),
  pendingVcpusCount: intOr('pending_vcpus_count', 0, ours),
  reservedMem: int('reserved_mem'),
  guestOverhead: intOr('guest_overhead', 0),
  netConfigDirty: bool('net_config_dirty'),
  transparentHugepagesState: text('transparent_hugepages_state'),
  cpuCores: int('cpu_cores'),
  cpuThreads: int('cpu_threads'),
  cpuSockets: int('cpu_sockets'),
  cpuModel: text('cpu_model'),
  cpuSpeedMhz: float('cpu_speed_mh'),
  cpuFlags: text('cpu_flags'),
  onlineCpus: text('online_cpus'),
  cpuTopology: json<readonly CpuTopologyEntry[]>('cpu_topology'),
  vdsmCpusAffinity: text('vdsm_cpus_affinity'),
  kvmEnabled: bool('kvm_enabled'),
  physicalMemMb: int('physical_mem_mb'),
  softwareVersion: text('software_version'),
  versionName: text('version_name'),
  buildName: text('build_name'),
  rpmVersion: text('rpm_version'),
  supportedClusterLevels: text('supported_cluster_levels'),
  supportedEngines: text('supported_engines'),
  hostOs: text('host_os'),
  prettyName: text('pretty_name'),
  kvmVersion: text('kvm_version'),
  libvirtVersion: text('libvirt_version'),
  spiceVersion: text('spice_version'),
  kernelVersion: text('kernel_version'),
  glusterVersion: text('gluster_version'),
  librbd1Version: text('librbd1_version'),
  glusterfsCliVersion: text('glusterfs_cli_version'),
  openvswitchVersion: text('openvswitch_version'),
  nmstateVersion: text('nmstate_version'),
  iscsiInitiatorName: text('iscsi_initiator_name'),
  hooks: json<unknown>('hooks'),
  hbas: json<unknown>('hbas'),
  hwManufacturer: text('hw_manufacturer'),
  hwProductName: text('hw_product_name'),
  hwVersion: text('hw_version'),
  hwSerialNumber: text('hw_serial_number'),
  hwUuid: text('hw_uuid'),
  hwFamily: text('hw_family'),
  supportedEmulatedMachines: text('supported_emulated_machines'),
  supportedRngSources: text('supported_rng_sources'),
  kdumpStatus: intOr('kdump_status', -1),
  selinuxEnforceMode: int('selinux_enforce_mode'),
  autoNumaBalancing: int('auto_numa_balancing'),
  numaSupported: bool('is_numa_supported'),
  kernelArgs: text('kernel_args'),
  kernelFeatures: json<unknown>('kernel_features'),
  supportedBlockSize: json<unknown>('supported_block_size'),
  supportedDomainVersions: text('supported_domain_versions'),
  additionalFeatures: text('additional_features'),
  tscFrequency: text('tsc_frequency'),
  tscScaling: bool('tsc_scaling'),
  fipsEnabled: bool('fips_enabled'),
  bootUuid: text('boot_uuid'),
  vncEncryptionEnabled: bool('vnc_encryption_enabled'),
  backupEnabled: bool('backup_enabled'),
  coldBackupEnabled: bool('cold_backup_enabled'),
  clearBitmapsEnabled: bool('clear_bitmaps_enabled'),
  cdChangePdiv: bool('cd_change_pdiv'),
  ovnConfigured: bool('ovn_configured'),
  hostdevEnabled: bool('is_hostdev_enabled'),
  hostedEngineConfigured: bool('hosted_engine_configured'),
  inFenceFlow: boolOr('in_fence_flow', false, ours),
} as const;
export type VdsDynamic = RowOf<typeof vdsDynamicFields>;

export interface HugepagesOfSize {
  /** Pages in all. */
  readonly nr: number | null;
  /** Pages free for VMs. */
  readonly free: number | null;
}

export interface StorageDomainHealth {
  readonly code: number | null;
  readonly lastCheckSeconds: number | null;
  readonly delaySeconds: number | null;
  readonly valid: boolean;
  readonly actual: boolean;
  readonly acquired: boolean;
}

/** Usage of a host: kept in memory always, written at the pace of statistics.persistIntervalSeconds. Key: id. */
export const vdsStatisticsFields = {
  id: label('vds_id', ours),
  cpuUser: float('cpu_user'),
  cpuSys: float('cpu_sys'),
  cpuIdle: float('cpu_idle'),
  /** 5-minute load × 100. */
  cpuLoad: float('cpu_load'),
  usageCpuPercent: int('usage_cpu_percent'),
  usageMemPercent: int('usage_mem_percent'),
  usageNetworkPercent: int('usage_network_percent'),
  memFree: int('mem_free'),
  memShared: int('mem_shared'),
  swapFree: int('swap_free'),
  swapTotal: int('swap_total'),
  ksmCpuPercent: int('ksm_cpu_percent'),
  ksmPages: int('ksm_pages'),
  ksmState: bool('ksm_state'),
  anonymousHugepages: int('anonymous_hugepages'),
  /** By page size in KiB. */
  hugepages: json<Readonly<Record<string, HugepagesOfSize>>>('hugepages'),
  bootTime: time('boot_time'),
  haScore: int('ha_score'),
  haConfigured: bool('ha_configured'),
  haActive: bool('ha_active'),
  haGlobalMaintenance: bool('ha_global_maintenance'),
  haLocalMaintenance: bool('ha_local_maintenance'),
  /** MiB free by path. oVirt keeps these three in memory; operators ask for them. */
  diskFreeMb: json<Readonly<Record<string, number | null>>>('disk_free_mb'),
  storageDomains: json<Readonly<Record<string, StorageDomainHealth>>>('storage_domains'),
  multipathHealth: json<Readonly<Record<string, number>>>('multipath_valid_paths'),
} as const;
export type VdsStatistics = RowOf<typeof vdsStatisticsFields>;

/** A host's network interface: topology from capabilities, state and counters from statistics. Key: hostId, name. */
export const vdsInterfaceFields = {
  hostId: label('vds_id', ours),
  name: label('name', ours),
  /** Logical network that the nic carries, null for none. */
  network: text('network_name'),
  bridged: bool('bridged'),
  /** Nic below a vlan. */
  baseInterface: text('base_interface'),
  vlanId: int('vlan_id'),
  /** Bond that this nic is a slave of. */
  bondName: text('bond_name'),
  macAddr: text('mac_addr'),
  mtu: int('mtu'),
  ipv4Address: text('addr'),
} as const;
export type VdsInterface = RowOf<typeof vdsInterfaceFields>;

/** Counters and rates of one nic of a host. Key: hostId, name. */
export const vdsInterfaceStatisticsFields = {
  hostId: label('vds_id', ours),
  name: label('name', ours),
  status: oneOf('iface_status', interfaceStatusIds, 'NONE'),
  speedMbps: int('speed'),
  /** Per cent of the speed. */
  rxRate: float('rx_rate'),
  txRate: float('tx_rate'),
  rxDrop: count('rx_drop'),
  txDrop: count('tx_drop'),
  rxTotal: count('rx_total'),
  rxOffset: count('rx_offset'),
  txTotal: count('tx_total'),
  txOffset: count('tx_offset'),
  /** Seconds on the agent's clock. */
  sampleTime: float('sample_time'),
} as const;
export type VdsInterfaceStatistics = RowOf<typeof vdsInterfaceStatisticsFields>;

/** Usage of one NUMA node of a host. Key: hostId, index. */
export const numaNodeFields = {
  hostId: label('vds_id', ours),
  index: intOr('numa_node_index', 0, ours),
  memFree: int('mem_free'),
  usageMemPercent: int('usage_mem_percent'),
  cpuSys: float('cpu_sys'),
  cpuUser: float('cpu_user'),
  cpuIdle: float('cpu_idle'),
  usageCpuPercent: int('usage_cpu_percent'),
  /** Free pages by page size in KiB. */
  hugepages: json<Readonly<Record<string, number | null>>>('hugepages'),
} as const;
export type NumaNode = RowOf<typeof numaNodeFields>;

/** One host as the repository holds it. Immutable: a change makes a new object that shares all parts left alone. */
export interface Vds {
  readonly id: string;
  readonly static: VdsStatic;
  readonly dynamic: VdsDynamic;
  readonly interfaces: readonly VdsInterface[];
}

/** What was measured last; kept beside the host, because it changes with every poll and the host does not. */
export interface VdsUsage {
  readonly statistics: VdsStatistics;
  readonly interfaces: readonly VdsInterfaceStatistics[];
  readonly numaNodes: readonly NumaNode[];
}
