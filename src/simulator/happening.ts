/** Why something happens: by a script or a caller, in the daily life of the fleet, as a fault, or as it had to come. */
export type Cause = 'script' | 'life' | 'fault' | 'course';

export type HappeningKind =
  | 'vm.starts'
  | 'vm.up'
  | 'vm.stops'
  | 'vm.down'
  | 'vm.removed'
  | 'vm.vanished'
  | 'vm.crashed'
  | 'vm.paused'
  | 'vm.resumed'
  | 'vm.reboots'
  | 'vm.saves'
  | 'vm.migrates'
  | 'vm.migrated'
  | 'vm.migration-failed'
  | 'vm.silent'
  | 'vm.answers'
  | 'vm.guest'
  | 'vm.console'
  | 'vm.watchdog'
  | 'vm.job'
  | 'vm.devices'
  | 'host.condition'
  | 'host.power'
  | 'host.nic';

/** Something happened in the world. */
export interface Happening {
  /** ms since the epoch. */
  readonly at: number;
  readonly kind: HappeningKind;
  readonly cause: Cause;
  /** Names. */
  readonly host: string | null;
  readonly vm: string | null;
  /** One line for people: "web-03 migrates from kvm-01 to kvm-02". */
  readonly text: string;
}

export type HappeningListener = (happening: Happening) => void;
