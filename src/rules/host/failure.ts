import type { VurtiError } from '../../kernel/index.js';
import { type GraceSettings, notMonitored, type SpmStatus, type VdsStatus } from '../../model/index.js';
import { matchOne, type Row } from '../row.js';
import { unnamed } from '../unnamed.js';
import type { HostCase } from './case.js';
import type { HostDraft } from './draft.js';
import { fencingTransitions } from './fencing.js';
import { LOST_COUNTER, restartOnLeases } from './leases.js';

export type FailureCase = HostCase & { readonly error: VurtiError };
type FailureRow = Row<FailureCase, HostDraft>;

/** How long a host may be silent before it counts as lost, whole seconds (oVirt calcTimeoutToFence, §3.2). */
export function graceSeconds(grace: GraceSettings, vmCount: number, spm: SpmStatus): number {
  return Math.trunc(grace.seconds + (spm === 'None' ? 0 : grace.spmSeconds) + grace.perVmSeconds * vmCount);
}

function graceOf(c: HostCase): number {
  return graceSeconds(c.settings.grace, c.host.dynamic.vmCount, c.host.static.spmStatus);
}

/** Attempts and time must both be used up (§3.2). The failure that is being judged is an attempt, too. */
function inGrace(c: HostCase): boolean {
  const attempts = c.liveness.attempts + 1;
  return attempts <= c.settings.grace.attempts || c.now <= c.liveness.lastAnswerAt + graceOf(c) * 1000;
}

const status = (c: FailureCase): VdsStatus => c.host.dynamic.status;
const unmonitored = (c: FailureCase): boolean => notMonitored.has(status(c));
const boots = (c: FailureCase): boolean => c.liveness.rebootUntil !== null && c.now < c.liveness.rebootUntil;
/** The failure counts. */
const counts = (c: FailureCase): boolean => !unmonitored(c) && !boots(c);
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
    name: 'host.failure.rebooting',
    doc: 'The manager said that the host boots, and its time for that is not over: its silence means nothing and is not counted.',
    when: (c) => !unmonitored(c) && boots(c),
    then: (_, draft) => draft.skip('NonResponsive', 'the host is being rebooted'),
  },
  {
    name: 'host.failure.in-grace',
    doc: 'No answer again, and the grace period is not over: the attempt is counted, nothing else.',
    when: (c) => counts(c) && inGrace(c) && waits.has(status(c)),
    then: (c, draft) => {
      count(c, draft);
      draft.skip('NonResponsive', `in grace: attempt ${c.liveness.attempts + 1}, lost after ${graceOf(c)}s of silence`);
    },
  },
  {
    name: 'host.failure.connecting',
    doc: 'The first failed attempt: contact is being looked for, VMs keep their status.',
    when: (c) => counts(c) && inGrace(c) && !waits.has(status(c)),
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
    doc: 'Lost already, and still silent. VMs with leases are tried elsewhere from time to time.',
    when: (c) => counts(c) && !inGrace(c) && status(c) === 'NonResponsive',
    then: (c, draft) => {
      count(c, draft);
      restartOnLeases(c, draft, c.liveness.leaseCounter);
    },
  },
  {
    name: 'host.lost',
    doc: 'More failed attempts than grace.attempts, and silence longer than the grace time: the host is NonResponsive. Its VMs may still run, so they become Unknown, not Down. The fencing chain begins.',
    when: (c) => counts(c) && !inGrace(c) && status(c) !== 'NonResponsive',
    then: (c, draft) => {
      count(c, draft);
      draft.status('NonResponsive');
      const unknownName = c.error.code === 'AGENT_UNKNOWN_HOST';
      draft.event(unknownName ? 'VDS_UNKNOWN_HOST' : 'VDS_FAILURE', {
        Error: unnamed(c.error.message, c.host.static.name),
      });
      draft.vmsBecome = 'unknown';
      draft.signal('fencingTreatment');
      matchOne(fencingTransitions, c).then(c, draft);
      restartOnLeases(c, draft, LOST_COUNTER);
    },
  },
];
