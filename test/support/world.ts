import { NEVER } from 'rxjs';
import {
  type AgentRequest,
  type Change,
  type ChangeSet,
  Channel,
  type Committer,
  type EventName,
  type Evidence,
  type LogRecordDraft,
  type Streams,
} from '../../src/events/index.js';
import {
  CountedIds,
  type ErrorCode,
  type LogFields,
  silentTelemetry,
  type Telemetry,
  VirtualTime,
  VurtiError,
} from '../../src/kernel/index.js';
import {
  defaultSettings,
  type EvidenceStamp,
  hostSettings,
  initialLiveness,
  type MonitorSettings,
  type RowKind,
  type RowWrite,
  reportDiffers,
  type Vds,
  type VdsCapabilitiesReport,
  type VdsStatsReport,
  type Vm,
  type VmColumns,
  type VmReport,
  type VmStatsReport,
} from '../../src/model/index.js';
import { type Division, HostSets, Inventory } from '../../src/repository/index.js';
import { usageRows } from '../../src/store/usage-figures.js';
import {
  CommandBook,
  InventoryUpdater,
  RecordMaker,
  StatisticsWriter,
  UpdaterPipeline,
  VdsUpdater,
  VmUpdater,
} from '../../src/updater/index.js';
import { capabilities, hostStats, vmStats } from './entities.js';
import { outboxPorts } from './ports.js';

/** Takes change sets in and keeps them, in order, with whatever else is noted between them. */
export class RecordingCommitter implements Committer {
  readonly sets: ChangeSet[] = [];
  readonly committed$ = NEVER;
  readonly #note: (what: string) => void;

  constructor(note: (what: string) => void = () => undefined) {
    this.#note = note;
  }

  commit(changes: ChangeSet, show?: () => void): void {
    if (changes.rows.length > 0 || changes.records.length > 0) {
      this.sets.push(changes);
      this.#note('commit');
    }
    show?.();
  }

  /** As the rows that it stands for. */
  usage(vms: readonly VmColumns[]): void {
    this.commit({ rows: vms.flatMap(usageRows), records: [] });
  }

  flushed(): Promise<void> {
    return Promise.resolve();
  }

