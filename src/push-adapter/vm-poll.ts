import type { Evidence } from '../events/index.js';
import type { EvidenceStamp, VmStatsReport } from '../model/index.js';
import type { ComparedReports, ComparedWith } from './compared-reports.js';

/**
 * The evidence in one answer of getAllVmStats, in the order of its contract. All of it is found before any is published:
 * whoever listens may change the repository at once, and what a report differs from is what was held when it arrived.
 */
export function vmEvidence(
  host: string,
  stamp: EvidenceStamp,
  report: VmStatsReport,
  vms: ComparedWith,
  compared: ComparedReports,
): Evidence[] {
  const evidence: Evidence[] = [{ name: 'VmStatsReceived', host, stamp, report }];
  for (const vm of compared.differing(host, report, vms)) {
    evidence.push({ name: 'VmStateChanged', host, stamp, vmId: vm.vmId, report: vm });
  }
  if (report.complete) {
    for (const vmId of compared.absent(host, report, vms)) evidence.push({ name: 'VmDisappeared', host, stamp, vmId });
  }
  return evidence;
}
