import { type AgentRequest, type Change, Channel, type Evidence, type Streams } from '../../src/events/index.js';
import type { CallOptions, Fetcher } from '../../src/fetcher/index.js';
import { type ErrorCode, SeededRandom, silentTelemetry, VirtualTime, VurtiError } from '../../src/kernel/index.js';
import {
  defaultSettings,
  type HostEndpoint,
  type HostSettings,
  initialLiveness,
  initialRow,
  type ReportedVmDynamic,
  type Vds,
  type VdsCapabilitiesReport,
  type VdsLiveness,
  type VdsReader,
  type VdsStatsReport,
  type VdsStatus,
  type Vm,
  type VmReader,
  type VmReport,
  type VmStatsReport,
  type VmStatus,
  vdsDynamicFields,
  vdsStaticFields,
  vmDynamicFields,
  vmStaticFields,
} from '../../src/model/index.js';
import { PollingPushAdapter, type PollingPushAdapterOptions } from '../../src/push-adapter/index.js';
import { domain } from '../support/entities.js';

export type Method = 'getStats' | 'getAllVmStats' | 'getCapabilities' | 'getHardwareInfo' | 'dumpXmls';
/** What an agent does with a call; afterMs: how long it takes; ends: how. */
export type Behaviour = 'ok' | 'hang' | ErrorCode | { readonly afterMs: number; readonly ends?: 'ok' | ErrorCode };

const empty: VdsStatsReport = {
  ...{ dynamic: {}, statistics: {}, nics: [], numaNodes: [], agentTime: null },
  ...{ storageDomains: null, diskFreeMb: null, multipath: null, problems: [] },
};
const capabilities: VdsCapabilitiesReport = {
  ...{ dynamic: {}, interfaces: [], networks: [], cpuFlags: null, clusterLevels: null, supportedEngines: null },
  ...{ emulatedMachines: null, rngSources: null, additionalFeatures: null, selinuxMode: null, problems: [] },
};
const hardware = {
  dynamic: {
    ...{
      hwManufacturer: null,
      hwProductName: null,
      hwVersion: null,
      hwSerialNumber: null,
      hwUuid: null,
      hwFamily: null,
    },
  },
};

export function vmReport(
  vmId: string,
  status: VmStatus = 'Up',
  more: { dynamic?: ReportedVmDynamic; deviceHash?: string | null } = {},
): VmReport {
  return {
    ...{ vmId, status, vmName: vmId, timestamp: null, tpmHash: null, nvramHash: null },
    dynamic: more.dynamic ?? {},
    deviceHash: more.deviceHash ?? null,
    figuresVersion: 0,
    statistics: () => null,
    guestInterfaces: () => null,
    jobs: () => null,
  };
}

export function vmStats(vms: readonly VmReport[], complete = true): VmStatsReport {
  const byId = new Map(vms.map((vm) => [vm.vmId, vm]));
  return {
    ...{ complete, size: vms.length, problems: [] },
    has: (id) => byId.has(id),
    ids: () => byId.keys(),
    get: (id) => byId.get(id),
    all: () => vms,
    changed: () => vms,
  };
}

/** Agents of many hosts, scripted per host and method. */
class ScriptedFetcher implements Fetcher {
  readonly calls: { at: number; host: string; method: Method; vmIds?: readonly string[] }[] = [];
  readonly released: string[] = [];
  readonly #script = new Map<string, Behaviour>();
  readonly reports = new Map<string, VmStatsReport>();
  readonly #time: VirtualTime;
  readonly #running = new Map<string, number>();
  inFlight = 0;
  mostInFlight = 0;
  mostPerHost = 0;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  on(host: string, behaviour: Behaviour, ...methods: Method[]): this {
    const all: Method[] = ['getStats', 'getAllVmStats', 'getCapabilities', 'getHardwareInfo', 'dumpXmls'];
    for (const method of methods.length > 0 ? methods : all) this.#script.set(`${host} ${method}`, behaviour);
    return this;
  }

  callsOf(host: string, ...methods: Method[]): { at: number; method: Method }[] {
    return this.calls
      .filter((call) => call.host === host && (methods.length === 0 || methods.includes(call.method)))
      .map(({ at, method }) => ({ at, method }));
  }

