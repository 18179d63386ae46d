import type { Observable } from 'rxjs';
import type { BackfillProgress, Change, EventRecord, Intent, LogRecord } from '../events/index.js';
import type {
  AgentProtocol,
  AgentTls,
  Cluster,
  ClusterNetwork,
  ClusterSpec,
  Freshness,
  HostSpec,
  MonitorSettings,
  NonOperationalReason,
  ReportedDevice,
  VdsStatic,
  VdsStatus,
  VmDevice,
  VmSpec,
  VmStatic,
  VmStatus,
} from '../model/index.js';
import type { HostPushFigures } from '../push-adapter/index.js';
import type { NamePlace } from '../repository/index.js';
import type { TailFrame, TailQuery, TailReader } from '../tail/index.js';
import type { CommandOptions, RunningCommand, VmJobSpec } from '../updater/index.js';
import type { Explanation } from './explain/explanation.js';
import type { IntentsApi } from './intents/index.js';

export type { ClusterSpec, HostSpec, VmSpec } from '../model/index.js';
export type { NamePlace } from '../repository/index.js';
export type { Explanation, ExplanationEvidence } from './explain/explanation.js';

/** A host as people and programs see it. Times are ms since the epoch; null = not known. */
export interface HostView {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly protocol: AgentProtocol;
  readonly cluster: string;
  readonly clusterId: string;
  readonly source: string;
  readonly status: VdsStatus;
  readonly previousStatus: VdsStatus;
  readonly since: number | null;
  readonly nonOperationalReason: NonOperationalReason;
  readonly freshness: Freshness;
  /** Last answer of the agent to this process. */
  readonly heardAt: number | null;
  /** Failed attempts since the last answer. */
  readonly attempts: number;
  /** While Connecting: when the host counts as lost unless it answers. */
  readonly graceEndsAt: number | null;
  /** When it is asked next. */
  readonly nextPollAt: number | null;
  readonly vms: number;
  readonly vmsActive: number;
  /** null when the figures are not live. */
  readonly cpuPercent: number | null;
  readonly memoryPercent: number | null;
  readonly networkPercent: number | null;
  readonly memoryMb: number | null;
  readonly cpuThreads: number | null;
  readonly os: string | null;
  readonly version: string | null;
}

export interface VmView {
  readonly id: string;
  readonly name: string;
  readonly cluster: string | null;
  readonly clusterId: string | null;
  readonly status: VmStatus;
  readonly since: number | null;
  /** Why it is paused, when it is. */
  readonly pause: string | null;
  /** Name of the host that runs it, or ran it last as far as known. */
  readonly host: string | null;
  readonly hostId: string | null;
  readonly migratingTo: string | null;
  /** How far its migration is, 0–100, as its source says, pushed or polled; null: it does not migrate, or nobody said. */
  readonly migrationProgressPercent: number | null;
  readonly freshness: Freshness;
  readonly heardAt: number | null;
  readonly adopted: boolean;
  readonly ha: boolean | null;
  readonly exit: { readonly status: string; readonly reason: string; readonly message: string | null } | null;
  readonly ip: string | null;
  readonly fqdn: string | null;
  readonly os: string | null;
  readonly uptimeSeconds: number | null;
  /** null when the figures are not live. */
  readonly cpuPercent: number | null;
  readonly memoryPercent: number | null;
  readonly networkPercent: number | null;
}

export type Filter<V> = { readonly [K in keyof V]?: V[K] | readonly V[K][] | undefined };

/** Which entities, in the order of their names. */
export interface PageQuery<F> {
  readonly filter?: F | undefined;
  /** Those behind this place; null = from the beginning. */
  readonly after?: NamePlace | null | undefined;
  /** Default: all. */
  readonly limit?: number | undefined;
}

export interface Page<V> {
  readonly items: readonly V[];
  /** Entities there are, and those that the filter takes, on all pages. */
  readonly total: number;
  readonly matched: number;
  /** `after` of the next page; null = this was the last one. */
  readonly next: NamePlace | null;
}

