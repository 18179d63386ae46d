import type { Store } from '../events/index.js';
import { RealTime, silentTelemetry } from '../kernel/index.js';
import { PostgresStore } from '../store/index.js';
import type { MonitorOptions } from './options.js';

/** Opens the database that the options name: migrates it, and takes it for this process. */
export function openDatabase(options: MonitorOptions): Promise<Store> {
  const { database } = options;
  if (database === undefined) throw new RangeError('no database is named');
  const time = new RealTime();
  return PostgresStore.open({
    connection: database.url,
    clock: options.clock ?? time,
    scheduler: options.scheduler ?? time,
    telemetry: options.telemetry ?? silentTelemetry,
    ...(database.schema === undefined ? {} : { schema: database.schema }),
    ...(database.takeOver === undefined ? {} : { takeOver: database.takeOver }),
  });
}
