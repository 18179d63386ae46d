import type { Cause, CauseSource, Evidence, VdsPushed, VmStatsFailed, VmStatsReceived } from '../events/index.js';
import { type Clock, messageOf, type Scheduler, type Telemetry, VurtiError } from '../kernel/index.js';
import {
  changedLiveness,
  type EvidenceStamp,
  type HostSettings,
  notMonitored,
  upOrLeaving,
  type Vds,
  type VdsInterface,
  type VdsLiveness,
} from '../model/index.js';
import type { HostSets, Inventory } from '../repository/index.js';
import {
  certificateParams,
  daysLeft,
  decideHost,
  failureFigures,
  type HostCase,
  type HostCommand,
  type HostEvidence,
  type HostRuleSettings,
  type HostVerdict,
  refusal,
} from '../rules/index.js';
import { DueOnce } from './due-once.js';
import { HostCases } from './host-cases.js';
import { hostPart, Outbox, type OutboxPorts } from './outbox.js';
import type { Incident, RecordMaker } from './record-maker.js';
import type { StatisticsWriter } from './statistics-writer.js';
import { type TrailStep, Trails } from './trails.js';
import type { VmUpdater } from './vm-updater.js';

export interface VdsUpdaterOptions {
  readonly sets: HostSets;
  readonly inventory: Inventory;
  readonly vms: VmUpdater;
  readonly records: RecordMaker;
  readonly ports: OutboxPorts;
  readonly statistics: StatisticsWriter;
  readonly settingsOf: (hostId: string) => HostSettings;
  readonly general: HostRuleSettings;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

/**
 * Applies the host rules: evidence and commands in, repository, records and requests out. What happens to all VMs of a
 * host at once is one incident: the host's event is the parent of its VMs' events.
 */
export class VdsUpdater {
  readonly #o: VdsUpdaterOptions;
  readonly #cases: HostCases;
  /** Agents that recover are judged when their time is over, though they say nothing new by then. */
  readonly #recoveryDue: DueOnce;
  readonly #statusCauses = new Map<string, Cause>();
  readonly #trails: Trails;
  /** End of validity of our own certificate, as the last connection showed it; null: not known. */
  ownCertificateExpiresAt: number | null = null;
  #ownWarnedOf: number | null = null;

