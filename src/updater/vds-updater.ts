import type { Cause, CauseSource, Evidence, VmStatsFailed, VmStatsReceived } from '../events/index.js';
import { type Clock, messageOf, type Scheduler, type Telemetry } from '../kernel/index.js';
import type { EvidenceStamp, HostSettings, MonitorSettings, Vds, VdsInterface, Vm } from '../model/index.js';
import type { HostSets, Inventory } from '../repository/index.js';
import { decideHost, type HostCase, type HostEvidence, type HostVerdict } from '../rules/index.js';
import { DueOnce } from './due-once.js';
import { hostPart, Outbox, type OutboxPorts } from './outbox.js';
import type { Incident, RecordMaker } from './record-maker.js';
import type { StatisticsWriter } from './statistics-writer.js';
import type { VmUpdater } from './vm-updater.js';

export interface VdsUpdaterOptions {
  readonly sets: HostSets;
  readonly inventory: Inventory;
  readonly vms: VmUpdater;
  readonly records: RecordMaker;
  readonly ports: OutboxPorts;
  readonly statistics: StatisticsWriter;
  readonly settingsOf: (hostId: string) => HostSettings;
  readonly thresholds: MonitorSettings['thresholds'];
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

/**
 * Applies the host rules: evidence in, repository, records and requests out. The loss of a host is one incident: its
 * event is the parent of its VMs' events.
 */
export class VdsUpdater {
  readonly #o: VdsUpdaterOptions;
  /** Agents that recover are judged when their time is over, though they say nothing new by then. */
  readonly #recoveryDue: DueOnce;
  readonly #statusCauses = new Map<string, Cause>();

  constructor(options: VdsUpdaterOptions) {
    this.#o = options;
    this.#recoveryDue = new DueOnce(options.scheduler, 'recovery', (hostId) => this.#recoveryOver(hostId));
  }

  stop(): void {
    this.#recoveryDue.stop();
  }

  statusCause(hostId: string): Cause | undefined {
    return this.#statusCauses.get(hostId);
  }

  on(evidence: Extract<Evidence, { name: `Vds${string}` }>): void {
    const { host, stamp } = evidence;
    const source: CauseSource =
      evidence.name === 'VdsUnreachable'
        ? { by: 'failure', host, code: evidence.error.code, at: stamp.receivedAt }
        : { by: stamp.kind, host, session: stamp.session, seq: stamp.seq, receivedAt: stamp.receivedAt };
    switch (evidence.name) {
      case 'VdsStatsReceived':
        return this.#decide(stamp, source, { kind: 'statistics', report: evidence.report });
      case 'VdsCapabilitiesReceived':
        return this.#decide(stamp, source, { kind: 'capabilities', report: evidence.report });
      case 'VdsHardwareInfoReceived':
        return this.#decide(stamp, source, { kind: 'hardware', report: evidence.report });
      case 'VdsUnreachable':
        return this.#decide(stamp, source, { kind: 'failure', error: evidence.error });
      case 'VdsRecovering':
        return this.#decide(stamp, source, { kind: 'recovering', error: evidence.error });
      case 'VdsCallFailed':
        return this.#decide(stamp, source, { kind: 'refused', method: evidence.method, error: evidence.error });
    }
  }

  /** Any answer is a sign of life, the VMs' as well. */
  onVmStats({ host, stamp }: VmStatsReceived): void {
    const set = this.#o.sets.setOfHost(host);
    const liveness = set?.vds.liveness(host);
    if (set === undefined || liveness === undefined) return;
    set.vds.setLiveness(host, {
      ...liveness,
      attempts: 0,
      lastAnswerAt: stamp.receivedAt,
      heardAt: stamp.receivedAt,
      vmStatsFailingSince: null,
      ...(stamp.complete ? { lastVmReport: stamp, initialized: true } : {}),
    });
  }

  onVmStatsFailed({ host, stamp }: VmStatsFailed): void {
    const set = this.#o.sets.setOfHost(host);
    const liveness = set?.vds.liveness(host);
    if (set === undefined || liveness === undefined || liveness.vmStatsFailingSince !== null) return;
    set.vds.setLiveness(host, { ...liveness, vmStatsFailingSince: stamp.receivedAt });
  }

  forgetHost(hostId: string): void {
    this.#recoveryDue.cancel(hostId);
    this.#statusCauses.delete(hostId);
  }

  /** The status was set by somebody else than a rule (activation, maintenance). */
  noteStatusCause(hostId: string, cause: Cause): void {
    this.#statusCauses.set(hostId, cause);
  }

  #recoveryOver(hostId: string): void {
    const now = this.#o.clock.now();
    const stamp: EvidenceStamp = {
      host: hostId,
      session: 0,
      kind: 'poll',
      seq: 0,
      requestedAt: this.#o.clock.monotonic(),
      receivedAt: now,
      complete: false,
    };
    this.#decide(stamp, { by: 'timer', at: now }, { kind: 'recovering', error: null });
  }

