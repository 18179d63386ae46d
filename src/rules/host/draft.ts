import type { EventName, IntentKind } from '../../events/index.js';
import {
  initialRow,
  type NonOperationalReason,
  type VdsDynamic,
  type VdsInterface,
  type VdsLiveness,
  type VdsStatus,
  type VdsUsage,
  vdsStatisticsFields,
} from '../../model/index.js';
import type { EventDraft, IntentDraft, NotDone, RequestDraft } from '../verdict.js';
import type { HostCase } from './case.js';

/** Statuses in which a host's usage is nothing (oVirt VdsManager.setStatus, §2.8). */
const idle: ReadonlySet<VdsStatus> = new Set<VdsStatus>(['NonResponsive', 'Down', 'Maintenance']);

/** What a decision about a host comes to while its rows are applied. */
export class HostDraft {
  dynamic: VdsDynamic;
  interfaces: readonly VdsInterface[];
  usage: VdsUsage | undefined;
  liveness: VdsLiveness;
  /** The host is lost: nothing is known of its VMs any more (§3.3). */
  vmsUnknown = false;
  readonly events: EventDraft[] = [];
  readonly intents: IntentDraft[] = [];
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

  set(fields: Partial<VdsDynamic>): void {
    this.dynamic = { ...this.dynamic, ...fields };
  }

  live(fields: Partial<VdsLiveness>): void {
    this.liveness = { ...this.liveness, ...fields };
  }

  status(status: VdsStatus, reason: NonOperationalReason = 'NONE'): void {
    const before = this.dynamic.status;
    if (before === status && this.dynamic.nonOperationalReason === reason) return;
    this.set({
      status,
      nonOperationalReason: reason,
      ...(before === status ? {} : { previousStatus: before, statusSince: this.#case.now }),
      ...(status === 'Up' ? { inFenceFlow: false } : {}),
    });
    if (idle.has(status) || (status === 'NonOperational' && this.dynamic.vmCount === 0)) this.#zeroUsage();
  }

  /** What goes with it: VMs are to be moved away as the cluster says (§2.4.3); not when nothing is known of them. */
  nonOperational(reason: NonOperationalReason): void {
    this.status('NonOperational', reason);
    const policy = this.#case.cluster?.migrateOnError ?? 'YES';
    if (reason === 'TIMEOUT_RECOVERING_FROM_CRASH' || policy === 'NO') return;
    const vms = [...this.#case.vms()].filter((vm) => policy === 'YES' || vm.static.ha === true).map((vm) => vm.id);
    if (vms.length > 0) this.intent('migrateVms', { reason, policy, vms: vms.sort() });
  }

  event(name: EventName, params: Readonly<Record<string, string>> = {}, customId?: string): void {
    this.events.push({ name, params, ...(customId === undefined ? {} : { customId }) });
  }

  request(method: 'Host.getStats' | 'Host.getCapabilities' | 'Host.getAllVmStats', reason: string): void {
    this.requests.push({ host: this.#case.host.id, method, reason });
  }

  intent(intent: IntentKind, evidence: Readonly<Record<string, unknown>>): void {
    const { id } = this.#case.host;
    this.intents.push({ intent, hostId: id, key: `${intent}:${id}:${this.dynamic.statusSince ?? 0}`, evidence });
  }

  skip(what: string, why: string): void {
    this.notDone.push({ what, why });
  }

  #zeroUsage(): void {
    const statistics = this.usage?.statistics ?? {
      ...initialRow(vdsStatisticsFields),
      id: this.#case.host.id,
    };
    this.usage = {
      interfaces: this.usage?.interfaces ?? [],
      numaNodes: this.usage?.numaNodes ?? [],
      statistics: {
        ...statistics,
        cpuUser: 0,
        cpuSys: 0,
        cpuIdle: 0,
        cpuLoad: 0,
        usageCpuPercent: 0,
        usageMemPercent: 0,
        usageNetworkPercent: 0,
      },
    };
  }
}
