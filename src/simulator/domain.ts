import type { Machine } from './machine.js';
import type { Planned } from './planner.js';
import type { SimHost } from './sim-host.js';

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
const busy: ReadonlySet<DomainStatus> = new Set<DomainStatus>([
  'Powering up',
  'Up',
  'Powering down',
  'RebootInProgress',
  'Migration Source',
]);

/** A migration as both its ends see it. */
export interface Move {
  readonly source: Domain;
  readonly target: Domain;
  readonly from: number;
  readonly until: number;
}

/** A machine on a host, as that host's agent lists it: one QEMU process, and what is told of it after its end. */
export class Domain {
  readonly machine: Machine;
  readonly host: SimHost;
  /** Position in the host's list; grows, so that a page can say where the next one begins. */
  readonly order: number;
  /** Start of the run; kept when the machine migrates. */
  readonly startedAt: number;
  /** Sample of the host during which it came: it is measured from the next one on. */
  readonly bornAt: number;
  /** Numbers of its first tap device and of its display. */
  readonly tap: number;
  readonly display: number;
  pauseCode: PauseCode | null = 'NOERR';
  /** QEMU's monitor does not answer. */
  silent = false;
  exit: Exit | null = null;
  move: Move | null = null;
  /** The guest has come up, so its agent talks. */
  guestUp = false;
  /** Its next step in the course of things. */
  step: Planned | null = null;
  /** The part of its stats that depends on state and sample, and for which of them it was made. */
  text = '';
  textSample = Number.NaN;
  #status: DomainStatus;
  #work: number;
  #busySince: number | null = null;

  constructor(
    machine: Machine,
    host: SimHost,
    status: DomainStatus,
    now: number,
    run: { startedAt: number; work: number },
  ) {
    this.machine = machine;
    this.host = host;
    this.order = host.nextOrder();
    this.startedAt = run.startedAt;
    this.bornAt = host.still ? Number.NEGATIVE_INFINITY : host.sampleIndex(now);
    this.tap = host.takeTaps(machine.nics.length);
    this.display = this.order % 1000;
    this.#status = status;
    this.#work = run.work;
    if (busy.has(status)) this.#busySince = now;
  }

  get status(): DomainStatus {
    return this.#status;
  }

  get live(): boolean {
    return this.#status !== 'Down';
  }

  /** Enters a status; whatever was to come next is off. */
  enter(status: DomainStatus, now: number): void {
    this.step?.cancel();
    this.step = null;
    const runs = busy.has(status);
    if (!runs && this.#busySince !== null) {
      this.#work = this.workAt(now);
      this.#busySince = null;
    } else if (runs && this.#busySince === null) this.#busySince = now;
    this.#status = status;
    this.touch();
  }

  /** Its text is out of date. */
  touch(): void {
    this.textSample = Number.NaN;
  }

  /** Work that the process has done: ms of its average load. All its counters are made of it. */
  workAt(time: number): number {
    if (this.#busySince === null) return this.#work;
    const { curve } = this.machine;
    // The last sample may be older than the last change of status.
    return this.#work + Math.max(0, curve.work(time) - curve.work(this.#busySince));
  }

  /** How busy it is, 1 on average; 0 when its CPUs stand still. */
  levelAt(time: number): number {
    return this.#busySince === null ? 0 : this.machine.curve.level(time);
  }
}
