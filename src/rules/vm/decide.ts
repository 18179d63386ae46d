import { diffOf, type FieldChange, type Vm, type VmDynamic, vmDynamicFields, withParts } from '../../model/index.js';
import { applyEach, matchOne } from '../row.js';
import { absentTransitions } from './absent.js';
import type { AbsentCase, KnownCase, ReportedCase, UnknownVmCase, VmCase } from './case.js';
import { VmDraft } from './draft.js';
import { downEffects, downTransitions } from './reported-down.js';
import { elsewhereTransitions } from './reported-elsewhere.js';
import { hereEffects, hereTransitions } from './reported-here.js';
import { hostedEngineTransitions, isUnmanaged, unknownTransitions } from './unmanaged.js';

/** What follows from one report, or its lack, for one VM. */
export interface VmVerdict {
  /** The transition row that matched. */
  readonly rule: string;
  /** Effect rows that matched, in order. */
  readonly effects: readonly string[];
  readonly draft: VmDraft;
  /** What changes in the VM's stored state; empty when nothing does. */
  readonly changes: readonly FieldChange[];
}

/** Why a VM is not judged at this time (§4.3); it is judged again at the next report. */
export type NotAdmitted = 'command' | 'older';

/**
 * Whether this report may be judged (oVirt VmsMonitoring.shouldAnalyzeVm). A command's change beats every question that was
 * asked before it; of one host's reports the newer wins, whichever way they came.
 */
export function admission(c: VmCase): NotAdmitted | null {
  if (c.commands.busy) return 'command';
  if (c.commands.changedAt !== null && c.stamp.requestedAt <= c.commands.changedAt) return 'command';
  const { report, lastReport } = c;
  if (lastReport === undefined || lastReport.host !== c.host.id) return null;
  // A list that was asked for before a push came may have been made before what the push tells of.
  if (report === null) return c.stamp.requestedAt < lastReport.askedAt ? 'older' : null;
  return (report.timestamp ?? -1) < lastReport.timestamp ? 'older' : null;
}

/** Decides about one VM, in the order of oVirt VmAnalyzer.analyze (§4.4). Pure: the same case gives the same verdict. */
export function decideVm(c: VmCase): VmVerdict {
  const draft = new VmDraft(c);
  const effects: string[] = [];
  const note = (name: string): void => {
    effects.push(name);
  };
  const rule = ruleOf(c, draft, note);
  const changes = c.vm === undefined ? [] : diffOf(vmDynamicFields, c.vm.dynamic, draft.dynamic as VmDynamic);
  return { rule, effects, draft, changes };
}

/** The VM after the verdict; the same object when nothing of it changes, undefined while it is not stored. */
export function vmAfter({ vm }: VmCase, { draft, changes }: VmVerdict): Vm | undefined {
  const { guestInterfaces, jobs, static: said } = draft;
  if (vm === undefined) {
    if (said === undefined) return undefined;
    return { id: said.id, static: said, dynamic: draft.state, guestInterfaces, jobs, devices: [] };
  }
  const dynamic = changes.length === 0 ? vm.dynamic : draft.state;
  const isSame =
    (said === undefined || said === vm.static) &&
    dynamic === vm.dynamic &&
    guestInterfaces === vm.guestInterfaces &&
    jobs === vm.jobs;
  return isSame ? vm : withParts(vm, { static: said ?? vm.static, dynamic, guestInterfaces, jobs });
}

function ruleOf(c: VmCase, draft: VmDraft, note: (name: string) => void): string {
  if (!isReported(c)) {
    if (!isKnown(c)) return 'vm.unknown.absent';
    return apply(absentTransitions, c as AbsentCase, draft);
  }
  if (!isKnown(c)) return apply(unknownTransitions, c as UnknownVmCase, draft);
  const known = c as ReportedCase;
  if (isUnmanaged(known)) return apply(hostedEngineTransitions, known, draft);
  if (known.report.status === 'Down') {
    applyEach(downEffects, known, draft, note);
    return apply(downTransitions, known, draft);
  }
  if (known.vm.dynamic.runOnVds !== known.host.id) return apply(elsewhereTransitions, known, draft);
  if (known.report.status !== 'MigratingTo') applyEach(hereEffects, known, draft, note);
  return apply(hereTransitions, known, draft);
}

function apply<C extends VmCase>(table: Parameters<typeof matchOne<C, VmDraft>>[0], c: C, draft: VmDraft): string {
  const row = matchOne(table, c);
  row.then(c, draft);
  return row.name;
}

const isKnown = (c: VmCase): c is KnownCase => c.vm !== undefined;
const isReported = (c: VmCase): boolean => c.report !== null;
