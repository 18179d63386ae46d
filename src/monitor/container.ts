import { Container } from 'inversify';
import { Channel, type Streams } from '../events/index.js';
import { HttpFetcher, ProtocolFetcher, VdsmFetcher } from '../fetcher/index.js';
import { type Clock, RealTime, type Scheduler, silentTelemetry, systemIds, systemRandom } from '../kernel/index.js';
import {
  type AgentTls,
  agentMethods,
  type HostEndpoint,
  type MonitorSettings,
  observerMethods,
} from '../model/index.js';
import { HybridPushAdapter } from '../push-adapter/index.js';
import { HostSets, Inventory } from '../repository/index.js';
import { MemoryStore } from '../store/index.js';
import {
  CommandBook,
  FloodControl,
  HaRestarts,
  HostRounds,
  heldBackEvent,
  IntentBook,
  InventoryUpdater,
  PendingResources,
  RecordMaker,
  StatisticsWriter,
  UpdaterPipeline,
  VdsUpdater,
  VmUpdater,
} from '../updater/index.js';
import { BackfillRunner } from './backfill-runner.js';
import { HostRegistry } from './host-registry.js';
import { DestroyLeftovers, IntentRunner } from './intents/index.js';
import type { MonitorOptions } from './options.js';
import { Readiness } from './readiness.js';
import { Retention } from './retention.js';
import { isSynced } from './status-report.js';
import { tokens as t } from './tokens.js';

/** What was worked out from the options before the parts are put together. */
export interface Prepared {
  readonly settings: MonitorSettings;
  readonly tls: AgentTls | null;
}

/** Puts the parts together; the only place that knows all of them. Classes stay plain: tests make them by hand. */
export function makeContainer(options: MonitorOptions, { settings, tls }: Prepared): Container {
  const container = new Container({ defaultScope: 'Singleton' });
  bindEffects(container, options, settings);
  bindState(container, options, settings, tls);
  bindReadiness(container);
  bindRetention(container, settings);
  bindUpdaters(container, options, settings);
  container.bind(t.pushAdapter).toResolvedValue(
    (fetcher, sets, streams, registry, pipeline, clock, scheduler, random, telemetry) =>
      new HybridPushAdapter({
        fetcher,
        vds: sets.hosts,
        vms: sets.vms,
        streams,
        endpointOf: (id) => registry.endpointOf(id),
        settingsOf: (id) => registry.settingsOf(id),
        isSettling: (id) => pipeline.isSettling(id),
        waitingOf: (id) => pipeline.waitingOf(id),
        enabled: settings.push.enabled,
        clock,
        scheduler,
        random,
        telemetry,
        concurrency: settings.poll.concurrency,
      }),
    [t.fetcher, t.sets, t.streams, t.registry, t.pipeline, t.clock, t.scheduler, t.random, t.telemetry],
  );
  bindIntents(container, options, settings);
  for (const module of options.modules ?? []) container.load(module);
  return container;
}

function bindIntents(container: Container, options: MonitorOptions, settings: MonitorSettings): void {
  container.bind(t.intentRunner).toResolvedValue(
    (ports, streams, pipeline, readiness, fetcher, registry, commands, scheduler, telemetry) => {
      const endpointOf = (hostId: string) => registry.endpointOf(hostId);
      const isBusy = (vmId: string): boolean => {
        const { busy, asyncRunning } = commands.of(vmId);
        return busy || asyncRunning;
      };
      const { destroyLeftovers } = settings.actions;
      const own = destroyLeftovers ? [new DestroyLeftovers({ caller: fetcher, endpointOf, isBusy, scheduler })] : [];
      const given = options.intentHandler === undefined ? [] : [options.intentHandler];
      return new IntentRunner({
        // An observer has none, whatever it was given.
        handlers: settings.mode === 'observer' ? [] : [...own, ...given],
        ...{ book: ports.intents, streams, telemetry },
        whenApplied: () => pipeline.whenIdle(),
        isSynced: () => readiness.level === 'synced',
      });
    },
    [
      ...([t.ports, t.streams, t.pipeline, t.readiness, t.fetcher, t.registry] as const),
      ...([t.commands, t.scheduler, t.telemetry] as const),
    ],
  );
}

