import {
  type Cause,
  type CauseSource,
  causeOf,
  type VmDevicesReceived,
  type VmDisappeared,
  type VmStateChanged,
  type VmStatsReceived,
} from '../events/index.js';
import type { Clock, Telemetry } from '../kernel/index.js';
import {
  type EvidenceStamp,
  type HostSettings,
  initialRow,
  type Vds,
  type Vm,
  type VmReport,
  type VmUsage,
  vmStatisticsFields,
} from '../model/index.js';
import type { HostSets, Inventory } from '../repository/index.js';
import { admission, decideOff, decideVm, nextJobs, nextVmUsage, type VmCase, type VmVerdict } from '../rules/index.js';
import type { CommandBook } from './command-book.js';
import type { Steps } from './evidence-queue.js';
import { Outbox, type OutboxPorts, vmPart } from './outbox.js';
import type { Incident, RecordMaker } from './record-maker.js';
import type { StatisticsWriter } from './statistics-writer.js';
import { vmChanges, vmRows } from './vm-rows.js';

export interface VmUpdaterOptions {
  readonly mode: 'observer' | 'manager';
  readonly sets: HostSets;
  readonly inventory: Inventory;
  readonly commands: CommandBook;
  readonly records: RecordMaker;
  readonly ports: OutboxPorts;
  readonly statistics: StatisticsWriter;
  readonly settingsOf: (hostId: string) => HostSettings;
  /** Takes highly available VMs that failed, and advises to start them in their order; absent: that is advised at once. */
  readonly restarts?: { queue(vmId: string): void };
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** Last judged report of a VM. */
interface LastReport {
  readonly host: string;
  readonly timestamp: number;
}

/**
 * Applies the VM rules: evidence in, repository, records and requests out. Each VM is decided without a pause, from what
 * the repository holds at that moment; an error in deciding one VM leaves that VM for the next report and no other.
 */
export class VmUpdater {
  readonly #o: VmUpdaterOptions;
  readonly #lastReports = new Map<string, LastReport>();
  readonly #formerOwners = new Map<string, { readonly host: string; readonly alerted: boolean }>();
  /** Host → seq of its first complete report in this process (D19). */
  readonly #initializedBy = new Map<string, number>();
  /** Device fingerprints whose refresh was asked for, remembered when it has succeeded (D17). */
  readonly #pendingHashes = new Map<string, string>();
  /** The rule that gave a VM its present status: for `explain`. */
  readonly #statusCauses = new Map<string, Cause>();

  constructor(options: VmUpdaterOptions) {
    this.#o = options;
  }

  statusCause(vmId: string): Cause | undefined {
    return this.#statusCauses.get(vmId);
  }

  /** A VM poll: figures of the VMs that are as expected, then the unsettled ones again. */
  *onStats(evidence: VmStatsReceived): Generator<void, void, void> {
    const { host, report, stamp } = evidence;
    const set = this.#o.sets.setOfHost(host);
    if (set === undefined) return;
    set.vms.noteReport(host, stamp.receivedAt, (id) => report.has(id));
    // Not in half a report is not absent, but not seen either.
    if (!stamp.complete) for (const id of set.vms.byHost(host)) if (!report.has(id)) set.vms.noteMissing(id);
    if (stamp.complete && !this.#initializedBy.has(host)) this.#initializedBy.set(host, stamp.seq);
    for (const problem of report.problems) {
      this.#o.telemetry.count('vurti_report_problems_total');
      this.#o.telemetry.log('warn', 'a part of a VM report could not be read', {
        host,
        path: problem.path,
        problem: problem.message,
      });
    }
    for (const vmReport of report.changed()) {
      this.#takeFigures(set.vms.get(vmReport.vmId), vmReport, stamp);
      yield;
    }
    for (const vmId of [...set.vms.unsettledOn(host)]) {
      const vmReport = report.get(vmId);
      if (vmReport !== undefined) this.#decide(vmId, vmReport, stamp);
      else if (stamp.complete && !report.has(vmId)) this.#absent(vmId, stamp);
      yield;
    }
    for (const [vmId, owner] of this.#formerOwners) {
      if (owner.host === host && stamp.complete && !report.has(vmId)) this.#formerOwners.delete(vmId);
    }
  }

  onStateChanged(evidence: VmStateChanged): Steps {
    this.#decide(evidence.vmId, evidence.report, evidence.stamp);
    return undefined;
  }

  onDisappeared(evidence: VmDisappeared): Steps {
    this.#absent(evidence.vmId, evidence.stamp);
    return undefined;
  }

