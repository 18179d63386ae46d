import { causeOf } from '../events/index.js';
import type { Clock } from '../kernel/index.js';
import {
  type EvidenceStamp,
  figureAt,
  initialRow,
  type MonitorSettings,
  sameValue,
  sampleAt,
  type Vds,
  type Vm,
  type VmColumns,
  type VmHistory,
  type VmReport,
  type VmStatisticsSample,
  type VmUsage,
  vmHistory,
  vmStatisticsFields,
} from '../model/index.js';
import type { HostSets, Inventory, VmRepository } from '../repository/index.js';
import { figuresMatter, judgeFigures, learnSample, nextVmUsage, takeRow, takeSample } from '../rules/index.js';
import type { Seat } from './fast-path.js';
import { Outbox, type OutboxPorts } from './outbox.js';
import type { RecordMaker } from './record-maker.js';
import type { StatisticsWriter } from './statistics-writer.js';
import type { Watched } from './watched.js';

export interface VmFiguresOptions {
  readonly sets: HostSets;
  readonly inventory: Inventory;
  readonly records: RecordMaker;
  readonly ports: OutboxPorts;
  readonly statistics: StatisticsWriter;
  readonly clock: Clock;
  readonly settings: Pick<MonitorSettings, 'statistics' | 'balloon'>;
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
    const watched = this.watchedOf(vm.id);
    if (!isNext(watched, stamp)) return;
    this.#addHistory(watched.history, columns);
    this.#judge(vm, host, sample, watched, stamp);
  }

  /** The same for a VM on the fast path. False: its figures are unusual, and nothing was done. */
  takeSeated(seat: Seat, host: Vds, stamp: EvidenceStamp): boolean {
    const { vm, report, columns, watched, row } = seat;
    if (watched.dropped) return false;
    const { figuresVersion } = report;
    if (figuresVersion !== seat.version) {
      const taken = takeRow(vm, columns, row);
      if (taken === 'other') return false;
      if (taken === 'changed') this.#o.statistics.vmChanged(columns);
      seat.version = figuresVersion;
      seat.quiet = false;
    }
    if (!isNext(watched, stamp)) return true;
    this.#addHistory(watched.history, columns);
    const ballooning = this.#isBallooning(vm, host);
    if (seat.quiet && seat.ballooning === ballooning) return true;
    seat.ballooning = ballooning;
    const current = row.values[sampleAt.balloon] as number;
    if (figuresMatter(vm, current, ballooning, watched.balloon)) {
      const sample = report.statistics();
      seat.quiet = sample === null || this.#judge(vm, host, sample, watched, stamp);
    } else seat.quiet = true;
    return true;
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
    this.forget(vmId);
    const columns = this.#o.sets.setOfVm(vmId)?.vms.setUsage(vmId, emptyUsage(vmId));
    if (columns !== undefined) this.#o.statistics.vmChanged(columns);
  }

  forget(vmId: string): void {
    const watched = this.#watched.get(vmId);
    if (watched !== undefined) watched.dropped = true;
    this.#watched.delete(vmId);
  }

  watchedOf(vmId: string): Watched {
    let watched = this.#watched.get(vmId);
    if (watched === undefined) {
      watched = { history: vmHistory(), balloon: undefined, host: '', seq: 0, dropped: false };
      this.#watched.set(vmId, watched);
    }
    return watched;
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

  #isBallooning(vm: Vm, host: Vds): boolean {
    return this.#o.inventory.cluster(vm.static.clusterId ?? host.static.clusterId)?.ballooning === true;
  }

  /** Whether the same figures would give rise to nothing: they have not, and nothing else is remembered now. */
  #judge(vm: Vm, host: Vds, sample: VmStatisticsSample, watched: Watched, stamp: EvidenceStamp): boolean {
    const { records, ports, clock, settings } = this.#o;
    const { balloon, events } = judgeFigures({
      ...{ vm, sample, balloon: watched.balloon },
      hostName: host.static.name,
      ballooning: this.#isBallooning(vm, host),
      iterations: settings.balloon.iterations,
    });
    // The object of before stays while it says the same: a new one would be one more that outlives its report.
    const isSame = sameValue(watched.balloon, balloon);
    if (!isSame) watched.balloon = balloon;
    if (events.length === 0) return isSame;
    const outbox = new Outbox(ports);
    for (const { rule, ...event } of events) {
      outbox.record(records.event({ host, vm }, event, causeOf(rule, stamp), clock.now()));
    }
    outbox.send();
    return false;
  }
}

/** Whether the figures of this report were not taken yet; from now on they are. */
function isNext(watched: Watched, { host, seq }: EvidenceStamp): boolean {
  if (watched.host === host && watched.seq === seq) return false;
  watched.host = host;
  watched.seq = seq;
  return true;
}

function emptyUsage(vmId: string): VmUsage {
  const statistics = { ...initialRow(vmStatisticsFields), id: vmId };
  return { statistics, interfaces: [], disks: [], migrationProgress: null };
}
