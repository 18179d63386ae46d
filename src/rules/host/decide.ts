import type { VurtiError } from '../../kernel/index.js';
import {
  diffOf,
  type FieldChange,
  type VdsCapabilitiesReport,
  type VdsHardwareReport,
  type VdsStatsReport,
  vdsDynamicFields,
} from '../../model/index.js';
import { matchOne } from '../row.js';
import { remarkSelinux } from './capability-checks.js';
import type { HostCase } from './case.js';
import { capabilitiesTransitions, takeCapabilities, takeHardware } from './contact.js';
import { HostDraft } from './draft.js';
import { failureTransitions } from './failure.js';
import { recoveringTransitions } from './recovering.js';
import { statsTransitions, takeStatistics } from './statistics.js';

export interface HostVerdict {
  readonly rule: string;
  readonly draft: HostDraft;
  /** What changes in the host's stored state; empty when nothing does. */
  readonly changes: readonly FieldChange[];
}

/** The kinds of evidence about a host that rules judge. */
export type HostEvidence =
  | { readonly kind: 'statistics'; readonly report: VdsStatsReport }
  | { readonly kind: 'capabilities'; readonly report: VdsCapabilitiesReport }
  | { readonly kind: 'hardware'; readonly report: VdsHardwareReport }
  | { readonly kind: 'failure'; readonly error: VurtiError }
  /** error null: the time to recover may be over. */
  | { readonly kind: 'recovering'; readonly error: VurtiError | null }
  /** The agent answered a call with an error (principle 8). */
  | { readonly kind: 'refused'; readonly method: string; readonly error: VurtiError };

/** Decides about one host. Pure: the same case gives the same verdict. */
export function decideHost(c: HostCase, evidence: HostEvidence): HostVerdict {
  const draft = new HostDraft(c);
  const rule = ruleOf(c, evidence, draft);
  return { rule, draft, changes: diffOf(vdsDynamicFields, c.host.dynamic, draft.dynamic) };
}

function ruleOf(c: HostCase, evidence: HostEvidence, draft: HostDraft): string {
  switch (evidence.kind) {
    case 'statistics': {
      const full = { ...c, report: evidence.report };
      answered(c, draft);
      takeStatistics(full, draft);
      const row = matchOne(statsTransitions, full);
      row.then(full, draft);
      return row.name;
    }
    case 'capabilities': {
      const full = { ...c, report: evidence.report };
      answered(c, draft);
      remarkSelinux(full, draft);
      const row = matchOne(capabilitiesTransitions, full);
      takeCapabilities(full, draft);
      row.then(full, draft);
      return row.name;
    }
    case 'hardware':
      answered(c, draft);
      takeHardware(evidence.report, draft);
      return 'host.hardware';
    case 'failure': {
      const full = { ...c, error: evidence.error };
      const row = matchOne(failureTransitions, full);
      row.then(full, draft);
      return row.name;
    }
    case 'recovering': {
      const full = { ...c, error: evidence.error };
      if (evidence.error !== null) draft.live({ lastAnswerAt: c.now, heardAt: c.now, attempts: 0 });
      const row = matchOne(recoveringTransitions, full);
      row.then(full, draft);
      return row.name;
    }
    case 'refused':
      draft.event('VDS_BROKER_COMMAND_FAILURE', { CommandName: evidence.method, message: evidence.error.message });
      return 'host.call-refused';
  }
}

/** A successful answer: the host is heard, and failed attempts are forgotten (D1). */
function answered(c: HostCase, draft: HostDraft): void {
  draft.live({ attempts: 0, lastAnswerAt: c.stamp.receivedAt, heardAt: c.stamp.receivedAt });
}
