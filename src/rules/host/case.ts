import type {
  Cluster,
  ClusterNetwork,
  EvidenceStamp,
  HostSettings,
  MonitorSettings,
  Vds,
  VdsLiveness,
  VdsUsage,
  Vm,
} from '../../model/index.js';

/** All that one decision about one host depends on. */
export interface HostCase {
  readonly now: number;
  readonly stamp: EvidenceStamp;
  readonly host: Vds;
  readonly usage: VdsUsage | undefined;
  readonly liveness: VdsLiveness;
  readonly settings: HostSettings;
  /** undefined: nothing is known of the cluster, and the rules that need it are off. */
  readonly cluster: Cluster | undefined;
  /** Networks of the cluster by name; empty: none are known. */
  readonly networks: ReadonlyMap<string, ClusterNetwork>;
  readonly thresholds: MonitorSettings['thresholds'];
  /** Operating system of the first host of the cluster that is Up; null: there is none. */
  readonly firstUpHostOs: string | null;
  /** VMs that run on the host according to the repository. */
  readonly vms: () => Iterable<Vm>;
}