export type HostFilter = Pick<Filter<HostView>, 'id' | 'status' | 'clusterId' | 'freshness'>;
export type VmFilter = Pick<Filter<VmView>, 'id' | 'status' | 'hostId' | 'clusterId' | 'freshness'>;

export interface HostLeaving {
  /** For people: "/etc/vurti/hosts.d/*.yaml". */
  readonly source: string;
  readonly removeAt: number;
}

/** Entities are named by id, by name, or by a beginning of an id that only one has. */
export interface HostsApi {
  /** @throws NOT_FOUND, AMBIGUOUS */
  get(ref: string): HostView;
  /** Of the entity with exactly this id; null: there is none. */
  nameOf(id: string): string | null;
  /** All in one turn of the event loop: of large fleets rather take pages. */
  list(): readonly HostView[];
  /**
   * Gives way to the event loop where it has to look at many. What changes meanwhile is seen as it is when the page comes
   * to it; nothing that stays is left out or comes twice.
   */
  page(query?: PageQuery<HostFilter>): Promise<Page<HostView>>;
  /** Lazily, for callers that pause between them; what comes or goes meanwhile may be left out. */
  each(): Iterable<HostView>;
  where(filter: Filter<HostView>): readonly HostView[];
  /** Adds a host, or changes the inventory of the one with this id. */
  put(spec: HostSpec): HostView;
  /** Forgets the host; VMs that were on it become Unknown with no host. With a reason, an event says so. */
  remove(ref: string, because?: string): void;
  /**
   * The host's source does not list it any more: an event and the attention list say so, and whoever keeps the source
   * removes the host at that time (ms). null, or `put`: it stays after all.
   */
  leave(ref: string, leaving: HostLeaving | null): void;
  /** Maintenance, Down, NonOperational … → Unassigned: monitoring begins. */
  activate(ref: string): HostView;
  /**
   * → Maintenance: the host is not judged until it is activated. In manager mode a host that runs VMs is emptied first
   * (PreparingForMaintenance). @throws HOST_STATUS
   */
  maintenance(ref: string, reason?: string): HostView;
  /** Capabilities and hardware information are read again. */
  refresh(ref: string): void;
  /**
   * The rest is the manager's: @throws OBSERVER_MODE. The host is proven to have been off: its VMs are Down, highly
   * available ones are to be started again. @throws HOST_STATUS
   */
  confirmRebooted(ref: string): HostView;
  /** The host boots: its silence means nothing for so long (default fencing.rebootSeconds), or until it answers. */
  rebooting(ref: string, forSeconds?: number): HostView;
  /** Phases of all image transfers that run over the host; it enters Maintenance when all begin with PAUSED or FINISHED. */
  imageTransfers(ref: string, phases: readonly string[]): void;
  /** The VM is about to start on the host; forgotten when it powers up or is down. */
  addPending(ref: string, vmId: string, pending: { readonly memoryMb: number; readonly vcpus: number }): void;
  /** Nothing is pending for the host any more. */
  clearPending(ref: string): void;
  /** The host after each of its changes; ends when it is removed. Costs nothing to others' changes. */
  watch(ref: string): Observable<HostView>;
}

/** A device of a VM as a command of the manager knows it. What is left out: managed, plugged, nothing else known. */
export type DeviceSpec = Pick<VmDevice, 'id' | 'type'> & Partial<Omit<VmDevice, 'vmId' | 'id' | 'type'>>;

/** What was asked for last holds. All of these give false when something newer is known. */
export interface DeviceWord {
  /** All devices of the VM, as its agent lists them; the fingerprint that is reported next is theirs. */
  list(devices: readonly ReportedDevice[]): boolean;
  put(device: DeviceSpec): boolean;
  remove(deviceId: string): boolean;
}

