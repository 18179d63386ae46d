import { NEVER, type Observable, Subject } from 'rxjs';
import {
  type Cursor,
  catalogue,
  type EventName,
  type EventRecord,
  type Intent,
  type LogBounds,
  type LogPeek,
  type LogReader,
  type LogRecord,
} from '../../src/events/index.js';
import { VurtiError } from '../../src/kernel/index.js';
import {
  type Cluster,
  clusterFields,
  type HostSpec,
  initialRow,
  vdsStaticFields,
  vmStaticFields,
} from '../../src/model/index.js';
import type {
  AgentFigures,
  Filter,
  HostView,
  InventoryEntry,
  InventoryPage,
  InventoryPlace,
  InventoryQuery,
  Monitor,
  MonitorFigures,
  MonitorStatus,
  NamePlace,
  Page,
  PageQuery,
  VmView,
} from '../../src/monitor/index.js';
import { LogTail, type TailFrame, type TailQuery, type TailReader } from '../../src/tail/index.js';
import { explanation } from './explanation.js';

/** Wording of its own: that of the catalogue may change. */
const texts: Readonly<Partial<Record<EventName, (params: Readonly<Record<string, string>>) => string>>> = {
  VDS_HOST_NOT_RESPONDING: ({ Seconds }) => `no answer; counts as lost after ${Seconds}s of silence`,
  VDS_FAILURE: ({ Error: error }) => `NonResponsive: ${error}`,
  VM_DOWN: () => 'is down',
  VM_PAUSED_ENOSPC: () => 'is paused: no storage space left',
  VM_SET_TO_UNKNOWN_STATUS: () => 'was set to Unknown',
};

export const T0 = Date.UTC(2026, 0, 31, 9, 0, 0);

export function host(name: string, more: Partial<HostView> = {}): HostView {
  return {
    id: `id-${name}`,
    name,
    address: `${name}.example.com`,
    port: 54321,
    protocol: 'vdsm',
    cluster: 'prod',
    clusterId: 'c-prod',
    source: 'settings',
    status: 'Up',
    previousStatus: 'Unassigned',
    since: T0 - 3_600_000,
    nonOperationalReason: 'NONE',
    freshness: 'live',
    heardAt: T0 - 4000,
    attempts: 0,
    graceEndsAt: null,
    nextPollAt: T0 + 6000,
    vms: 2,
    vmsActive: 2,
    cpuPercent: 12,
    memoryPercent: 34,
    networkPercent: 1,
    memoryMb: 262_144,
    cpuThreads: 64,
    os: 'CentOS Stream 9',
    version: '4.5',
    ...more,
  };
}

export function vm(name: string, more: Partial<VmView> = {}): VmView {
  return {
    id: `vm-${name}`,
    name,
    cluster: 'prod',
    clusterId: 'c-prod',
    status: 'Up',
    since: T0 - 86_400_000,
    pause: null,
    host: 'kvm-01',
    hostId: 'id-kvm-01',
    migratingTo: null,
    migrationProgressPercent: null,
    freshness: 'live',
    heardAt: T0 - 4000,
    adopted: false,
    ha: true,
    exit: null,
    ip: '10.1.0.5',
    fqdn: `${name}.example.com`,
    os: 'Linux',
    uptimeSeconds: 86_400,
    cpuPercent: 3,
    memoryPercent: 71,
    networkPercent: 0,
    ...more,
  };
}

const cluster = (id: string, name: string): Cluster => ({ ...initialRow(clusterFields), id, name });

/** A log that lives in an array, under the real tail; readers that follow wake up with `append`. */
class FakeLog implements LogReader {
  readonly records: LogRecord[] = [];
  epoch = 3;
  #removedUpTo = 0;
  readonly #committed$ = new Subject<readonly LogRecord[]>();
  #tail = new LogTail(this, this.#committed$);

