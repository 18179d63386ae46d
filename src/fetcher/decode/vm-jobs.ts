import { exactCount, type VmJob } from '../../model/index.js';
import type { Reader } from './reader.js';

/** The VM's block jobs. Null: not known yet, which ends no job; an empty list means surely none. */
export function jobsOf(vm: Reader): readonly Omit<VmJob, 'vmId'>[] | null {
  const reported = vm.entries('vmJobs');
  if (reported === undefined) return null;
  const byId = new Map<string, Omit<VmJob, 'vmId'>>();
  for (const [name, job] of reported) {
    const id = job.key('id') ?? name;
    byId.set(id, {
      id,
      // Agents list only jobs that run; oVirt stores all of them in this state.
      jobState: 'NORMAL',
      jobType: job.text('jobType', 64) ?? null,
      blockJobType: job.text('blockJobType', 64) ?? null,
      bandwidth: exactCount(job.count('bandwidth') ?? null),
      cursorCur: exactCount(job.count('cur') ?? null),
      cursorEnd: exactCount(job.count('end') ?? null),
      imageGroupId: job.text('imgUUID', 255) ?? null,
    });
  }
  return [...byId.values()];
}
