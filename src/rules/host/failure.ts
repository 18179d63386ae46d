import type { VurtiError } from '../../kernel/index.js';
import { type GraceSettings, notMonitored, type SpmStatus, type VdsStatus } from '../../model/index.js';
import type { Row } from '../row.js';
import type { HostCase } from './case.js';
import type { HostDraft } from './draft.js';

export type FailureCase = HostCase & { readonly error: VurtiError };
type FailureRow = Row<FailureCase, HostDraft>;

/** How long a host may be silent before it counts as lost, whole seconds (oVirt calcTimeoutToFence, §3.2). */
export function graceSeconds(grace: GraceSettings, vmCount: number, spm: SpmStatus): number {
  return Math.trunc(grace.seconds + (spm === 'None' ? 0 : grace.spmSeconds) + grace.perVmSeconds * vmCount);
}

export function graceOf(c: HostCase): number {
  return graceSeconds(c.settings.grace, c.host.dynamic.vmCount, c.host.static.spmStatus);
}

/** Attempts and time must both be used up (§3.2). The failure that is being judged is an attempt, too. */
function inGrace(c: HostCase): boolean {
  const attempts = c.liveness.attempts + 1;
  return attempts <= c.settings.grace.attempts || c.now <= c.liveness.lastAnswerAt + graceOf(c) * 1000;
}

const unmonitored = (c: FailureCase): boolean => notMonitored.has(c.host.dynamic.status);
const status = (c: FailureCase): VdsStatus => c.host.dynamic.status;
const waits: ReadonlySet<VdsStatus> = new Set<VdsStatus>(['Connecting', 'PreparingForMaintenance', 'NonResponsive']);

function count(c: FailureCase, draft: HostDraft): void {
  draft.live({ attempts: c.liveness.attempts + 1, readyForUp: false });
}

/** One failed attempt to hear from a host (oVirt VdsManager.handleNetworkException). Exactly one row matches. */
export const failureTransitions: readonly FailureRow[] = [
  {
    name: 'host.failure.not-monitored',
    doc: 'Somebody else is at work on the host (Maintenance, Reboot, Installing …) or it is Down: a failure says nothing new (D2, D21).',
    when: unmonitored,
    then: (c, draft) => draft.skip('Connecting', `the host is ${status(c)}: a failure says nothing new`),
  },
  {
    name: 'host.failure.in-grace',
    doc: 'No answer again, and the grace period is not over: the attempt is counted, nothing else.',
    when: (c) => !unmonitored(c) && inGrace(c) && waits.has(status(c)),
    then: (c, draft) => {
      count(c, draft);
      draft.skip('NonResponsive', `in grace: attempt ${c.liveness.attempts + 1}, lost after ${graceOf(c)}s of silence`);
    },
  },
  {
    name: 'host.failure.connecting',
    doc: 'The first failed attempt: contact is being looked for, VMs keep their status.',
    when: (c) => !unmonitored(c) && inGrace(c) && !waits.has(status(c)),
    then: (c, draft) => {
      count(c, draft);
      draft.status('Connecting');
      draft.event(c.host.static.pmEnabled ? 'VDS_HOST_NOT_RESPONDING_CONNECTING' : 'VDS_HOST_NOT_RESPONDING', {
        Seconds: String(graceOf(c)),
      });
    },
  },
  {
    name: 'host.failure.still-lost',
    doc: 'Lost already, and still silent.',
    when: (c) => !unmonitored(c) && !inGrace(c) && status(c) === 'NonResponsive',
    then: count,
  },
  {
    name: 'host.lost',
    doc: 'More failed attempts than grace.attempts, and silence longer than the grace time: the host is NonResponsive. Its VMs may still run, so they become Unknown, not Down.',
    when: (c) => !unmonitored(c) && !inGrace(c) && status(c) !== 'NonResponsive',
    then: (c, draft) => {
      count(c, draft);
      draft.status('NonResponsive');
      const unknownName = c.error.code === 'AGENT_UNKNOWN_HOST';
      draft.event(unknownName ? 'VDS_UNKNOWN_HOST' : 'VDS_FAILURE', { Error: c.error.message });
      draft.vmsUnknown = true;
      draft.intent('fence', { silentSince: c.liveness.lastAnswerAt, attempts: c.liveness.attempts + 1 });
    },
  },
];
