import type { Freshness, Unsettled, VdsLiveness } from './liveness.js';
import type { Vds, VdsUsage } from './vds.js';
import type { VdsStatus } from './vds-status.js';
import type { Vm, VmUsage } from './vm.js';
import type { VmStatus } from './vm-status.js';

/**
 * Read ports on the state of this process. Entities are immutable and belong to the moment of the call; several calls
 * without an await between them belong to the same moment. Sets of ids are not copied: take what you need of them before
 * the next await or change.
 */
export interface VdsReader {
  readonly size: number;
  get(id: string): Vds | undefined;
  usage(id: string): VdsUsage | undefined;
  liveness(id: string): VdsLiveness | undefined;
  ids(): Iterable<string>;
  byCluster(clusterId: string): ReadonlySet<string>;
  byStatus(status: VdsStatus): ReadonlySet<string>;
}

export interface VmReader {
  readonly size: number;
  get(id: string): Vm | undefined;
  usage(id: string): VmUsage | undefined;
  unsettled(id: string): Unsettled | undefined;
  ids(): Iterable<string>;
  /** VMs whose run_on_vds is this host. */
  byHost(hostId: string): ReadonlySet<string>;
  byCluster(clusterId: string): ReadonlySet<string>;
  byStatus(status: VmStatus): ReadonlySet<string>;
  /** Another number after each change of a VM that runs on the host or ran there before it; what is open of it counts. */
  revisionOf(hostId: string): number;
  /** When the VM was last seen in a report; null = never by this process. */
  heardAt(id: string): number | null;
  freshness(id: string, now: number): Freshness;
}