  event(
    name: EventName,
    about: {
      host?: string;
      vm?: string;
      time?: number;
      params?: Record<string, string>;
      parent?: string;
      rule?: string;
    } = {},
  ): EventRecord & LogRecord {
    const time = about.time ?? T0;
    const params = about.params ?? {};
    const record: EventRecord & LogRecord = {
      kind: 'event',
      name,
      severity: catalogue[name].severity,
      message: texts[name]?.(params) ?? name,
      params,
      customId: null,
      parent: about.parent ?? null,
      id: `ev-${this.records.length + 1}`,
      time,
      hostId: about.host === undefined ? null : `id-${about.host}`,
      vmId: about.vm === undefined ? null : `vm-${about.vm}`,
      clusterId: null,
      cause: {
        rule: about.rule ?? 'host.lost',
        source: { by: 'poll', host: `id-${about.host ?? 'kvm-01'}`, session: 1, seq: 18_204, receivedAt: time },
      },
      correlation: null,
      cursor: `e${this.epoch}.${this.records.length + 1}`,
      seq: this.records.length + 1,
    };
    return this.append(record);
  }

  /** A change record in the same decision as the event before it. */
  change(like: EventRecord & LogRecord, changes: { path: string; from: unknown; to: unknown }[]): void {
    const { time, hostId, vmId, clusterId, cause, correlation } = like;
    this.append({
      kind: 'change',
      entity: vmId === null ? 'host' : 'vm',
      entityId: vmId ?? hostId ?? '',
      what: 'changed',
      changes,
      time,
      hostId,
      vmId,
      clusterId,
      cause,
      correlation,
      cursor: `e${this.epoch}.${this.records.length + 1}`,
      seq: this.records.length + 1,
    });
  }

  append<R extends LogRecord>(record: R): R {
    this.records.push(record);
    this.#committed$.next([record]);
    return record;
  }

  head(): string {
    return this.records.at(-1)?.cursor ?? `e${this.epoch}.0`;
  }

  latest(limit: number, before?: string): Promise<readonly LogRecord[]> {
    return this.#tail.latest(limit, before);
  }

  resume(query?: TailQuery): AsyncIterable<TailFrame> {
    return this.#tail.resume(query);
  }

  frames$(query?: TailQuery): Observable<TailFrame> {
    return this.#tail.frames$(query);
  }

  open(after?: string): Promise<TailReader> {
    return this.#tail.open(after);
  }

  onCommit(listener: () => void): () => void {
    return this.#tail.onCommit(listener);
  }

  placeBefore(time: number): Promise<string> {
    return this.#tail.placeBefore(time);
  }

  read(query?: TailQuery): AsyncIterable<LogRecord>;
  read(after: Cursor, limit: number): Promise<readonly LogRecord[]>;
  read(what: TailQuery | Cursor = {}, limit?: number): AsyncIterable<LogRecord> | Promise<readonly LogRecord[]> {
    return limit === undefined ? this.#tail.read(what as TailQuery) : this.#page(what as Cursor, limit);
  }

  /** Records up to this number were removed. */
  get removedUpTo(): number {
    return this.#removedUpTo;
  }

  set removedUpTo(seq: number) {
    this.#removedUpTo = seq;
    this.forget();
  }

  /** Whoever comes from now on finds nothing in memory, as after a restart. */
  forget(): void {
    this.#tail = new LogTail(this, this.#committed$);
  }

