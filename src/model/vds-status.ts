/** Host statuses with oVirt's numbers (VDSStatus; monitoring-rules.md §1.1). */
export const vdsStatusIds = {
  Unassigned: 0,
  Down: 1,
  Maintenance: 2,
  Up: 3,
  NonResponsive: 4,
  Error: 5,
  Installing: 6,
  InstallFailed: 7,
  Reboot: 8,
  PreparingForMaintenance: 9,
  NonOperational: 10,
  PendingApproval: 11,
  Initializing: 12,
  Connecting: 13,
  InstallingOS: 14,
  Kdumping: 15,
} as const;
export type VdsStatus = keyof typeof vdsStatusIds;

const set = (...names: VdsStatus[]): ReadonlySet<VdsStatus> => new Set(names);

/** Hosts in these statuses are somebody else's at the moment: no cycle, and no failure changes them (D2). */
export const notMonitored = set(
  'Installing',
  'InstallFailed',
  'Reboot',
  'Maintenance',
  'PendingApproval',
  'InstallingOS',
  'Down',
  'Kdumping',
);
/** Statuses in which VM statistics are polled (PollVmStatsRefresher.isMonitoringNeeded). */
export const vmPollAllowed = set('Up', 'Error', 'NonOperational', 'PreparingForMaintenance');
/** "Up or going to maintenance": GetVdsStats on statistics ticks instead of capabilities on every tick. */
export const upOrLeaving: ReadonlySet<VdsStatus> = new Set(vmPollAllowed);

export const spmStatusIds = { None: 0, Contending: 1, SPM: 2 } as const;
export type SpmStatus = keyof typeof spmStatusIds;

/** Why a host is NonOperational (NonOperationalReason; §1.3). */
export const nonOperationalReasonIds = {
  NONE: 0,
  GENERAL: 1,
  CPU_TYPE_INCOMPATIBLE_WITH_CLUSTER: 2,
  STORAGE_DOMAIN_UNREACHABLE: 3,
  NETWORK_UNREACHABLE: 4,
  VERSION_INCOMPATIBLE_WITH_CLUSTER: 5,
  KVM_NOT_RUNNING: 6,
  TIMEOUT_RECOVERING_FROM_CRASH: 7,
  VM_NETWORK_IS_BRIDGELESS: 8,
  GLUSTER_COMMAND_FAILED: 9,
  GLUSTER_HOST_UUID_NOT_FOUND: 10,
  EMULATED_MACHINES_INCOMPATIBLE_WITH_CLUSTER: 11,
  UNTRUSTED: 12,
  UNINITIALIZED: 13,
  CLUSTER_VERSION_INCOMPATIBLE_WITH_CLUSTER: 14,
  GLUSTER_HOST_UUID_ALREADY_EXISTS: 15,
  ARCHITECTURE_INCOMPATIBLE_WITH_CLUSTER: 16,
  NETWORK_INTERFACE_IS_DOWN: 17,
  RNG_SOURCES_INCOMPATIBLE_WITH_CLUSTER: 18,
  EMULATED_MACHINES_INCOMPATIBLE_WITH_CLUSTER_LEVEL: 19,
  MIXING_RHEL_VERSIONS_IN_CLUSTER: 20,
  HOST_FEATURES_INCOMPATIBILE_WITH_CLUSTER: 21,
  LIBRBD_PACKAGE_NOT_AVAILABLE: 22,
  LIBVIRT_SECRETS_REGISTRATION_FAILURE: 23,
  VDS_CANNOT_CONNECT_TO_GLUSTERFS: 24,
  KUBEVIRT_NOT_SCHEDULABLE: 25,
  HE_HOST_IN_NON_HE_CLUSTER: 26,
  FIPS_INCOMPATIBLE_WITH_CLUSTER: 27,
  CPU_TYPE_UNSUPPORTED_IN_THIS_CLUSTER_VERSION: 28,
} as const;
export type NonOperationalReason = keyof typeof nonOperationalReasonIds;

export const interfaceStatusIds = { NONE: 0, UP: 1, DOWN: 2 } as const;
export type InterfaceStatus = keyof typeof interfaceStatusIds;
