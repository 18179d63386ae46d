import type { HostSets, Inventory } from '../repository/index.js';
import { clusterNeeds } from '../rules/index.js';
import type { MonitorStatus } from './api.js';

/** The rules that are off because a fact is not known, and where: only clusters that have hosts count. */
export function rulesOff(sets: HostSets, inventory: Inventory): MonitorStatus['rulesOff'] {
  const off: { rule: string; because: string; clusters: string[] }[] = [];
  const clusters = [...inventory.clusters()].filter(({ id }) => sets.hosts.byCluster(id).size > 0);
  for (const { rule, needs, known } of clusterNeeds) {
    const where = clusters.filter((cluster) => !known(cluster, inventory.networks(cluster.id)));
    if (where.length === 0) continue;
    off.push({ rule, because: `not known: ${needs}`, clusters: where.map(({ name }) => name) });
  }
  return off;
}
