import { causeOf } from '../events/index.js';
import type { Clock } from '../kernel/index.js';
import {
  type EvidenceStamp,
  initialRow,
  type MonitorSettings,
  UsageHistory,
  type Vds,
  type Vm,
  type VmHistory,
  type VmReport,
  type VmStatistics,
  type VmStatisticsSample,
  type VmUsage,
  vmStatisticsFields,
} from '../model/index.js';
import type { HostSets, Inventory } from '../repository/index.js';
import { type BalloonState, judgeFigures, nextVmUsage } from '../rules/index.js';
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
    const set = this.#o.sets.setOfVm(vm.id);
    const before = set?.vms.usage(vm.id);
    const usage = nextVmUsage(vm, before, sample);
    if (usage !== before) {
      set?.vms.setUsage(vm.id, usage);
      this.#o.statistics.vmChanged(vm.id);
    }
    const watched = this.#watchedOf(vm.id);
    if (watched.host === stamp.host && watched.seq === stamp.seq) return;
    watched.host = stamp.host;
    watched.seq = stamp.seq;
    this.#addHistory(watched.history, usage.statistics);
    this.#judge(vm, host, sample, watched, stamp);
  }

  /** A migration has come to nothing. */
  migrationFailed(vmId: string): void {
    this.migrationProgress(vmId, 0);
  }

  /** Per cent, as its source says. In memory only. */
  migrationProgress(vmId: string, progress: number): void {
    const vms = this.#o.sets.setOfVm(vmId)?.vms;
    const usage = vms?.usage(vmId) ?? emptyUsage(vmId);
    if (usage.migrationProgress !== progress) vms?.setUsage(vmId, { ...usage, migrationProgress: progress });
  }

  /** The VM runs no more. */
  reset(vmId: string): void {
    this.#watched.delete(vmId);
    this.#o.sets.setOfVm(vmId)?.vms.setUsage(vmId, emptyUsage(vmId));
    this.#o.statistics.vmChanged(vmId);
  }

  forget(vmId: string): void {
    this.#watched.delete(vmId);
  }

  #addHistory({ cpu, memory, network }: VmHistory, statistics: VmStatistics): void {
    const { historyLimit } = this.#o.settings.statistics;
    cpu.add(statistics.usageCpuPercent, historyLimit);
    memory.add(statistics.usageMemPercent, historyLimit);
    network.add(statistics.usageNetworkPercent, historyLimit);
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
