import { type Cause, type CauseSource, causeOf } from '../events/index.js';
import { pauseIsError, type Vm, type VmReader, type VmStatus } from '../model/index.js';
import type { NotAdmitted, VmCase, VmVerdict } from '../rules/index.js';
import { type TrailStep, Trails } from './trails.js';

/** Statuses that people ask about, however long they last. */
const asking: ReadonlySet<VmStatus> = new Set<VmStatus>(['Unknown', 'NotResponding', 'MigratingFrom', 'MigratingTo']);

/** Decisions about VMs that are worth a word, for `explain`. */
export class VmTrails {
  readonly #trails: Trails;

  constructor(vms: VmReader) {
    this.#trails = new Trails((vmId) => {
      const dynamic = vms.get(vmId)?.dynamic;
      if (dynamic === undefined) return false;
      return vms.unsettled(vmId) !== undefined || asking.has(dynamic.status) || pauseIsError.has(dynamic.pauseStatus);
    });
  }

  get size(): number {
    return this.#trails.size;
  }

  of(vmId: string): readonly TrailStep[] {
    return this.#trails.of(vmId);
  }

  /** Only what gives reason to ask: another status or host, something open, something not done. */
  decided(c: VmCase, { rule, draft }: VmVerdict, after: Vm | undefined, cause: Cause): void {
    if (after === undefined) return;
    const [before, now] = [c.vm?.dynamic, after.dynamic];
    const moved = before?.runOnVds !== now.runOnVds || before.pauseStatus !== now.pauseStatus;
    const stays = before?.status === now.status;
    if (stays && !moved && draft.notDone.length === 0 && draft.unsettled === null) return;
    const becomes = stays ? null : { from: before?.status ?? 'not known', to: now.status };
    const [from, to] = [before?.runOnVds ?? null, now.runOnVds];
    const moves = from === to || from === null || to === null ? null : { from, to };
    const said = c.report?.status ?? 'not listed';
    this.#trails.note(after.id, c.now, {
      rule,
      source: cause.source,
      becomes,
      moves,
      said,
      figures: null,
      notDone: draft.notDone,
    });
  }

  notAdmitted(c: VmCase, reason: NotAdmitted): void {
    if (c.vm === undefined) return;
    const why =
      reason === 'command' ? 'a command of the manager is newer than this report' : 'it is older than the last one';
    this.#trails.note(c.vm.id, c.now, {
      ...causeOf(`vm.admission.${reason}`, c.stamp),
      ...{ becomes: null, moves: null },
      said: c.report?.status ?? 'not listed',
      figures: null,
      notDone: [{ what: 'judging the report', why }],
    });
  }

  /** Its status follows from something else than a report of it: its host was lost, or the manager said so. */
  became(vm: Vm, to: VmStatus, { rule, source }: { rule: string; source: CauseSource }, at: number): void {
    const becomes = vm.dynamic.status === to ? null : { from: vm.dynamic.status, to };
    this.#trails.note(vm.id, at, { rule, source, becomes, moves: null, said: null, figures: null, notDone: [] });
  }

  forget(vmId: string): void {
    this.#trails.forget(vmId);
  }
}
