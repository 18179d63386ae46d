import { sameValue, type Vm, type VmJob, type VmReport } from '../../model/index.js';

/**
 * A VM's block jobs after a report (§4.12): no list says nothing; a job that is not listed any more has ended. A manager
 * began its jobs itself and knows them, so that unknown ones are none of its own; anybody else learns of them here.
 */
export function nextJobs(vm: Vm, report: VmReport, mode: 'observer' | 'manager'): readonly VmJob[] {
  const reported = report.jobs();
  if (reported === null) return vm.jobs;
  const known = new Map(vm.jobs.map((job) => [job.id, job]));
  const next: VmJob[] = [];
  for (const job of reported) {
    const before = known.get(job.id);
    if (before === undefined && mode === 'manager') continue;
    const after: VmJob = { ...job, vmId: vm.id };
    next.push(before !== undefined && sameValue(before, after) ? before : after);
  }
  const same = next.length === vm.jobs.length && next.every((job, i) => job === vm.jobs[i]);
  return same ? vm.jobs : next;
}
