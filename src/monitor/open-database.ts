import type { Store } from '../events/index.js';
import { silentTelemetry } from '../kernel/index.js';
import {
  bytesLeft,
  type MigrationPlan,
  migrateSchema,
  NodeJournalFiles,
  PostgresStore,
  type PostgresStoreOptions,
  planMigration,
  type SchemaUpgradeOptions,
} from '../store/index.js';
import { type DatabaseWait, openPatiently } from './await-database.js';
import { VERSION } from './version.js';

/** Where what the database does not take is kept meanwhile, so that a crash does not lose it. */
export interface JournalSettings {
  /** A folder of its own, on a disk that outlasts the process. Made where there is none. */
  readonly folder: string;
  /** Default 512. */
  readonly maxMiB?: number;
}

export type DatabaseOptions = Omit<PostgresStoreOptions, 'journal' | 'version'> & {
  readonly journal?: JournalSettings;
  /** Default: a server that does not answer is not waited for. */
  readonly wait?: DatabaseWait;
};

const DEFAULT_MIB = 512;

/**
 * Opens a PostgreSQL database of vurti's own: migrates it, takes it for this process, and writes what the journal of an
 * earlier one holds. @throws DATABASE_…, SCHEMA_NEWER, STOPPED
 */
export function openDatabase({ journal, wait = { seconds: 0 }, ...options }: DatabaseOptions): Promise<Store> {
  const { clock, scheduler, telemetry = silentTelemetry, random } = options;
  const open = (): Promise<Store> => {
    if (journal === undefined) return PostgresStore.open({ ...options, version: VERSION });
    const { folder, maxMiB = DEFAULT_MIB } = journal;
    const files = new NodeJournalFiles(folder);
    return PostgresStore.open({ ...options, version: VERSION, journal: { files, maxBytes: maxMiB * 1024 * 1024 } });
  };
  const journalBytes = async (): Promise<number> => {
    if (journal === undefined) return 0;
    const files = new NodeJournalFiles(journal.folder);
    try {
      return await bytesLeft(files);
    } finally {
      await files.close();
    }
  };
  return openPatiently(open, {
    ...wait,
    journalBytes,
    clock,
    scheduler,
    telemetry,
    ...(random === undefined ? {} : { random }),
  });
}

/**
 * Looks what the schema of a database needs (`plan`), or does it; a service must not run on it then. Gives the plan as it
 * was before. @throws DATABASE_…, SCHEMA_NEWER
 */
export function upgradeDatabase(
  options: Omit<SchemaUpgradeOptions, 'version'> & { readonly plan: boolean },
): Promise<MigrationPlan> {
  const { plan, ...rest } = options;
  return plan ? planMigration({ ...rest, version: VERSION }) : migrateSchema({ ...rest, version: VERSION });
}
