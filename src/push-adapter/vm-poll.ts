import type { Evidence } from '../events/index.js';
import { type EvidenceStamp, reportDiffers, type VmReader, type VmStatsReport } from '../model/index.js';

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
  for (const vm of report.all()) {
    if (reportDiffers(vms.get(vm.vmId), vm, host)) {
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
