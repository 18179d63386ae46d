import type { Fields, RowOf } from './field.js';
import { intentFields } from './intent.js';
import { clusterFields, clusterNetworkFields } from './inventory.js';
import {
  numaNodeFields,
  vdsDynamicFields,
  vdsInterfaceFields,
  vdsInterfaceStatisticsFields,
  vdsStaticFields,
  vdsStatisticsFields,
} from './vds.js';
import {
  diskStatisticsFields,
  guestInterfaceFields,
  vmDynamicFields,
  vmInterfaceStatisticsFields,
  vmJobFields,
  vmStaticFields,
  vmStatisticsFields,
} from './vm.js';
import { vmDeviceFields } from './vm-device.js';

interface RowKindSpec<F extends Fields> {
  readonly fields: F;
  /** Names of the fields that are the primary key, in order. */
  readonly key: readonly (keyof F & string)[];
  /** Statistics are written at their own pace and may be lost in a crash; state is not. */
  readonly statistics: boolean;
}

const state = <F extends Fields>(fields: F, ...key: (keyof F & string)[]): RowKindSpec<F> => ({
  fields,
  key,
  statistics: false,
});
const statistics = <F extends Fields>(fields: F, ...key: (keyof F & string)[]): RowKindSpec<F> => ({
  fields,
  key,
  statistics: true,
});

/** Every kind of row that is stored; the names are the tables' names. */
export const rowKinds = {
  cluster: state(clusterFields, 'id'),
  cluster_network: state(clusterNetworkFields, 'clusterId', 'name'),
  vds_static: state(vdsStaticFields, 'id'),
  vds_dynamic: state(vdsDynamicFields, 'id'),
  vds_interface: state(vdsInterfaceFields, 'hostId', 'name'),
  vds_statistics: statistics(vdsStatisticsFields, 'id'),
  vds_interface_statistics: statistics(vdsInterfaceStatisticsFields, 'hostId', 'name'),
  numa_node: statistics(numaNodeFields, 'hostId', 'index'),
  vm_static: state(vmStaticFields, 'id'),
  vm_dynamic: state(vmDynamicFields, 'id'),
  vm_guest_agent_interfaces: state(guestInterfaceFields, 'vmId', 'name'),
  vm_jobs: state(vmJobFields, 'id'),
  vm_device: state(vmDeviceFields, 'vmId', 'id'),
  vm_statistics: statistics(vmStatisticsFields, 'id'),
  vm_interface_statistics: statistics(vmInterfaceStatisticsFields, 'vmId', 'macAddr'),
  disk_image_dynamic: statistics(diskStatisticsFields, 'imageId'),
  intent: state(intentFields, 'key'),
} as const;

export type RowKind = keyof typeof rowKinds;
export type Row<K extends RowKind> = RowOf<(typeof rowKinds)[K]['fields']>;

/** One row to be stored (whole) or deleted. A later write of the same kind and key replaces an earlier one. */
export type RowWrite =
  | { [K in RowKind]: { readonly kind: K; readonly row: Row<K> } }[RowKind]
  | { readonly kind: RowKind; readonly deleted: readonly (string | number)[] };

/** The primary key of a write as text: equal keys of one kind are the same row. */
export function keyOf(write: RowWrite): string {
  if ('deleted' in write) return JSON.stringify(write.deleted);
  const row = write.row as Readonly<Record<string, unknown>>;
  return JSON.stringify(rowKinds[write.kind].key.map((name) => row[name]));
}
