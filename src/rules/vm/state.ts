import {
  copyOfVmDynamic,
  type Mutable,
  notRunning,
  type ReportedVmDynamic,
  reportedFields,
  sameValue,
  upOrPaused,
  type VmDynamic,
  type VmReport,
  type VmStatus,
} from '../../model/index.js';
import type { ExitData } from './case.js';

/**
 * What a report makes of a VM's state (oVirt VmDynamic.updateRuntimeData): the agent-owned fields, and the VM runs on the
 * reporting host. Being Up or Paused there ends any migration.
 */
export function copyReported(stored: VmDynamic, report: VmReport, hostId: string, now: number): VmDynamic {
  const fields = reportedFields(stored, report);
  const next = copyOfVmDynamic(stored);
  const byName = next as Record<string, unknown>;
  for (const name in fields) {
    const value = fields[name as keyof ReportedVmDynamic];
    // Of two equal contents the stored one stays, so that nothing looks changed that is not.
    if (value !== undefined && !sameValue(stored[name as keyof ReportedVmDynamic], value)) byName[name] = value;
  }
  next.runOnVds = hostId;
  if (upOrPaused.has(report.status)) next.migratingToVds = null;
  // A push leaves out what did not change; a pause code that is left over from before the VM ran again must not survive.
  if (report.status !== 'Paused' && fields.pauseStatus === undefined) next.pauseStatus = 'NONE';
  return stamped(stored, next, now);
}

/**
 * Sets a status and what goes with it (oVirt internalSetVmStatus): a VM that does not run, or of which nothing is known,
 * has no display, guest or migration; one that does not run has no host.
 */
export function withStatus(stored: VmDynamic, status: VmStatus, exit: ExitData, now: number): VmDynamic {
  const next = Object.assign(copyOfVmDynamic(stored), { status }, exit);
  if (notRunning.has(status) || status === 'Unknown') {
    Object.assign(next, {
      migratingToVds: null,
      graphics: null,
      guestUser: null,
      consoleUser: null,
      consoleUserId: null,
      clientIp: null,
      vmIp: null,
      fqdn: null,
      cpuName: null,
      emulatedMachine: null,
      volatileRun: false,
      guestAgentNicsHash: 0,
    } satisfies Partial<VmDynamic>);
  }
  if (notRunning.has(status)) {
    next.runOnVds = null;
    next.pauseStatus = 'NONE';
    next.lastStopTime = now;
  }
  if (status === 'Down') {
    next.bootTime = null;
    next.runtimeName = null;
    next.currentCpuPinning = null;
    next.downtime = 0;
  }
  return stamped(stored, next, now);
}

/** Keeps `statusSince` of what is to follow honest: it moves when the status does, and only then. */
export function stamped(before: VmDynamic, next: Mutable<VmDynamic>, now: number): VmDynamic {
  if (before.status !== next.status) next.statusSince = now;
  return next;
}

export const normalExit: ExitData = { exitStatus: 'Normal', exitMessage: null, exitReason: 'Unknown' };
