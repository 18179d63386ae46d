export { CommandBook } from './command-book.js';
export { FloodControl } from './flood-control.js';
export { InventoryUpdater } from './inventory-updater.js';
export { IntentBook, type OutboxPorts } from './outbox.js';
export { UpdaterPipeline } from './pipeline.js';
export { RecordMaker } from './record-maker.js';
export { StatisticsWriter } from './statistics-writer.js';
export { VdsUpdater } from './vds-updater.js';
export { VmUpdater } from './vm-updater.js';