  onDevices(evidence: VmDevicesReceived): Steps {
    for (const vmId of evidence.xmls.keys()) {
      const hash = this.#pendingHashes.get(vmId);
      const vm = this.#o.sets.vms.get(vmId);
      if (hash === undefined || vm === undefined) continue;
      this.#pendingHashes.delete(vmId);
      const next: Vm = { ...vm, dynamic: { ...vm.dynamic, hash } };
      const cause = causeOf('vm.devices.refreshed', evidence.stamp);
      this.#store(vm, next, cause, new Outbox(this.#o.ports)).send();
    }
    return undefined;
  }

  /** The host is lost: nothing is known of its VMs, which may still run (§3.3). Only their status changes. */
  hostLost(host: Vds, source: CauseSource, incident: Incident, outbox: Outbox): void {
    const now = this.#o.clock.now();
    const cause: Cause = { rule: 'host.lost.vms-unknown', source };
    for (const vmId of [...this.#o.sets.vms.byHost(host.id)]) {
      const vm = this.#o.sets.vms.get(vmId);
      if (vm === undefined || vm.dynamic.status === 'Unknown') continue;
      const next: Vm = { ...vm, dynamic: { ...vm.dynamic, status: 'Unknown', statusSince: now } };
      this.#store(vm, next, cause, outbox, incident);
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
      const c = this.#caseOf(vmId, null, stamp, host);
      if (c.vm === undefined) continue;
      const verdict = decideOff({ ...c, vm: c.vm });
      this.#apply(c, verdict, { cause: { rule: verdict.rule, source }, incident });
    }
  }

  /** A host came up: its agent's clock may have started anew (§4.3). */
  hostCameUp(hostId: string): void {
    for (const [vmId, last] of this.#lastReports) if (last.host === hostId) this.#lastReports.delete(vmId);
  }

  forgetHost(hostId: string): void {
    this.#initializedBy.delete(hostId);
    this.hostCameUp(hostId);
    for (const [vmId, owner] of this.#formerOwners) if (owner.host === hostId) this.#formerOwners.delete(vmId);
  }

  forgetVm(vmId: string): void {
    this.#lastReports.delete(vmId);
    this.#formerOwners.delete(vmId);
    this.#pendingHashes.delete(vmId);
    this.#statusCauses.delete(vmId);
    this.#o.commands.forget(vmId);
  }

  /** Figures of a VM that is as expected. */
  #takeFigures(vm: Vm | undefined, report: VmReport, stamp: EvidenceStamp): void {
    if (vm === undefined || vm.dynamic.runOnVds !== stamp.host) return;
    try {
      if (vm.dynamic.status !== report.status) return;
      this.#takeStatistics(vm, report, stamp.host);
      // Jobs move on with every poll and say nothing about the VM's state: they are no evidence of a change.
      if (nextJobs(vm, report, this.#o.mode) !== vm.jobs) this.#decide(vm.id, report, stamp);
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
      this.#judge(this.#caseOf(vmId, report, stamp, host));
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
      this.#o.telemetry.count('vurti_vm_reports_skipped_total', 1, { reason: notAdmitted });
      if (c.vm !== undefined && c.unsettled?.reason !== 'missing') {
        this.#o.sets.setOfVm(c.vm.id)?.vms.setUnsettled(c.vm.id, c.host.id, { reason: notAdmitted, since: c.now });
      }
      return;
    }
    this.#apply(c, decideVm(c));
  }

  #caseOf(vmId: string, report: VmReport | null, stamp: EvidenceStamp, host: Vds): VmCase {
    const { sets, inventory, commands, mode, clock, settingsOf } = this.#o;
    const initializedBy = this.#initializedBy.get(stamp.host);
    return {
      now: clock.now(),
      mode,
      stamp,
      host,
      vm: sets.vms.get(vmId),
      report,
      unsettled: sets.vms.unsettled(vmId),
      commands: commands.of(vmId),
      missesNeeded: settingsOf(stamp.host).absence.misses,
      lastReport: this.#lastReports.get(vmId),
      formerOwner: this.#formerOwners.get(vmId),
      hostStatus: (id) => sets.hosts.get(id)?.dynamic.status,
      managedInventory: inventory.managesVms,
      // Polls alone cannot tell an ordinary end from an unseen one.
      pushesHealthy: false,
      externalDataKept: commands.externalDataKept(vmId),
      hostInitialized: initializedBy !== undefined && initializedBy < stamp.seq,
    };
  }

  #apply(c: VmCase, verdict: VmVerdict, of: { cause?: Cause; incident?: Incident } = {}): void {
    const { draft } = verdict;
    const { records, restarts } = this.#o;
    const { incident } = of;
    const cause = of.cause ?? causeOf(verdict.rule, c.stamp);
    const outbox = new Outbox(this.#o.ports);
    const after = this.#nextVm(c, verdict);
    if (after !== undefined && after !== c.vm) this.#store(c.vm, after, cause, outbox, incident);
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
  }

  #nextVm(c: VmCase, { draft, changes }: VmVerdict): Vm | undefined {
    const { guestInterfaces, jobs } = draft;
    if (c.vm !== undefined) {
      const same = changes.length === 0 && guestInterfaces === c.vm.guestInterfaces && jobs === c.vm.jobs;
      return same
        ? c.vm
        : { ...c.vm, dynamic: changes.length === 0 ? c.vm.dynamic : draft.state, guestInterfaces, jobs };
    }
    if (draft.static === undefined) return undefined;
    return { id: draft.static.id, static: draft.static, dynamic: draft.state, guestInterfaces, jobs, devices: [] };
  }

  /** Repository, rows, change record and changes$ of one VM, together. */
  #store(before: Vm | undefined, after: Vm, cause: Cause, outbox: Outbox, incident?: Incident): Outbox {
    const now = this.#o.clock.now();
    const host = after.dynamic.runOnVds === null ? undefined : this.#o.sets.hosts.get(after.dynamic.runOnVds);
    const about = { host, vm: after };
    this.#o.sets.putVm(after);
    for (const write of vmRows(before, after)) outbox.row(write);
    const changes = vmChanges(before, after);
    const what = before === undefined ? 'added' : 'changed';
    outbox.record(this.#o.records.change(about, 'vm', what, changes, cause, now, incident));
    const from = before?.dynamic.status;
    const to = after.dynamic.status;
    if (from !== to) this.#statusCauses.set(after.id, cause);
    if (from === undefined) outbox.change({ name: 'VmAdded', cause, ...vmPart(after) });
    else if (from === to) outbox.change({ name: 'VmUpdated', changes, cause, ...vmPart(after) });
    else outbox.change({ name: 'VmStateChanged', from, to, changes, cause, ...vmPart(after) });
    return outbox;
  }

  /** What the process remembers of the decision beside the stored state. */
  #remember(c: VmCase, { draft }: VmVerdict, vm: Vm): void {
    const set = this.#o.sets.setOfVm(vm.id);
    if (set === undefined) return;
    set.vms.setUnsettled(vm.id, c.host.id, draft.unsettled);
    if (draft.formerOwner === null) this.#formerOwners.delete(vm.id);
    else if (draft.formerOwner !== undefined) this.#formerOwners.set(vm.id, draft.formerOwner);
    if (draft.statisticsReset) this.#resetStatistics(vm.id);
    if (c.report === null) return;
    if (vm.dynamic.runOnVds === c.host.id) set.vms.noteSeen(vm.id);
    if (c.report.timestamp !== null) {
      this.#lastReports.set(vm.id, { host: c.host.id, timestamp: c.report.timestamp });
    }
    if (draft.takeStatistics) {
      this.#takeStatistics(vm, c.report, c.host.id);
      this.#followHash(c, vm, c.report.deviceHash);
    }
  }

  /** Never throws: figures that cannot be read must not stop a decision half-way. */
  #takeStatistics(vm: Vm, report: VmReport, hostId: string): void {
    try {
      const sample = report.statistics();
      if (sample === null) return;
      const set = this.#o.sets.setOfVm(vm.id);
      const before = set?.vms.usage(vm.id);
      const usage = nextVmUsage(vm, before, sample);
      if (usage === before) return;
      set?.vms.setUsage(vm.id, usage);
      this.#o.statistics.vmChanged(vm.id);
    } catch (error) {
      this.#failed(vm.id, hostId, error);
    }
  }

  #resetStatistics(vmId: string): void {
    const usage: VmUsage = {
      statistics: { ...initialRow(vmStatisticsFields), id: vmId },
      interfaces: [],
      disks: [],
      migrationProgress: null,
    };
    this.#o.sets.setOfVm(vmId)?.vms.setUsage(vmId, usage);
    this.#o.statistics.vmChanged(vmId);
  }

  /** Another fingerprint means other devices: they are read again, all VMs of the host that ask at once in one call. */
  #followHash(c: VmCase, vm: Vm, hash: string | null): void {
    if (hash === null || hash === vm.dynamic.hash || vm.dynamic.status === 'MigratingTo') return;
    this.#pendingHashes.set(vm.id, hash);
    this.#o.ports.streams.requests.publish({
      host: c.host.id,
      method: 'Host.dumpxmls',
      vmIds: [vm.id],
      reason: 'vm.devices.hash-changed',
    });
  }
}