export interface VmsApi {
  get(ref: string): VmView;
  nameOf(id: string): string | null;
  list(): readonly VmView[];
  /** As `hosts.page`. */
  page(query?: PageQuery<VmFilter>): Promise<Page<VmView>>;
  /** Lazily, for callers that pause between them; what comes or goes meanwhile may be left out. */
  each(): Iterable<VmView>;
  where(filter: Filter<VmView>): readonly VmView[];
  put(spec: VmSpec): VmView;
  remove(ref: string): void;
  /** An advised restart (intent autoRun) did not succeed: the next one is planned. @throws OBSERVER_MODE */
  restartFailed(ref: string): void;
  /** The VM does not start anywhere. @throws OBSERVER_MODE */
  clearPending(vmId: string): void;
  watch(ref: string): Observable<VmView>;
  /** Usage in per cent over the last statistics.historyLimit reports, oldest first. */
  history(ref: string): { readonly cpu: number[]; readonly memory: number[]; readonly network: number[] };
  devices(ref: string): readonly VmDevice[];
  /** To be called before the agent is asked: the word that comes of it is as old as this call. @throws OBSERVER_MODE */
  deviceWord(ref: string): DeviceWord;
  /** A block job is begun on the VM; its reports tell how it goes on. Others are not looked at. @throws OBSERVER_MODE */
  jobStarted(ref: string, job: VmJobSpec): void;
}

export interface ClustersApi {
  list(): readonly Cluster[];
  put(spec: ClusterSpec): Cluster;
}

export type LogQuery = TailQuery;

/**
 * The committed log. A reader that comes back gives the cursor of the last thing it was given, and goes on there, without
 * a hole and without a double.
 */
export interface LogApi {
  /**
   * Records in order, history first, then live; waits for its reader.
   * @throws CURSOR_TOO_OLD, CURSOR_INVALID where `resume` tells of a gap
   */
  read(query?: LogQuery): AsyncIterable<LogRecord>;
  /** The same with checkpoints, for filters that let little pass, and with gaps told instead of thrown. */
  resume(query?: LogQuery): AsyncIterable<TailFrame>;
  /** `resume` as an Observable. An observer that is slow holds up nobody: what it has not read stays in the store. */
  frames$(query?: LogQuery): Observable<TailFrame>;
  /** For servers: a place to pull from, all records unfiltered, those of memory at once. @throws CURSOR_INVALID */
  open(after?: string): Promise<TailReader>;
  /** Called after each commit, and when nothing more will come; gives the way to stop it. It must not throw. */
  onCommit(listener: () => void): () => void;
  /** Newest first. */
  latest(limit: number, before?: string): Promise<readonly LogRecord[]>;
  /** The cursor of the newest committed record. */
  head(): string;
  /** Cursor of a place before all records of that time (ms) and later. */
  placeBefore(time: number): Promise<string>;
}

/** How far the monitor has come, and whether all is well with it. */
export type MonitorProgress = Pick<
  MonitorStatus,
  'readiness' | 'condition' | 'remaining' | 'startedAt' | 'now' | 'cursor'
>;

export type ReadinessLevel = 'loading' | 'serving' | 'synced';

