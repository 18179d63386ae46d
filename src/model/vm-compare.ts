import { differs } from './diff.js';
import type { Fields } from './field.js';
import type { VmReport } from './reports.js';
import { type ReportedVmDynamic, type Vm, type VmDynamic, vmDynamicFields } from './vm.js';

/** Agent-owned fields that are copied along, but are no reason to write a row (monitoring-rules.md §4.11). */
const notCompared: ReadonlySet<string> = new Set(['exitMessage', 'vmHost', 'guestRequestedMemory']);

/** The fields whose change in a report is a change of the VM. */
export const comparedVmFields: Fields = Object.fromEntries(
  Object.entries(vmDynamicFields).filter(([name, field]) => field.owner === 'agent' && !notCompared.has(name)),
);

/**
 * What a report says about a VM's state, as it would be stored: the application list counts only while the VM is Up
 * (the guest agent of a paused or starting guest says nothing).
 */
export function reportedFields(stored: VmDynamic, report: VmReport): ReportedVmDynamic {
  const fields = report.dynamic;
  if (report.status === 'Up' || fields.appList === undefined || fields.appList === stored.appList) return fields;
  return { ...fields, appList: stored.appList };
}

/** Whether the TPM's or the NVRAM's data have another fingerprint than is known. */
export function saysOtherData(report: VmReport, stored: VmDynamic): boolean {
  const { tpmHash, nvramHash } = report;
  return (tpmHash !== null && tpmHash !== stored.tpmHash) || (nvramHash !== null && nvramHash !== stored.nvramHash);
}

/**
 * Whether a report gives a reason to decide about the VM: it is not known, not on this host, in another status, or has
 * another agent-owned field or device fingerprint.
 */
export function reportDiffers(vm: Vm | undefined, report: VmReport, hostId: string): boolean {
  if (vm === undefined || vm.dynamic.runOnVds !== hostId || vm.dynamic.status !== report.status) return true;
  if (report.deviceHash !== null && report.deviceHash !== vm.dynamic.hash) return true;
  if (saysOtherData(report, vm.dynamic)) return true;
  const fields = report.dynamic;
  if (!differs(comparedVmFields, vm.dynamic, fields)) return false;
  return differs(comparedVmFields, vm.dynamic, reportedFields(vm.dynamic, report));
}
