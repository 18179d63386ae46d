import type { Container } from 'inversify';
import { filter, mergeMap, type Observable } from 'rxjs';
import {
  type Change,
  type EventRecord,
  formatCursor,
  type Intent,
  type LogRecord,
  type Store,
  type Streams,
} from '../events/index.js';
import type { Fetcher } from '../fetcher/index.js';
import { type Clock, messageOf, type Telemetry, VurtiError } from '../kernel/index.js';
import type { AgentTls, MonitorSettings } from '../model/index.js';
import type { HybridPushAdapter } from '../push-adapter/index.js';
import { LogTail } from '../tail/index.js';
import type {
  FloodControl,
  HostRounds,
  IntentBook,
  StatisticsWriter,
  UpdaterPipeline,
  VdsUpdater,
  VmUpdater,
} from '../updater/index.js';
import type {
  AgentFigures,
  Explanation,
  InventoryPage,
  InventoryQuery,
  LogApi,
  Monitor,
  MonitorFigures,
  MonitorProgress,
  MonitorStatus,
  ReadinessLevel,
} from './api.js';
import type { BackfillRunner } from './backfill-runner.js';
import { Commands } from './commands.js';
import { Clusters, type EntityParts, Hosts, Vms } from './entities.js';
import { EventTally } from './event-tally.js';
import { type ExplainContext, explainHost, explainVm } from './explain/index.js';
import { type IntentRunner, Intents } from './intents/index.js';
import { inventoryPage } from './inventory-entries.js';
import { takeSettings } from './live-settings.js';
import type { MonitorOptions } from './options.js';
import { RawAnswers } from './raw-answers.js';
import type { Readiness } from './readiness.js';
import { restoreState } from './restore.js';
import type { Retention } from './retention.js';
import { type ProgressSources, progressReport, statusReport } from './status-report.js';
import { tokens as t } from './tokens.js';

const DEFAULT_UNTIL_SECONDS = 60;

/**
 * The library's Monitor over the parts of a container.
 *
 * Modes: *made* – nothing runs; *started* – state loaded, evidence flows; *stopped* – for good.
 */
export class VurtiMonitor implements Monitor {
  readonly changes$: Observable<Change>;
  readonly events$: Observable<EventRecord & LogRecord>;
  readonly intents$: Observable<Intent>;
  readonly intents: Intents;
  readonly hosts: Hosts;
  readonly vms: Vms;
  readonly clusters: Clusters;
  readonly log: LogApi;
  readonly commands: Commands;
  readonly #options: MonitorOptions;
  readonly #parts: EntityParts;
  readonly #settings: MonitorSettings;
  readonly #clock: Clock;
  readonly #telemetry: Telemetry;
  readonly #store: Store;
  readonly #streams: Streams;
  readonly #pipeline: UpdaterPipeline;
  readonly #adapter: HybridPushAdapter;
  readonly #fetcher: Fetcher;
  readonly #statistics: StatisticsWriter;
  readonly #vdsUpdater: VdsUpdater;
  readonly #vmUpdater: VmUpdater;
  readonly #rounds: HostRounds;
  readonly #intentBook: IntentBook;
  readonly #flood: FloodControl;
  readonly #runner: IntentRunner;
  readonly #readiness: Readiness;
  readonly #retention: Retention;
  readonly #backfill: BackfillRunner;
  readonly #explain: ExplainContext;
  readonly #raw: RawAnswers;
  readonly #tail: LogTail;
  readonly #tally = new EventTally();
  readonly #startedAt: number;
  #mode: 'made' | 'started' | 'stopped' = 'made';
  #stopping: Promise<void> | undefined;
  #head = formatCursor({ epoch: 0, seq: 0 });

