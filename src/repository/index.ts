export { type Division, type HostSet, HostSets } from './host-sets.js';
export { Inventory } from './inventory.js';
export { NameIndex, type NamePlace } from './name-index.js';
export type { ReadView } from './read-view.js';
export { VdsRepository } from './vds-repository.js';
export type { VmFact, VmTrouble } from './vm-facts.js';
export { type FreshnessCounts, type HostFacts, VmRepository } from './vm-repository.js';
