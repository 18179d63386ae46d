import type { EventName, IntentKind } from '../../events/index.js';
import {
  changedLiveness,
  initialRow,
  type NonOperationalReason,
  sameValue,
  type VdsDynamic,
  type VdsInterface,
  type VdsLiveness,
  type VdsStatistics,
  type VdsStatus,
  type VdsUsage,
  type Vm,
  vdsStatisticsFields,
} from '../../model/index.js';
import type { EventDraft, HostSignal, IntentDraft, NotDone, RequestDraft } from '../verdict.js';
import type { HostCase } from './case.js';

/** Statuses in which a host's usage is nothing (oVirt VdsManager.setStatus, §2.8). */
const idle: ReadonlySet<VdsStatus> = new Set<VdsStatus>(['NonResponsive', 'Down', 'Maintenance']);
/** Statuses that say that the host was heard, or is taken out of the hands of who fences it. */
const notFenced: ReadonlySet<VdsStatus> = new Set<VdsStatus>([
  'Up',
  'NonOperational',
  'Initializing',
  'Unassigned',
  'Maintenance',
]);
const noUsage = {
  cpuUser: 0,
  cpuSys: 0,
  cpuIdle: 0,
  cpuLoad: 0,
  usageCpuPercent: 0,
  usageMemPercent: 0,
  usageNetworkPercent: 0,
} as const;

/** What a decision about a host comes to while its rows are applied. */
export class HostDraft {
  dynamic: VdsDynamic;
  interfaces: readonly VdsInterface[];
  usage: VdsUsage | undefined;
  liveness: VdsLiveness;
  /** What the decision means for all VMs of the host: nothing is known of them any more (§3.3), or they are off (§3.4). */
  vmsBecome: 'unknown' | 'off' | undefined;
  readonly events: EventDraft[] = [];
  readonly intents: IntentDraft[] = [];
  readonly signals: HostSignal[] = [];
  readonly requests: RequestDraft[] = [];
  readonly notDone: NotDone[] = [];
  readonly #case: HostCase;

  constructor(c: HostCase) {
    this.#case = c;
    this.dynamic = c.host.dynamic;
    this.interfaces = c.host.interfaces;
    this.usage = c.usage;
    this.liveness = c.liveness;
  }

  /** A row is wide, and most answers say what it says already: then it stays the object that it is. */
  set(fields: Partial<VdsDynamic>): void {
    for (const name in fields) {
      const key = name as keyof VdsDynamic;
      if (sameValue(fields[key], this.dynamic[key])) continue;
      this.dynamic = { ...this.dynamic, ...fields };
      return;
    }
  }

  live(fields: Partial<VdsLiveness>): void {
    this.liveness = changedLiveness(this.liveness, fields);
  }

  /** Sets a status and what goes with it (§2.8). */
  status(status: VdsStatus, reason: NonOperationalReason = 'NONE'): void {
    const before = this.dynamic.status;
    if (before === status && this.dynamic.nonOperationalReason === reason) return;
    // Whoever took the host out cannot be overruled by its silence.
    if (before === 'Maintenance' && status === 'NonResponsive') return;
    this.set({
      status,
      nonOperationalReason: reason,
      ...(before === status ? {} : { previousStatus: before, statusSince: this.#case.now }),
      ...(notFenced.has(status) ? { inFenceFlow: false } : {}),
    });
    if (before === 'Up') this.#measured({ storageDomains: null });
    if (idle.has(status) || (status === 'NonOperational' && this.dynamic.vmCount === 0)) this.#measured(noUsage);
    if (status === 'PreparingForMaintenance') {
      this.live({ maintenanceRetryAt: this.#case.now + this.#case.general.maintenance.retrySeconds * 1000 });
    }
  }

  /** What goes with it: VMs are to be moved away as the cluster says (§2.4.3); not when nothing is known of them. */
  nonOperational(reason: NonOperationalReason): void {
    this.status('NonOperational', reason);
    this.signal('setNonOperational');
    const policy = this.#case.cluster?.migrateOnError ?? 'YES';
    if (reason === 'TIMEOUT_RECOVERING_FROM_CRASH' || policy === 'NO') return;
    const vms = byPriority(this.#case.vms()).filter((vm) => policy === 'YES' || vm.static.ha === true);
    if (vms.length > 0) this.intent('migrateVms', { reason, policy, vms: vms.map((vm) => vm.id) });
  }

  event(name: EventName, params: Readonly<Record<string, string>> = {}, customId?: string): void {
    this.events.push({ name, params, ...(customId === undefined ? {} : { customId }) });
  }

  signal(signal: HostSignal): void {
    this.signals.push(signal);
  }

  request(method: Exclude<RequestDraft['method'], 'Host.dumpxmls'>, reason: string): void {
    this.requests.push({ host: this.#case.host.id, method, reason });
  }

  /**
   * Advice about the host. The same advice is given once while the host stays in its status; `round` tells apart what is
   * advised several times all the same.
   */
  intent(intent: IntentKind, evidence: Readonly<Record<string, unknown>>, round = 0): void {
    this.intents.push({ intent, hostId: this.#case.host.id, round, evidence });
  }

  /** The same about one VM of the host. */
  vmIntent(intent: IntentKind, vm: Vm, evidence: Readonly<Record<string, unknown>>, round = 0): void {
    this.intents.push({ intent, vmId: vm.id, hostId: this.#case.host.id, round, evidence });
  }

  skip(what: string, why: string): void {
    this.notDone.push({ what, why });
  }

  #measured(fields: Partial<VdsStatistics>): void {
    if (this.usage === undefined && fields !== noUsage) return;
    const statistics = this.usage?.statistics ?? { ...initialRow(vdsStatisticsFields), id: this.#case.host.id };
    this.usage = {
      interfaces: this.usage?.interfaces ?? [],
      numaNodes: this.usage?.numaNodes ?? [],
      statistics: { ...statistics, ...fields },
    };
  }
}

/** VMs in the order in which they are to be saved: the most important first, else by id, so that it is always the same. */
export function byPriority(vms: Iterable<Vm>): Vm[] {
  return [...vms].sort((a, b) => b.static.priority - a.static.priority || (a.id < b.id ? -1 : 1));
}