export interface MonitorStatus {
  readonly version: string;
  readonly mode: 'observer' | 'manager';
  /**
   * serving: the stored state is loaded; synced: every monitored host was heard or had its chance, and the database takes
   * what is written: while it does not, synced falls back to serving.
   */
  readonly readiness: ReadinessLevel;
  /** degraded: the database is away, changes wait in the journal, or rows are set aside. */
  readonly condition: 'ready' | 'loading' | 'backfilling' | 'degraded';
  /**
   * What is left until then: of *degraded* the records (or rows) that wait, of *backfilling* the records to look through,
   * else the hosts not heard yet; null while loading: not known.
   */
  readonly remaining: number | null;
  /** A migration that rewrites the log in the background. */
  readonly backfill: BackfillProgress | null;
  readonly startedAt: number;
  readonly now: number;
  readonly cursor: string;
  readonly hosts: { readonly total: number; readonly byStatus: Readonly<Partial<Record<VdsStatus, number>>> };
  readonly vms: {
    readonly total: number;
    readonly byStatus: Readonly<Partial<Record<VmStatus, number>>>;
    readonly byFreshness: Readonly<Record<Freshness, number>>;
    /** Age of the oldest report of a VM that counts as live. */
    readonly oldestLiveSeconds: number | null;
    /** The hosts with most VMs that are not live, at most 5. */
    readonly notLive: readonly { readonly hostId: string; readonly host: string; readonly vms: number }[];
  };
  /** Events of the last hour by severity. */
  readonly eventsLastHour: Readonly<Record<'NORMAL' | 'WARNING' | 'ERROR' | 'ALERT', number>>;
  /** What needs somebody, worst first. */
  readonly attention: readonly {
    readonly severity: 'WARNING' | 'ERROR' | 'ALERT';
    readonly kind: 'host' | 'vm' | 'service';
    readonly id: string;
    readonly name: string;
    readonly text: string;
  }[];
  readonly polls: {
    readonly inFlight: number;
    readonly total: number;
    readonly failed: number;
    /** Ticks skipped because the host was still busy. */
    readonly skipped: number;
    /** 99th percentile of the last minutes. */
    readonly latenessP99Ms: number | null;
  };
  readonly pushes: {
    /** push.enabled */
    readonly enabled: boolean;
    /** Hosts that push, or have pushed since the start and are still listened to. */
    readonly hosts: number;
    /** Those of them whose pushes are whole: connected, polled since then, no gap within the last ten minutes. */
    readonly healthy: number;
    /** Changes that polls showed and no push had announced, and floods that could not be kept. */
    readonly gapsLastHour: number;
  };
  readonly database: {
    readonly kind: 'postgres' | 'memory';
    readonly waitingRows: number;
    readonly waitingRecords: number;
    readonly setAside: number;
    readonly failingSince: number | null;
    readonly lastError: string | null;
    readonly flushP99Ms: number | null;
    /** Rows that were refused, some of them. */
    readonly refused: readonly { readonly table: string; readonly key: string; readonly message: string }[];
    /** Where changes are kept while the database is away; null = nowhere. */
    readonly journal: {
      readonly mode: 'idle' | 'keeping' | 'full' | 'failed';
      readonly flushes: number;
      readonly bytes: number;
      readonly maxBytes: number;
      readonly lastError: string | null;
      /** Files that could not be used and were kept, with their folder. */
      readonly setAside: readonly string[];
    } | null;
  };
  /** How the log is kept from growing for ever. */
  readonly log: {
    /** 0 = no limit, of either. */
    readonly retentionDays: number;
    readonly maxRows: number;
    /** Records removed since the start. */
    readonly removed: number;
    readonly removing: boolean;
    /** When it last was as short as it should be. */
    readonly lastRunAt: number | null;
    readonly lastError: string | null;
  };
  /** Rules that are off because their input is not known. */
  readonly rulesOff: readonly {
    readonly rule: string;
    readonly because: string;
    readonly clusters: readonly string[];
  }[];
}

/** How far one agent's pushes are believed, and how long its certificate holds. */
export interface AgentFigures {
  /** null: the host does not push. */
  readonly pushes: HostPushFigures | null;
  /** ms since the epoch; null: not known. */
  readonly certificateExpiresAt: number | null;
}

/** What a metrics system asks for beside the status. */
export interface MonitorFigures {
  /** Calls that wait for one of poll.concurrency slots. */
  readonly callsWaiting: number;
  /** Pieces of evidence that wait to be judged. */
  readonly evidenceWaiting: number;
  /** Of our own certificate for agents, ms since the epoch; null: not known. */
  readonly certificateExpiresAt: number | null;
}

/**
 * What the manager is doing to VMs, by their ids; they need not be known yet. Lost at a restart, as commands are.
 */
