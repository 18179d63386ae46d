import { notRunning, type Vds, type Vm, type VmStatus, vmPollAllowed } from '../../model/index.js';
import { ruleAnchor, vmOutlook } from '../../rules/index.js';
import type { TrailStep } from '../../updater/index.js';
import type { VmView } from '../api.js';
import { rulesOffFor } from '../rules-off.js';
import { hostView, vmView } from '../views.js';
import type { ExplainContext } from './context.js';
import { evidenceOf, latest } from './evidence.js';
import type { Explanation, ExplanationEvidence } from './explanation.js';
import { because } from './why.js';

export function explainVm(context: ExplainContext, vm: Vm): Explanation {
  const { view } = context;
  const { id, dynamic } = vm;
  const shown = vmView(view, vm);
  const host = dynamic.runOnVds === null ? undefined : view.sets.hosts.get(dynamic.runOnVds);
  const steps = context.vmTrail(id);
  const cause = context.vmCause(id);
  const nameOf = (hostId: string): string => view.sets.hosts.get(hostId)?.static.name ?? hostId;
  const own = steps.map((step) => evidenceOf(step, vm.static.name, nameOf));
  const heard = lastHeard(context, vm, host);
  // What became of its host is the story of a VM of which nothing is heard.
  const silent = host !== undefined && !vmPollAllowed.has(host.dynamic.status);
  const evidence = silent ? withHost(own, ofHost(context, host, heard?.at ?? 0, nameOf)) : own;
  const outlook = vmOutlook({
    mode: context.mode,
    static: vm.static,
    dynamic,
    host: host === undefined ? null : hostFacts(context, host),
    destination: shown.migratingTo,
    unsettled: view.sets.vms.unsettled(id),
    commands: context.commands(id),
    missesNeeded: host === undefined ? 1 : view.registry.settingsOf(host.id).absence.misses,
    answeringHosts: answering(context, host?.id),
  });
  const situation = new Set(outlook.notDone.map(({ what }) => what));
  const left = (steps.at(-1)?.notDone ?? []).filter(({ what }) => !situation.has(what));
  const detail =
    dynamic.status === 'Paused' ? dynamic.pauseStatus : notRunning.has(dynamic.status) ? dynamic.exitMessage : null;
  return {
    kind: 'vm',
    ...{ id, name: vm.static.name, status: dynamic.status, since: dynamic.statusSince },
    previous: steps.findLast(({ becomes }) => becomes?.to === dynamic.status)?.becomes?.from ?? null,
    host: shown.host,
    ...{ freshness: shown.freshness, heardAt: shown.heardAt },
    ...underWay(shown, told(context, vm, steps, because(cause, detail === 'NONE' || detail === '' ? null : detail))),
    evidence: latest(heard === null ? evidence : [...evidence, heard]),
    calls: [],
    notDone: [...outlook.notDone, ...left],
    endsWhen: outlook.endsWhen,
    next: outlook.next,
    pushes: null,
    rulesOff: rulesOffFor(vm),
  };
}

/** Of a VM that migrates, how far it is. */
function underWay({ migrationProgressPercent, migratingTo }: VmView, reason: Reason): Reason {
  if (migrationProgressPercent === null) return reason;
  const where = migratingTo === null ? '' : ` to ${migratingTo}`;
  return { ...reason, why: `${reason.why} The migration${where} is ${migrationProgressPercent} % done.` };
}

type Reason = Pick<Explanation, 'rule' | 'doc' | 'why'>;

/** What is to be said before the rule that set the status: that the VM is missed, or where it came from. */
function told({ view }: ExplainContext, { id, dynamic }: Vm, steps: readonly TrailStep[], reason: Reason): Reason {
  if (dynamic.runOnVds === null) return reason;
  const nameOf = (hostId: string): string => view.sets.hosts.get(hostId)?.static.name ?? hostId;
  const host = nameOf(dynamic.runOnVds);
  const unsettled = view.sets.vms.unsettled(id);
  if (unsettled?.reason === 'missing') {
    const { misses } = view.registry.settingsOf(dynamic.runOnVds).absence;
    const last = unsettled.misses === 1 ? 'report' : `${unsettled.misses} reports`;
    const why = `It is missing in the last ${last} of ${host}, and stays ${dynamic.status}: one report may have been made at a bad moment, ${misses} in a row count.`;
    return { rule: missed, doc: `docs/rules.md#${ruleAnchor(missed)}`, why };
  }
  const move = steps.findLast((step) => step.moves !== null);
  if (move?.moves?.to !== dynamic.runOnVds || !arrived.has(dynamic.status)) {
    return reason.rule === changed ? { ...reason, why: `${host} reports it ${dynamic.status}. ${reason.why}` } : reason;
  }
  // What gave it its status may be long past by then: what is asked about is how it came here.
  const moved =
    move.lastAt >= (dynamic.statusSince ?? 0) ? because({ rule: move.rule, source: move.source }, null) : reason;
  return {
    ...moved,
    why: `It went from ${nameOf(move.moves.from)} to ${host}, which reports it ${dynamic.status}. ${moved.why}`,
  };
}

const missed = 'vm.absent.missed';
const changed = 'vm.here.status-changed';
const arrived: ReadonlySet<VmStatus> = new Set<VmStatus>(['Up', 'Paused', 'PoweringUp', 'RebootInProgress']);

function hostFacts({ view }: ExplainContext, host: Vds) {
  const { name, status, nextPollAt, graceEndsAt } = hostView(view, host);
  const vmStatsFailing = (view.sets.hosts.liveness(host.id)?.vmStatsFailingSince ?? null) !== null;
  return { name, status, nextPollAt, graceEndsAt, vmStatsFailing };
}

/** Other hosts whose reports would show the VM, did they run it. */
function answering({ view }: ExplainContext, except: string | undefined): number {
  let n = 0;
  for (const status of vmPollAllowed) {
    for (const id of view.sets.hosts.byStatus(status)) if (id !== except) n += 1;
  }
  return n;
}

/** The last report that had the VM. */
function lastHeard({ view }: ExplainContext, vm: Vm, host: Vds | undefined): ExplanationEvidence | null {
  const at = view.sets.vms.heardAt(vm.id);
  if (at === null || host === undefined) return null;
  const report = view.sets.hosts.liveness(host.id)?.lastVmReport;
  const which =
    report?.receivedAt === at
      ? `${report.kind} ${report.seq.toLocaleString('en-US')} of ${host.static.name}`
      : `report of ${host.static.name}`;
  return { at, lastAt: at, times: 1, rule: null, text: `${which}: ${vm.static.name} is in it`, becomes: [] };
}

/** What happened to the host since the VM was heard last. */
function ofHost(
  context: ExplainContext,
  host: Vds,
  since: number,
  nameOf: (hostId: string) => string,
): readonly ExplanationEvidence[] {
  return context
    .hostTrail(host.id)
    .filter((step) => step.lastAt >= since)
    .map((step) => evidenceOf(step, host.static.name, nameOf));
}

/** The decision that lost the host is told once, with what became of the VM. */
function withHost(
  own: readonly ExplanationEvidence[],
  host: readonly ExplanationEvidence[],
): readonly ExplanationEvidence[] {
  const lost = own.find(({ rule }) => rule === 'host.lost.vms-unknown');
  const shared = host.find(({ at, becomes }) => at === lost?.at && becomes.length > 0);
  if (lost === undefined || shared === undefined) return [...own, ...host];
  const both = { ...shared, becomes: [...shared.becomes, ...lost.becomes] };
  return [...own.filter((line) => line !== lost), ...host.filter((line) => line !== shared), both];
}
