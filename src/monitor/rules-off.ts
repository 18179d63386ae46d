import type { Vm } from '../model/index.js';
import type { HostSets, Inventory, VmFact } from '../repository/index.js';
import { clusterNeeds } from '../rules/index.js';
import type { MonitorStatus } from './api.js';

/** Facts of VMs that only an inventory can say. */
const vmNeeds: readonly { readonly rule: string; readonly needs: string; readonly fact: VmFact }[] = [
  { rule: 'vm.ha-restart', needs: 'which VMs are highly available', fact: 'ha' },
  { rule: 'vm.memory.under-guarantee', needs: 'guaranteed memory of VMs', fact: 'minMemoryMb' },
];

/** What is off for one VM. */
export function rulesOffFor(vm: Vm): readonly { readonly rule: string; readonly because: string }[] {
  return vmNeeds
    .filter(({ fact }) => vm.static[fact] === null)
    .map(({ rule, needs }) => ({ rule, because: `not known: ${needs}` }));
}

/** The rules that are off because a fact is not known, and where: only clusters that have hosts count. */
export function rulesOff(sets: HostSets, inventory: Inventory): MonitorStatus['rulesOff'] {
  const off: { rule: string; because: string; clusters: string[] }[] = [];
  const clusters = [...inventory.clusters()].filter(({ id }) => sets.hosts.byCluster(id).size > 0);
  for (const { rule, needs, known } of clusterNeeds) {
    const where = clusters.filter((cluster) => !known(cluster, inventory.networks(cluster.id)));
    if (where.length === 0) continue;
    off.push({ rule, because: `not known: ${needs}`, clusters: where.map(({ name }) => name) });
  }
  for (const { rule, needs, fact } of vmNeeds) {
    // One VM that does not say is enough: people would wonder about that one.
    const where = clusters.filter(({ id }) => sets.lacks(fact, id));
    if (where.length > 0) off.push({ rule, because: `not known: ${needs}`, clusters: where.map(({ name }) => name) });
  }
  return off;
}
