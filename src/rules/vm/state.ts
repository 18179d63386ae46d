import {
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
  const next: Record<string, unknown> = { ...stored };
  for (const name in fields) {
    const value = fields[name as keyof ReportedVmDynamic];
    // Of two equal contents the stored one stays, so that nothing looks changed that is not.
    if (value !== undefined && !sameValue(stored[name as keyof ReportedVmDynamic], value)) next[name] = value;
  }
  next['runOnVds'] = hostId;
  if (upOrPaused.has(report.status)) next['migratingToVds'] = null;
  // A push leaves out what did not change; a pause code that is left over from before the VM ran again must not survive.
  if (report.status !== 'Paused' && fields.pauseStatus === undefined) next['pauseStatus'] = 'NONE';
  return stamped(stored, next as VmDynamic, now);
}

/**
 * Sets a status and what goes with it (oVirt internalSetVmStatus): a VM that does not run, or of which nothing is known,
 * has no display, guest or migration; one that does not run has no host.
 */
export function withStatus(stored: VmDynamic, status: VmStatus, exit: ExitData, now: number): VmDynamic {
  let next: VmDynamic = { ...stored, status, ...exit };
  if (notRunning.has(status) || status === 'Unknown') {
    next = {
      ...next,
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
    };
  }
  if (notRunning.has(status)) next = { ...next, runOnVds: null, pauseStatus: 'NONE', lastStopTime: now };
  if (status === 'Down') {
    next = { ...next, bootTime: null, runtimeName: null, currentCpuPinning: null, downtime: 0 };
  }
  return stamped(stored, next, now);
}

/** Keeps `statusSince` honest: it moves when the status does, and only then. */
export function stamped(before: VmDynamic, next: VmDynamic, now: number): VmDynamic {
  return before.status === next.status ? next : { ...next, statusSince: now };
}

export const normalExit: ExitData = { exitStatus: 'Normal', exitMessage: null, exitReason: 'Unknown' };
