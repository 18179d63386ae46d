import type { VurtiError } from '../../kernel/index.js';
import {
  diffOf,
  type FieldChange,
  type VdsCapabilitiesReport,
  type VdsHardwareReport,
  type VdsStatsReport,
  vdsDynamicFields,
} from '../../model/index.js';
import { applyEach, matchOne, type Row } from '../row.js';
import { remarkSelinux } from './capability-checks.js';
import type { HostCase } from './case.js';
import { certificateEffects } from './certificates.js';
import { commandTransitions, type HostCommand } from './commands.js';
import { capabilitiesEffects, capabilitiesTransitions, takeCapabilities, takeHardware } from './contact.js';
import { HostDraft } from './draft.js';
import { failureTransitions } from './failure.js';
import { type MissedCase, missedEffects } from './pushes.js';
import { recoveringTransitions } from './recovering.js';
import { refusalEffects } from './refused.js';
import { statsCase, takeStatistics } from './statistics.js';
import { commitmentEffect, statsEffects } from './stats-effects.js';
import { statsTransitions } from './stats-transitions.js';
import { thresholdEffects } from './thresholds.js';

export interface HostVerdict {
  /** The transition row that matched. */
  readonly rule: string;
  /** Effect rows that matched, in order. */
  readonly effects: readonly string[];
  readonly draft: HostDraft;
  /** What changes in the host's stored state; empty when nothing does. */
  readonly changes: readonly FieldChange[];
}

/** What rules judge about a host. */
export type HostEvidence =
  | { readonly kind: 'statistics'; readonly report: VdsStatsReport }
  | { readonly kind: 'capabilities'; readonly report: VdsCapabilitiesReport }
  | { readonly kind: 'hardware'; readonly report: VdsHardwareReport }
  | { readonly kind: 'failure'; readonly error: VurtiError }
  /** error null: the time to recover may be over. */
  | { readonly kind: 'recovering'; readonly error: VurtiError | null }
  /** The agent answered a call with an error (principle 8). */
  | { readonly kind: 'refused'; readonly method: string; readonly error: VurtiError }
  | { readonly kind: 'command'; readonly command: HostCommand }
  /** Its pushes come from now on. */
  | { readonly kind: 'connected'; readonly certificateExpiresAt: number | null }
  | ({ readonly kind: 'pushesMissed' } & MissedCase['missed']);

/** Decides about one host. Pure: the same case gives the same verdict. */
export function decideHost(c: HostCase, evidence: HostEvidence): HostVerdict {
  const draft = new HostDraft(c);
  const effects: string[] = [];
  const rule = ruleOf(c, evidence, draft, (name) => effects.push(name));
  const before = c.host.dynamic;
  const changes = draft.dynamic === before ? [] : diffOf(vdsDynamicFields, before, draft.dynamic);
  return { rule, effects, draft, changes };
}

type Note = (name: string) => void;

function ruleOf(c: HostCase, evidence: HostEvidence, draft: HostDraft, note: Note): string {
  switch (evidence.kind) {
    case 'statistics': {
      answered(c, draft);
      const full = statsCase(c, evidence.report);
      takeStatistics(full, draft);
      applyEach(statsEffects, full, draft, note);
      const rule = transition(statsTransitions, full, draft);
      applyEach([commitmentEffect, ...thresholdEffects, ...certificateEffects], full, draft, note);
      return rule;
    }
    case 'capabilities': {
      const full = { ...c, report: evidence.report };
      answered(c, draft);
      remarkSelinux(full, draft);
      takeCapabilities(full, draft);
      const rule = transition(capabilitiesTransitions, full, draft);
      applyEach(capabilitiesEffects, full, draft, note);
      return rule;
    }
    case 'hardware':
      answered(c, draft);
      takeHardware(evidence.report, draft);
      return 'host.hardware';
    case 'failure':
      return transition(failureTransitions, { ...c, error: evidence.error }, draft);
    case 'recovering':
      if (evidence.error !== null) draft.live({ lastAnswerAt: c.now, heardAt: c.now, attempts: 0 });
      return transition(recoveringTransitions, { ...c, error: evidence.error }, draft);
    case 'refused':
      applyEach(refusalEffects, { ...c, method: evidence.method, error: evidence.error }, draft, note);
      return 'host.call-refused';
    case 'connected': {
      const { certificateExpiresAt } = evidence;
      draft.live({ pushesSince: c.stamp.receivedAt, certificateExpiresAt });
      applyEach(certificateEffects, { ...c, liveness: draft.liveness }, draft, note);
      return 'host.connected';
    }
    case 'pushesMissed':
      // Of a lost connection it is known that pushes are missing, and from when on they come again.
      if (evidence.because !== 'disconnected') draft.live({ pushesSince: evidence.until });
      applyEach(missedEffects, { ...c, missed: evidence }, draft, note);
      return 'host.pushes.missed';
    case 'command':
      return transition(commandTransitions, { ...c, command: evidence.command }, draft);
  }
}

function transition<C extends HostCase>(table: readonly Row<C, HostDraft>[], c: C, draft: HostDraft): string {
  const row = matchOne(table, c);
  row.then(c, draft);
  return row.name;
}

/** A successful answer: the host is heard, and failed attempts are forgotten (D1). */
function answered(c: HostCase, draft: HostDraft): void {
  draft.live({ attempts: 0, lastAnswerAt: c.stamp.receivedAt, heardAt: c.stamp.receivedAt });
}
