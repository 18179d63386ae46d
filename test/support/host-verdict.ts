import { expect } from 'vitest';
import type { Vds } from '../../src/model/index.js';
import { decideHost, type HostCase, type HostEvidence, type HostVerdict } from '../../src/rules/index.js';
import { deepFreeze } from './deep-freeze.js';
import { host } from './entities.js';
import { type HostCaseMore, hostCase } from './host-case.js';

/** A case whose parts cannot be changed: rules are pure. */
export const frozenCase = (vds: Vds = host('h1'), more: HostCaseMore = {}): HostCase => deepFreeze(hostCase(vds, more));

/** A verdict as tables show it. Lists that are empty, and reasons that are none, are left out. */
export interface HostSummary {
  readonly rule: string;
  /** The status that follows; "same": nothing of the host's row changes, "row": other fields do. */
  readonly to: string;
  /** Why it is NonOperational. */
  readonly reason?: string;
  readonly effects?: readonly string[];
  /** With their parameters: "VDS_FAILURE Error=refused". */
  readonly events?: readonly string[];
  /** "fence", "restartOnLease v1". */
  readonly intents?: readonly string[];
  readonly signals?: readonly string[];
  /** "Host.getStats". */
  readonly requests?: readonly string[];
}

export function hostSummaryOf({ rule, effects, draft, changes }: HostVerdict, before: Vds): HostSummary {
  const { status, nonOperationalReason } = draft.dynamic;
  const lists = {
    effects,
    events: draft.events.map(({ name, params }) => [name, ...Object.entries(params).map((p) => p.join('='))].join(' ')),
    intents: draft.intents.map(({ intent, vmId }) => (vmId === undefined ? intent : `${intent} ${vmId}`)),
    signals: draft.signals,
    requests: draft.requests.map(({ method }) => method),
  };
  const filled = Object.entries(lists).filter(([, list]) => list.length > 0);
  const moved = status !== before.dynamic.status || nonOperationalReason !== before.dynamic.nonOperationalReason;
  return {
    ...{ rule, to: changes.length === 0 ? 'same' : moved ? status : 'row' },
    ...(nonOperationalReason === 'NONE' ? {} : { reason: nonOperationalReason }),
    ...Object.fromEntries(filled),
  };
}

/** One row of a table: the host, what is known beside it, what was heard, and all that must follow. */
export interface HostRow extends HostSummary {
  readonly title: string;
  readonly host: Vds;
  readonly more?: HostCaseMore;
}

export function expectHostRow({ title: _, host: vds, more, ...expected }: HostRow, evidence: HostEvidence): void {
  const verdict = decideHost(frozenCase(vds, more), deepFreeze(evidence));
  expect(hostSummaryOf(verdict, vds)).toEqual(expected);
}
