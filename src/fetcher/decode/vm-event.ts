import type { HostEndpoint, ReportProblem, VmReport } from '../../model/index.js';
import { Problems } from './problems.js';
import { isObject, Reader } from './reader.js';
import { decodeVm } from './vm-report.js';

export interface VmStatusEvent {
  /** Usually one; the fields that the event leaves out have not changed. */
  readonly vms: readonly VmReport[];
  /** The agent's event clock, the same as statusTime in its answers. */
  readonly notifyTime: number | null;
  readonly problems: readonly ReportProblem[];
}

/** The params of a pushed VM_status event: partial VMs by id, beside notify_time (vdsm-protocol.md §5.3). */
export function decodeVmStatusEvent(host: HostEndpoint, params: unknown): VmStatusEvent {
  const problems = new Problems();
  if (!isObject(params)) {
    problems.add('params', 'not an object');
    return { vms: [], notifyTime: null, problems: problems.list() };
  }
  const event = new Reader(params, '', problems);
  const notifyTime = event.float('notify_time') ?? null;
  const vms: VmReport[] = [];
  for (const vmId of event.names()) {
    if (vmId === 'notify_time') continue;
    const vm = params[vmId];
    if (!isObject(vm)) {
      problems.add(vmId, 'not an object', vmId);
      continue;
    }
    const reader = new Reader(vm, vmId, problems, vmId);
    const report = decodeVm(reader, { vmId, host, kind: 'push', timestamp: notifyTime });
    if (report !== undefined) vms.push(report);
  }
  return { vms, notifyTime, problems: problems.list() };
}
