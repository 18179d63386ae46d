import type { VmStatus } from '../../model/index.js';
import type { HostCase } from './case.js';
import type { HostDraft } from './draft.js';

/** A VM that is launched counts as pending until it powers up, one that is down not at all. */
const notCommitted: ReadonlySet<VmStatus> = new Set<VmStatus>(['WaitForLaunch', 'Down']);

/**
 * Memory and CPUs that the VMs on the host may claim (oVirt refreshCommitedMemory, §2.7): those of the last report that
 * are known to run here. What is not known of a VM's size counts as nothing.
 */
function commitment(c: HostCase, guestOverhead: number): { memCommited: number; vmsCoresCount: number } {
  let memCommited = guestOverhead;
  let vmsCoresCount = 0;
  for (const vm of c.vms()) {
    if (notCommitted.has(vm.dynamic.status) || c.isMissing(vm.id)) continue;
    memCommited += (vm.static.memoryMb ?? 0) + vm.static.overheadMb;
    vmsCoresCount += vm.static.vcpus ?? 0;
  }
  return { memCommited, vmsCoresCount };
}

/** Equal figures leave the row as it is, so that nothing is written for them. */
export function takeCommitment(c: HostCase, draft: HostDraft): void {
  draft.set(commitment(c, draft.dynamic.guestOverhead));
}
