import type { Profiler } from 'node:inspector/promises';
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ContainerModule } from 'inversify';
import { Channel, type Evidence, type Streams } from '../../src/events/index.js';
import {
  type Clock,
  collectSeldom,
  type Labels,
  RealTime,
  silentTelemetry,
  type Telemetry,
} from '../../src/kernel/index.js';
import { createMonitor, type Monitor, tokens } from '../../src/monitor/index.js';
import { PostgresStore } from '../../src/store/index.js';
import { Child, serve } from './child.js';
import type { FleetReady } from './fleet.js';
import { quantile } from './numbers.js';
import { CpuProfile } from './profile.js';
import { type PushLatencies, PushLatency } from './push-latency.js';

/** What is measured within one window: the watch over the loop and the profiler take CPU themselves, so each has its own. */
export type WindowKind = 'cpu' | 'loop' | 'profile';

export type ServiceQuestion =
  | {
      readonly ask: 'start';
      readonly url: string;
      readonly schema: string;
      readonly fleet: Pick<FleetReady, 'endpoints' | 'vms'>;
      readonly intervalSeconds: number;
      /** 0: never. */
      readonly persistSeconds: number;
    }
  | { readonly ask: 'begin'; readonly kind: WindowKind }
  | { readonly ask: 'end' }
  | { readonly ask: 'heap' }
  /** From now on, how late what is pushed arrives. */
  | { readonly ask: 'listen' }
  | { readonly ask: 'heard' };

/** What each question is answered with. */
interface Answers {
  readonly start: object;
  readonly begin: object;
  readonly end: WindowFigures;
  readonly heap: { readonly liveMiB: number };
  readonly listen: object;
  readonly heard: PushLatencies;
}

export interface WindowFigures {
  readonly seconds: number;
  /** Answers to Host.getAllVmStats. */
  readonly polls: number;
  readonly cpuMicros: number;
  /** The highest, looked at once a second. */
  readonly rssMiB: number;
  /** Share of the time in which the event loop was at work. */
  readonly busy: number;
  readonly latenessMs: { readonly p50: number; readonly p99: number };
  /** From the sending of Host.getAllVmStats until what came of its answer is on changes$. */
  readonly answeredMs: { readonly p50: number; readonly p99: number };
  readonly skipped: number;
  readonly failed: number;
  readonly rows: number;
  readonly records: number;
  /** Pauses for the garbage collector. */
  readonly gc: { readonly pauses: number; readonly share: number; readonly maxMs: number };
  readonly loopDelayMs?: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly profile?: Profiler.Profile;
}

export class ServiceProcess extends Child<ServiceQuestion, object> {
  constructor(file: string) {
    super(file, 'service');
  }

  put<K extends ServiceQuestion['ask']>(question: ServiceQuestion & { readonly ask: K }): Promise<Answers[K]> {
    return this.ask(question) as Promise<Answers[K]>;
  }
}

const LOOP_RESOLUTION_MS = 5;

export function serveService(): void {
  // As `vurti serve` does.
  collectSeldom();
  const tally = new Tally();
  let monitor: Monitor | undefined;
  let window: Window | undefined;
  let pushes: PushLatency | undefined;
  serve<ServiceQuestion>(
    async (question) => {
      switch (question.ask) {
        case 'start':
          monitor = await startMonitor(question, tally);
          return {};
        case 'begin':
          window = new Window(question.kind, tally, question.kind === 'profile' ? new CpuProfile() : undefined);
          await window.begin();
          return {};
        case 'end':
          if (window === undefined) throw new Error('No window was begun');
          return await window.end();
        case 'heap':
          collectGarbage();
          return { liveMiB: process.memoryUsage().heapUsed / 2 ** 20 } satisfies Answers['heap'];
        case 'listen':
          if (monitor === undefined) throw new Error('No monitor was started');
          pushes = new PushLatency(monitor);
          return {};
        case 'heard':
          if (pushes === undefined) throw new Error('Nobody listened');
          return await pushes.end();
      }
    },
    async () => monitor?.stop(),
  );
}

/** The service runs without flags, as it would ship; V8 takes this one later, too. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
}

type Start = Extract<ServiceQuestion, { ask: 'start' }>;

async function startMonitor({ url, schema, fleet, intervalSeconds, persistSeconds }: Start, telemetry: Tally) {
  const time = new RealTime();
  const store = await PostgresStore.open({ connection: url, schema, clock: time, scheduler: time, telemetry });
  const evidence = new TimedEvidence(time, telemetry);
  const streams: Streams = { evidence, requests: new Channel(), changes: new Channel() };
  const monitor = await createMonitor({
    modules: [new ContainerModule(({ rebind }) => void rebind(tokens.streams).toConstantValue(streams))],
    mode: 'manager',
    hosts: fleet.endpoints,
    vms: fleet.vms,
    store,
    clock: time,
    scheduler: time,
    telemetry,
    settings: {
      poll: {
        intervalSeconds,
        // One pace, however well pushes do: it is the polls that are weighed.
        maxIntervalSeconds: intervalSeconds,
        // Below the interval, as vurti.yaml demands it.
        deadlineSeconds: Math.min(10, intervalSeconds * 0.9),
      },
      statistics: { persistIntervalSeconds: persistSeconds },
    },
  });
  await monitor.start();
  await monitor.until('synced', { timeoutSeconds: 120 + 4 * intervalSeconds });
  return monitor;
}

/** The few of the service's own metrics that are asked for. */
class Tally implements Telemetry {
  readonly #counters = new Map<string, number>();
  lateness: number[] = [];
  answered: number[] = [];