export interface CommandsApi {
  /**
   * A command works on the VM: its reports are not judged until the end, and those asked for before the end never. With
   * "start", "run" and "migrate" it waits for the VM instead: reports are judged, they are its result, and when it fails
   * the advice is `rerun`, not `autoRun`. It counts as ended after `ttlSeconds` (default 600, of those three 21,600), so
   * that a manager that crashed blocks no VM for ever.
   */
  begin(vmId: string, command: string, options?: CommandOptions): void;
  /** After "destroy", a forced stop: that the VM is gone within 20 s is its work, no failure. */
  end(vmId: string, command: string): void;
  /** What is under way, and not counted as ended yet. */
  list(): readonly RunningCommand[];
  /** The source's agent has taken the migration on: the VM is MigratingFrom. @throws OBSERVER_MODE, NOT_FOUND */
  migrating(vm: string, destination: string): void;
  /** When the VM next goes down, the advice is to start it again with its new configuration (`coldReboot`). */
  expectColdReboot(vmId: string): void;
  /** Whether its TPM and NVRAM data are safe. Until they are it is not judged Down: what is left of it would be destroyed. */
  noteExternalData(vmId: string, kept: boolean): void;
}

/** What was said of an entity, and not measured. */
export type InventoryEntry =
  | ({ readonly entity: 'cluster'; readonly networks: readonly ClusterNetwork[] } & Cluster)
  | ({ readonly entity: 'host' } & VdsStatic)
  | ({ readonly entity: 'vm' } & VmStatic);

export type InventoryPlace = NamePlace & { readonly entity: InventoryEntry['entity'] };

export interface InventoryQuery {
  /** Default: all. */
  readonly entities?: readonly InventoryEntry['entity'][] | undefined;
  readonly after?: InventoryPlace | null | undefined;
  readonly limit?: number | undefined;
}

export interface InventoryPage extends Omit<Page<InventoryEntry>, 'next'> {
  readonly next: InventoryPlace | null;
}

export interface Monitor extends AsyncDisposable {
  /** Verdicts at once, in memory, before they are committed. */
  readonly changes$: Observable<Change>;
  /** Committed events, with cursor. */
  readonly events$: Observable<EventRecord & LogRecord>;
  /** Committed advice: what waits for somebody when you subscribe, then what comes. Do it once per key, and acknowledge it. */
  readonly intents$: Observable<Intent>;
  readonly intents: IntentsApi;
  readonly hosts: HostsApi;
  readonly vms: VmsApi;
  readonly clusters: ClustersApi;
  readonly log: LogApi;
  readonly commands: CommandsApi;
  /** Loads the stored state and begins to poll. Resolves when the state is served. */
  start(): Promise<void>;
  /** Ends polling, writes what waits, closes everything. Safe to call twice. */
  stop(): Promise<void>;
  /** Resolves when the level is reached. @throws VurtiError NOT_READY after the timeout. */
  until(level: ReadinessLevel, options?: { readonly timeoutSeconds?: number }): Promise<void>;
  /** Ids of monitored hosts that have not answered for watchdog.thresholdSeconds; they are named in the log, too. */
  staleHosts(): readonly string[];
  /**
   * Takes over what can change while it runs: intervals, grace, limits, thresholds, own settings of clusters and hosts,
   * and `tls` of hosts without their own. What needs a restart (docs/settings.md) stays as it was.
   */
  reconfigure(settings: MonitorSettings, tls?: AgentTls | null): void;
  /**
   * What the host's agent answers now, as it says it, secrets blotted out; with `vm` only about this VM. Methods that read
   * alone, in manager mode too; one question at a time. @throws NOT_FOUND, OBSERVER_MODE, AGENT_…
   */
  raw(ref: string, method: string, vm?: string): Promise<unknown>;
  /** Asks the host now; several pokes while one waits are one. */
  poke(ref: string): void;
  /** Costs the same however many VMs there are; it looks at each host. */
  status(): MonitorStatus;
  /** Further figures for a metrics system. */
  figures(): MonitorFigures;
  /** @throws NOT_FOUND, AMBIGUOUS */
  agent(ref: string): AgentFigures;
  /** The part of it that every answer of the API bears. */
  progress(): MonitorProgress;
  explain(kind: 'vm' | 'host', ref: string): Explanation;
  /**
   * Grows with every change of what hosts, vms, clusters and inventory show, but for figures that age: usage, times of
   * reports, freshness. Only for comparison, and with this monitor alone.
   */
  revision(): number;
  /** All that was said and not measured: clusters, then hosts, then VMs, each by their names. */
  inventory(query?: InventoryQuery): Promise<InventoryPage>;
}
