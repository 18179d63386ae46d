import { FakeFetcher, type FakeVm } from '../../../src/fetcher/index.js';
import {
  type ClusterSpec,
  type DeepPartial,
  initialRow,
  type MonitorSettings,
  type RowWrite,
  type VmDevice,
  type VmDynamic,
  type VmInterfaceStatistics,
  type VmJob,
  type VmStatic,
  vdsDynamicFields,
  vdsStaticFields,
  vmDynamicFields,
  vmStaticFields,
  vmStatisticsFields,
} from '../../../src/model/index.js';
import { pushStatus } from './pushes.js';
import { World } from './world.js';

export const H1 = 'H1';
export const V1 = 'V1';

/** A VM that stands in the database when the service starts: Up on H1 unless said otherwise. */
export interface StoredVm {
  readonly id?: string;
  readonly static?: Partial<VmStatic>;
  readonly dynamic?: Partial<VmDynamic>;
  readonly jobs?: readonly VmJob[];
  readonly devices?: readonly VmDevice[];
  readonly interfaces?: readonly VmInterfaceStatistics[];
}

export interface VmWorldOptions {
  readonly vms: readonly StoredVm[];
  readonly cluster?: Partial<ClusterSpec>;
  readonly settings?: DeepPartial<MonitorSettings>;
}

/** A whole monitor whose host H1 has been Up since before the service started, and was not asked for its VMs yet. */
export async function vmWorld({ vms, cluster, settings }: VmWorldOptions): Promise<World> {
  const agents = new FakeFetcher({ advance: false });
  agents.host(H1, { cluster: 'C1' });
  return World.make({
    agents,
    rows: [...hostRows(), ...vms.flatMap(rowsOf)],
    settings: { ...settings },
    options: { clusters: [{ name: 'C1', ...cluster }], hosts: agents.inventory().hosts },
  });
}

function hostRows(): RowWrite[] {
  const vdsStatic = { ...initialRow(vdsStaticFields), id: H1, name: H1, address: H1, clusterId: 'C1' };
  const vdsDynamic = { ...initialRow(vdsDynamicFields), id: H1, status: 'Up' as const, statusSince: 0 };
  return [
    { kind: 'vds_static', row: vdsStatic },
    { kind: 'vds_dynamic', row: vdsDynamic },
  ];
}

function rowsOf(vm: StoredVm): RowWrite[] {
  const id = vm.id ?? V1;
  const usual = { id, name: id, clusterId: 'C1', vcpus: 2, memoryMb: 4096 };
  const rows: RowWrite[] = [
    { kind: 'vm_static', row: { ...initialRow(vmStaticFields), ...usual, ...vm.static } },
    {
      kind: 'vm_dynamic',
      row: { ...initialRow(vmDynamicFields), id, status: 'Up', runOnVds: H1, statusSince: 0, ...vm.dynamic },
    },
    { kind: 'vm_statistics', row: { ...initialRow(vmStatisticsFields), id } },
  ];
  for (const row of vm.jobs ?? []) rows.push({ kind: 'vm_jobs', row });
  for (const row of vm.devices ?? []) rows.push({ kind: 'vm_device', row });
  for (const row of vm.interfaces ?? []) rows.push({ kind: 'vm_interface_statistics', row });
  return rows;
}

/** The next answer of GetAllVmStats says this of the VM. */
export async function polled(world: World, vm: FakeVm, id: string = V1): Promise<void> {
  world.agents.on(H1).with(id, vm);
  await world.poke(H1);
}

/** A pushed VM_status event, with the agent's own fields. */
export function pushed(
  world: World,
  fields: Readonly<Record<string, unknown>>,
  requestedAt: number,
  timestamp: number,
): void {
  pushStatus(world, { host: H1, vmId: V1, requestedAt, timestamp }, fields);
}
