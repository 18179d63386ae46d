import type { EventName, EventRecord, IntentKind, IntentRecord, LogRecord, Store } from '../events/index.js';
import type { FakeFetcher } from '../fetcher/index.js';
import {
  CountedIds,
  type LogFields,
  minutes,
  SeededRandom,
  silentTelemetry,
  type Telemetry,
  VirtualTime,
  VurtiError,
} from '../kernel/index.js';
import {
  createMonitor,
  type Explanation,
  type HostView,
  type Monitor,
  type MonitorOptions,
  type VmView,
} from '../monitor/index.js';
import { MemoryStore } from '../store/index.js';

export interface TestMonitorOptions extends Omit<MonitorOptions, 'fetcher' | 'clock' | 'scheduler' | 'ids' | 'random'> {
  /** Shared with the test's own store or other parts; default: one that begins at `startAt`. */
  readonly clock?: VirtualTime;
  /** Its hosts, and the VMs it has now, are known to the monitor beforehand unless `hosts` or `vms` say otherwise. */
  readonly fetcher: FakeFetcher;
  /** Virtual wall-clock time at the start. */
  readonly startAt?: number | string;
  readonly seed?: number;
}

/** A monitor on a virtual clock with everything in memory. Leaving it fails the test on leaked timers and lost errors. */
export class TestMonitor implements AsyncDisposable {
  readonly monitor: Monitor;
  readonly clock: VirtualTime;
  readonly store: Store;
  readonly #records: LogRecord[] = [];
  readonly #errors: string[];

  constructor(monitor: Monitor, clock: VirtualTime, store: Store, errors: string[]) {
    this.monitor = monitor;
    this.clock = clock;
    this.store = store;
    this.#errors = errors;
    store.committer.committed$.subscribe((records) => this.#records.push(...records));
  }

  /** By id, name or a unique beginning of an id. */
  vm(ref: string): VmView {
    return this.monitor.vms.get(ref);
  }

  host(ref: string): HostView {
    return this.monitor.hosts.get(ref);
  }

  /** Committed events, in order; of one VM or host when it is named. */
  events(ref?: string): readonly EventRecord[] {
    const events = this.#records.filter((record) => record.kind === 'event');
    if (ref === undefined) return events;
    const ids = this.#idsOf(ref);
    return events.filter((event) => (event.vmId === null ? ids.has(event.hostId) : ids.has(event.vmId)));
  }

  eventNames(ref?: string): readonly EventName[] {
    return this.events(ref).map((event) => event.name);
  }

  intents(kind?: IntentKind): readonly IntentRecord[] {
    return this.#records
      .filter((record) => record.kind === 'intent')
      .filter((intent) => kind === undefined || intent.intent === kind);
  }

  /** All committed records, in order. */
  records(): readonly LogRecord[] {
    return this.#records;
  }

  explain(kind: 'vm' | 'host', ref: string): Explanation {
    return this.monitor.explain(kind, ref);
  }

  /** Waits for a promise of the monitor, with the virtual clock running meanwhile. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    return settle(this.clock, promise);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.settle(this.monitor.stop());
    const leaked = [...this.clock.waiting()].map(([label, n]) => `${n} timer(s) "${label}" still wait`);
    const thrown = this.clock.takeErrors().map(({ error, label }) => `task "${label}" threw ${String(error)}`);
    const problems = [...leaked, ...thrown, ...this.#errors];
    if (problems.length > 0) throw new VurtiError('INTERNAL', `The monitor left a mess: ${problems.join('; ')}`);
  }

  #idsOf(ref: string): ReadonlySet<string | null> {
    for (const find of [() => this.vm(ref).id, () => this.host(ref).id]) {
      try {
        return new Set([find()]);
      } catch {
        // Not one of this kind; the entity may also be gone already, then its id is meant.
      }
    }
    return new Set([ref]);
  }
}

/**
 * Makes a started monitor for tests: virtual clock, seeded chance, counted ids, memory store. Manager mode by default, since
 * its VMs are known.
 */
export async function createTestMonitor(options: TestMonitorOptions): Promise<TestMonitor> {
  const { fetcher, startAt, seed, clock: given, ...rest } = options;
  const clock = given ?? new VirtualTime(startAt === undefined ? {} : { startAt });
  const errors: string[] = [];
  const telemetry = noticing(options.telemetry ?? silentTelemetry, errors);
  fetcher.bind(clock, clock);
  const store = options.store ?? new MemoryStore({ clock, scheduler: clock, telemetry });
  const known = fetcher.inventory();
  const monitor = await createMonitor({
    mode: 'manager',
    hosts: known.hosts,
    vms: known.vms,
    ...rest,
    fetcher,
    store,
    clock,
    scheduler: clock,
    random: new SeededRandom(seed ?? 1),
    ids: new CountedIds(),
    telemetry,
  });
  const test = new TestMonitor(monitor, clock, store, errors);
  await test.settle(monitor.start());
  return test;
}

async function settle<T>(clock: VirtualTime, promise: Promise<T>): Promise<T> {
  let done = false;
  const watched = promise.finally(() => {
    done = true;
  });
  // The caller gets the rejection from the promise itself, below.
  watched.catch(() => undefined);
  await clock.runUntil(() => done, { within: minutes(10) });
  return watched;
}

/** Whatever the monitor logs as an error, a test must hear of. */
function noticing(telemetry: Telemetry, errors: string[]): Telemetry {
  return {
    log: (level, message, fields?: LogFields) => {
      if (level === 'error') errors.push(`${message} ${JSON.stringify(fields ?? {})}`);
      telemetry.log(level, message, fields);
    },
    count: (name, by, labels) => telemetry.count(name, by, labels),
    gauge: (name, value, labels) => telemetry.gauge(name, value, labels),
    observe: (name, value, labels) => telemetry.observe(name, value, labels),
    ...(telemetry.tracer === undefined ? {} : { tracer: telemetry.tracer }),
  };
}