  getStats = (host: HostEndpoint, options: CallOptions) => this.#call(host, 'getStats', options, () => empty);
  getCapabilities = (host: HostEndpoint, options: CallOptions) =>
    this.#call(host, 'getCapabilities', options, () => capabilities);
  getHardwareInfo = (host: HostEndpoint, options: CallOptions) =>
    this.#call(host, 'getHardwareInfo', options, () => hardware);
  getAllVmStats = (host: HostEndpoint, options: CallOptions) =>
    this.#call(host, 'getAllVmStats', options, () => this.reports.get(host.id) ?? vmStats([]));
  getVmList = () => Promise.resolve({ vms: [], complete: true });
  dumpXmls = (host: HostEndpoint, vmIds: readonly string[], options: CallOptions) =>
    this.#call(host, 'dumpXmls', options, () => new Map(vmIds.map((id) => [id, domain(id)])), vmIds);

  call = () => Promise.resolve(null);
  listen = () => null;

  release(hostId: string): void {
    this.released.push(hostId);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #call<T>(
    host: HostEndpoint,
    method: Method,
    { signal }: CallOptions,
    answer: () => T,
    vmIds?: readonly string[],
  ) {
    this.calls.push({ at: this.#time.monotonic(), host: host.id, method, ...(vmIds ? { vmIds } : {}) });
    this.#count(host.id, 1);
    try {
      const behaviour = this.#script.get(`${host.id} ${method}`) ?? 'ok';
      if (behaviour === 'hang') await this.#wait(signal, null);
      const { afterMs, ends } = typeof behaviour === 'object' ? behaviour : { afterMs: 0, ends: behaviour };
      if (afterMs > 0) await this.#wait(signal, afterMs);
      if (ends !== undefined && ends !== 'ok' && ends !== 'hang') throw new VurtiError(ends, `${host.id} ${method}`);
      return answer();
    } finally {
      this.#count(host.id, -1);
    }
  }

  #wait(signal: AbortSignal, ms: number | null): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = ms === null ? null : this.#time.after(ms, resolve, 'agent');
      signal.addEventListener('abort', () => {
        timer?.cancel();
        reject(signal.reason as Error);
      });
    });
  }

  #count(host: string, by: 1 | -1): void {
    this.inFlight += by;
    const own = (this.#running.get(host) ?? 0) + by;
    this.#running.set(host, own);
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    this.mostPerHost = Math.max(this.mostPerHost, own);
  }
}

/** State of hosts and VMs as the adapter sees it, with just enough of an updater to let hosts come and go. */
export class World {
  readonly time = new VirtualTime();
  readonly fetcher = new ScriptedFetcher(this.time);
  readonly streams: Streams = {
    evidence: new Channel<Evidence>(),
    requests: new Channel<AgentRequest>(),
    changes: new Channel<Change>(),
  };
  readonly evidence: Evidence[] = [];
  readonly settling = new Set<string>();
  readonly vms = new Map<string, Vm>();
  readonly lostAt = new Map<string, number>();
  readonly adapter: PollingPushAdapter;
  settings: HostSettings = defaultSettings;
  address = '10.0.0.1';
  readonly #hosts = new Map<string, Vds>();
  readonly #liveness = new Map<string, VdsLiveness>();
  #revision = 1;

