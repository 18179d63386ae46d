import type { Cause } from '../events/index.js';
import type { Clock } from '../kernel/index.js';
import {
  type EvidenceStamp,
  initialRow,
  type Vm,
  type VmJob,
  type VmReport,
  vmJobFields,
  withParts,
} from '../model/index.js';
import { nextJobs } from '../rules/index.js';
import { Outbox, type OutboxPorts } from './outbox.js';
import type { VmLedger } from './vm-ledger.js';

export interface VmJobsOptions {
  readonly mode: 'observer' | 'manager';
  readonly ledger: VmLedger;
  readonly ports: OutboxPorts;
  readonly clock: Clock;
}

/** A block job that the manager begins; what is left out the agent will say. */
export type VmJobSpec = Pick<VmJob, 'id'> & Partial<Omit<VmJob, 'id' | 'vmId'>>;

/** The manager's block jobs: known from their begin, and when that was, since answers asked for before cannot have them. */
export class VmJobs {
  readonly #o: VmJobsOptions;
  /** VM → job → monotonic ms. */
  readonly #startedAt = new Map<string, Map<string, number>>();

  constructor(options: VmJobsOptions) {
    this.#o = options;
  }

  begin(vm: Vm, spec: VmJobSpec): void {
    const { ledger, ports, clock } = this.#o;
    const started = this.#startedAt.get(vm.id) ?? new Map<string, number>();
    this.#startedAt.set(vm.id, started.set(spec.id, clock.monotonic()));
    const job: VmJob = { ...initialRow(vmJobFields), jobState: 'NORMAL', ...spec, vmId: vm.id };
    const jobs = [...vm.jobs.filter((known) => known.id !== spec.id), job];
    const cause: Cause = { rule: 'vm.job.begun', source: { by: 'command', at: clock.now() } };
    ledger.store(vm, withParts(vm, { jobs }), cause, new Outbox(ports)).send();
  }

  /** Monotonic ms; null = not begun by this process. */
  startedAt(vmId: string, jobId: string): number | null {
    return this.#startedAt.get(vmId)?.get(jobId) ?? null;
  }

  /** Whether a report says that jobs have moved on, ended, or (beside a manager) begun. */
  moveOn(vm: Vm, report: VmReport, stamp: EvidenceStamp): boolean {
    const listed = report.jobs();
    if (listed === null || (listed.length === 0 && vm.jobs.length === 0)) return false;
    const startedAt = (jobId: string): number | null => this.startedAt(vm.id, jobId);
    const said = { mode: this.#o.mode, listed, askedAt: stamp.requestedAt, startedAt };
    return nextJobs(vm.id, vm.jobs, said) !== vm.jobs;
  }

  /** Jobs that have ended are forgotten. */
  keep(vm: Vm): void {
    const started = this.#startedAt.get(vm.id);
    if (started === undefined) return;
    for (const id of [...started.keys()]) if (!vm.jobs.some((job) => job.id === id)) started.delete(id);
    if (started.size === 0) this.#startedAt.delete(vm.id);
  }

  forget(vmId: string): void {
    this.#startedAt.delete(vmId);
  }
}
