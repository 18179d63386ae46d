import {
  type Cause,
  type CauseSource,
  causeOf,
  type VdsPushed,
  type VmDevicesReceived,
  type VmDisappeared,
  type VmStateChanged,
  type VmStatsReceived,
} from '../events/index.js';
import type { Clock, Telemetry } from '../kernel/index.js';
import {
  type EvidenceStamp,
  type HostSettings,
  type MonitorSettings,
  reportDiffers,
  type Vds,
  type Vm,
  type VmReport,
  withState,
} from '../model/index.js';
import type { HostSets, Inventory } from '../repository/index.js';
import { admission, decideOff, decideVm, type VmCase, type VmVerdict, vmAfter } from '../rules/index.js';
import type { CommandBook } from './command-book.js';
import type { Steps } from './evidence-queue.js';
import { FastPath } from './fast-path.js';
import { Incidents } from './incidents.js';
import { Outbox, type OutboxPorts, vmPart } from './outbox.js';
import type { Incident, RecordMaker } from './record-maker.js';
import type { StatisticsWriter } from './statistics-writer.js';
import { VmCases } from './vm-cases.js';
import { VmDevices } from './vm-devices.js';
import { VmFigures } from './vm-figures.js';
import { VmJobs } from './vm-jobs.js';
import { VmLedger } from './vm-ledger.js';
import { VmMemory } from './vm-memory.js';
import { VmTrails } from './vm-trails.js';

export interface VmUpdaterOptions {
  readonly mode: 'observer' | 'manager';
  readonly sets: HostSets;
  readonly inventory: Inventory;
  readonly commands: CommandBook;
  readonly records: RecordMaker;
  readonly ports: OutboxPorts;
  readonly statistics: StatisticsWriter;
  readonly settingsOf: (hostId: string) => HostSettings;
  readonly settings: Pick<MonitorSettings, 'statistics' | 'balloon' | 'guest' | 'hostedEngineVmName'>;
  /** Takes highly available VMs that failed, and advises to start them in their order; absent: that is advised at once. */
  readonly restarts?: { queue(vmId: string): void };
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/**
 * Applies the VM rules: evidence in, repository, records and requests out. Each VM is decided without a pause, from what
 * the repository holds at that moment; an error in deciding one VM leaves that VM for the next report and no other.
 */
export class VmUpdater {
  readonly #o: VmUpdaterOptions;
  readonly #memory = new VmMemory();
  readonly #fastPath: FastPath;
  readonly #ledger: VmLedger;
  readonly #cases: VmCases;
  readonly figures: VmFigures;
  readonly devices: VmDevices;
  readonly jobs: VmJobs;
  /** Losses of hosts, shared with the VdsUpdater. */
  readonly incidents: Incidents;
  readonly trails: VmTrails;

  constructor(options: VmUpdaterOptions) {
    this.#o = options;
    this.incidents = new Incidents(options.records);
    this.trails = new VmTrails(options.sets.vms);
    const { sets, records, clock, settings } = options;
    this.#ledger = new VmLedger(sets, records, clock);
    this.figures = new VmFigures(options);
    this.#fastPath = new FastPath({
      hosts: sets.hosts,
      figures: this.figures,
      isInitialized: (stamp) => this.#memory.isInitialized(stamp),
      longWay: (vm, report, stamp) => this.#takeFigures(vm, report, stamp),
      failed: (vmId, hostId, error) => this.#failed(vmId, hostId, error),
    });
    const parts = { ...options, ledger: this.#ledger };
    this.devices = new VmDevices({ ...parts, hostedEngineVmName: settings.hostedEngineVmName });
    this.jobs = new VmJobs(parts);
    this.#cases = new VmCases({ ...options, memory: this.#memory, jobs: this.jobs });
  }

  statusCause(vmId: string): Cause | undefined {
    return this.#ledger.statusCause(vmId);
  }

