import type { ServiceIdentifier } from 'inversify';
import type { Store, Streams } from '../events/index.js';
import type { Fetcher } from '../fetcher/index.js';
import type { Clock, Ids, Random, Scheduler, Telemetry } from '../kernel/index.js';
import type { MonitorSettings } from '../model/index.js';
import type { HybridPushAdapter } from '../push-adapter/index.js';
import type { HostSets, Inventory } from '../repository/index.js';
import type {
  CommandBook,
  HaRestarts,
  HostRounds,
  InventoryUpdater,
  OutboxPorts,
  PendingResources,
  RecordMaker,
  StatisticsWriter,
  UpdaterPipeline,
  VdsUpdater,
  VmUpdater,
} from '../updater/index.js';
import type { BackfillRunner } from './backfill-runner.js';
import type { HostRegistry } from './host-registry.js';
import type { IntentRunner } from './intents/index.js';
import type { Readiness } from './readiness.js';
import type { Retention } from './retention.js';

const token = <T>(name: string): ServiceIdentifier<T> => Symbol.for(`vurti.${name}`);

/** Names of the parts, for modules that rebind one. All are singletons of their monitor, resolved once at its making. */
export const tokens = {
  clock: token<Clock>('Clock'),
  scheduler: token<Scheduler>('Scheduler'),
  random: token<Random>('Random'),
  ids: token<Ids>('Ids'),
  telemetry: token<Telemetry>('Telemetry'),
  settings: token<MonitorSettings>('MonitorSettings'),
  store: token<Store>('Store'),
  fetcher: token<Fetcher>('Fetcher'),
  streams: token<Streams>('Streams'),
  sets: token<HostSets>('HostSets'),
  inventory: token<Inventory>('Inventory'),
  registry: token<HostRegistry>('HostRegistry'),
  readiness: token<Readiness>('Readiness'),
  commands: token<CommandBook>('CommandBook'),
  records: token<RecordMaker>('RecordMaker'),
  ports: token<OutboxPorts>('OutboxPorts'),
  statistics: token<StatisticsWriter>('StatisticsWriter'),
  vmUpdater: token<VmUpdater>('VmUpdater'),
  vdsUpdater: token<VdsUpdater>('VdsUpdater'),
  inventoryUpdater: token<InventoryUpdater>('InventoryUpdater'),
  pipeline: token<UpdaterPipeline>('UpdaterPipeline'),
  haRestarts: token<HaRestarts>('HaRestarts'),
  pending: token<PendingResources>('PendingResources'),
  backfill: token<BackfillRunner>('BackfillRunner'),
  retention: token<Retention>('Retention'),
  hostRounds: token<HostRounds>('HostRounds'),
  pushAdapter: token<HybridPushAdapter>('PushAdapter'),
  intentRunner: token<IntentRunner>('IntentRunner'),
} as const;