  constructor(container: Container, options: MonitorOptions) {
    this.#options = options;
    this.#settings = container.get(t.settings);
    this.#clock = container.get(t.clock);
    this.#telemetry = container.get(t.telemetry);
    this.#store = container.get(t.store);
    this.#streams = container.get(t.streams);
    this.#pipeline = container.get(t.pipeline);
    this.#adapter = container.get(t.pushAdapter);
    this.#fetcher = container.get(t.fetcher);
    this.#statistics = container.get(t.statistics);
    this.#vdsUpdater = container.get(t.vdsUpdater);
    this.#vmUpdater = container.get(t.vmUpdater);
    this.#parts = {
      view: {
        sets: container.get(t.sets),
        inventory: container.get(t.inventory),
        registry: container.get(t.registry),
        now: () => this.#clock.now(),
        nextPollAt: (id) => this.#adapter.nextPollAt(id),
      },
      updater: container.get(t.inventoryUpdater),
      vdsUpdater: this.#vdsUpdater,
      vmUpdater: this.#vmUpdater,
      pipeline: this.#pipeline,
      statistics: this.#statistics,
      mode: this.#settings.mode,
      requests: this.#streams.requests,
      pending: container.get(t.pending),
      restarts: container.get(t.haRestarts),
      scheduler: container.get(t.scheduler),
    };
    this.#rounds = container.get(t.hostRounds);
    this.#readiness = container.get(t.readiness);
    this.#retention = container.get(t.retention);
    this.#backfill = container.get(t.backfill);
    const registry = container.get(t.registry);
    this.#raw = new RawAnswers({
      caller: this.#fetcher,
      endpointOf: (id) => registry.endpointOf(id),
      deadlineMsOf: (id) => registry.settingsOf(id).poll.capabilitiesDeadlineSeconds * 1000,
      scheduler: container.get(t.scheduler),
    });
    this.#startedAt = this.#clock.now();
    const book = container.get(t.commands);
    this.#explain = {
      view: this.#parts.view,
      mode: this.#settings.mode,
      autoRecovery: this.#settings.autoRecovery.hosts,
      vmCause: (id) => this.#vmUpdater.statusCause(id),
      hostCause: (id) => this.#vdsUpdater.statusCause(id),
      vmTrail: (id) => this.#vmUpdater.trails.of(id),
      hostTrail: (id) => this.#vdsUpdater.trailOf(id),
      calls: (id) => this.#adapter.history(id),
      pushes: (id) => this.#adapter.pushesOf(id),
      commands: (id) => book.of(id),
    };
    this.hosts = new Hosts(this.#parts);
    this.vms = new Vms(this.#parts);
    this.clusters = new Clusters(this.#parts);
    this.commands = new Commands(this.#parts, book, this.vms, this.hosts);
    const ports = container.get(t.ports);
    this.#intentBook = ports.intents;
    this.#flood = ports.flood;
    this.#runner = container.get(t.intentRunner);
    const { committer, logReader } = this.#store;
    this.changes$ = this.#streams.changes.stream$;
    this.events$ = ofKind(committer.committed$, 'event');
    this.intents = new Intents(ports.intents, this.#streams);
    this.intents$ = this.intents.all$;
    const tail = new LogTail(logReader, committer.committed$);
    this.#tail = tail;
    this.log = {
      read: (query) => tail.read(query),
      resume: (query) => tail.resume(query),
      frames$: (query) => tail.frames$(query),
      open: (after) => tail.open(after),
      onCommit: (listener) => tail.onCommit(listener),
      latest: (limit, before) => tail.latest(limit, before),
      head: () => this.#head,
      placeBefore: (time) => tail.placeBefore(time),
    };
    committer.committed$.subscribe((records) => {
      this.#head = records.at(-1)?.cursor ?? this.#head;
      this.#tally.add(records);
      ports.intents.committed(records);
    });
  }

  async start(): Promise<void> {
    if (this.#mode !== 'made') return;
    this.#mode = 'started';
    const { view, updater } = this.#parts;
    const bounds = await this.#store.logReader.bounds();
    this.#head = formatCursor(bounds.head);
    await this.#backfill.look();
    // Readers come back all at once, and want what was written last. Without it they read it from the store.
    this.#tail.warm().catch((error: unknown) => {
      this.#telemetry.log('debug', 'the newest records are not in memory yet', { error: messageOf(error) });
    });
    const { restarted } = await restoreState(this.#store.stateLoader, {
      sets: view.sets,
      inventory: view.inventory,
      statistics: this.#statistics,
      intents: this.#intentBook,
      clock: this.#clock,
      telemetry: this.#telemetry,
    });
    if (this.#isStopped()) return;
    this.#pipeline.start();
    for (const stored of restarted) this.#vdsUpdater.restarted(stored.id, updater.noteRestart(stored));
    for (const cluster of this.#options.clusters ?? []) this.clusters.put(cluster);
    for (const host of this.#options.hosts ?? []) this.hosts.put(host);
    view.inventory.managesVms = this.#options.vms !== undefined;
    for (const vm of this.#options.vms ?? []) this.vms.put(vm);
    this.#runner.start();
    this.intents.start();
    this.#parts.pending.follow(this.#streams);
    if (this.#settings.mode === 'manager') this.#parts.restarts.queueAll();
    this.#adapter.start();
    this.#rounds.start();
    this.#retention.start();
    this.#backfill.start();
    this.#statistics.start();
    this.#readiness.serving(this.#streams);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  until(level: ReadinessLevel, options: { readonly timeoutSeconds?: number } = {}): Promise<void> {
    const seconds = options.timeoutSeconds ?? DEFAULT_UNTIL_SECONDS;
    return this.#readiness.until(level, seconds * 1000, () => this.#isStopped());
  }

  staleHosts(): readonly string[] {
    return this.#rounds.staleHosts();
  }

  reconfigure(settings: MonitorSettings, tls?: AgentTls | null): void {
    takeSettings(this.#settings, settings);
    this.#parts.view.registry.settingsChanged(tls);
  }

  raw(ref: string, method: string, vm?: string): Promise<unknown> {
    return this.#raw.ask(this.hosts.idOf(ref), method, vm === undefined ? null : this.vms.idOf(vm));
  }

  poke(ref: string): void {
    this.#adapter.poke(this.hosts.idOf(ref));
  }

  status(): MonitorStatus {
    const now = this.#clock.now();
    const { inFlight, total, failed, skipped, latenessP99Ms } = this.#adapter.stats();
    return statusReport({
      ...this.#progressSources(),
      mode: this.#settings.mode,
      eventsLastHour: this.#tally.lastHour(now),
      polls: { inFlight, total, failed, skipped, latenessP99Ms },
      pushes: this.#adapter.pushStats(),
      certificates: { ...this.#settings.certificates, ownExpiresAt: this.#vdsUpdater.ownCertificateExpiresAt },
      troubles: this.#options.troubles?.() ?? [],
      storeKind: this.#store.kind,
      log: this.#retention.figures(),
    });
  }

  figures(): MonitorFigures {
    return {
      callsWaiting: this.#adapter.callsWaiting,
      evidenceWaiting: this.#pipeline.waiting,
      certificateExpiresAt: this.#vdsUpdater.ownCertificateExpiresAt,
    };
  }

  agent(ref: string): AgentFigures {
    const id = this.hosts.idOf(ref);
    const certificateExpiresAt = this.#parts.view.sets.hosts.liveness(id)?.certificateExpiresAt ?? null;
    return { pushes: this.#adapter.pushesOf(id), certificateExpiresAt };
  }

  progress(): MonitorProgress {
    return progressReport(this.#progressSources());
  }

  #progressSources(): ProgressSources {
    return {
      view: this.#parts.view,
      startedAt: this.#startedAt,
      readiness: this.#readiness.level,
      cursor: this.#head,
      committer: this.#store.committer.state(),
      backfill: this.#backfill.progress,
    };
  }

  revision(): number {
    const { sets, inventory } = this.#parts.view;
    return sets.version + inventory.version;
  }

  inventory(query: InventoryQuery = {}): Promise<InventoryPage> {
    return inventoryPage(this.#parts.view, query, this.#parts.scheduler);
  }

  explain(kind: 'vm' | 'host', ref: string): Explanation {
    const { sets } = this.#parts.view;
    const vm = kind === 'vm' ? sets.vms.get(this.vms.idOf(ref)) : undefined;
    if (vm !== undefined) return explainVm(this.#explain, vm);
    const host = kind === 'host' ? sets.hosts.get(this.hosts.idOf(ref)) : undefined;
    if (host !== undefined) return explainHost(this.#explain, host);
    throw new VurtiError('NOT_FOUND', `There is no ${kind} "${ref}"`);
  }

  #isStopped(): boolean {
    return this.#mode === 'stopped';
  }

  /** In the way of the data: no new evidence, what is there is applied, then written. */
  async #stop(): Promise<void> {
    this.#mode = 'stopped';
    this.#readiness.stop();
    this.#rounds.stop();
    this.#retention.stop();
    this.#backfill.stop();
    await this.#runner.stop();
    await this.#adapter.stop();
    await this.#fetcher.close();
    await this.#pipeline.stop();
    this.#parts.restarts.stop();
    this.#parts.pending.stop();
    this.#flood.stop();
    this.#statistics.stop();
    await this.#statistics.write();
    await this.#store.committer.stop();
    await this.#store.close();
    this.intents.stop();
    for (const channel of Object.values(this.#streams)) channel.complete();
    this.#telemetry.log('info', 'monitor stopped');
  }
}

function ofKind<K extends LogRecord['kind']>(
  committed$: Observable<readonly LogRecord[]>,
  kind: K,
): Observable<Extract<LogRecord, { kind: K }>> {
  return committed$.pipe(
    mergeMap((records) => records),
    filter((record): record is Extract<LogRecord, { kind: K }> => record.kind === kind),
  );
}
