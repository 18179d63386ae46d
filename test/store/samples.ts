import type { ChangeRecord, ChangeSet, EventRecord, LogRecordDraft } from '../../src/events/index.js';
import {
  type Field,
  type Fields,
  initialRow,
  type Row,
  type RowKind,
  type RowWrite,
  rowKinds,
  type VmUsage,
  vmDynamicFields,
} from '../../src/model/index.js';

export const T0 = Date.UTC(2026, 0, 1);

export function vmRow(id: string, changes: Partial<Row<'vm_dynamic'>> = {}): RowWrite {
  return { kind: 'vm_dynamic', row: { ...initialRow(vmDynamicFields), id, status: 'Up', ...changes } };
}

export function vmStatistics(id: string, cpuUser: number): RowWrite {
  return { kind: 'vm_statistics', row: { ...initialRow(rowKinds.vm_statistics.fields), id, cpuUser } };
}

const common = (vmId: string, time: number) =>
  ({
    time,
    hostId: 'host-1',
    vmId,
    clusterId: 'cluster-1',
    correlation: null,
    cause: { rule: 'test', source: { by: 'timer', at: time } },
  }) as const;

export function vmChange(id: string, to: unknown, time = T0): ChangeRecord {
  return {
    ...common(id, time),
    kind: 'change',
    entity: 'vm',
    entityId: id,
    what: 'changed',
    changes: [{ path: 'guestOs', from: null, to }],
  };
}

export function vmEvent(id: string, message: string, time = T0): EventRecord {
  return {
    ...common(id, time),
    kind: 'event',
    name: 'VM_PAUSED',
    severity: 'NORMAL',
    message,
    params: { vm: id },
    customId: null,
    parent: null,
    id: `event of ${id}`,
  };
}

export function intent(key: string): LogRecordDraft {
  return {
    ...common('vm-1', T0),
    kind: 'intent',
    intent: 'destroy',
    round: 0,
    since: null,
    key,
    advisory: true,
    evidence: { host: 'host-1', misses: 2 },
  };
}

/** A VM's row and the record that explains it: `guestOs` tells which version of the row it is. */
export function vmSet(id: string, guestOs: string): ChangeSet {
  return { rows: [vmRow(id, { guestOs })], records: [vmChange(id, guestOs)] };
}

/** A row with a telling value in every field. */
export function fullRow(kind: RowKind, index: number): RowWrite {
  const fields: Fields = rowKinds[kind].fields;
  const row = Object.fromEntries(Object.entries(fields).map(([name, field], at) => [name, valueFor(field, index, at)]));
  return { kind, row } as unknown as RowWrite;
}

function valueFor(field: Field<unknown>, index: number, at: number): unknown {
  switch (field.kind) {
    case 'text':
      return `${field.column} "${index}" {\\,} é€😀`.slice(0, field.max ?? 100);
    case 'int':
      return at % 2 === 0 ? Number.MAX_SAFE_INTEGER - index : -1 - index;
    case 'float':
      return [0.1 + index, -1e-300, Number.POSITIVE_INFINITY, 1 / 3][(index + at) % 4];
    case 'bool':
      return (index + at) % 2 === 0;
    case 'count':
      return 2n ** 70n + BigInt(index);
    case 'json':
      return [{ name: `"${index}"`, list: [1, 2.5, null, true], deep: { 'a b': 'ü' } }];
    case 'time':
      return T0 + index * 1001 + at;
    case 'enum': {
      const names = Object.keys(field.ids ?? {});
      return names[(index + at) % names.length];
    }
  }
}

/** A deletion of the row that `write` puts. */
export function deletionOf(write: RowWrite): RowWrite {
  if ('deleted' in write) return write;
  const row = write.row as Readonly<Record<string, unknown>>;
  return { kind: write.kind, deleted: rowKinds[write.kind].key.map((name) => row[name] as string | number) };
}

/** A VM's usage that is as any other, with these nics and disks. */
export function usageOf(vmId: string, macs: readonly string[], imageIds: readonly string[]): VmUsage {
  const row = <K extends RowKind>(kind: K): Row<K> => (fullRow(kind, 3) as unknown as { row: Row<K> }).row;
  return {
    statistics: { ...row('vm_statistics'), id: vmId },
    interfaces: macs.map((macAddr) => ({ ...row('vm_interface_statistics'), vmId, macAddr })),
    disks: imageIds.map((imageId) => ({ ...row('disk_image_dynamic'), vmId, imageId })),
    migrationProgress: null,
  };
}
