import {
  diffOf,
  type FieldChange,
  initialRow,
  type RowWrite,
  type Vm,
  vmDynamicFields,
  vmStaticFields,
} from '../model/index.js';

/** What is to be written for a VM that has become `after`. */
export function vmRows(before: Vm | undefined, after: Vm): RowWrite[] {
  const rows: RowWrite[] = [];
  if (before?.static !== after.static) rows.push({ kind: 'vm_static', row: after.static });
  if (before?.dynamic !== after.dynamic) rows.push({ kind: 'vm_dynamic', row: after.dynamic });
  const nics = differences(before?.guestInterfaces, after.guestInterfaces, (nic) => nic.name);
  for (const row of nics.written) rows.push({ kind: 'vm_guest_agent_interfaces', row });
  for (const { vmId, name } of nics.gone) rows.push({ kind: 'vm_guest_agent_interfaces', deleted: [vmId, name] });
  const jobs = differences(before?.jobs, after.jobs, (job) => job.id);
  for (const row of jobs.written) rows.push({ kind: 'vm_jobs', row });
  for (const { id } of jobs.gone) rows.push({ kind: 'vm_jobs', deleted: [id] });
  const devices = differences(before?.devices, after.devices, (device) => device.id);
  for (const row of devices.written) rows.push({ kind: 'vm_device', row });
  for (const { vmId, id } of devices.gone) rows.push({ kind: 'vm_device', deleted: [vmId, id] });
  return rows;
}

/** What changed, for the log: the state can be rebuilt from it. `ofState`: what of the state did, where that is known. */
export function vmChanges(before: Vm | undefined, after: Vm, ofState?: readonly FieldChange[]): readonly FieldChange[] {
  const changes: FieldChange[] = [];
  if (before?.static !== after.static) {
    changes.push(...diffOf(vmStaticFields, before?.static ?? initialRow(vmStaticFields), after.static));
  }
  if (before?.dynamic !== after.dynamic) {
    const initial = before?.dynamic ?? initialRow(vmDynamicFields);
    changes.push(...(ofState ?? diffOf(vmDynamicFields, initial, after.dynamic)));
  }
  for (const path of ['guestInterfaces', 'jobs', 'devices'] as const) {
    const from = before?.[path] ?? [];
    const to = after[path];
    if (from !== to && (from.length > 0 || to.length > 0)) changes.push({ path, from, to });
  }
  return changes;
}

const none: readonly never[] = [];
const noDifference = { written: none, gone: none };

/** Unchanged parts are the same objects. */
function differences<T>(before: readonly T[] | undefined, after: readonly T[], keyOf: (part: T) => string) {
  if (before === after) return noDifference;
  const known = new Set(before);
  const kept = new Set(after.map(keyOf));
  return {
    written: after.filter((part) => !known.has(part)),
    gone: [...known].filter((part) => !kept.has(keyOf(part))),
  };
}
