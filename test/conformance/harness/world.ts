import type { Container } from 'inversify';
import type { Change, EventRecord, IntentRecord, Store } from '../../../src/events/index.js';
import { FakeFetcher } from '../../../src/fetcher/index.js';
import { CountedIds, minutes, SeededRandom, silentTelemetry, VirtualTime } from '../../../src/kernel/index.js';
import { completeSettings, type DeepPartial, type MonitorSettings, type RowWrite } from '../../../src/model/index.js';
import { makeContainer } from '../../../src/monitor/container.js';
import { VurtiMonitor } from '../../../src/monitor/monitor.js';
import type { MonitorOptions } from '../../../src/monitor/options.js';
import { tokens } from '../../../src/monitor/tokens.js';
import { MemoryStore } from '../../../src/store/index.js';
import type { SeenAction, SeenEvent } from './expectations.js';
import { SpyCommitter } from './spy-committer.js';

export interface WorldOptions {
  readonly agents?: FakeFetcher;
  /** Rows that stand in the database before the service starts. */
  readonly rows?: readonly RowWrite[];
  readonly settings?: DeepPartial<MonitorSettings>;
  readonly options?: Partial<MonitorOptions>;
}

/** Ticks are set off by the cases: the planner's own come too seldom to get in between. */
const SELDOM_SECONDS = 100_000;

/** Intents and signals in the words of the cases. */
const words: Readonly<Record<string, string>> = {
  processDownVm: 'movedToDown',
  importVm: 'unmanaged',
  activate: 'activateVds',
  fence: 'fencingTreatment',
};

/**
 * A whole monitor in manager mode – updaters, repositories, inventory, push-adapter, memory store – on a virtual clock with
 * fake agents, and everything that leaves it.
 */
export class World {
  readonly agents: FakeFetcher;
  readonly clock: VirtualTime;
  readonly container: Container;
  readonly monitor: VurtiMonitor;
  readonly spy: SpyCommitter;
  readonly changes: Change[] = [];

  private constructor(
    agents: FakeFetcher,
    clock: VirtualTime,
    container: Container,
    spy: SpyCommitter,
    options: MonitorOptions,
  ) {
    this.agents = agents;
    this.clock = clock;
    this.container = container;
    this.spy = spy;
    this.monitor = new VurtiMonitor(container, options);
    this.monitor.changes$.subscribe((change) => this.changes.push(change));
  }

  static async make(world: WorldOptions): Promise<World> {
    const clock = new VirtualTime();
    const agents = world.agents ?? new FakeFetcher();
    agents.bind(clock, clock);
    const seeded = new MemoryStore({ clock, scheduler: clock });
    seeded.committer.commit({ rows: world.rows ?? [], records: [] });
    await settle(clock, seeded.committer.stop());
    await seeded.close();
    const memory = new MemoryStore({ clock, scheduler: clock, previous: seeded });
    const spy = new SpyCommitter(memory.committer);
    const store: Store = {
      kind: 'memory',
      committer: spy,
      logReader: memory.logReader,
      stateLoader: memory.stateLoader,
      close: () => memory.close(),
    };
    const settings = settingsOf(world.settings ?? {});
    const options: MonitorOptions = {
      mode: 'manager',
      vms: [],
      ...world.options,
      store,
      fetcher: agents,
      clock,
      scheduler: clock,
      random: new SeededRandom(1),
      ids: new CountedIds(),
      telemetry: silentTelemetry,
    };
    const made = new World(agents, clock, makeContainer(options, { settings, tls: null }), spy, options);
    await settle(clock, made.monitor.start());
    return made;
  }

  part<K extends keyof typeof tokens>(
    name: K,
  ): (typeof tokens)[K] extends import('inversify').ServiceIdentifier<infer T> ? T : never {
    return this.container.get(tokens[name] as never);
  }

  /** Runs what is due now and what follows from it without delay. */
  async settle(): Promise<void> {
    await this.clock.runFor(0);
  }

  /** Asks the host outside its grid and waits for all that follows. */
  async poke(host: string): Promise<void> {
    this.monitor.poke(host);
    await this.clock.runFor(100);
  }

  /** What was seen before this moment is not part of the case. */
  forget(): void {
    this.spy.forget();
    this.changes.length = 0;
  }

  events(): SeenEvent[] {
    return this.spy.records
      .filter((record): record is EventRecord => record.kind === 'event')
      .map(({ name, vmId, hostId, params }) => ({ name, vm: vmId, host: hostId, params }));
  }

  intents(): IntentRecord[] {
    return this.spy.records.filter((record): record is IntentRecord => record.kind === 'intent');
  }

  actions(): SeenAction[] {
    const actions: SeenAction[] = this.intents().map(({ intent, hostId, vmId }) => ({
      kind: words[intent] ?? intent,
      host: hostId,
      vm: vmId,
    }));
    for (const { kind, cause, hostId, vmId } of this.spy.records) {
      // Static data were made from the agent's XML.
      if (kind === 'change' && cause.rule === 'vm.described.external') {
        actions.push({ kind: 'addExternalVm', host: hostId, vm: vmId });
      }
    }
    // A hosted engine's VM is an unmanaged one, too.
    for (const action of actions.filter(({ kind }) => kind === 'importHostedEngine')) {
      actions.push({ ...action, kind: 'unmanaged' });
    }
    for (const change of this.changes) {
      if (change.name === 'VdsSignalled') actions.push({ kind: change.signal, host: change.host.id, vm: null });
      if (change.name !== 'VmSignalled') continue;
      actions.push({ kind: change.signal, host: change.vm.host, vm: change.vm.id });
      // Where a VM has paused the cases have a word of their own for it.
      if (change.signal === 'removeAsync')
        actions.push({ kind: 'removeFromAsync', host: change.vm.host, vm: change.vm.id });
    }
    return actions;
  }

  /** Whether a row of this kind, with this first key, was handed to the batch. */
  wrote(kind: RowWrite['kind'], id: string): boolean {
    return this.spy.rows.some(
      (write) => write.kind === kind && 'row' in write && 'id' in write.row && write.row.id === id,
    );
  }

  async stop(): Promise<void> {
    await settle(this.clock, this.monitor.stop());
  }
}

function settingsOf(given: DeepPartial<MonitorSettings>): MonitorSettings {
  return completeSettings({
    ...given,
    mode: 'manager',
    poll: { intervalSeconds: SELDOM_SECONDS, ...given.poll },
    absence: { misses: 1, ...given.absence },
    statistics: { persistIntervalSeconds: 0, ...given.statistics },
  });
}

async function settle<T>(clock: VirtualTime, promise: Promise<T>): Promise<T> {
  let done = false;
  const watched = promise.finally(() => {
    done = true;
  });
  watched.catch(() => undefined);
  await clock.runUntil(() => done, { within: minutes(10) });
  return watched;
}