  readonly gauge = silentTelemetry.gauge;

  log(level: string, message: string, fields?: object): void {
    if (level === 'error') console.error(message, fields);
  }

  count(name: string, by = 1, labels: Labels = {}): void {
    const key = labels['name'] === undefined ? name : `${name} ${labels['name']}`;
    this.#counters.set(key, (this.#counters.get(key) ?? 0) + by);
  }

  observe(name: string, value: number, labels: Labels = {}): void {
    if (name === 'vurti_poll_lateness_seconds' && labels['contact'] === 'true') this.lateness.push(value * 1000);
  }

  of(key: string): number {
    return this.#counters.get(key) ?? 0;
  }
}

/** The updaters do their work within `publish`: what a report changes is on changes$ when that returns. */
class TimedEvidence extends Channel<Evidence> {
  readonly #clock: Clock;
  readonly #tally: Tally;

  constructor(clock: Clock, tally: Tally) {
    super();
    this.#clock = clock;
    this.#tally = tally;
  }

  override publish(evidence: Evidence): void {
    super.publish(evidence);
    if (evidence.name !== 'VmStatsReceived') return;
    this.#tally.answered.push(this.#clock.monotonic() - evidence.stamp.requestedAt);
  }
}

const counted = {
  polls: 'vurti_evidence_total VmStatsReceived',
  skipped: 'vurti_polls_skipped_total',
  rows: 'vurti_store_rows_total',
  records: 'vurti_store_records_total',
  failed: 'vurti_evidence_total VdsUnreachable',
} as const;

class Window {
  readonly #kind: WindowKind;
  readonly #tally: Tally;
  readonly #profile: CpuProfile | undefined;
  readonly #loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  readonly #before = new Map<string, number>();
  #cpu = process.cpuUsage();
  #utilization = performance.eventLoopUtilization();
  #began = performance.now();
  #rss = 0;
  #sampler: NodeJS.Timeout | undefined;
  readonly #pauses: number[] = [];
  readonly #gc = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) this.#pauses.push(duration);
  });

  constructor(kind: WindowKind, tally: Tally, profile: CpuProfile | undefined) {
    this.#kind = kind;
    this.#tally = tally;
    this.#profile = profile;
  }

  async begin(): Promise<void> {
    await this.#profile?.start();
    if (this.#kind === 'loop') this.#loop.enable();
    this.#gc.observe({ entryTypes: ['gc'] });
    for (const key of Object.values(counted)) this.#before.set(key, this.#tally.of(key));
    this.#tally.lateness = [];
    this.#tally.answered = [];
    this.#rss = process.memoryUsage.rss();
    this.#sampler = setInterval(() => {
      this.#rss = Math.max(this.#rss, process.memoryUsage.rss());
    }, 1000);
    this.#utilization = performance.eventLoopUtilization();
    this.#began = performance.now();
    this.#cpu = process.cpuUsage();
  }

  async end(): Promise<WindowFigures> {
    const { user, system } = process.cpuUsage(this.#cpu);
    const seconds = (performance.now() - this.#began) / 1000;
    clearInterval(this.#sampler);
    this.#loop.disable();
    this.#gc.disconnect();
    const profile = await this.#profile?.stop();
    const since = (key: string): number => this.#tally.of(key) - (this.#before.get(key) ?? 0);
    const { lateness, answered } = this.#tally;
    const beyond = (ns: number): number => Math.max(0, ns / 1e6 - LOOP_RESOLUTION_MS);
    return {
      seconds,
      polls: since(counted.polls),
      cpuMicros: user + system,
      rssMiB: this.#rss / 2 ** 20,
      busy: performance.eventLoopUtilization(this.#utilization).utilization,
      latenessMs: { p50: quantile(lateness, 0.5), p99: quantile(lateness, 0.99) },
      answeredMs: { p50: quantile(answered, 0.5), p99: quantile(answered, 0.99) },
      skipped: since(counted.skipped),
      failed: since(counted.failed),
      rows: since(counted.rows),
      records: since(counted.records),
      gc: {
        pauses: this.#pauses.length,
        share: this.#pauses.reduce((sum, ms) => sum + ms, 0) / 1000 / seconds,
        maxMs: Math.max(0, ...this.#pauses),
      },
      ...(this.#kind === 'loop'
        ? {
            loopDelayMs: {
              p50: beyond(this.#loop.percentile(50)),
              p99: beyond(this.#loop.percentile(99)),
              max: beyond(this.#loop.max),
            },
          }
        : {}),
      ...(profile === undefined ? {} : { profile }),
    };
  }
}
