import type {
  Cluster,
  ClusterNetwork,
  EvidenceStamp,
  HostSettings,
  MonitorSettings,
  Vds,
  VdsCapabilitiesReport,
  VdsLiveness,
  VdsStatus,
  VdsUsage,
  Vm,
} from '../../model/index.js';

/** The general settings that host rules read. */
export type HostRuleSettings = Pick<
  MonitorSettings,
  'mode' | 'thresholds' | 'maintenance' | 'fencing' | 'autoRecovery' | 'certificates'
>;

/** Memory (MiB) and CPUs that VMs may claim. */
export interface Claims {
  readonly memoryMb: number;
  readonly cores: number;
}

/** All that one decision about one host depends on. */
export interface HostCase {
  readonly now: number;
  readonly stamp: EvidenceStamp;
  readonly host: Vds;
  readonly usage: VdsUsage | undefined;
  readonly liveness: VdsLiveness;
  readonly settings: HostSettings;
  readonly general: HostRuleSettings;
  /** When this process began to monitor. */
  readonly startedAt: number;
  /** undefined: nothing is known of the cluster, and the rules that need it are off. */
  readonly cluster: Cluster | undefined;
  /** Networks of the cluster by name; empty: none are known. */
  readonly networks: ReadonlyMap<string, ClusterNetwork>;
  /** Operating system of the first host of the cluster that is Up; null: there is none. */
  readonly firstUpHostOs: string | null;
  /** Statuses of all hosts of the cluster, this one's included. */
  readonly clusterStatuses: () => Iterable<VdsStatus>;
  /** VMs that run on the host according to the repository. */
  readonly vms: () => Iterable<Vm>;
  /** VMs that migrate to the host. */
  readonly incomingVms: () => Iterable<Vm>;
  /** What those of them may claim that were in the host's last complete report. */
  readonly claims: () => Claims;
  /** Phases of the image transfers that run over the host, as the manager says; empty: none are known. */
  readonly imageTransfers: readonly string[];
}

/** Capabilities were answered. */
export type CapabilitiesCase = HostCase & { readonly report: VdsCapabilitiesReport };