  constructor(options: VdsUpdaterOptions) {
    this.#o = options;
    this.#cases = new HostCases(options);
    this.#recoveryDue = new DueOnce(options.scheduler, 'recovery', (hostId) => this.#recoveryOver(hostId));
    this.#trails = new Trails((hostId) => {
      const status = options.sets.hosts.get(hostId)?.dynamic.status;
      return status !== undefined && status !== 'Up' && !notMonitored.has(status);
    });
  }

  /** From now on evidence is judged. */
  start(): void {
    this.#cases.start();
  }

  stop(): void {
    this.#recoveryDue.stop();
  }

  statusCause(hostId: string): Cause | undefined {
    return this.#statusCauses.get(hostId);
  }

  /** The latest decisions about the host that were worth a word, oldest first. */
  trailOf(hostId: string): readonly TrailStep[] {
    return this.#trails.of(hostId);
  }

  /** The host's stored status did not hold at service start. */
  restarted(hostId: string, cause: Cause): void {
    this.#statusCauses.set(hostId, cause);
  }

  on(evidence: Exclude<Extract<Evidence, { name: `Vds${string}` }>, VdsPushed>): void {
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
      case 'VdsConnected':
        this.#ownCertificate(evidence.clientCertificateExpiresAt, source);
        return this.#decide(stamp, source, {
          kind: 'connected',
          certificateExpiresAt: evidence.agentCertificateExpiresAt,
        });
      case 'VdsDisconnected':
        return this.#live(host, { pushesSince: null });
      case 'VdsPushesMissed': {
        const { because, vms, until } = evidence;
        return this.#decide(stamp, source, { kind: 'pushesMissed', because, vms, until });
      }
      case 'VdsCallFailed':
        return this.#decide(stamp, source, { kind: 'refused', method: evidence.method, error: evidence.error });
    }
  }

  /** Somebody says something about a host. @throws VurtiError HOST_STATUS when its status does not allow it */
  command(hostId: string, command: HostCommand, by: 'command' | 'timer' = 'command'): void {
    const stamp = this.#ownStamp(hostId);
    const c = this.#cases.of(hostId, stamp);
    if (c === undefined) return;
    const why = refusal({ ...c, command });
    if (why !== null) throw new VurtiError('HOST_STATUS', `${c.host.static.name}: refused, ${why}`);
    this.#decide(stamp, { by, at: c.now }, { kind: 'command', command });
  }

  /** A push is a sign of life like an answer (D1). */
  onPushed({ host, stamp, push }: VdsPushed): void {
    this.#live(host, { attempts: 0, lastAnswerAt: stamp.receivedAt, heardAt: stamp.receivedAt });
    if (push.kind !== 'hostConnection') return;
    const reason = 'host.push.connectivity';
    this.#o.ports.streams.requests.publish({ host, method: 'Host.getCapabilities', reason });
  }

  /** Any answer is a sign of life, the VMs' as well. */
  onVmStats({ host, stamp }: VmStatsReceived): void {
    this.#live(host, {
      attempts: 0,
      lastAnswerAt: stamp.receivedAt,
      heardAt: stamp.receivedAt,
      vmStatsFailingSince: null,
      ...(stamp.complete ? { lastVmReport: stamp, initialized: true } : {}),
    });
  }

  onVmStatsFailed({ host, stamp }: VmStatsFailed): void {
    const since = this.#o.sets.hosts.liveness(host)?.vmStatsFailingSince ?? null;
    if (since === null) this.#live(host, { vmStatsFailingSince: stamp.receivedAt });
  }

  forgetHost(hostId: string): void {
    this.#recoveryDue.cancel(hostId);
    this.#cases.forget(hostId);
    this.#statusCauses.delete(hostId);
    this.#trails.forget(hostId);
    this.#o.vms.incidents.forget(hostId);
  }

  #live(hostId: string, fields: Partial<VdsLiveness>): void {
    const set = this.#o.sets.setOfHost(hostId);
    const liveness = set?.vds.liveness(hostId);
    if (liveness !== undefined) set?.vds.setLiveness(hostId, changedLiveness(liveness, fields));
  }

  /** Ours is the same at every host: said once per certificate. */
  #ownCertificate(expiresAt: number | null, source: CauseSource): void {
    const { clock, general, records, ports } = this.#o;
    const now = clock.now();
    this.ownCertificateExpiresAt = expiresAt ?? this.ownCertificateExpiresAt;
    if (expiresAt === null || expiresAt === this.#ownWarnedOf) return;
    if (daysLeft(expiresAt, now) >= general.certificates.warnDays) return;
    this.#ownWarnedOf = expiresAt;
    const draft = { name: 'CLIENT_CERTIFICATE_EXPIRING', params: certificateParams(expiresAt, now) } as const;
    const cause: Cause = { rule: 'service.certificate.expiring', source };
    const outbox = new Outbox(ports);
    outbox.record(records.event({ host: undefined, vm: undefined }, draft, cause, now));
    outbox.send();
  }

  #recoveryOver(hostId: string): void {
    const source: CauseSource = { by: 'timer', at: this.#o.clock.now() };
    this.#decide(this.#ownStamp(hostId), source, { kind: 'recovering', error: null });
  }

  /** Of what no agent said. */
  #ownStamp(host: string): EvidenceStamp {
    const { clock } = this.#o;
    const at = { requestedAt: clock.monotonic(), receivedAt: clock.now() };
    return { host, session: 0, kind: 'poll', seq: 0, ...at, complete: false };
  }

  #decide(stamp: EvidenceStamp, source: CauseSource, evidence: HostEvidence): void {
    const c = this.#cases.of(stamp.host, stamp);
    if (c === undefined) return;
    try {
      const verdict = decideHost(c, evidence);
      this.#noteTrail(c, source, verdict, 'error' in evidence ? (evidence.error?.message ?? null) : null);
      this.#apply(c, source, verdict);
    } catch (error) {
      this.#o.telemetry.count('vurti_rule_errors_total');
      this.#o.telemetry.log('error', 'a host could not be judged', { host: c.host.id, error: messageOf(error) });
    }
  }

  #apply(c: HostCase, source: CauseSource, verdict: HostVerdict): void {
    const { draft } = verdict;
    const { records, ports, sets, vms } = this.#o;
    const set = sets.setOfHost(c.host.id);
    if (set === undefined) return;
    const cause: Cause = { rule: verdict.rule, source };
    const outbox = new Outbox(ports);
    const after = this.#store(c.host, verdict, cause, c.now, outbox);
    set.vds.setLiveness(c.host.id, draft.liveness);
    this.#storeUsage(c, verdict, after);
    const incident = this.#incidentOf(c.host, after, draft.vmsBecome !== undefined);
    const about = { host: after, vm: undefined };
    let parent: string | null = null;
    for (const event of draft.events) {
      const record = records.event(about, event, cause, c.now, incident);
      // An event that is held back can be nobody's parent.
      if (outbox.record(record)) parent ??= record.id;
    }
    if (incident !== undefined) vms.incidents.headedBy(c.host.id, parent);
    for (const intent of draft.intents) outbox.record(records.intent(about, intent, cause, c.now, incident));
    for (const signal of draft.signals) outbox.change({ name: 'VdsSignalled', signal, cause, ...hostPart(after) });
    if (incident !== undefined && draft.vmsBecome === 'unknown') {
      vms.hostLost(after, source, { ...incident, parent }, outbox);
    }
    if (after.dynamic.status === 'Up' && c.host.dynamic.status !== 'Up') vms.hostCameUp(c.host.id);
    this.#followRecovery(after, draft.liveness.recoveringSince);
    outbox.send();
    if (incident !== undefined && draft.vmsBecome === 'off') vms.hostOff(after, c.stamp, source, incident);
    for (const request of draft.requests) ports.streams.requests.publish(request);
  }

  /** Losing all VMs of a host at once is an incident; making contact again belongs to it. */
  #incidentOf(before: Vds, after: Vds, begins: boolean): Incident | undefined {
    const { incidents } = this.#o.vms;
    if (begins) return incidents.begin(after.id);
    const back = !upOrLeaving.has(before.dynamic.status) && upOrLeaving.has(after.dynamic.status);
    return back ? incidents.back(after.id, this.#o.sets.vms) : undefined;
  }

  /** Only what gives reason to ask: a host that is in contact and stays as it is leaves no trail. */
  #noteTrail(c: HostCase, source: CauseSource, { rule, draft }: HostVerdict, said: string | null): void {
    const [from, to] = [c.host.dynamic.status, draft.dynamic.status];
    if (from === to && draft.notDone.length === 0 && said === null) return;
    const becomes = from === to ? null : { from, to };
    const figures = source.by === 'failure' ? failureFigures(c, draft.liveness.attempts) : null;
    this.#trails.note(c.host.id, c.now, { rule, source, becomes, moves: null, said, figures, notDone: draft.notDone });
  }

  #storeUsage(c: HostCase, { draft }: HostVerdict, after: Vds): void {
    const { sets, statistics } = this.#o;
    const changed = draft.usage !== undefined && draft.usage !== c.usage;
    if (changed && draft.usage !== undefined) sets.setOfHost(c.host.id)?.vds.setUsage(c.host.id, draft.usage);
    // What the figures were when the status changed is worth keeping, whatever the pace of statistics is.
    if (changed || after.dynamic.status !== c.host.dynamic.status) statistics.vdsChanged(c.host.id);
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
