import { VurtiError } from '../kernel/index.js';
import type { Monitor } from '../monitor/index.js';

interface Refs {
  readonly host?: readonly string[] | undefined;
  readonly vm?: readonly string[] | undefined;
  readonly cluster?: readonly string[] | undefined;
}

export interface EntityIds {
  readonly hostIds?: Set<string>;
  readonly vmIds?: Set<string>;
  readonly clusterIds?: Set<string>;
}

/** Names, ids and beginnings of ids as ids. @throws NOT_FOUND, AMBIGUOUS */
export function idsOf(monitor: Monitor, { host, vm, cluster }: Refs): EntityIds {
  return {
    ...(host === undefined ? {} : { hostIds: new Set(host.map((ref) => monitor.hosts.get(ref).id)) }),
    ...(vm === undefined ? {} : { vmIds: new Set(vm.map((ref) => monitor.vms.get(ref).id)) }),
    ...(cluster === undefined ? {} : { clusterIds: clusterIds(monitor, cluster) }),
  };
}

/** @throws NOT_FOUND */
export function clusterIds(monitor: Monitor, refs: readonly string[]): Set<string> {
  const all = monitor.clusters.list();
  return new Set(
    refs.map((ref) => {
      const found = all.find((cluster) => cluster.id === ref) ?? all.find((cluster) => cluster.name === ref);
      if (found === undefined) throw new VurtiError('NOT_FOUND', `There is no cluster "${ref.slice(0, 100)}"`);
      return found.id;
    }),
  );
}
