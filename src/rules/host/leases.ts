import type { HostCase } from './case.js';
import { byPriority, type HostDraft } from './draft.js';

/** The counter at the call that loses the host; that call makes -9 of it. */
export const LOST_COUNTER = -10;
const CALLS_BETWEEN_TRIES = 101;

/**
 * A VM with a lease may be started elsewhere although nobody knows whether it still runs: its storage lets only one of
 * them live (oVirt restartVmsWithLeaseIfNeeded, §3.5). It is tried at the 10th call that fails out of grace, then at
 * every 101st, the VMs of highest priority first; each try has keys of its own.
 */
export function restartOnLeases(c: HostCase, draft: HostDraft, counter: number): void {
  const vms = byPriority(c.vms());
  if (vms.length === 0) return;
  const next = counter + 1;
  draft.live({ leaseCounter: next });
  if (next < 0 || next % CALLS_BETWEEN_TRIES !== 0) return;
  const attempt = 1 + next / CALLS_BETWEEN_TRIES;
  for (const vm of vms) {
    if (!vm.static.lease) continue;
    draft.vmIntent('restartOnLease', vm, { priority: vm.static.priority, attempt }, attempt);
  }
}
