import type { Store } from '../events/index.js';
import { PostgresStore, type PostgresStoreOptions } from '../store/index.js';

export type DatabaseOptions = PostgresStoreOptions;

/** Opens a PostgreSQL database of vurti's own: migrates it, and takes it for this process. @throws DATABASE_…, SCHEMA_NEWER */
export function openDatabase(options: DatabaseOptions): Promise<Store> {
  return PostgresStore.open(options);
}
