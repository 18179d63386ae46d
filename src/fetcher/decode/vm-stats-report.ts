import type { HostEndpoint, ReportProblem, VmReport, VmStatsReport } from '../../model/index.js';
import { excerptOf, isCleanKey } from '../text.js';
import { Problems } from './problems.js';
import { isObject, type JsonObject, Reader } from './reader.js';
import { decodeVm } from './vm-report.js';

/** Far more than a host can run; a larger list is an attack on the memory of whoever adopts its VMs. */
export const MAX_VMS = 50_000;

interface Entry {
  readonly index: number;
  readonly vm: JsonObject;
}

/** The whole answer of one poll: parsed JSON whose VMs are decoded one by one when they are asked for. */
export class ParsedVmStatsReport implements VmStatsReport {
  readonly complete: boolean;
  readonly #host: HostEndpoint;
  readonly #entries = new Map<string, Entry>();
  readonly #decoded = new Map<string, VmReport | undefined>();
  readonly #problems = new Problems();
  #all: readonly VmReport[] | undefined;

  /** `vms`: the entries of all pages in order. Of a VM that stands in it twice the later entry counts. */
  constructor(host: HostEndpoint, vms: readonly unknown[]) {
    this.#host = host;
    let complete = true;
    for (const [index, vm] of vms.entries()) {
      const id = isObject(vm) ? vm['vmId'] : undefined;
      if (!isObject(vm) || typeof id !== 'string' || !isCleanKey(id)) {
        // Any VM could be the one that this entry speaks of: now absence from the list means nothing.
        complete = false;
        this.#problems.add(`vms[${index}]`, `without a usable vmId: ${excerptOf(isObject(vm) ? id : vm)}`);
        continue;
      }
      if (this.#entries.size >= MAX_VMS && !this.#entries.has(id)) {
        complete = false;
        this.#problems.add(`vms[${index}]`, `more than ${MAX_VMS} VMs`, id);
        continue;
      }
      if (this.#entries.has(id)) this.#problems.add(`vms[${index}]`, 'listed twice, the later entry counts', id);
      this.#entries.set(id, { index, vm });
    }
    this.complete = complete;
  }

  get size(): number {
    return this.#entries.size;
  }

  has(vmId: string): boolean {
    return this.#entries.has(vmId);
  }

  ids(): Iterable<string> {
    return this.#entries.keys();
  }

  get(vmId: string): VmReport | undefined {
    if (this.#decoded.has(vmId)) return this.#decoded.get(vmId);
    const entry = this.#entries.get(vmId);
    if (entry === undefined) return undefined;
    const reader = new Reader(entry.vm, `vms[${entry.index}]`, this.#problems, vmId);
    const report = decodeVm(reader, { vmId, host: this.#host, kind: 'poll' });
    this.#decoded.set(vmId, report);
    return report;
  }

  all(): readonly VmReport[] {
    if (this.#all !== undefined) return this.#all;
    const all: VmReport[] = [];
    for (const id of this.#entries.keys()) {
      const report = this.get(id);
      if (report !== undefined) all.push(report);
    }
    this.#all = all;
    return all;
  }

  /** This reader has no memory of the answer before. */
  changed(): readonly VmReport[] {
    return this.all();
  }

  /** Asking for the problems decodes what nobody has asked for yet, so the list does not depend on who looked first. */
  get problems(): readonly ReportProblem[] {
    for (const report of this.all()) {
      report.statistics();
      report.jobs();
    }
    return this.#problems.list();
  }
}
