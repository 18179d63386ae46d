import { RealTime } from '../../src/kernel/index.js';
import { initialRow, type RowWrite, rowKinds } from '../../src/model/index.js';
import { PostgresStore } from '../../src/store/index.js';
import type { BenchDatabase } from './database.js';

export interface StoredFleet {
  readonly schema: string;
  readonly records: number;
  readonly vms: number;
  readonly hosts: number;
  readonly seed: number;
}

/** Records in one statement. */
const CHUNK = 200_000;
/** Of 100 records, one is of a VM that is gone: its cluster stays unknown. */
const GONE = 7;
const DEVICES = 2;

/** Records whose cluster no backfill can find. */
export const goneRecords = (upTo: number): number => Math.floor((upTo + 100 - GONE) / 100);

const columnOf = (kind: keyof typeof rowKinds, field: string): string =>
  (rowKinds[kind].fields as Record<string, { readonly column: string }>)[field]?.column ?? field;

/** One row of each kind that a fleet has; the database copies them. */
function templates(): RowWrite[] {
  const of = (kind: keyof typeof rowKinds, fields: object): RowWrite =>
    ({
      kind,
      row: { ...initialRow(rowKinds[kind].fields as typeof rowKinds.vm_dynamic.fields), ...fields },
    }) as RowWrite;
  return [
    of('cluster', { id: 'prod', name: 'prod' }),
    of('vds_static', { id: 't', name: 't', address: '127.0.0.1', clusterId: 'prod', source: 'api' }),
    // Nobody polls a host in maintenance: what is measured is the start alone.
    of('vds_dynamic', { id: 't', status: 'Maintenance' }),
    of('vm_static', { id: 't', name: 't', clusterId: 'prod', priority: 1 }),
    of('vm_dynamic', { id: 't', status: 'Up', guestOs: 'Linux 6.12', vmHost: 'web.example.com', vmIp: '10.0.0.1' }),
    of('vm_statistics', { id: 't', cpuUser: 12.5 }),
    of('vm_device', { vmId: 't', id: 't', type: 'interface', device: 'bridge' }),
    of('vm_interface_statistics', { vmId: 't', macAddr: 't', name: 'vnet0', speedMbps: 1000 }),
  ];
}

/**
 * Writes state and log as an earlier version left them: records without a cluster. The database makes the rows itself, from
 * one of each kind that the store wrote and from hashes of a seed; through the committer it would take many minutes.
 */
export async function storeFleet({ url, ask }: Pick<BenchDatabase, 'url' | 'ask'>, fleet: StoredFleet): Promise<void> {
  const { schema, records, vms, hosts, seed } = fleet;
  const time = new RealTime();
  const store = await PostgresStore.open({ connection: url, schema, clock: time, scheduler: time });
  store.committer.commit({ rows: templates(), records: [] });
  await store.committer.flushed();
  await store.close();

  const copy = async (kind: keyof typeof rowKinds, count: number, key: string, changes: string): Promise<void> => {
    const column = columnOf(kind, key);
    await ask(`
      INSERT INTO ${schema}.${kind} SELECT made.*
      FROM ${schema}.${kind} t, generate_series(1, ${count}) n,
        LATERAL jsonb_populate_record(t, jsonb_build_object(${changes})) made
      WHERE t.${column} = 't'`);
    await ask(`DELETE FROM ${schema}.${kind} WHERE ${column} = 't'`);
  };
  const host = `'host-' || n`;
  await copy('vds_static', hosts, 'id', `'vds_id', ${host}, 'vds_name', 'kvm-' || n`);
  await copy('vds_dynamic', hosts, 'id', `'vds_id', ${host}`);
  const vm = `'vm-' || n`;
  await copy('vm_static', vms, 'id', `'vm_guid', ${vm}, 'vm_name', 'web-' || n`);
  const runOn = `'run_on_vds', 'host-' || (hashint8extended(n, ${seed}) & 2147483647) % ${hosts} + 1`;
  await copy('vm_dynamic', vms, 'id', `'vm_guid', ${vm}, ${runOn}`);
  await copy('vm_statistics', vms, 'id', `'vm_guid', ${vm}`);
  const device = `'vm_id', 'vm-' || (n % ${vms} + 1), 'device_id', 'device-' || n`;
  await copy('vm_device', vms * DEVICES, 'vmId', device);
  await copy('vm_interface_statistics', vms, 'vmId', `'vm_id', ${vm}, 'mac_addr', '56:6f:' || n`);
  for (let after = 0; after < records; after += CHUNK) {
    const upTo = Math.min(after + CHUNK, records);
    await ask(`
      INSERT INTO ${schema}.log_record (seq, epoch, kind, name, severity, time, vm_id, payload)
      SELECT n, 1, 1, 'VM_PAUSED', 0, now() - (${records} - n) * interval '100 ms',
        CASE WHEN n % 100 = ${GONE} THEN 'gone' ELSE 'vm-' || (hashint8extended(n, ${seed}) & 2147483647) % ${vms} + 1 END,
        jsonb_build_object('name', 'VM_PAUSED', 'severity', 'NORMAL', 'message', 'web has been paused', 'params', '{}'::jsonb,
          'id', 'event-' || n, 'customId', null, 'parent', null, 'cause', '{"rule":"vm.here.paused","source":{"by":"timer","at":0}}'::jsonb)
      FROM generate_series(${after + 1}, ${upTo}) AS n`);
  }
  await ask(`UPDATE ${schema}.shard SET head = ${records}`);
  await ask(`UPDATE ${schema}.backfill SET done = 0, finished_at = null, goal = ${records}`);
  // As the database has long done by itself to the log of an earlier version.
  await ask('VACUUM ANALYZE');
}
