import type { EventName, IntentKind } from '../../events/index.js';
import {
  copyOfVmDynamic,
  type GuestInterface,
  type Unsettled,
  type VmDynamic,
  type VmJob,
  type VmStatic,
  type VmStatus,
} from '../../model/index.js';
import type { EventDraft, IntentDraft, NotDone, RequestDraft, Signal } from '../verdict.js';
import type { ExitData, FormerOwner, VmCase } from './case.js';
import { normalExit, stamped, withStatus } from './state.js';

/** What a decision comes to while its rows are applied, one after the other. */
export class VmDraft {
  /** Undefined until the VM is to be stored. */
  dynamic: VmDynamic | undefined;
  /** Set when the VM is taken in, or what is said of it has changed. */
  static: VmStatic | undefined;
  guestInterfaces: readonly GuestInterface[];
  jobs: readonly VmJob[];
  statisticsReset = false;
  /** The statistics of this report are to be taken. */
  takeStatistics = false;
  /** A migration has come to nothing: its progress is 0. */
  migrationFailed = false;
  unsettled: Unsettled | null = null;
  /** Ownership moved by a report (D11), or that a host still has the VM was told. `gaveUp`: its last report had it no more. */
  formerOwner: (Omit<FormerOwner, 'since'> & { readonly gaveUp?: boolean }) | null | undefined;
  readonly events: EventDraft[] = [];
  readonly intents: IntentDraft[] = [];
  readonly signals: Signal[] = [];
  readonly requests: RequestDraft[] = [];
  readonly notDone: NotDone[] = [];
  readonly #case: VmCase;
  #awaited: boolean;

  constructor(c: VmCase) {
    this.#case = c;
    this.#awaited = c.commands.asyncRunning;
    this.dynamic = c.vm?.dynamic;
    this.guestInterfaces = c.vm?.guestInterfaces ?? [];
    this.jobs = c.vm?.jobs ?? [];
  }

  /** The state so far; only for VMs that are stored or being taken in. */
  get state(): VmDynamic {
    if (this.dynamic === undefined) throw new RangeError('the VM is not stored');
    return this.dynamic;
  }

  set(fields: Partial<VmDynamic>): void {
    this.dynamic = stamped(this.state, Object.assign(copyOfVmDynamic(this.state), fields), this.#case.now);
  }

  status(status: VmStatus, exit: ExitData = normalExit): void {
    this.dynamic = withStatus(this.state, status, exit, this.#case.now);
  }

  event(name: EventName, params: Readonly<Record<string, string>> = {}): void {
    this.events.push({ name, params });
  }

  signal(signal: Signal): void {
    if (signal === 'removeAsync') this.#awaited = false;
    this.signals.push(signal);
  }

  skip(what: string, why: string): void {
    this.notDone.push({ what, why });
  }

  intent(intent: IntentKind, hostId: string | null, evidence: Readonly<Record<string, unknown>> = {}): void {
    const vmId = this.#case.vm?.id ?? this.#case.report?.vmId ?? '';
    this.intents.push({
      intent,
      vmId,
      ...(hostId === null ? {} : { hostId }),
      evidence,
    });
  }

  /**
   * The VM is down (§4.8.1). A VM that migrates away is left to its hand-over; one that is Down or Suspended already
   * keeps how it ended, and loses the host that it still had.
   */
  clear(exit: ExitData): void {
    const { status } = this.state;
    if (status === 'MigratingFrom') return;
    if (status === 'Suspended') this.set({ runOnVds: null, migratingToVds: null });
    else {
      const { exitStatus, exitMessage, exitReason } = this.state;
      this.status('Down', status === 'Down' ? { exitStatus, exitMessage, exitReason } : exit);
    }
    this.wentDown();
  }

  /**
   * What every VM that stopped has in common: no statistics, no NUMA pinning, and somebody to clear up after it, unless a
   * command still waits for it.
   */
  wentDown(): void {
    this.statisticsReset = true;
    this.guestInterfaces = [];
    this.jobs = [];
    if (this.#case.vm?.static.cpuPinningPolicy === 'RESIZE_AND_PIN_NUMA') this.signal('clearVmNuma');
    if (!this.#awaited) this.intent('processDownVm', null);
  }

  /** The VM is highly available and has failed: it is to be started again, wherever there is room (§4.14). */
  autoRun(evidence: Readonly<Record<string, unknown>>): void {
    this.event('HA_VM_FAILED');
    this.intent('autoRun', null, evidence);
  }

  /** It went down to be started again with its new configuration (§4.14). */
  coldReboot(evidence: Readonly<Record<string, unknown>>): void {
    this.event('COLD_REBOOT_VM_DOWN');
    this.intent('coldReboot', null, evidence);
  }
}
