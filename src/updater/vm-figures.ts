import { causeOf } from '../events/index.js';
import type { Clock } from '../kernel/index.js';
import {
  type EvidenceStamp,
  figureAt,
  initialRow,
  type MonitorSettings,
  UsageHistory,
  type Vds,
  type Vm,
  type VmColumns,
  type VmHistory,
  type VmReport,
  type VmStatisticsSample,
  type VmUsage,
  vmStatisticsFields,
} from '../model/index.js';
import type { HostSets, Inventory, VmRepository } from '../repository/index.js';
import { type BalloonState, judgeFigures, learnSample, nextVmUsage, takeSample } from '../rules/index.js';
import { Outbox, type OutboxPorts } from './outbox.js';
import type { RecordMaker } from './record-maker.js';
import type { StatisticsWriter } from './statistics-writer.js';

export interface VmFiguresOptions {
  readonly sets: HostSets;
  readonly inventory: Inventory;
  readonly records: RecordMaker;
  readonly ports: OutboxPorts;
  readonly statistics: StatisticsWriter;
  readonly clock: Clock;
  readonly settings: Pick<MonitorSettings, 'statistics' | 'balloon'>;
}

/** What is kept of a VM's figures in memory alone. */
interface Watched {
  readonly history: VmHistory;
  balloon: BalloonState | undefined;
  /** The report whose figures were taken last: a VM may be looked at twice in one. */
  host: string;
  seq: number;
}

/** Takes the measured part of reports: usage, histories, and what the figures give rise to. */
export class VmFigures {
  readonly #o: VmFiguresOptions;
  readonly #watched = new Map<string, Watched>();

  constructor(options: VmFiguresOptions) {
    this.#o = options;
  }

  history(vmId: string): VmHistory | undefined {
    return this.#watched.get(vmId)?.history;
  }

  take(vm: Vm, report: VmReport, host: Vds, stamp: EvidenceStamp): void {
    const sample = report.statistics();
    if (sample === null) return;
    const vms = this.#o.sets.setOfVm(vm.id)?.vms;
    if (vms === undefined) return;
    const columns = this.#takeUsage(vm, vms, sample);
    const watched = this.#watchedOf(vm.id);
    if (watched.host === stamp.host && watched.seq === stamp.seq) return;
    watched.host = stamp.host;
    watched.seq = stamp.seq;
    this.#addHistory(watched.history, columns);
    this.#judge(vm, host, sample, watched, stamp);
  }

  /** A migration has come to nothing. */
  migrationFailed(vmId: string): void {
    this.migrationProgress(vmId, 0);
  }

  /** Per cent, as its source says. In memory only. */
  migrationProgress(vmId: string, progress: number): void {
    const vms = this.#o.sets.setOfVm(vmId)?.vms;
    if (vms?.get(vmId) === undefined) return;
    const columns = vms.columns(vmId) ?? vms.setUsage(vmId, emptyUsage(vmId));
    columns.setMigrationProgress(progress);
  }

  /** The VM runs no more. */
  reset(vmId: string): void {
    this.#watched.delete(vmId);
    const columns = this.#o.sets.setOfVm(vmId)?.vms.setUsage(vmId, emptyUsage(vmId));
    if (columns !== undefined) this.#o.statistics.vmChanged(columns);
  }

  forget(vmId: string): void {
    this.#watched.delete(vmId);
  }

  /** Into the columns as they are, or, where something is other than in the report before, by way of the plain rule. */
  #takeUsage(vm: Vm, vms: VmRepository, sample: VmStatisticsSample): VmColumns {
    const known = vms.columns(vm.id);
    const taken = known === undefined ? 'other' : takeSample(vm, known, sample);
    if (known !== undefined && taken !== 'other') {
      if (taken === 'changed') this.#o.statistics.vmChanged(known);
      return known;
    }
    const columns = vms.setUsage(vm.id, nextVmUsage(vm, known?.usage(), sample));
    learnSample(vm, columns, sample);
    if (columns.isDirty) this.#o.statistics.vmChanged(columns);
    return columns;
  }

  #addHistory({ cpu, memory, network }: VmHistory, columns: VmColumns): void {
    const { historyLimit } = this.#o.settings.statistics;
    cpu.add(columns.get(figureAt.usageCpuPercent), historyLimit);
    memory.add(columns.get(figureAt.usageMemPercent), historyLimit);
    network.add(columns.get(figureAt.usageNetworkPercent), historyLimit);
  }

  #judge(vm: Vm, host: Vds, sample: VmStatisticsSample, watched: Watched, stamp: EvidenceStamp): void {
    const { inventory, records, ports, clock, settings } = this.#o;
    const cluster = inventory.cluster(vm.static.clusterId ?? host.static.clusterId);
    const { balloon, events } = judgeFigures({
      ...{ vm, sample, balloon: watched.balloon },
      hostName: host.static.name,
      ballooning: cluster?.ballooning === true,
      iterations: settings.balloon.iterations,
    });
    watched.balloon = balloon;
    if (events.length === 0) return;
    const outbox = new Outbox(ports);
    for (const { rule, ...event } of events) {
      outbox.record(records.event({ host, vm }, event, causeOf(rule, stamp), clock.now()));
    }
    outbox.send();
  }

  #watchedOf(vmId: string): Watched {
    let watched = this.#watched.get(vmId);
    if (watched === undefined) {
      const history = { cpu: new UsageHistory(), memory: new UsageHistory(), network: new UsageHistory() };
      watched = { history, balloon: undefined, host: '', seq: 0 };
      this.#watched.set(vmId, watched);
    }
    return watched;
  }
}

function emptyUsage(vmId: string): VmUsage {
  const statistics = { ...initialRow(vmStatisticsFields), id: vmId };
  return { statistics, interfaces: [], disks: [], migrationProgress: null };
}
