import type { Evidence } from '../events/index.js';
import { type AgentPush, type EvidenceStamp, reportDiffers, type VmReader } from '../model/index.js';

/**
 * The evidence in one push, in the order of its contract. A VM that is not settled is decided on by every report of its
 * host, whatever it says. Never an absence: a push speaks of the VMs that are in it.
 */
export function pushEvidence(
  host: string,
  stamp: EvidenceStamp,
  push: AgentPush,
  vms: Pick<VmReader, 'get' | 'unsettled'>,
): Evidence[] {
  const evidence: Evidence[] = [{ name: 'VdsPushed', host, stamp, push }];
  if (push.kind !== 'vmStatus') return evidence;
  for (const report of push.vms) {
    const { vmId } = report;
    if (reportDiffers(vms.get(vmId), report, host) || vms.unsettled(vmId) !== undefined) {
      evidence.push({ name: 'VmStateChanged', host, stamp, vmId, report });
    }
  }
  return evidence;
}
