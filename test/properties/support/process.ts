import { ContainerModule } from 'inversify';
import type { ChangeSet, Committer, Evidence, LogRecord, Store } from '../../../src/events/index.js';
import type { FakeFetcher } from '../../../src/fetcher/index.js';
import {
  CountedIds,
  minutes,
  SeededRandom,
  silentTelemetry,
  type Telemetry,
  type VirtualTime,
} from '../../../src/kernel/index.js';
import {
  completeSettings,
  type DeepPartial,
  type HostSpec,
  type MonitorSettings,
  type VmSpec,
} from '../../../src/model/index.js';
import { makeContainer } from '../../../src/monitor/container.js';
import { VurtiMonitor } from '../../../src/monitor/monitor.js';
import type { MonitorOptions } from '../../../src/monitor/options.js';
import { tokens } from '../../../src/monitor/tokens.js';
import type { HostSets, Inventory } from '../../../src/repository/index.js';
import type { MemoryStore } from '../../../src/store/index.js';
import { usageRows } from '../../../src/store/usage-figures.js';
import { UpdaterPipeline } from '../../../src/updater/index.js';

export interface ProcessOptions {
  readonly mode: 'observer' | 'manager';
  readonly hosts: readonly HostSpec[];
  /** undefined: nobody says which VMs there are. */
  readonly vms: readonly VmSpec[] | undefined;
  readonly agents: FakeFetcher;
  readonly clock: VirtualTime;
  readonly store: MemoryStore;
  readonly sliceSize: number;
  readonly settings?: DeepPartial<MonitorSettings>;
  /** Hears of everything before the monitor's own parts do. */
  readonly witness: Witness;
}

export interface Witness {
  evidence(evidence: Evidence): void;
  /** Handed to the committer; not durable yet. */
  committed(changes: ChangeSet): void;
  /** Durable. */
  flushed(records: readonly LogRecord[]): void;
}

/** One life of a whole monitor, from its start to its stop or crash. A crash is to forget it, and its clock with it. */
export class Process {
  readonly monitor: VurtiMonitor;
  readonly clock: VirtualTime;
  readonly sets: HostSets;
  readonly inventory: Inventory;
  readonly settings: MonitorSettings;
  /** What was logged as an error. */
  readonly errors: string[];

  private constructor(
    monitor: VurtiMonitor,
    o: ProcessOptions,
    parts: Pick<Process, 'sets' | 'inventory' | 'settings' | 'errors'>,
  ) {
    this.monitor = monitor;
    this.clock = o.clock;
    this.sets = parts.sets;
    this.inventory = parts.inventory;
    this.settings = parts.settings;
    this.errors = parts.errors;
  }

  /** Made, not started. */
  static make(o: ProcessOptions): Process {
    const settings = completeSettings({ ...o.settings, mode: o.mode });
    const errors: string[] = [];
    const options: MonitorOptions = {
      mode: o.mode,
      hosts: o.hosts,
      ...(o.vms === undefined ? {} : { vms: o.vms }),
      store: watched(o.store, o.witness),
      fetcher: o.agents.bind(o.clock, o.clock),
      clock: o.clock,
      scheduler: o.clock,
      random: new SeededRandom(1),
      ids: new CountedIds(),
      telemetry: noticing(errors),
      modules: [slices(o.sliceSize)],
    };
    const container = makeContainer(options, { settings, tls: null });
    container.get(tokens.streams).evidence.stream$.subscribe((evidence) => o.witness.evidence(evidence));
    const monitor = new VurtiMonitor(container, options);
    o.store.committer.committed$.subscribe((records) => o.witness.flushed(records));
    return new Process(monitor, o, {
      sets: container.get(tokens.sets),
      inventory: container.get(tokens.inventory),
      ...{ settings, errors },
    });
  }

  async start(): Promise<void> {
    await this.#wait(this.monitor.start());
  }

  async stop(): Promise<void> {
    await this.#wait(this.monitor.stop());
  }

  async #wait(promise: Promise<unknown>): Promise<void> {
    let done = false;
    const watchedPromise = promise.finally(() => {
      done = true;
    });
    watchedPromise.catch(() => undefined);
    await this.clock.runUntil(() => done, { within: minutes(10) });
    await watchedPromise;
  }
}

function slices(sliceSize: number): ContainerModule {
  return new ContainerModule(({ rebind }) => {
    rebind(tokens.pipeline).toResolvedValue(
      (streams, vds, vms, clock, scheduler, telemetry) =>
        new UpdaterPipeline({ streams, vds, vms, clock, scheduler, telemetry, sliceSize }),
      [tokens.streams, tokens.vdsUpdater, tokens.vmUpdater, tokens.clock, tokens.scheduler, tokens.telemetry],
    );
  });
}

function watched(store: MemoryStore, witness: Witness): Store {
  const { committer } = store;
  const watching: Committer = {
    committed$: committer.committed$,
    commit: (changes) => {
      witness.committed(changes);
      committer.commit(changes);
    },
    usage: (vms) => {
      witness.committed({ rows: vms.flatMap(usageRows), records: [] });
      committer.usage(vms);
    },
    flushed: () => committer.flushed(),
    state: () => committer.state(),
    stop: () => committer.stop(),
  };
  return {
    kind: 'memory',
    committer: watching,
    logReader: store.logReader,
    stateLoader: store.stateLoader,
    close: () => store.close(),
  };
}

function noticing(errors: string[]): Telemetry {
  return {
    ...silentTelemetry,
    log: (level, message, fields) => {
      if (level === 'error') errors.push(`${message} ${JSON.stringify(fields ?? {})}`);
    },
  };
}
