import {
  notRunning,
  type PauseStatus,
  pauseIsError,
  type Vm,
  type VmReader,
  type VmReport,
  type VmStatus,
} from '../model/index.js';

/** A state that a VM has come to. */
export interface VmTurn {
  readonly vmId: string;
  readonly status: VmStatus;
}

/** Statuses that VDSM announces whenever a VM comes to them, whoever made it (vdsm-protocol.md §5.3). */
const announced: ReadonlySet<VmStatus> = new Set<VmStatus>(['Down', 'MigratingFrom', 'RebootInProgress']);

/**
 * What one poll shows that should have been pushed: against what was known when it came. Only reports that differ from
 * that can show it (`reportDiffers`).
 *
 * Left out is what VDSM does not push, or not always: a pause or resume done outside (a pause on error is pushed), a silent
 * QEMU monitor, powering up and down, saving and restoring, VMs that nobody knows or that were made outside, arrivals of
 * migrations, and that a VM is gone. Beside those a gap would be counted where none is.
 */
export function unannounced(
  host: string,
  differing: readonly VmReport[],
  vms: Pick<VmReader, 'get' | 'unsettled'>,
  wasPushed: (turn: VmTurn) => boolean,
): VmTurn[] {
  const turns: VmTurn[] = [];
  for (const vm of differing) {
    const stored = vms.get(vm.vmId);
    // What is not settled may have been pushed, and not judged.
    if (stored === undefined || vms.unsettled(vm.vmId) !== undefined || !shouldBePushed(stored, vm, host)) continue;
    const turn = { vmId: vm.vmId, status: vm.status };
    if (!wasPushed(turn)) turns.push(turn);
  }
  return turns;
}

function shouldBePushed({ dynamic, static: facts }: Vm, report: VmReport, host: string): boolean {
  const { status } = report;
  if (dynamic.runOnVds === null) {
    // Started here since the last poll.
    return notRunning.has(dynamic.status) && startsHere.has(status) && facts.origin !== 'EXTERNAL';
  }
  if (dynamic.runOnVds !== host || dynamic.status === 'Unknown') return false;
  if (status === 'Paused') return isNewError(dynamic.status, dynamic.pauseStatus, report.dynamic.pauseStatus ?? 'NONE');
  return status !== dynamic.status && announced.has(status);
}

const startsHere: ReadonlySet<VmStatus> = new Set<VmStatus>(['WaitForLaunch', 'PoweringUp', 'Up']);

function isNewError(status: VmStatus, before: PauseStatus, now: PauseStatus): boolean {
  return pauseIsError.has(now) && (status !== 'Paused' || before !== now);
}