  /** A VM poll: figures of the VMs that are as expected, then the unsettled ones again. */
  *onStats(evidence: VmStatsReceived): Generator<void, void, void> {
    const { host, report, stamp } = evidence;
    const set = this.#o.sets.setOfHost(host);
    if (set === undefined) return;
    set.vms.noteReport(host, stamp.receivedAt, (id) => report.has(id));
    // Not in half a report is not absent, but not seen either.
    if (!stamp.complete) for (const id of set.vms.byHost(host)) if (!report.has(id)) set.vms.noteMissing(id);
    if (stamp.complete) this.#memory.noteComplete(stamp);
    for (const { path, message: problem } of report.problems) {
      this.#o.telemetry.count('vurti_report_problems_total');
      this.#o.telemetry.log('warn', 'a part of a VM report could not be read', { host, path, problem });
    }
    yield* this.#fastPath.take(set.vms, report, stamp);
    for (const vmId of [...set.vms.unsettledOn(host)]) {
      const vmReport = report.get(vmId);
      if (vmReport !== undefined) this.#decide(vmId, vmReport, stamp);
      else if (stamp.complete && !report.has(vmId)) this.#absent(vmId, stamp);
      yield;
    }
    if (stamp.complete) this.#memory.settleOwners(host, (id) => report.has(id));
    this.incidents.settle(host, this.#o.sets.vms);
  }

  onStateChanged(evidence: VmStateChanged): Steps {
    this.#decide(evidence.vmId, evidence.report, evidence.stamp);
    return undefined;
  }

  /** A push, before the VMs in it that differ: what it says beside their state, and that those that do not differ are so. */
  onPushed({ host, stamp, push }: VdsPushed): void {
    for (const { path, message: problem } of push.problems) {
      this.#o.telemetry.count('vurti_report_problems_total');
      this.#o.telemetry.log('warn', 'a part of a push could not be read', { host, path, problem });
    }
    if (push.kind === 'vmMigration') {
      for (const { vmId, progress } of push.migrations) {
        const runsHere = this.#o.sets.vms.get(vmId)?.dynamic.runOnVds === host;
        if (runsHere && progress !== null) this.figures.migrationProgress(vmId, progress);
      }
    }
    if (push.kind !== 'vmStatus') return;
    for (const report of push.vms) {
      const vm = this.#o.sets.vms.get(report.vmId);
      const last = this.#memory.lastReport(report.vmId);
      const older = last?.host === host && (report.timestamp ?? -1) < last.timestamp;
      if (older || vm?.dynamic.runOnVds !== host || vm.dynamic.status !== report.status) continue;
      this.#memory.noteJudged(report.vmId, stamp, report);
    }
  }

  /** A new session: time stamps of the one before may be of another boot (§4.3). */
  onConnected(hostId: string): void {
    this.#memory.forgetTimes(hostId);
  }

  onDisappeared(evidence: VmDisappeared): Steps {
    this.#absent(evidence.vmId, evidence.stamp);
    return undefined;
  }

  onDevices(evidence: VmDevicesReceived): Steps {
    return this.devices.onDomains(evidence);
  }

  /** The host is lost: nothing is known of its VMs, which may still run (§3.3). Only their status changes. */
  hostLost(host: Vds, source: CauseSource, incident: Incident, outbox: Outbox): void {
    const now = this.#o.clock.now();
    const cause: Cause = { rule: 'host.lost.vms-unknown', source };
    for (const vmId of [...this.#o.sets.vms.byHost(host.id)]) {
      const vm = this.#o.sets.vms.get(vmId);
      if (vm === undefined || vm.dynamic.status === 'Unknown') continue;
      const next = withState(vm, { status: 'Unknown', statusSince: now });
      this.#ledger.store(vm, next, cause, outbox, incident);
      this.trails.became(vm, 'Unknown', cause, now);
      this.#o.commands.settled(vmId);
      outbox.change({ name: 'VmSignalled', signal: 'removeAsync', cause, ...vmPart(next) });
      const about = { host, vm: next };
      outbox.record(
        this.#o.records.event(about, { name: 'VM_SET_TO_UNKNOWN_STATUS', params: {} }, cause, now, incident),
      );
    }
  }

  /** The host is proven to have been off: none of its VMs runs any more (§3.4). */
  hostOff(host: Vds, stamp: EvidenceStamp, source: CauseSource, incident: Incident): void {
    for (const vmId of [...this.#o.sets.vms.byHost(host.id)]) {
      const c = this.#cases.of(vmId, null, stamp, host);
      if (c.vm === undefined) continue;
      const verdict = decideOff({ ...c, vm: c.vm });
      this.#apply(c, verdict, { cause: { rule: verdict.rule, source }, incident });
    }
  }

  /** The manager says that the VM's host has begun to migrate it. What was asked for before cannot undo that. */
  migrating(vm: Vm, destination: string): void {
    const now = this.#o.clock.now();
    const { status, migratingToVds } = vm.dynamic;
    this.#o.commands.changed(vm.id);
    // Said again: what was asked for before still cannot undo it, but nothing is new.
    if (status === 'MigratingFrom' && migratingToVds === destination) return;
    const cause: Cause = { rule: 'vm.command.migrating', source: { by: 'command', at: now } };
    const statusSince = status === 'MigratingFrom' ? vm.dynamic.statusSince : now;
    const next = withState(vm, { status: 'MigratingFrom', migratingToVds: destination, statusSince });
    this.trails.became(vm, next.dynamic.status, cause, now);
    this.#ledger.store(vm, next, cause, new Outbox(this.#o.ports)).send();
  }

  /** A host came up: its agent's clock may have started anew (§4.3). */
  hostCameUp(hostId: string): void {
    this.#memory.forgetTimes(hostId);
  }

  forgetHost(hostId: string): void {
    this.#memory.forgetHost(hostId);
    this.#fastPath.forgetHost(hostId);
    for (const vmId of this.#o.sets.vms.byHost(hostId)) {
      this.#memory.forgetVm(vmId);
      this.#forgetParts(vmId);
    }
  }

  forgetVm(vmId: string): void {
    this.#memory.forgetVm(vmId);
    this.#forgetParts(vmId);
    this.#o.commands.forget(vmId);
  }

  #forgetParts(vmId: string): void {
    for (const part of [this.#ledger, this.figures, this.devices, this.jobs, this.trails]) part.forget(vmId);
  }

  /** Figures of a VM that is as expected. */
  #takeFigures(vm: Vm | undefined, report: VmReport, stamp: EvidenceStamp): void {
    if (vm === undefined || vm.dynamic.runOnVds !== stamp.host) return;
    try {
      if (vm.dynamic.status !== report.status) return;
      this.#memory.noteThere(vm.id);
      // Seen where it was expected, in the first report since the start: that is news although nothing has changed (§4.5).
      const first = !this.#memory.isInitialized(stamp) && !reportDiffers(vm, report, stamp.host);
      if (first) return this.#decide(vm.id, report, stamp);
      this.#takeStatistics(vm, report, stamp);
      // Neither a job that moves on nor a hosted engine's VM that waits for its import is evidence of a change.
      const waits = vm.static.origin === 'HOSTED_ENGINE';
      if (waits || this.jobs.moveOn(vm, report, stamp)) this.#decide(vm.id, report, stamp);
    } catch (error) {
      this.#failed(vm.id, stamp.host, error);
    }
  }

  /** Not in a complete report. */
  #absent(vmId: string, stamp: EvidenceStamp): void {
    const set = this.#o.sets.setOfHost(stamp.host);
    if (set?.vms.get(vmId)?.dynamic.runOnVds === stamp.host) {
      set.vms.noteMissing(vmId);
      this.#decide(vmId, null, stamp);
    } else {
      // It does not run here, or no longer: then its absence says nothing, and what this host's reports left open is over.
      this.#o.sets.setOfVm(vmId)?.vms.setUnsettled(vmId, stamp.host, null);
    }
  }

  #decide(vmId: string, report: VmReport | null, stamp: EvidenceStamp): void {
    const host = this.#o.sets.hosts.get(stamp.host);
    if (host === undefined) return;
    try {
      this.#judge(this.#cases.of(vmId, report, stamp, host));
    } catch (error) {
      this.#failed(vmId, stamp.host, error);
    }
  }

  #failed(vmId: string, hostId: string, error: unknown): void {
    this.#o.telemetry.count('vurti_rule_errors_total');
    this.#o.telemetry.log('error', 'a VM could not be judged', { vm: vmId, host: hostId, error: String(error) });
    const vms = this.#o.sets.setOfVm(vmId)?.vms;
    if (vms?.unsettled(vmId)?.reason === 'missing') return;
    vms?.setUnsettled(vmId, hostId, { reason: 'failed', since: this.#o.clock.now() });
  }

  #judge(c: VmCase): void {
    const notAdmitted = admission(c);
    if (notAdmitted !== null) {
      this.trails.notAdmitted(c, notAdmitted);
      this.#o.telemetry.count('vurti_vm_reports_skipped_total', 1, { reason: notAdmitted });
      if (c.vm !== undefined && c.unsettled?.reason !== 'missing') {
        this.#o.sets.setOfVm(c.vm.id)?.vms.setUnsettled(c.vm.id, c.host.id, { reason: notAdmitted, since: c.now });
      }
      return;
    }
    this.#apply(c, decideVm(c));
  }

  #apply(c: VmCase, verdict: VmVerdict, of: { cause?: Cause; incident?: Incident } = {}): void {
    const { draft } = verdict;
    const { records, restarts } = this.#o;
    const incident = of.incident ?? this.incidents.of(c.host.id, c.vm?.dynamic.status);
    const cause = of.cause ?? causeOf(verdict.rule, c.stamp);
    const outbox = new Outbox(this.#o.ports);
    const after = vmAfter(c, verdict);
    if (after !== undefined && after !== c.vm) {
      this.#ledger.store(c.vm, after, cause, outbox, incident, c.vm === undefined ? undefined : verdict.changes);
    }
    this.trails.decided(c, verdict, after, cause);
    const about = { host: c.host, vm: after };
    for (const event of draft.events) outbox.record(records.event(about, event, cause, c.now, incident));
    for (const intent of draft.intents) {
      // When it is its turn, the queue says so.
      if (intent.intent === 'autoRun' && restarts !== undefined && after !== undefined) restarts.queue(after.id);
      else outbox.record(records.intent(about, intent, cause, c.now, incident));
    }
    if (after !== undefined) {
      for (const signal of draft.signals) outbox.change({ name: 'VmSignalled', signal, cause, ...vmPart(after) });
      this.#remember(c, verdict, after);
    }
    outbox.send();
    if (after !== undefined && (draft.signals.includes('removeAsync') || draft.signals.includes('succeededToRun'))) {
      this.#o.commands.settled(after.id);
    }
    if (after !== undefined && draft.intents.some(({ intent }) => intent === 'coldReboot')) {
      this.#o.commands.coldRebootQueued(after.id);
    }
    for (const request of draft.requests) this.#o.ports.streams.requests.publish(request);
    if (after !== undefined) this.#takeData(c, verdict, after.id);
  }

  /** What the process remembers of the decision beside the stored state. */
  #remember(c: VmCase, { draft }: VmVerdict, vm: Vm): void {
    const set = this.#o.sets.setOfVm(vm.id);
    if (set === undefined) return;
    set.vms.setUnsettled(vm.id, c.host.id, draft.unsettled);
    this.#memory.noteFormerOwner(vm.id, draft.formerOwner, c.host.id, this.#o.clock.monotonic());
    if (draft.statisticsReset) this.figures.reset(vm.id);
    this.jobs.keep(vm);
    if (c.report === null) return;
    if (vm.dynamic.runOnVds === c.host.id) set.vms.noteSeen(vm.id);
    this.#memory.noteJudged(vm.id, c.stamp, c.report);
  }

  /** The rest of the report, when its verdict has gone out: what it gives rise to comes after that, in the log as well. */
  #takeData({ report, stamp }: VmCase, { draft }: VmVerdict, vmId: string): void {
    // Whoever was told of the verdict may have changed the VM, or removed it.
    const vm = this.#o.sets.vms.get(vmId);
    if (vm === undefined || report === null || !draft.takeStatistics) return;
    this.#takeStatistics(vm, report, stamp);
    if (draft.migrationFailed) this.figures.migrationFailed(vmId);
    this.devices.noteReport(vm, report, stamp);
  }

  /** Never throws: figures that cannot be read must not stop a decision half-way. */
  #takeStatistics(vm: Vm, report: VmReport, stamp: EvidenceStamp): void {
    try {
      const host = this.#o.sets.hosts.get(stamp.host);
      if (host !== undefined) this.figures.take(vm, report, host, stamp);
    } catch (error) {
      this.#failed(vm.id, stamp.host, error);
    }
  }
}
