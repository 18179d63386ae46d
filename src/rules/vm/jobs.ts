import { sameValue, type VmJob } from '../../model/index.js';
import { matchOne, type Row } from '../row.js';

type ReportedJob = Omit<VmJob, 'vmId'>;

/** What is said of a VM's block jobs, and when they were asked for. */
export interface JobReport {
  readonly mode: 'observer' | 'manager';
  readonly listed: readonly ReportedJob[];
  /** Monotonic ms before the question was sent. */
  readonly askedAt: number;
  /** When this process was told that a job begins; null = before its time. */
  readonly startedAt: (jobId: string) => number | null;
}

/** One job: as it is known, as it is listed, or both. */
export interface JobCase {
  readonly mode: 'observer' | 'manager';
  readonly known: VmJob | undefined;
  readonly listed: VmJob | undefined;
  readonly askedAt: number;
  readonly startedAt: number | null;
}

type JobRow = Row<JobCase, VmJob[]>;

/** Asked before the job began, so that the answer says nothing of it. */
const tooEarly = (c: JobCase): boolean => c.known !== undefined && c.startedAt !== null && c.askedAt <= c.startedAt;
const judged = (c: JobCase): boolean => c.known !== undefined && !tooEarly(c);

function keep(c: JobCase, jobs: VmJob[]): void {
  if (c.known !== undefined) jobs.push(c.known);
}

function take(c: JobCase, jobs: VmJob[]): void {
  if (c.listed !== undefined) jobs.push(c.listed);
}

/** A live block job (merge) after a report that has a list of them (§4.12). Exactly one row matches. */
export const jobTransitions: readonly JobRow[] = [
  {
    name: 'vm.job.asked-before',
    doc: 'The job began after the agent was asked: the answer says nothing of it.',
    when: tooEarly,
    then: keep,
  },
  {
    name: 'vm.job.ended',
    doc: 'A job that is not listed any more has ended.',
    when: (c) => judged(c) && c.listed === undefined,
    then: () => undefined,
  },
  {
    name: 'vm.job.unchanged',
    doc: 'Listed as it is known.',
    when: (c) => judged(c) && c.listed !== undefined && sameValue(c.known, c.listed),
    then: keep,
  },
  {
    name: 'vm.job.moved-on',
    doc: 'Listed, and it has moved on.',
    when: (c) => judged(c) && c.listed !== undefined && !sameValue(c.known, c.listed),
    then: take,
  },
  {
    name: 'vm.job.foreign',
    doc: 'A manager began its jobs itself and knows them: one that it does not know is none of its own.',
    when: (c) => c.known === undefined && c.mode === 'manager',
    then: () => undefined,
  },
  {
    name: 'vm.job.taken-in',
    doc: 'Beside a manager jobs are learned of by the reports.',
    when: (c) => c.known === undefined && c.mode === 'observer',
    then: take,
  },
];

/** The VM's jobs after a report; the same array when nothing changed. */
export function nextJobs(vmId: string, known: readonly VmJob[], report: JobReport): readonly VmJob[] {
  if (known.length === 0 && report.listed.length === 0) return known;
  const listed = new Map(report.listed.map((job) => [job.id, { ...job, vmId }]));
  const next: VmJob[] = [];
  const judge = (id: string, job: VmJob | undefined): void => {
    const { mode, askedAt } = report;
    const c: JobCase = { mode, known: job, listed: listed.get(id), askedAt, startedAt: report.startedAt(id) };
    matchOne(jobTransitions, c).then(c, next);
    listed.delete(id);
  };
  for (const job of known) judge(job.id, job);
  for (const id of [...listed.keys()]) judge(id, undefined);
  return next.length === known.length && next.every((job, i) => job === known[i]) ? known : next;
}
