import { ContainerModule } from 'inversify';
import { Channel, type Evidence, type LogRecord, type Streams } from '../../src/events/index.js';
import { FakeFetcher } from '../../src/fetcher/index.js';
import { CountedIds, SeededRandom, seconds, VirtualTime } from '../../src/kernel/index.js';
import { createMonitor, type Monitor, tokens } from '../../src/monitor/index.js';
import { type LogStore, StatementCounter } from '../../src/store/index.js';
import { GatedStore } from './gated-store.js';

/** What something cost, counted exactly. */
export interface Counts {
  /** Transactions. */
  readonly flushes: number;
  /** Statements of these transactions; with PostgreSQL their begin and commit and the one that gives numbers, too. */
  readonly statements: number;
  /** Rows by table; with PostgreSQL those that it found changed. */
  readonly rows: Readonly<Record<string, number>>;
  /** Log records by kind; events by name. */
  readonly records: Readonly<Record<string, number>>;
}

export interface Cost extends Counts {
  /** Sent to PostgreSQL with its statements, about. */
  readonly bytes: number;
  /** Polls of VMs. */
  readonly polls: number;
  /** Time in the updaters for all evidence, µs … */
  readonly allMicros: number;
  /** … and for the pieces from which something was to be written. */
  readonly micros: number;
  readonly flushMs: number;
  /** Rows read back, and how long the last start of a monitor took. */
  readonly rowsRead: number;
  readonly startMs: number;
}

export type OpenStore = (counter: StatementCounter) => Promise<LogStore>;

export interface StageOptions {
  readonly openStore: OpenStore;
  readonly hosts: number;
  readonly vmsPerHost: number;
  /** Counters and times of the agents move on. */
  readonly advance?: boolean;
  /** Default: manager, who knows all VMs beforehand. */
  readonly mode?: 'observer' | 'manager';
}

/** How long changes may gather before they are written. */
const STEP_MS = seconds(1);

/** The whole monitor on a virtual clock with scriptable agents, and everything counted that it sends to its store. */
export class Stage implements AsyncDisposable {
  readonly counter: StatementCounter;
  readonly #options: StageOptions;
  readonly #time = new VirtualTime();
  readonly #inner: LogStore;
  readonly #records: LogRecord[] = [];
  #store: GatedStore;
  #agents: FakeFetcher;
  #evidence = this.#listening();
  #monitor: Monitor | undefined;
  #flushMs = 0;
  #flushesBefore = 0;
  #startMs = 0;

  static async open(options: StageOptions): Promise<Stage> {
    const counter = new StatementCounter();
    return new Stage(options, await options.openStore(counter), counter);
  }