function bindEffects(container: Container, options: MonitorOptions, settings: MonitorSettings): void {
  const telemetry = options.telemetry ?? silentTelemetry;
  const time: Clock & Scheduler = new RealTime({
    onTaskError: (error, label) => telemetry.log('error', 'a task failed', { task: label, error: String(error) }),
  });
  container.bind(t.telemetry).toConstantValue(telemetry);
  container.bind(t.clock).toConstantValue(options.clock ?? time);
  container.bind(t.scheduler).toConstantValue(options.scheduler ?? time);
  container.bind(t.random).toConstantValue(options.random ?? systemRandom);
  container.bind(t.ids).toConstantValue(options.ids ?? systemIds);
  container.bind(t.settings).toConstantValue(settings);
  if (options.store === undefined) {
    container
      .bind(t.store)
      .toResolvedValue(
        (clock, scheduler, telemetry) => new MemoryStore({ clock, scheduler, telemetry }),
        [t.clock, t.scheduler, t.telemetry],
      );
  } else {
    container.bind(t.store).toConstantValue(options.store);
  }
  const allowed = settings.mode === 'observer' ? observerMethods : new Set(agentMethods);
  if (options.fetcher === undefined) {
    container.bind(t.fetcher).toResolvedValue(
      (ids, registry, clock, scheduler, random, telemetry) => {
        const limitsOf = (host: HostEndpoint) => registry.settingsOf(host.id).agents;
        return new ProtocolFetcher({
          vdsm: new VdsmFetcher({ ids, allowed, limitsOf, clock, scheduler, random, telemetry }),
          http: new HttpFetcher({ ids, telemetry, allowed, limitsOf }),
        });
      },
      [t.ids, t.registry, t.clock, t.scheduler, t.random, t.telemetry],
    );
  } else {
    container.bind(t.fetcher).toConstantValue(options.fetcher);
  }
}

function bindState(
  container: Container,
  options: MonitorOptions,
  settings: MonitorSettings,
  tls: AgentTls | null,
): void {
  container.bind(t.inventory).toResolvedValue(() => new Inventory(), []);
  container
    .bind(t.streams)
    .toResolvedValue((): Streams => ({ evidence: new Channel(), requests: new Channel(), changes: new Channel() }), []);
  container.bind(t.sets).toResolvedValue(() => {
    // The sets ask for facts of hosts that they hold themselves, later.
    const sets: HostSets = new HostSets(options.sets ?? 'system', {
      lost: (id) => sets.hosts.get(id)?.dynamic.status === 'NonResponsive',
      intervalMs: (id) =>
        container.get(t.registry).settingsOf(id).poll.intervalSeconds * 1000 * container.get(t.pushAdapter).paceOf(id),
      leastIntervalMs: (id) => container.get(t.registry).settingsOf(id).poll.intervalSeconds * 1000,
      synced: () => container.get(t.readiness).level === 'synced',
    });
    return sets;
  }, []);
  container
    .bind(t.registry)
    .toResolvedValue((sets, inventory) => new HostRegistry(sets, inventory, settings, tls), [t.sets, t.inventory]);
}

function bindRetention(container: Container, settings: MonitorSettings): void {
  container
    .bind(t.backfill)
    .toResolvedValue(
      (store, clock, scheduler, telemetry) => new BackfillRunner({ store, clock, scheduler, telemetry }),
      [t.store, t.clock, t.scheduler, t.telemetry],
    );
  container
    .bind(t.retention)
    .toResolvedValue(
      (store, clock, scheduler, telemetry) =>
        new Retention({ store, settings: settings.events, clock, scheduler, telemetry }),
      [t.store, t.clock, t.scheduler, t.telemetry],
    );
}

function bindReadiness(container: Container): void {
  container
    .bind(t.readiness)
    .toResolvedValue((scheduler, sets) => new Readiness(scheduler, () => isSynced(sets)), [t.scheduler, t.sets]);
}

