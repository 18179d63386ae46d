import type { HostCase } from './case.js';

const isOver = (phase: string): boolean => /^(PAUSED|FINISHED)/.test(phase);

/**
 * Whether a host that is being emptied may go into Maintenance (§2.6): no image is transferred over it, and no VM runs
 * there, neither by its own word nor by ours. With maintenance.ignoreExternalVms only VMs that are not made outside count.
 */
export function canEnterMaintenance(c: HostCase, vmCount: number): boolean {
  if (!c.imageTransfers.every(isOver)) return false;
  const vms = [...c.vms()];
  if (c.general.maintenance.ignoreExternalVms) return vms.every((vm) => vm.static.origin === 'EXTERNAL');
  return vmCount === 0 && vms.length === 0;
}

/** When a host that is being emptied is to be asked again. After a restart: when it has been leaving for that long. */
export function maintenanceRetryAt(c: HostCase): number {
  const { maintenanceRetryAt: next } = c.liveness;
  return next ?? (c.host.dynamic.statusSince ?? 0) + c.general.maintenance.retrySeconds * 1000;
}