  private constructor(options: StageOptions, inner: LogStore, counter: StatementCounter) {
    this.#options = options;
    this.#inner = inner;
    this.counter = counter;
    this.#store = new GatedStore(inner);
    this.#agents = this.#fleet();
    inner.committer.committed$.subscribe((records) => this.#records.push(...records));
  }

  /** The agents, to be scripted. */
  get agents(): FakeFetcher {
    return this.#agents;
  }

  get monitor(): Monitor {
    if (this.#monitor === undefined) throw new Error('The monitor was not started');
    return this.#monitor;
  }

  /** Starts a monitor over what the store holds. */
  async start(): Promise<void> {
    const known = this.agents.inventory();
    const { mode = 'manager' } = this.#options;
    const streams: Streams = { evidence: this.#evidence, requests: new Channel(), changes: new Channel() };
    this.#monitor = await createMonitor({
      ...{ mode, hosts: known.hosts, ...(mode === 'manager' ? { vms: known.vms } : {}) },
      ...{ fetcher: this.agents, store: this.#store, clock: this.#time, scheduler: this.#time },
      ...{ random: new SeededRandom(1), ids: new CountedIds() },
      modules: [new ContainerModule(({ rebind }) => void rebind(tokens.streams).toConstantValue(streams))],
    });
    const began = performance.now();
    await this.#monitor.start();
    this.#startMs = performance.now() - began;
  }

  /** Ends the monitor and starts another one over the same store, for the fleet as it was in the beginning. */
  async restart(): Promise<void> {
    await this.#monitor?.stop();
    await this.#store.open();
    this.reset();
    this.#store = new GatedStore(this.#inner);
    this.#agents = this.#fleet();
    this.#evidence = this.#listening();
    await this.start();
  }

  /** Lets virtual time pass; what is to be written is written after each second of it. */
  async runFor(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      await this.#time.runFor(Math.min(STEP_MS, ms - passed));
      if (this.#store.isWaiting) await this.#open();
    }
  }

  async runUntil(condition: () => boolean, withinMs: number): Promise<void> {
    for (let passed = 0; !condition(); passed += STEP_MS) {
      if (passed >= withinMs) throw new Error(`What was waited for did not come within ${withinMs / 1000} s`);
      await this.runFor(STEP_MS);
    }
  }

  /** Counts anew from here. */
  reset(): void {
    this.counter.reset();
    this.#records.length = 0;
    this.#evidence.reset();
    this.#flushMs = 0;
    this.#flushesBefore = this.#inner.committer.state().flushes;
  }

  cost(): Cost {
    const rows: Record<string, number> = {};
    for (const { table, rows: n } of this.counter.writes()) {
      // Its row is the number of the last record: it is written with every flush.
      if (table !== null && table !== 'shard' && n > 0) rows[table] = (rows[table] ?? 0) + n;
    }
    const records: Record<string, number> = {};
    for (const record of this.#records) {
      const name = record.kind === 'event' ? record.name : record.kind === 'intent' ? record.intent : record.kind;
      records[name] = (records[name] ?? 0) + 1;
    }
    return {
      flushes: this.#inner.committer.state().flushes - this.#flushesBefore,
      statements: this.counter.statements().length,
      bytes: this.counter.statements().reduce((sum, { bytes }) => sum + bytes, 0),
      ...{ rows, records, flushMs: this.#flushMs, startMs: this.#startMs },
      rowsRead: this.counter
        .statements()
        .filter(({ verb }) => verb === 'select')
        .reduce((sum, statement) => sum + statement.rows, 0),
      ...{ polls: this.#evidence.polls, micros: this.#evidence.writingMicros, allMicros: this.#evidence.allMicros },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#monitor?.stop();
    await this.#store.open();
    await this.#inner.close();
  }

  #listening(): TimedEvidence {
    return new TimedEvidence(() => this.#store.given);
  }

  #fleet(): FakeFetcher {
    const { hosts, vmsPerHost, advance = false } = this.#options;
    const agents = new FakeFetcher({ advance }).bind(this.#time, this.#time);
    for (let h = 0; h < hosts; h++) {
      const ids = Array.from({ length: vmsPerHost }, (_, v) => vmName(h, v));
      agents.host(hostName(h), { vms: Object.fromEntries(ids.map((id) => [id, { status: 'Up' } as const])) });
    }
    return agents;
  }

  async #open(): Promise<void> {
    const began = performance.now();
    await this.#store.open();
    this.#flushMs += performance.now() - began;
  }
}

export const hostName = (host: number): string => `kvm-${host}`;
export const vmName = (host: number, vm: number): string => `vm-${host}-${vm}`;

/** The updaters listen on this channel and do their work within `publish`: so it is here that it is timed. */
class TimedEvidence extends Channel<Evidence> {
  readonly #given: () => number;
  polls = 0;
  allMicros = 0;
  writingMicros = 0;

  constructor(given: () => number) {
    super();
    this.#given = given;
  }

  override publish(evidence: Evidence): void {
    const given = this.#given();
    const began = performance.now();
    super.publish(evidence);
    const micros = (performance.now() - began) * 1000;
    this.allMicros += micros;
    if (this.#given() !== given) this.writingMicros += micros;
    if (evidence.name === 'VmStatsReceived') this.polls += 1;
  }

  reset(): void {
    this.polls = 0;
    this.allMicros = 0;
    this.writingMicros = 0;
  }
}
