import type { ReportedVmDynamic, VmDynamic, VmReport } from '../../model/index.js';

/**
 * A push laid over what is stored (monitoring-rules.md §5.4): the fields that are not in it have not changed. Rules see one
 * kind of report, whichever way it came.
 */
export function laidOver(push: VmReport, stored: VmDynamic): VmReport {
  return {
    vmId: push.vmId,
    vmName: push.vmName,
    status: push.status,
    timestamp: push.timestamp,
    dynamic: fieldsOf(push, stored),
    deviceHash: push.deviceHash,
    tpmHash: push.tpmHash,
    nvramHash: push.nvramHash,
    figuresVersion: push.figuresVersion,
    statistics: () => push.statistics(),
    guestInterfaces: () => push.guestInterfaces(),
    jobs: () => push.jobs(),
  };
}

/** One literal, so that all have one shape (see copyOfVmDynamic). null is said: the field is cleared. undefined is not said. */
function fieldsOf({ dynamic: said, status }: VmReport, stored: VmDynamic): Required<ReportedVmDynamic> {
  // A resume does not say that the code of the pause is over.
  const resumed = said.pauseStatus === undefined && status !== 'Paused' && stored.pauseStatus !== 'NOERR';
  return {
    status: or(said.status, stored.status),
    vmHost: or(said.vmHost, stored.vmHost),
    fqdn: or(said.fqdn, stored.fqdn),
    guestUser: or(said.guestUser, stored.guestUser),
    clientIp: or(said.clientIp, stored.clientIp),
    guestOs: or(said.guestOs, stored.guestOs),
    guestCpuCount: or(said.guestCpuCount, stored.guestCpuCount),
    guestRequestedMemory: or(said.guestRequestedMemory, stored.guestRequestedMemory),
    appList: or(said.appList, stored.appList),
    acpiEnabled: or(said.acpiEnabled, stored.acpiEnabled),
    session: or(said.session, stored.session),
    utcDiff: or(said.utcDiff, stored.utcDiff),
    exitStatus: or(said.exitStatus, stored.exitStatus),
    exitMessage: or(said.exitMessage, stored.exitMessage),
    exitReason: or(said.exitReason, stored.exitReason),
    pauseStatus: resumed ? 'NONE' : or(said.pauseStatus, stored.pauseStatus),
    guestAgentNicsHash: or(said.guestAgentNicsHash, stored.guestAgentNicsHash),
    lastWatchdogEvent: or(said.lastWatchdogEvent, stored.lastWatchdogEvent),
    lastWatchdogAction: or(said.lastWatchdogAction, stored.lastWatchdogAction),
    currentCd: or(said.currentCd, stored.currentCd),
    graphics: or(said.graphics, stored.graphics),
    guestTimezoneName: or(said.guestTimezoneName, stored.guestTimezoneName),
    guestTimezoneOffset: or(said.guestTimezoneOffset, stored.guestTimezoneOffset),
    guestOsArch: or(said.guestOsArch, stored.guestOsArch),
    guestOsCodename: or(said.guestOsCodename, stored.guestOsCodename),
    guestOsDistribution: or(said.guestOsDistribution, stored.guestOsDistribution),
    guestOsKernelVersion: or(said.guestOsKernelVersion, stored.guestOsKernelVersion),
    guestOsType: or(said.guestOsType, stored.guestOsType),
    guestOsVersion: or(said.guestOsVersion, stored.guestOsVersion),
    guestContainers: or(said.guestContainers, stored.guestContainers),
  };
}

const or = <T>(said: T | undefined, stored: T): T => (said === undefined ? stored : said);
