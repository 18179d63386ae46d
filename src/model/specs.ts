import type { AgentTls } from './agent.js';
import type { Cluster, ClusterNetwork } from './inventory.js';
import type { AgentProtocol } from './vds.js';
import type { SpmStatus } from './vds-status.js';
import type { VmDisk, VmNic } from './vm.js';
import type { Origin } from './vm-status.js';

/** Inventory of one host as the manager, the settings or the API give it. Absent = default or unknown. */
export interface HostSpec {
  /** Default: the name. */
  readonly id?: string;
  readonly name: string;
  readonly address: string;
  readonly port?: number;
  readonly protocol?: AgentProtocol;
  /** Id or name; made if it does not exist. Default "Default". */
  readonly cluster?: string;
  readonly source?: string;
  readonly pmEnabled?: boolean;
  readonly spmStatus?: SpmStatus;
  /** Whether it may be activated again by itself after a rule made it NonOperational. Default true. */
  readonly autoRecoverable?: boolean;
  /** TLS of this host; default: agents.tls. null = plain. */
  readonly tls?: AgentTls | null;
}

export interface VmSpec {
  readonly id: string;
  readonly name: string;
  readonly cluster?: string;
  /** Default: as it is; a hosted engine’s VM that was found is a managed one from now on. */
  readonly origin?: Origin;
  readonly ha?: boolean;
  readonly priority?: number;
  readonly lease?: boolean;
  readonly vcpus?: number;
  readonly memoryMb?: number;
  readonly minMemoryMb?: number;
  /** QEMU's own need on top of the guest's memory. */
  readonly overheadMb?: number;
  readonly nics?: readonly VmNic[];
  readonly disks?: readonly VmDisk[];
}

export type ClusterSpec = Partial<Omit<Cluster, 'id' | 'name'>> & {
  readonly id?: string;
  readonly name: string;
  readonly networks?: readonly (Partial<Omit<ClusterNetwork, 'clusterId' | 'name'>> & { readonly name: string })[];
};
