import type { Evidence } from '../events/index.js';
import {
  differs,
  type EvidenceStamp,
  saysOtherData,
  type Vm,
  type VmReader,
  type VmReport,
  type VmStatsReport,
  vmDynamicFields,
} from '../model/index.js';

/**
 * The evidence in one answer of getAllVmStats, in the order of its contract. All of it is found before any is published:
 * whoever listens may change the repository at once, and what a report differs from is what was held when it arrived.
 */
export function vmEvidence(
  host: string,
  stamp: EvidenceStamp,
  report: VmStatsReport,
  vms: Pick<VmReader, 'get' | 'byHost'>,
): Evidence[] {
  const evidence: Evidence[] = [{ name: 'VmStatsReceived', host, stamp, report }];
  for (const vm of report.changed()) {
    if (!isAsHeld(vm, host, vms.get(vm.vmId))) {
      evidence.push({ name: 'VmStateChanged', host, stamp, vmId: vm.vmId, report: vm });
    }
  }
  if (report.complete) {
    for (const vmId of vms.byHost(host)) {
      if (!report.has(vmId)) evidence.push({ name: 'VmDisappeared', host, stamp, vmId });
    }
  }
  return evidence;
}

function isAsHeld(report: VmReport, host: string, held: Vm | undefined): boolean {
  if (held === undefined) return false;
  const { dynamic } = held;
  if (dynamic.runOnVds !== host || dynamic.status !== report.status) return false;
  if (report.deviceHash !== null && report.deviceHash !== dynamic.hash) return false;
  if (saysOtherData(report, dynamic)) return false;
  return !differs(vmDynamicFields, dynamic, report.dynamic);
}
