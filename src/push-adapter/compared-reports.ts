import { reportDiffers, type Vm, type VmReader, type VmReport, type VmStatsReport } from '../model/index.js';

/** What a comparison looks at. */
export type ComparedWith = Pick<VmReader, 'get' | 'byHost' | 'revisionOf'>;

/**
 * Compares a host's answers with the repository, and remembers of its last one which VMs were as the repository has them:
 * where both the report and the VM are the very objects that were compared then, they are equal still (docs/adr/0014).
 * Of a reader without memory, whose reports are new objects each time, nothing is remembered.
 */
export class ComparedReports {
  /** The last answer, as far as it may come again. */
  readonly #reports: VmReport[] = [];
  /** The VM that each of them was found equal with. */
  readonly #equals: (Vm | undefined)[] = [];
  #revision = 0;
  /** Its list of reports, if all of them were found equal: the reader gives the same one while it does not differ. */
  #all: readonly VmReport[] | null = null;
  /** Every VM that runs on the host by the repository stood in that answer. */
  #noneAbsent = false;
  #generation = 0;

  /** Another number whenever a report is not the object that it was in the answer before. */
  get generation(): number {
    return this.#generation;
  }

  /** The reports that differ from what the repository has, in the order of the answer. */
  differing(host: string, report: VmStatsReport, vms: ComparedWith): VmReport[] {
    const all = report.all();
    if (report.changed().length === all.length) {
      this.#forget();
      return all.filter((vm) => reportDiffers(vms.get(vm.vmId), vm, host));
    }
    const revision = vms.revisionOf(host);
    const untouched = revision === this.#revision;
    if (untouched && all === this.#all) return [];
    const before = this.#reports.length;
    let [sameObjects, sameIds] = [before === all.length, before === all.length];
    const differing: VmReport[] = [];
    for (let i = 0; i < all.length; i++) {
      const vm = all[i] as VmReport;
      const last = i < before ? this.#reports[i] : undefined;
      if (last === vm) {
        const equal = this.#equals[i];
        if (equal !== undefined && (untouched || vms.get(vm.vmId) === equal)) continue;
      } else {
        sameObjects = false;
        if (last?.vmId !== vm.vmId) sameIds = false;
      }
      const stored = vms.get(vm.vmId);
      const differs = reportDiffers(stored, vm, host);
      if (differs) differing.push(vm);
      this.#reports[i] = vm;
      this.#equals[i] = differs ? undefined : stored;
    }
    this.#reports.length = all.length;
    this.#equals.length = all.length;
    this.#revision = revision;
    this.#all = differing.length === 0 ? all : null;
    if (!sameObjects) this.#generation += 1;
    if (!untouched || !sameIds || report.size !== all.length) this.#noneAbsent = false;
    return differing;
  }

  /** VMs that run on the host by the repository, and are not in this answer; `differing` has seen it just before. */
  absent(host: string, report: VmStatsReport, vms: ComparedWith): string[] {
    if (this.#noneAbsent) return [];
    const absent = [...vms.byHost(host)].filter((vmId) => !report.has(vmId));
    this.#noneAbsent = absent.length === 0 && report.size === this.#reports.length;
    return absent;
  }

  #forget(): void {
    this.#reports.length = 0;
    this.#equals.length = 0;
    this.#all = null;
    this.#noneAbsent = false;
    this.#generation += 1;
  }
}
