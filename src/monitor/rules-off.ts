import type { Cluster } from '../model/index.js';
import type { HostSets, Inventory } from '../repository/index.js';
import type { MonitorStatus } from './api.js';

interface Need {
  readonly rule: string;
  readonly because: string;
  readonly known: (cluster: Cluster, inventory: Inventory) => boolean;
}

/** Rules that need a fact which may not be known; without it they are off, they do not guess (principle 3). */
const needs: readonly Need[] = [];

/** The rules that are off, and where: only clusters that have hosts count. */
export function rulesOff(sets: HostSets, inventory: Inventory): MonitorStatus['rulesOff'] {
  const off: { rule: string; because: string; clusters: string[] }[] = [];
  for (const { rule, because, known } of needs) {
    const clusters: string[] = [];
    for (const cluster of inventory.clusters()) {
      if (sets.hosts.byCluster(cluster.id).size > 0 && !known(cluster, inventory)) clusters.push(cluster.name);
    }
    if (clusters.length > 0) off.push({ rule, because, clusters });
  }
  return off;
}
