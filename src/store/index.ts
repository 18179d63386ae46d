export type { CommitterTuning, JournalOptions } from './batching-committer.js';
export { NodeJournalFiles } from './journal/node-journal-files.js';
export { MemoryStore, type MemoryStoreOptions } from './memory/memory-store.js';
export { type MigrationPlan, planOfNothing, type RowCount } from './migrations/plan.js';
export type { PostgresConnection } from './postgres/connection.js';
export { PostgresStore, type PostgresStoreOptions } from './postgres/postgres-store.js';
export { migrateSchema, planMigration, type SchemaUpgradeOptions } from './postgres/schema-upgrade.js';
export { StatementCounter } from './statement-counter.js';
export type { LogStore } from './store.js';