  state(): ReturnType<Committer['state']> {
    const idle = { waitingRows: 0, waitingRecords: 0, setAside: [], flushes: 0 };
    return { ...idle, failingSince: null, lastError: null, flushP99Ms: null, journal: null };
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

export interface WorldOptions {
  readonly mode?: 'observer' | 'manager';
  readonly hosts?: readonly Vds[];
  readonly vms?: readonly Vm[];
  readonly division?: Division;
  readonly settings?: Partial<MonitorSettings>;
  readonly managesVms?: boolean;
  readonly sliceSize?: number;
  /** 0: statistics are never written. */
  readonly persistMs?: number;
}

/** The updaters with all their parts on a virtual clock, and a committer that keeps what it is given. */
export function world(options: WorldOptions = {}) {
  const time = new VirtualTime({ startAt: 1_000_000 });
  const settings: MonitorSettings = { ...defaultSettings, mode: 'manager', ...options.settings };
  const mode = options.mode ?? 'manager';
  /** What went out, in order. */
  const order: string[] = [];
  const logged: { message: string; fields: LogFields | undefined }[] = [];
  const telemetry: Telemetry = {
    ...silentTelemetry,
    log: (_, message, fields) => void logged.push({ message, fields }),
  };
  const committer = new RecordingCommitter((what) => order.push(what));
  const streams: Streams = { evidence: new Channel(), requests: new Channel(), changes: new Channel() };
  const changes: Change[] = [];
  const requests: AgentRequest[] = [];
  streams.changes.stream$.subscribe((change) => {
    changes.push(change);
    order.push(change.name === 'VmSignalled' ? `${change.name} ${change.signal}` : change.name);
  });
  streams.requests.stream$.subscribe((request) => {
    requests.push(request);
    order.push(`${request.method} ${request.host}`);
  });

  const sets: HostSets = new HostSets(options.division ?? 'system', {
    lost: (id) => sets.hosts.get(id)?.dynamic.status === 'NonResponsive',
    intervalMs: () => settings.poll.intervalSeconds * 1000,
    leastIntervalMs: () => settings.poll.intervalSeconds * 1000,
    synced: () => true,
  });
  const inventory = new Inventory();
  inventory.managesVms = options.managesVms ?? false;
  const settingsOf = (id: string) => hostSettings(settings, { id, name: id }, undefined);
  const commands = new CommandBook(time);
  const records = new RecordMaker(new CountedIds(), mode);
  const ports = outboxPorts({ committer, streams, telemetry, time });
  const statistics = new StatisticsWriter(sets, committer, time, telemetry, options.persistMs ?? 0);
  const common = { sets, inventory, records, ports, statistics, settingsOf, clock: time, telemetry };
  const vmUpdater = new VmUpdater({ ...common, mode, commands, settings });
  const vdsUpdater = new VdsUpdater({
    ...common,
    vms: vmUpdater,
    scheduler: time,
    general: { ...settings, mode },
  });
  const inventoryUpdater = new InventoryUpdater({ sets, inventory, records, ports, clock: time });
  const sliceSize = options.sliceSize ?? 500;
  const pipeline = new UpdaterPipeline({
    streams,
    vds: vdsUpdater,
    vms: vmUpdater,
    clock: time,
    scheduler: time,
    telemetry,
    sliceSize,
  });
  pipeline.start();

  for (const host of options.hosts ?? []) {
    sets.putHost(host);
    sets.setOfHost(host.id)?.vds.setLiveness(host.id, initialLiveness(time.now()));
  }
  for (const vm of options.vms ?? []) sets.putVm(vm);

  const seqs = new Map<string, number>();
  const stampOf = (host: string, more: Partial<EvidenceStamp> = {}): EvidenceStamp => {
    const seq = (seqs.get(host) ?? 0) + 1;
    seqs.set(host, seq);
    const at = { requestedAt: time.monotonic(), receivedAt: time.now() };
    return { host, session: 1, kind: 'poll', seq, ...at, complete: true, ...more };
  };
  const tell = (...evidence: Evidence[]): void => {
    for (const each of evidence) streams.evidence.publish(each);
  };

  /** An answer of getAllVmStats, as the push-adapter publishes it (contract of Evidence). */
  const poll = (
    host: string,
    reports: readonly VmReport[],
    more: Parameters<typeof vmStats>[1] & { readonly stamp?: Partial<EvidenceStamp> } = {},
  ): void => {
    answer(host, vmStats(reports, more), more.stamp);
  };
  /** The same, of any reader. */
  const answer = (host: string, report: VmStatsReport, more: Partial<EvidenceStamp> = {}): void => {
    const stamp = stampOf(host, { complete: report.complete, ...more });
    const evidence: Evidence[] = [{ name: 'VmStatsReceived', host, stamp, report }];
    for (const vm of report.all()) {
      if (reportDiffers(sets.vms.get(vm.vmId), vm, host)) {
        evidence.push({ name: 'VmStateChanged', host, stamp, vmId: vm.vmId, report: vm });
      }
    }
    if (report.complete) {
      for (const vmId of sets.vms.byHost(host)) {
        if (!report.has(vmId)) evidence.push({ name: 'VmDisappeared', host, stamp, vmId });
      }
    }
    tell(...evidence);
  };
  const push = (host: string, report: VmReport, more: Partial<EvidenceStamp> = {}): void => {
    const stamp = stampOf(host, { kind: 'push', complete: false, ...more });
    tell({ name: 'VmStateChanged', host, stamp, vmId: report.vmId, report });
  };
  const unreachable = (host: string, code: ErrorCode = 'AGENT_UNREACHABLE'): void =>
    tell({ name: 'VdsUnreachable', host, stamp: stampOf(host), error: new VurtiError(code, 'connection refused') });
  const recovering = (host: string): void => {
    const error = new VurtiError('AGENT_RECOVERING', 'Recovering from crash or Initializing');
    tell({ name: 'VdsRecovering', host, stamp: stampOf(host), error });
  };
  const stats = (host: string, report: Partial<VdsStatsReport> = {}): void =>
    tell({ name: 'VdsStatsReceived', host, stamp: stampOf(host), report: hostStats(report) });
  const caps = (host: string, report: Partial<VdsCapabilitiesReport> = {}): void =>
    tell({ name: 'VdsCapabilitiesReceived', host, stamp: stampOf(host), report: capabilities(report) });

  const recordsOf = <K extends LogRecordDraft['kind']>(kind: K): Extract<LogRecordDraft, { kind: K }>[] =>
    committer.sets
      .flatMap((set) => set.records)
      .filter((record): record is Extract<LogRecordDraft, { kind: K }> => record.kind === kind);
  const rows = (kind?: RowKind): RowWrite[] =>
    committer.sets.flatMap((set) => set.rows).filter((row) => kind === undefined || row.kind === kind);

  return {
    ...{ time, sets, inventory, commands, committer, streams, changes, requests, order, logged, statistics },
    ...{ vmUpdater, vdsUpdater, inventoryUpdater, pipeline, stampOf },
    ...{ tell, poll, answer, push, unreachable, recovering, stats, caps, recordsOf, rows },
    eventNames: (): EventName[] => recordsOf('event').map((event) => event.name),
    /** "kind host" of all advice. */
    advice: (): string[] => recordsOf('intent').map((intent) => `${intent.intent} ${intent.hostId ?? '-'}`),
    vm: (id = 'v1') => sets.vms.get(id),
    host: (id = 'h1') => sets.hosts.get(id),
    /** Forgets what went out so far. */
    forget: (): void => {
      for (const list of [committer.sets, changes, requests, order, logged]) list.length = 0;
    },
  };
}
