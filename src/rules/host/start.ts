import type { VdsDynamic, VdsStatus } from '../../model/index.js';

const again: Readonly<Partial<Record<VdsStatus, VdsStatus>>> = {
  Error: 'Up',
  Reboot: 'Unassigned',
  NonResponsive: 'Unassigned',
  Connecting: 'Unassigned',
  Installing: 'Unassigned',
};

/**
 * A host's status at service start, from the stored one (oVirt ResourceManager.addVds, §2.2). What was going on when the
 * last process ended is not known any more: contact is made anew. A host that was Up stays Up; freshness says how sure that is.
 */
function statusAtStart(stored: VdsStatus): VdsStatus {
  return again[stored] ?? stored;
}

/** The whole row at service start; the stored one itself when all of it still holds. Nothing is pending any more. */
export function dynamicAtStart(stored: VdsDynamic, now: number): VdsDynamic {
  const status = statusAtStart(stored.status);
  const changed = status !== stored.status;
  if (!changed && stored.pendingVcpusCount === 0 && stored.pendingVmemSize === 0) return stored;
  return {
    ...stored,
    pendingVcpusCount: 0,
    pendingVmemSize: 0,
    ...(changed ? { status, previousStatus: stored.status, statusSince: now, inFenceFlow: false } : {}),
  };
}
