import { type ReportedVmDynamic, type VmDynamic, type VmReport, vmDynamicFields } from '../../model/index.js';

const agentOwned = Object.entries(vmDynamicFields).flatMap(([name, field]) =>
  field.owner === 'agent' ? [name as keyof ReportedVmDynamic] : [],
);

/** All fields at their places: a copy of it takes no more room than it needs. */
const nothingSaid = Object.fromEntries(agentOwned.map((name) => [name, undefined]));

/**
 * A push laid over what is stored (monitoring-rules.md §5.4): the fields that are not in it have not changed. Rules see one
 * kind of report, whichever way it came.
 */
export function laidOver(push: VmReport, stored: VmDynamic): VmReport {
  const fields: Record<string, unknown> = { ...nothingSaid };
  // null is said: the field is cleared. undefined is not said.
  for (const name of agentOwned) fields[name] = push.dynamic[name] === undefined ? stored[name] : push.dynamic[name];
  const { pauseStatus } = push.dynamic;
  // A resume does not say that the code of the pause is over.
  if (pauseStatus === undefined && push.status !== 'Paused' && stored.pauseStatus !== 'NOERR') {
    fields['pauseStatus'] = 'NONE';
  }
  return {
    vmId: push.vmId,
    vmName: push.vmName,
    status: push.status,
    timestamp: push.timestamp,
    dynamic: fields as ReportedVmDynamic,
    deviceHash: push.deviceHash,
    tpmHash: push.tpmHash,
    nvramHash: push.nvramHash,
    figuresVersion: push.figuresVersion,
    statistics: () => push.statistics(),
    guestInterfaces: () => push.guestInterfaces(),
    jobs: () => push.jobs(),
  };
}
