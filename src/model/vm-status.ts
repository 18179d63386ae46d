/** VM statuses with oVirt's numbers (VMStatus; monitoring-rules.md §1.2). There is no 3. */
export const vmStatusIds = {
  Unassigned: -1,
  Down: 0,
  Up: 1,
  PoweringUp: 2,
  Paused: 4,
  MigratingFrom: 5,
  MigratingTo: 6,
  Unknown: 7,
  NotResponding: 8,
  WaitForLaunch: 9,
  RebootInProgress: 10,
  SavingState: 11,
  RestoringState: 12,
  Suspended: 13,
  ImageIllegal: 14,
  ImageLocked: 15,
  PoweringDown: 16,
} as const;
export type VmStatus = keyof typeof vmStatusIds;

const set = (...names: VmStatus[]): ReadonlySet<VmStatus> => new Set(names);

export const notRunning = set('Down', 'Suspended', 'ImageIllegal', 'ImageLocked');
export const running = set(
  'Up',
  'PoweringUp',
  'MigratingFrom',
  'MigratingTo',
  'WaitForLaunch',
  'RebootInProgress',
  'PoweringDown',
);
export const runningOrPaused: ReadonlySet<VmStatus> = new Set<VmStatus>([
  ...running,
  'Paused',
  'SavingState',
  'RestoringState',
]);
export const migrating = set('MigratingFrom', 'MigratingTo');
export const upOrPaused = set('Up', 'Paused');

export const exitStatusIds = { Normal: 0, Error: 1, Unknown: 2 } as const;
export type ExitStatus = keyof typeof exitStatusIds;

export const exitReasonIds = {
  Unknown: -1,
  Success: 0,
  GenericError: 1,
  LostQEMUConnection: 2,
  LibvirtStartFailed: 3,
  MigrationSucceeded: 4,
  SaveStateSucceeded: 5,
  AdminShutdown: 6,
  UserShutdown: 7,
  MigrationFailed: 8,
  LibvirtDomainMissing: 9,
  DestroyedOnStartup: 10,
  HostShutdown: 11,
  PostcopyMigrationFailed: 12,
  DestroyedOnReboot: 13,
  DestroyedOnResume: 14,
} as const;
export type ExitReason = keyof typeof exitReasonIds;

export const pauseStatusIds = { NONE: 0, EOTHER: 1, EIO: 2, ENOSPC: 3, EPERM: 4, NOERR: 5, POSTCOPY: 6 } as const;
export type PauseStatus = keyof typeof pauseStatusIds;
export const pauseIsError: ReadonlySet<PauseStatus> = new Set<PauseStatus>(['EOTHER', 'EIO', 'ENOSPC', 'EPERM']);

const byWireName = new Map<string, VmStatus>([
  ['migrationsource', 'MigratingFrom'],
  ['migrationdestination', 'MigratingTo'],
  ...(Object.keys(vmStatusIds) as VmStatus[]).map((name): [string, VmStatus] => [name.toLowerCase(), name]),
]);

/**
 * The agent's word for a status, translated (VdsBrokerObjectsBuilder.convertToVmStatus): spaces and case do not
 * matter, an unknown word is Unassigned. A negative monitorResponse makes an Up or PoweringUp VM NotResponding.
 */
export function vmStatusFromAgent(word: string, monitorResponse: number | null = 0): VmStatus {
  const status = byWireName.get(word.replaceAll(' ', '').toLowerCase()) ?? 'Unassigned';
  const silent = monitorResponse !== null && monitorResponse < 0;
  return silent && (status === 'Up' || status === 'PoweringUp') ? 'NotResponding' : status;
}

export const originIds = {
  RHEV: 0,
  VMWARE: 1,
  XEN: 2,
  OVIRT: 3,
  HOSTED_ENGINE: 4,
  EXTERNAL: 5,
  MANAGED_HOSTED_ENGINE: 6,
} as const;
export type Origin = keyof typeof originIds;
