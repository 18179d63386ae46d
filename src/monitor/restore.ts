import type { StateLoader } from '../events/index.js';
import type { Clock, Telemetry } from '../kernel/index.js';
import {
  type ClusterNetwork,
  type DiskStatistics,
  type GuestInterface,
  initialLiveness,
  initialRow,
  type NumaNode,
  type Row,
  type RowKind,
  type VdsDynamic,
  type VdsInterface,
  type VdsInterfaceStatistics,
  type VmDevice,
  type VmDynamic,
  type VmInterfaceStatistics,
  type VmJob,
  vdsDynamicFields,
  vmDynamicFields,
} from '../model/index.js';
import type { HostSets, Inventory } from '../repository/index.js';
import { dynamicAtStart } from '../rules/index.js';
import type { IntentBook, StatisticsWriter } from '../updater/index.js';

export interface RestoreTarget {
  readonly sets: HostSets;
  readonly inventory: Inventory;
  readonly statistics: StatisticsWriter;
  readonly intents: IntentBook;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

export interface Restored {
  /** Rows, as stored, of hosts of which not all holds any more at service start. */
  readonly restarted: readonly VdsDynamic[];
}

/**
 * Loads the stored state into the repositories. What it says is stale until agents confirm it; a host's status is mapped as
 * oVirt does at engine start (§2.2).
 */
export async function restoreState(loader: StateLoader, target: RestoreTarget): Promise<Restored> {
  await restoreClusters(loader, target.inventory);
  const restarted = await restoreHosts(loader, target);
  await restoreVms(loader, target);
  await restoreIntents(loader, target);
  return { restarted };
}

async function restoreClusters(loader: StateLoader, inventory: Inventory): Promise<void> {
  for await (const rows of loader.load('cluster')) for (const row of rows) inventory.putCluster(row);
  const networks = await grouped<'cluster_network', ClusterNetwork>(loader, 'cluster_network', (row) => row.clusterId);
  for (const [clusterId, rows] of networks) inventory.putNetworks(clusterId, rows);
}

async function restoreHosts(loader: StateLoader, { sets, statistics, clock }: RestoreTarget): Promise<VdsDynamic[]> {
  const now = clock.now();
  const restarted: VdsDynamic[] = [];
  const dynamics = await byId(loader, 'vds_dynamic', (row) => row.id);
  const usages = await byId(loader, 'vds_statistics', (row) => row.id);
  const interfaces = await grouped<'vds_interface', VdsInterface>(loader, 'vds_interface', (row) => row.hostId);
  const nics = await grouped<'vds_interface_statistics', VdsInterfaceStatistics>(
    loader,
    'vds_interface_statistics',
    (row) => row.hostId,
  );
  const numa = await grouped<'numa_node', NumaNode>(loader, 'numa_node', (row) => row.hostId);
  for await (const rows of loader.load('vds_static')) {
    for (const vdsStatic of rows) {
      const { id } = vdsStatic;
      const stored = dynamics.get(id) ?? { ...initialRow(vdsDynamicFields), id };
      const dynamic = dynamicAtStart(stored, now);
      if (dynamic !== stored) restarted.push(stored);
      sets.putHost({ id, static: vdsStatic, dynamic, interfaces: interfaces.get(id) ?? [] });
      const set = sets.setOfHost(id);
      set?.vds.setLiveness(id, initialLiveness(now));
      const measured = usages.get(id);
      if (measured === undefined) continue;
      const usage = { statistics: measured, interfaces: nics.get(id) ?? [], numaNodes: numa.get(id) ?? [] };
      set?.vds.setUsage(id, usage);
      statistics.loadedVds(id, usage);
    }
  }
  return restarted;
}

async function restoreVms(loader: StateLoader, { sets, statistics }: RestoreTarget): Promise<void> {
  const dynamics = await byId<'vm_dynamic', VmDynamic>(loader, 'vm_dynamic', (row) => row.id);
  const usages = await byId(loader, 'vm_statistics', (row) => row.id);
  const guests = await grouped<'vm_guest_agent_interfaces', GuestInterface>(
    loader,
    'vm_guest_agent_interfaces',
    (row) => row.vmId,
  );
  const jobs = await grouped<'vm_jobs', VmJob>(loader, 'vm_jobs', (row) => row.vmId);
  const devices = await grouped<'vm_device', VmDevice>(loader, 'vm_device', (row) => row.vmId);
  const nics = await grouped<'vm_interface_statistics', VmInterfaceStatistics>(
    loader,
    'vm_interface_statistics',
    (row) => row.vmId,
  );
  const disks = await grouped<'disk_image_dynamic', DiskStatistics>(loader, 'disk_image_dynamic', (row) => row.vmId);
  for await (const rows of loader.load('vm_static')) {
    for (const vmStatic of rows) {
      const { id } = vmStatic;
      const dynamic = dynamics.get(id) ?? { ...initialRow(vmDynamicFields), id };
      sets.putVm({
        ...{ id, static: vmStatic, dynamic },
        guestInterfaces: guests.get(id) ?? [],
        jobs: jobs.get(id) ?? [],
        devices: devices.get(id) ?? [],
      });
      const measured = usages.get(id);
      if (measured === undefined) continue;
      const usage = {
        statistics: measured,
        interfaces: nics.get(id) ?? [],
        disks: disks.get(id) ?? [],
        migrationProgress: null,
      };
      statistics.loadedVm(id, usage);
    }
  }
}

async function restoreIntents(loader: StateLoader, { intents, telemetry }: RestoreTarget): Promise<void> {
  for await (const rows of loader.load('intent')) {
    const unknown = intents.load(rows);
    if (unknown > 0) telemetry.log('warn', 'Stored advice of kinds that are not known was left out', { rows: unknown });
  }
}

async function byId<K extends RowKind, R extends Row<K> = Row<K>>(
  loader: StateLoader,
  kind: K,
  idOf: (row: R) => string,
): Promise<Map<string, R>> {
  const all = new Map<string, R>();
  for await (const rows of loader.load(kind)) for (const row of rows) all.set(idOf(row as R), row as R);
  return all;
}

async function grouped<K extends RowKind, R>(
  loader: StateLoader,
  kind: K,
  idOf: (row: R) => string,
): Promise<Map<string, R[]>> {
  const all = new Map<string, R[]>();
  for await (const rows of loader.load(kind)) {
    for (const row of rows as readonly R[]) {
      const group = all.get(idOf(row));
      if (group === undefined) all.set(idOf(row), [row]);
      else group.push(row);
    }
  }
  return all;
}