  #decide(stamp: EvidenceStamp, source: CauseSource, evidence: HostEvidence): void {
    const set = this.#o.sets.setOfHost(stamp.host);
    const host = set?.vds.get(stamp.host);
    const liveness = set?.vds.liveness(stamp.host);
    if (set === undefined || host === undefined || liveness === undefined) return;
    const c: HostCase = {
      now: this.#o.clock.now(),
      stamp,
      host,
      usage: set.vds.usage(host.id),
      liveness,
      settings: this.#o.settingsOf(host.id),
      cluster: this.#o.inventory.cluster(host.static.clusterId),
      networks: this.#o.inventory.networks(host.static.clusterId),
      thresholds: this.#o.thresholds,
      firstUpHostOs: this.#firstUpHostOs(host),
      vms: () => this.#vmsOn(host.id),
    };
    try {
      this.#apply(c, source, decideHost(c, evidence));
    } catch (error) {
      this.#o.telemetry.count('vurti_rule_errors_total');
      this.#o.telemetry.log('error', 'a host could not be judged', { host: host.id, error: messageOf(error) });
    }
  }

  #apply(c: HostCase, source: CauseSource, verdict: HostVerdict): void {
    const { draft } = verdict;
    const { records, ports, sets, statistics } = this.#o;
    const set = sets.setOfHost(c.host.id);
    if (set === undefined) return;
    const cause: Cause = { rule: verdict.rule, source };
    const outbox = new Outbox(ports);
    const after = this.#store(c.host, verdict, cause, c.now, outbox);
    set.vds.setLiveness(c.host.id, draft.liveness);
    if (draft.usage !== undefined && draft.usage !== c.usage) {
      set.vds.setUsage(c.host.id, draft.usage);
      statistics.vdsChanged(c.host.id);
    }
    const incident: Incident | undefined = draft.vmsUnknown
      ? { correlation: records.incident(), parent: null }
      : undefined;
    const about = { host: after, vm: undefined };
    let parent: string | null = null;
    for (const event of draft.events) {
      const record = records.event(about, event, cause, c.now, incident);
      parent ??= record.id;
      outbox.record(record);
    }
    for (const intent of draft.intents) outbox.record(records.intent(about, intent, cause, c.now, incident));
    if (incident !== undefined) this.#o.vms.hostLost(after, source, { ...incident, parent }, outbox);
    if (after.dynamic.status === 'Up' && c.host.dynamic.status !== 'Up') this.#o.vms.hostCameUp(c.host.id);
    this.#followRecovery(after, draft.liveness.recoveringSince);
    outbox.send();
    for (const request of draft.requests) ports.streams.requests.publish(request);
  }

  #store(before: Vds, verdict: HostVerdict, cause: Cause, now: number, outbox: Outbox): Vds {
    const { draft, changes } = verdict;
    if (changes.length === 0 && draft.interfaces === before.interfaces) return before;
    const after: Vds = {
      ...before,
      dynamic: changes.length === 0 ? before.dynamic : draft.dynamic,
      interfaces: draft.interfaces,
    };
    this.#o.sets.putHost(after);
    if (changes.length > 0) outbox.row({ kind: 'vds_dynamic', row: after.dynamic });
    for (const nic of newInterfaces(before.interfaces, after.interfaces))
      outbox.row({ kind: 'vds_interface', row: nic });
    for (const nic of goneInterfaces(before.interfaces, after.interfaces)) {
      outbox.row({ kind: 'vds_interface', deleted: [nic.hostId, nic.name] });
    }
    const all =
      draft.interfaces === before.interfaces
        ? changes
        : [...changes, { path: 'interfaces', from: before.interfaces, to: after.interfaces }];
    outbox.record(this.#o.records.change({ host: after, vm: undefined }, 'host', 'changed', all, cause, now));
    const from = before.dynamic.status;
    const to = after.dynamic.status;
    if (from === to) {
      outbox.change({ name: 'VdsUpdated', changes: all, cause, ...hostPart(after) });
    } else {
      this.#statusCauses.set(after.id, cause);
      outbox.change({ name: 'VdsStateChanged', from, to, changes: all, cause, ...hostPart(after) });
    }
    return after;
  }

  #firstUpHostOs(host: Vds): string | null {
    for (const id of this.#o.sets.hosts.byCluster(host.static.clusterId)) {
      const other = this.#o.sets.hosts.get(id);
      if (id !== host.id && other?.dynamic.status === 'Up') return other.dynamic.hostOs;
    }
    return null;
  }

  *#vmsOn(hostId: string): Iterable<Vm> {
    for (const id of this.#o.sets.vms.byHost(hostId)) {
      const vm = this.#o.sets.vms.get(id);
      if (vm !== undefined) yield vm;
    }
  }

  #followRecovery(host: Vds, recoveringSince: number | null): void {
    if (host.dynamic.status !== 'Initializing' || recoveringSince === null) {
      this.#recoveryDue.cancel(host.id);
      return;
    }
    const left = recoveringSince + this.#o.settingsOf(host.id).recoveryTimeoutSeconds * 1000 - this.#o.clock.now();
    this.#recoveryDue.set(host.id, this.#o.clock.monotonic() + left);
  }
}

function newInterfaces(before: readonly VdsInterface[], after: readonly VdsInterface[]): readonly VdsInterface[] {
  const known = new Set(before);
  return after.filter((nic) => !known.has(nic));
}

function goneInterfaces(before: readonly VdsInterface[], after: readonly VdsInterface[]): readonly VdsInterface[] {
  const names = new Set(after.map((nic) => nic.name));
  return before.filter((nic) => !names.has(nic.name));
}
