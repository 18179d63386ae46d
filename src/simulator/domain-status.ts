/** Statuses in the agent's words (vdsm-protocol.md §4.3). */
export type DomainStatus =
  | 'WaitForLaunch'
  | 'Powering up'
  | 'Up'
  | 'Paused'
  | 'Powering down'
  | 'RebootInProgress'
  | 'Saving State'
  | 'Restoring state'
  | 'Migration Source'
  | 'Migration Destination'
  | 'Down';

export type PauseCode = 'NOERR' | 'ENOSPC' | 'EIO' | 'EPERM' | 'EOTHER';

/** How a domain ended; numbers as on the wire. */
export interface Exit {
  /** 0 = normal, 1 = error. */
  readonly code: 0 | 1;
  readonly reason: number;
  readonly message: string;
}

export const exits = {
  userShutdown: { code: 0, reason: 7, message: 'User shut down from within the guest' },
  adminShutdown: { code: 0, reason: 6, message: 'Admin shut down from the engine' },
  saved: { code: 0, reason: 5, message: 'SaveState succeeded' },
  migrated: { code: 0, reason: 4, message: 'Migration succeeded' },
  lostQemu: { code: 1, reason: 2, message: 'Lost connection with qemu process' },
  generic: { code: 1, reason: 1, message: 'VM has crashed: internal error' },
  onHost: { code: 1, reason: 11, message: 'VM has been terminated on the host' },
} as const satisfies Record<string, Exit>;

/** Statuses in which the guest's CPUs run. */
export const busy: ReadonlySet<DomainStatus> = new Set<DomainStatus>([
  'Powering up',
  'Up',
  'Powering down',
  'RebootInProgress',
  'Migration Source',
]);
