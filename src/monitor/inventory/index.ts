export type { HeldSource, HostSource } from './arrange.js';
export { type HostChanges, InventorySources } from './sources.js';
