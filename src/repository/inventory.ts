import type { Cluster, ClusterNetwork } from '../model/index.js';

const none: ReadonlyMap<string, ClusterNetwork> = new Map();
const noTransfers: readonly string[] = [];

/**
 * Facts that nobody measures: clusters and their networks. The static parts of hosts and VMs stand in their repositories.
 * What is not in here is not known, and the rules that need it are off.
 */
export class Inventory {
  readonly #clusters = new Map<string, Cluster>();
  readonly #idByName = new Map<string, string>();
  readonly #networks = new Map<string, ReadonlyMap<string, ClusterNetwork>>();
  readonly #imageTransfers = new Map<string, readonly string[]>();
  /** VMs were given by a manager: a VM that is reported and not among them is a foreign one (D26). */
  managesVms = false;
  #version = 0;

  /** Grows with every change of a cluster or its networks. */
  get version(): number {
    return this.#version;
  }

  cluster(id: string): Cluster | undefined {
    return this.#clusters.get(id);
  }

  /** By id or name. */
  find(ref: string): Cluster | undefined {
    return this.#clusters.get(ref) ?? this.#clusters.get(this.#idByName.get(ref) ?? '');
  }

  clusters(): Iterable<Cluster> {
    return this.#clusters.values();
  }

  networks(clusterId: string): ReadonlyMap<string, ClusterNetwork> {
    return this.#networks.get(clusterId) ?? none;
  }

  putCluster(cluster: Cluster): void {
    const before = this.#clusters.get(cluster.id);
    if (before !== undefined) this.#idByName.delete(before.name);
    this.#clusters.set(cluster.id, cluster);
    this.#version += 1;
    this.#idByName.set(cluster.name, cluster.id);
  }

  /** Phases of the image transfers that run over a host, as the manager says. */
  imageTransfers(hostId: string): readonly string[] {
    return this.#imageTransfers.get(hostId) ?? noTransfers;
  }

  putImageTransfers(hostId: string, phases: readonly string[]): void {
    if (phases.length === 0) this.#imageTransfers.delete(hostId);
    else this.#imageTransfers.set(hostId, phases);
  }

  /** Replaces all networks of the cluster. */
  putNetworks(clusterId: string, networks: readonly ClusterNetwork[]): void {
    this.#version += 1;
    this.#networks.set(clusterId, new Map(networks.map((network) => [network.name, network])));
  }
}