  async #page(after: Cursor, limit: number): Promise<readonly LogRecord[]> {
    if (after.epoch <= this.epoch && after.seq < this.removedUpTo) {
      throw new VurtiError('CURSOR_TOO_OLD', 'it was removed');
    }
    if (after.epoch > this.epoch || after.seq > this.#last) {
      throw new VurtiError('CURSOR_INVALID', 'it is not of this log');
    }
    return this.records.slice(after.seq, after.seq + limit);
  }

  async readBackwards(before: Cursor | null, limit: number): Promise<readonly LogRecord[]> {
    return this.records
      .slice(this.removedUpTo, before === null ? undefined : Math.max(this.removedUpTo, before.seq - 1))
      .toReversed()
      .slice(0, limit);
  }

  async bounds(): Promise<LogBounds> {
    const at = (seq: number): Cursor => ({ epoch: this.epoch, seq });
    return { oldest: at(this.removedUpTo), head: at(this.#last) };
  }

  get #last(): number {
    return Math.max(this.records.length, this.removedUpTo);
  }

  async peek(seq: number): Promise<LogPeek | null> {
    const record = seq > this.removedUpTo ? this.records[seq - 1] : undefined;
    return record === undefined ? null : { epoch: this.epoch, time: record.time };
  }
}

export interface FakeMonitor extends Monitor {
  readonly log: FakeLog;
  hostList: HostView[];
  vmList: VmView[];
  intentList: Intent[];
  statusNow: Partial<MonitorStatus>;
  figuresNow: Partial<MonitorFigures>;
  agents: Readonly<Record<string, AgentFigures>>;
  revisionNow: number;
  running: ReturnType<Monitor['commands']['list']>;
  readonly calls: string[];
}

function page<V extends { readonly id: string; readonly name: string }>(
  all: readonly V[],
  { filter = {}, after = null, limit = Number.POSITIVE_INFINITY }: PageQuery<Filter<V>> = {},
): Page<V> {
  const key = ({ name, id }: NamePlace): string => `${name} ${id}`;
  const taken = (one: V): boolean =>
    Object.entries(filter).every(
      ([name, wanted]) => wanted === undefined || ([wanted].flat() as unknown[]).includes(one[name as keyof V]),
    );
  const found = all.filter(taken).sort((a, b) => (key(a) < key(b) ? -1 : 1));
  const rest = found.filter((one) => after === null || key(one) > key(after));
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  const next = rest.length > items.length && last !== undefined ? { name: last.name, id: last.id } : null;
  return { items, total: all.length, matched: found.length, next };
}

function notLive(vms: readonly VmView[]): MonitorStatus['vms']['notLive'] {
  const found = vms.filter((one) => one.freshness !== 'live' && one.hostId !== null);
  const hosts = new Map(found.map(({ hostId, host: name }) => [hostId ?? '', name ?? '']));
  return [...hosts].map(([hostId, name]) => ({
    ...{ hostId, host: name },
    vms: found.filter((one) => one.hostId === hostId).length,
  }));
}

function inventory(
  clusters: readonly Cluster[],
  { hostList, vmList }: FakeMonitor,
  { entities, after = null, limit = Number.POSITIVE_INFINITY }: InventoryQuery = {},
): InventoryPage {
  const ofHost = ({ id, name, address, port, protocol, clusterId, source }: HostView) => ({
    ...initialRow(vdsStaticFields),
    ...{ id, name, address, port, protocol, clusterId, source },
  });
  const ofVm = ({ id, name, clusterId, ha }: VmView) => ({ ...initialRow(vmStaticFields), id, name, clusterId, ha });
  const order = (one: InventoryPlace): string => `${['cluster', 'host', 'vm'].indexOf(one.entity)} ${one.name}`;
  const all: InventoryEntry[] = [
    ...clusters.map((one) => ({ entity: 'cluster' as const, ...one, networks: [] })),
    ...hostList.map((one) => ({ entity: 'host' as const, ...ofHost(one) })),
    ...vmList.map((one) => ({ entity: 'vm' as const, ...ofVm(one) })),
  ].sort((a, b) => (order(a) < order(b) ? -1 : 1));
  const found = all.filter(({ entity }) => entities?.includes(entity) ?? true);
  const rest = found.filter((one) => after === null || order(one) > order(after));
  const items = rest.slice(0, limit);
  return { items, total: all.length, matched: found.length, next: (rest.length > limit && items.at(-1)) || null };
}