function bindUpdaters(container: Container, options: MonitorOptions, settings: MonitorSettings): void {
  container.bind(t.commands).toResolvedValue(
    (clock, telemetry) =>
      new CommandBook(clock, (vm, command) => {
        telemetry.count('vurti_commands_expired_total');
        telemetry.log('warn', 'A command of the manager has not ended within its time; the VM is judged again', {
          vm,
          command,
        });
      }),
    [t.clock, t.telemetry],
  );
  container.bind(t.records).toResolvedValue((ids) => new RecordMaker(ids, settings.mode), [t.ids]);
  container.bind(t.ports).toResolvedValue(
    (store, streams, telemetry, records, clock, scheduler) => {
      const { committer } = store;
      return {
        committer,
        streams,
        telemetry,
        flood: new FloodControl({
          ...{ clock, scheduler, flap: settings.flap },
          tell: (held) => committer.commit({ rows: [], records: [heldBackEvent(records, held, clock.now())] }),
        }),
        intents: new IntentBook({ clock, write: (rows) => committer.commit({ rows, records: [] }) }),
      };
    },
    [t.store, t.streams, t.telemetry, t.records, t.clock, t.scheduler],
  );
  container
    .bind(t.statistics)
    .toResolvedValue(
      (sets, store, scheduler, telemetry) =>
        new StatisticsWriter(
          sets,
          store.committer,
          scheduler,
          telemetry,
          settings.statistics.persistIntervalSeconds * 1000,
        ),
      [t.sets, t.store, t.scheduler, t.telemetry],
    );
  container.bind(t.haRestarts).toResolvedValue(
    (sets, commands, records, ports, readiness, clock, scheduler) =>
      new HaRestarts({
        ...{ sets, commands, records, ports, clock, scheduler },
        settings: settings.haRestart,
        ready: () => readiness.level === 'synced',
      }),
    [t.sets, t.commands, t.records, t.ports, t.readiness, t.clock, t.scheduler],
  );
  container.bind(t.vmUpdater).toResolvedValue(
    (sets, inventory, commands, records, ports, statistics, registry, restarts, clock, telemetry) =>
      new VmUpdater({
        // Beside an engine it is the engine that restarts.
        ...(settings.mode === 'manager' ? { restarts } : {}),
        mode: settings.mode,
        sets,
        inventory,
        commands,
        records,
        ports,
        statistics,
        settingsOf: (id) => registry.settingsOf(id),
        settings,
        clock,
        telemetry,
      }),
    [
      ...([t.sets, t.inventory, t.commands, t.records, t.ports, t.statistics, t.registry] as const),
      ...([t.haRestarts, t.clock, t.telemetry] as const),
    ],
  );
  container.bind(t.vdsUpdater).toResolvedValue(
    (sets, inventory, vms, records, ports, statistics, registry, clock, scheduler, telemetry) =>
      new VdsUpdater({
        sets,
        inventory,
        vms,
        records,
        ports,
        statistics,
        general: settings,
        settingsOf: (id) => registry.settingsOf(id),
        clock,
        scheduler,
        telemetry,
      }),
    [t.sets, t.inventory, t.vmUpdater, t.records, t.ports, t.statistics, t.registry, t.clock, t.scheduler, t.telemetry],
  );
  container
    .bind(t.pending)
    .toResolvedValue(
      (vds) => new PendingResources((hostId, sums) => vds.command(hostId, { is: 'pending', ...sums })),
      [t.vdsUpdater],
    );
  container
    .bind(t.hostRounds)
    .toResolvedValue(
      (sets, vds, clock, scheduler, telemetry) => new HostRounds({ sets, vds, settings, clock, scheduler, telemetry }),
      [t.sets, t.vdsUpdater, t.clock, t.scheduler, t.telemetry],
    );
  container
    .bind(t.inventoryUpdater)
    .toResolvedValue(
      (sets, inventory, records, ports, clock) =>
        new InventoryUpdater({ sets, inventory, records, ports, clock, protocol: options.agents?.protocol ?? 'vdsm' }),
      [t.sets, t.inventory, t.records, t.ports, t.clock],
    );
  container
    .bind(t.pipeline)
    .toResolvedValue(
      (streams, vds, vms, clock, scheduler, telemetry) =>
        new UpdaterPipeline({ streams, vds, vms, clock, scheduler, telemetry }),
      [t.streams, t.vdsUpdater, t.vmUpdater, t.clock, t.scheduler, t.telemetry],
    );
}
