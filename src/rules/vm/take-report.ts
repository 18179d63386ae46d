import type { Vm } from '../../model/index.js';
import type { VmCase } from './case.js';
import type { VmDraft } from './draft.js';
import { guestNics } from './guest.js';
import { nextJobs } from './jobs.js';
import { copyReported } from './state.js';

/**
 * The report is this VM's own, from the host that runs it: state, guest nics and jobs are taken over, and its statistics
 * are to be.
 */
export function takeReport(c: VmCase, draft: VmDraft): void {
  const { report } = c;
  if (report === null) return;
  const before = draft.state;
  draft.dynamic = copyReported(before, report, c.host.id, c.now);
  draft.takeStatistics = true;
  const vm = vmOf(c, draft);
  if (draft.state.guestAgentNicsHash !== before.guestAgentNicsHash) {
    const nics = guestNics(vm, report);
    draft.guestInterfaces = nics.interfaces;
    draft.set({ vmIp: nics.ip });
  }
  draft.jobs = nextJobs(vm, report, c.mode);
}

function vmOf(c: VmCase, draft: VmDraft): Vm {
  if (c.vm !== undefined) return c.vm;
  if (draft.static === undefined) throw new RangeError('the VM is not stored');
  return { id: draft.static.id, static: draft.static, dynamic: draft.state, guestInterfaces: [], jobs: [], devices: [] };
}
