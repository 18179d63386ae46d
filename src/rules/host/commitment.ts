import type { Vm, VmStatus } from '../../model/index.js';
import type { Claims, HostCase } from './case.js';
import type { HostDraft } from './draft.js';

/** A VM that is launched counts as pending until it powers up, one that is down not at all. */
const notCommitted: ReadonlySet<VmStatus> = new Set<VmStatus>(['WaitForLaunch', 'Down']);

/**
 * What the VMs on a host may claim (oVirt refreshCommitedMemory, §2.7): those of the last report that are known to run
 * here. What is not known of a VM's size counts as nothing.
 */
export function claimsOf(vms: Iterable<Vm>, isMissing: (vmId: string) => boolean): Claims {
  let memoryMb = 0;
  let cores = 0;
  for (const vm of vms) {
    if (notCommitted.has(vm.dynamic.status) || isMissing(vm.id)) continue;
    memoryMb += (vm.static.memoryMb ?? 0) + vm.static.overheadMb;
    cores += vm.static.vcpus ?? 0;
  }
  return { memoryMb, cores };
}

/** Equal figures leave the row as it is, so that nothing is written for them. */
export function takeCommitment(c: HostCase, draft: HostDraft): void {
  const { memoryMb, cores } = c.claims();
  draft.set({ memCommited: draft.dynamic.guestOverhead + memoryMb, vmsCoresCount: cores });
}
