import type { Cluster, EvidenceStamp, HostSettings, Vds, VdsLiveness, VdsUsage } from '../../model/index.js';

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
}