export function fakeMonitor(): FakeMonitor {
  const log = new FakeLog();
  const calls: string[] = [];
  const clusters = [cluster('c-prod', 'prod'), cluster('c-lab', 'lab')];
  const count = <K extends string>(keys: readonly K[]): Partial<Record<K, number>> => {
    const counts: Partial<Record<K, number>> = {};
    for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
    return counts;
  };
  const find = <V extends { id: string; name: string }>(kind: string, list: readonly V[], ref: string): V => {
    const exact = list.filter((one) => one.id === ref || one.name === ref);
    const found = exact.length > 0 ? exact : list.filter((one) => one.id.startsWith(ref));
    if (found.length > 1)
      throw new VurtiError('AMBIGUOUS', `"${ref}" may be ${found.map((one) => one.name).join(', ')}`);
    const [one] = found;
    if (one === undefined) throw new VurtiError('NOT_FOUND', `There is no ${kind} "${ref}"`);
    return one;
  };
  const monitor: FakeMonitor = {
    log,
    calls,
    hostList: [host('kvm-01'), host('kvm-02', { cluster: 'lab', clusterId: 'c-lab' })],
    vmList: [vm('web-01'), vm('db-12', { status: 'Paused', pause: 'ENOSPC', host: 'kvm-02', hostId: 'id-kvm-02' })],
    statusNow: {},
    figuresNow: {},
    agents: {},
    revisionNow: 1,
    running: [],
    revision: () => monitor.revisionNow,
    inventory: async (query) => inventory(clusters, monitor, query),
    changes$: NEVER,
    events$: NEVER,
    intents$: NEVER,
    intentList: [],
    intents: {
      pending: () => monitor.intentList,
      acknowledge: (key) => {
        calls.push(`acknowledge ${key}`);
        monitor.intentList = monitor.intentList.filter((intent) => intent.key !== key);
        return true;
      },
    },
    hosts: {
      get: (ref) => find('host', monitor.hostList, ref),
      nameOf: (id) => monitor.hostList.find((one) => one.id === id)?.name ?? null,
      page: async (query) => page(monitor.hostList, query),
      list: () => monitor.hostList,
      each: () => monitor.hostList,
      where: () => [],
      put: (spec: HostSpec) => {
        calls.push(`put host ${JSON.stringify(spec)}`);
        const made = host(spec.name, { id: spec.id ?? spec.name, address: spec.address, source: spec.source ?? '' });
        monitor.hostList = [...monitor.hostList, made];
        return made;
      },
      leave: () => undefined,
      remove: (ref) => {
        calls.push(`remove ${ref}`);
      },
      activate: (ref) => {
        calls.push(`activate ${ref}`);
        return find('host', monitor.hostList, ref);
      },
      maintenance: (ref, reason) => {
        calls.push(`maintenance ${ref} ${reason ?? ''}`.trim());
        return { ...find('host', monitor.hostList, ref), status: 'Maintenance' };
      },
      refresh: () => undefined,
      confirmRebooted: (ref) => {
        calls.push(`confirmRebooted ${ref}`);
        return find('host', monitor.hostList, ref);
      },
      rebooting: (ref) => find('host', monitor.hostList, ref),
      imageTransfers: () => undefined,
      addPending: () => undefined,
      clearPending: () => undefined,
      watch: () => NEVER,
    } as Partial<Monitor['hosts']> as Monitor['hosts'],
    vms: {
      get: (ref) => find('VM', monitor.vmList, ref),
      nameOf: (id) => monitor.vmList.find((one) => one.id === id)?.name ?? null,
      page: async (query) => page(monitor.vmList, query),
      list: () => monitor.vmList,
      each: () => monitor.vmList,
      where: () => [],
      put: (spec) => {
        calls.push(`put vm ${JSON.stringify(spec)}`);
        return vm(spec.name, { id: spec.id });
      },
      remove: () => undefined,
      restartFailed: () => undefined,
      clearPending: () => undefined,
      watch: () => NEVER,
    } as Partial<Monitor['vms']> as Monitor['vms'],
    clusters: { list: () => clusters, put: () => clusters[0] as Cluster },
    commands: {
      begin: (vmId, command, options) => {
        calls.push(`begin ${vmId} ${command}${options?.ttlSeconds === undefined ? '' : ` ${options.ttlSeconds}`}`);
        monitor.running = [
          ...monitor.running,
          { vmId, command, count: 1, since: T0, endsAt: T0 + (options?.ttlSeconds ?? 600) * 1000 },
        ];
      },
      end: (vmId, command) => {
        calls.push(`end ${vmId} ${command}`);
        monitor.running = monitor.running.filter((one) => one.vmId !== vmId || one.command !== command);
      },
      list: () => monitor.running,
      migrating: () => undefined,
      expectColdReboot: () => undefined,
      noteExternalData: () => undefined,
    },
    start: async () => undefined,
    stop: async () => undefined,
    until: async () => undefined,
    staleHosts: () => [],
    reconfigure: () => undefined,
    poke: (ref) => {
      calls.push(`poke ${ref}`);
    },
    progress: () => ({
      ...{ readiness: 'synced', condition: 'ready', remaining: 0 },
      ...{ startedAt: T0 - 3 * 86_400_000 - 4 * 3_600_000, now: T0, cursor: log.head() },
      ...monitor.statusNow,
    }),
    status: () => {
      const fresh = count(monitor.vmList.map((one) => one.freshness));
      return {
        version: '0.1.0',
        mode: 'observer',
        ...monitor.progress(),
        hosts: { total: monitor.hostList.length, byStatus: count(monitor.hostList.map((one) => one.status)) },
        vms: {
          total: monitor.vmList.length,
          byStatus: count(monitor.vmList.map((one) => one.status)),
          byFreshness: { live: fresh.live ?? 0, stale: fresh.stale ?? 0, unknown: fresh.unknown ?? 0 },
          oldestLiveSeconds: 14,
          notLive: notLive(monitor.vmList),
        },
        eventsLastHour: { NORMAL: 41, WARNING: 33, ERROR: 3, ALERT: 0 },
        attention: [],
        polls: { inFlight: 1, total: 18_204, failed: 4, skipped: 0, latenessP99Ms: 12 },
        pushes: { enabled: true, hosts: 47, healthy: 47, gapsLastHour: 0 },
        database: {
          kind: 'postgres',
          waitingRows: 0,
          waitingRecords: 0,
          setAside: 0,
          failingSince: null,
          lastError: null,
          flushP99Ms: 9,
          refused: [],
          journal: null,
        },
        log: {
          ...{ retentionDays: 30, maxRows: 10_000_000, removed: 12_000, removing: false },
          ...{ lastRunAt: null, lastError: null },
        },
        backfill: null,
        rulesOff: [],
        ...monitor.statusNow,
      };
    },
    raw: async (ref, method, only) => {
      calls.push(`raw ${ref} ${method} ${only ?? ''}`.trim());
      return { cpuIdle: '99.5', said: 'a\u009bb' };
    },
    figures: () => ({ callsWaiting: 0, evidenceWaiting: 0, certificateExpiresAt: null, ...monitor.figuresNow }),
    agent: (ref) => monitor.agents[ref] ?? { pushes: null, certificateExpiresAt: null },
    explain: (kind, ref) => {
      const found = kind === 'host' ? find('host', monitor.hostList, ref) : find('VM', monitor.vmList, ref);
      const { id, name, status, since, heardAt, freshness } = found;
      const shown = { kind, id, name, status, since, heardAt, freshness, host: 'host' in found ? found.host : null };
      return explanation({ ...shown, rule: 'host.lost.vms-unknown', why: 'its host is NonResponsive' });
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  return monitor;
}
