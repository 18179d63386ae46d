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
  if (before?.guestInterfaces !== after.guestInterfaces) {
    const known = new Set(before?.guestInterfaces);
    const names = new Set(after.guestInterfaces.map((nic) => nic.name));
    for (const row of after.guestInterfaces) if (!known.has(row)) rows.push({ kind: 'vm_guest_agent_interfaces', row });
    for (const { vmId, name } of known) {
      if (!names.has(name)) rows.push({ kind: 'vm_guest_agent_interfaces', deleted: [vmId, name] });
    }
  }
  if (before?.jobs !== after.jobs) {
    const known = new Set(before?.jobs);
    const ids = new Set(after.jobs.map((job) => job.id));
    for (const row of after.jobs) if (!known.has(row)) rows.push({ kind: 'vm_jobs', row });
    for (const { id } of known) if (!ids.has(id)) rows.push({ kind: 'vm_jobs', deleted: [id] });
  }
  return rows;
}

/** What changed, for the log: the state can be rebuilt from it. */
export function vmChanges(before: Vm | undefined, after: Vm): FieldChange[] {
  const changes: FieldChange[] = [];
  if (before?.static !== after.static) {
    changes.push(...diffOf(vmStaticFields, before?.static ?? initialRow(vmStaticFields), after.static));
  }
  if (before?.dynamic !== after.dynamic) {
    changes.push(...diffOf(vmDynamicFields, before?.dynamic ?? initialRow(vmDynamicFields), after.dynamic));
  }
  for (const path of ['guestInterfaces', 'jobs'] as const) {
    const from = before?.[path] ?? [];
    const to = after[path];
    if (from !== to && (from.length > 0 || to.length > 0)) changes.push({ path, from, to });
  }
  return changes;
}