  constructor(options: Partial<PollingPushAdapterOptions> & { judging?: boolean } = {}) {
    const { judging = true, ...more } = options;
    this.adapter = new PollingPushAdapter({
      ...{ fetcher: this.fetcher, vds: this.#vdsReader(), vms: this.#vmReader(), streams: this.streams },
      endpointOf: (id) => ({ ...{ id, name: id, address: this.address, port: 1 }, protocol: 'http', tls: null }),
      settingsOf: () => this.settings,
      isSettling: (id) => this.settling.has(id),
      ...{ clock: this.time, scheduler: this.time, random: new SeededRandom(1), telemetry: silentTelemetry },
      concurrency: 64,
      ...more,
    });
    this.streams.evidence.stream$.subscribe((evidence) => {
      this.evidence.push(evidence);
      if (judging) this.#judge(evidence);
    });
  }

  host(id: string, status: VdsStatus = 'Up', liveness: Partial<VdsLiveness> = { capabilitiesRead: true }): this {
    const dynamic = { ...initialRow(vdsDynamicFields), id, status };
    this.#hosts.set(id, { ...{ id, dynamic, interfaces: [] }, static: { ...initialRow(vdsStaticFields), id } });
    this.#liveness.set(id, { ...initialLiveness(this.time.now()), ...this.#liveness.get(id), ...liveness });
    return this;
  }

  vm(id: string, host: string | null, more: Partial<Vm['dynamic']> = {}): this {
    const dynamic = { ...initialRow(vmDynamicFields), ...{ id, runOnVds: host, status: 'Up' as const }, ...more };
    const fixed = { ...initialRow(vmStaticFields), id };
    this.vms.set(id, { ...{ id, dynamic, static: fixed }, guestInterfaces: [], jobs: [], devices: [] });
    return this;
  }

  add(id: string, status?: VdsStatus): void {
    this.host(id, status);
    this.#change('VdsAdded', id);
  }

  remove(id: string): void {
    this.#change('VdsRemoved', id);
    this.#hosts.delete(id);
  }

  request(method: Exclude<AgentRequest['method'], 'Host.dumpxmls'>, host = 'h'): void {
    this.streams.requests.publish({ host, method, reason: 'test' });
  }

  names(host?: string): string[] {
    return this.evidence.filter((e) => host === undefined || e.host === host).map((e) => e.name);
  }

  status(id: string): VdsStatus | undefined {
    return this.#hosts.get(id)?.dynamic.status;
  }

  /** Timers that wait, those of the agents left out. */
  timers(): Record<string, number> {
    return Object.fromEntries([...this.time.waiting()].filter(([label]) => label !== 'agent'));
  }

  #change(name: 'VdsAdded' | 'VdsRemoved', id: string): void {
    const current = this.#hosts.get(id);
    if (current === undefined) throw new Error(`no host ${id}`);
    const cause = { rule: 'test', source: { by: 'command', at: 0 } } as const;
    this.streams.changes.publish({ name, cause, current, host: { id, name: id, clusterId: 'c' } });
  }

  #judge(evidence: Evidence): void {
    const { host: id } = evidence;
    const status = this.status(id);
    const liveness = this.#liveness.get(id);
    if (status === undefined || liveness === undefined) return;
    const ask = (method: 'Host.getStats' | 'Host.getAllVmStats') => this.request(method, id);
    switch (evidence.name) {
      case 'VdsUnreachable': {
        const attempts = liveness.attempts + 1;
        const lost = attempts > 2 && this.time.now() > liveness.lastAnswerAt + 60_000;
        if (lost && !this.lostAt.has(id)) this.lostAt.set(id, this.time.monotonic());
        this.host(id, lost ? 'NonResponsive' : 'Connecting', { attempts });
        break;
      }
      case 'VdsCapabilitiesReceived':
      case 'VdsHardwareInfoReceived':
      case 'VdsStatsReceived':
      case 'VmStatsReceived': {
        const isCapabilities = evidence.name === 'VdsCapabilitiesReceived';
        const up = status === 'Up' || evidence.name === 'VdsStatsReceived';
        const capabilitiesRead = liveness.capabilitiesRead || isCapabilities;
        this.host(id, up ? 'Up' : status, { attempts: 0, lastAnswerAt: this.time.now(), capabilitiesRead });
        if (isCapabilities && !up) ask('Host.getStats');
        else if (up && status !== 'Up') ask('Host.getAllVmStats');
        break;
      }
      default:
    }
  }

  #vdsReader(): VdsReader {
    const hosts = this.#hosts;
    return {
      get size() {
        return hosts.size;
      },
      get: (id) => hosts.get(id),
      usage: () => undefined,
      liveness: (id) => this.#liveness.get(id),
      ids: () => hosts.keys(),
      byCluster: () => new Set(),
      byStatus: () => new Set(),
    };
  }

  #vmReader(): VmReader {
    const { vms } = this;
    const byHost = (host: string) =>
      new Set([...vms].filter(([, vm]) => vm.dynamic.runOnVds === host).map(([id]) => id));
    return {
      get size() {
        return vms.size;
      },
      get: (id) => vms.get(id),
      usage: () => undefined,
      unsettled: () => undefined,
      ids: () => vms.keys(),
      byHost,
      byCluster: () => new Set(),
      byStatus: () => new Set(),
      // VMs are changed behind its back: nobody may rely on what he saw before.
      revisionOf: () => this.#revision++,
      heardAt: () => null,
      freshness: () => 'live',
    };
  }
}
