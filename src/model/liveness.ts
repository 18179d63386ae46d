import type { EvidenceStamp } from './stamp.js';

/** How sure we are of a status; kept apart from it and never stored. */
export type Freshness = 'live' | 'stale' | 'unknown';

/** What this process knows of a host beside its row. Lost at the end of the process, on purpose. */
export interface VdsLiveness {
  /** Failed attempts since the last answer (principle 8). */
  readonly attempts: number;
  /** Last answer or push of the agent; at service start the start, so that every host gets its chance (D1). */
  readonly lastAnswerAt: number;
  /** Null until the agent has answered this process. */
  readonly heardAt: number | null;
  /** Capabilities have been read since start or activation. */
  readonly capabilitiesRead: boolean;
  /** Contact is being made and the capabilities broke no rule: statistics will make the host Up. */
  readonly readyForUp: boolean;
  /** The last VM report that was complete. */
  readonly lastVmReport: EvidenceStamp | null;
  /** A complete VM report has been applied in this process (D19). */
  readonly initialized: boolean;
  /** When getAllVmStats began to fail; null while it answers. */
  readonly vmStatsFailingSince: number | null;
  /** When the agent began to answer "recovering" (code 99). */
  readonly recoveringSince: number | null;
  /** When a nic with a required network was first seen down, and one has been since (§2.5). */
  readonly nicsDownSince: number | null;
  /** Counts the calls that failed since the host was lost: VMs with leases are started elsewhere at certain ones (§3.5). */
  readonly leaseCounter: number;
  /** When a host that leaves is to be asked again to move its VMs; null: when its status is that old. */
  readonly maintenanceRetryAt: number | null;
  /** The manager said that the host boots: until then its silence means nothing (§3.4). */
  readonly rebootUntil: number | null;
  /** Since when no push of the agent is missing; after a gap it lies ahead. null: it does not push to us now. */
  readonly pushesSince: number | null;
  /** End of validity of the agent's certificate; null: not known. */
  readonly certificateExpiresAt: number | null;
  /** The end of validity that people were warned of. */
  readonly certificateWarnedOf: number | null;
}

/** Why a VM's last decision was not final; it is decided again on every report of its host (principle 2). */
export type Unsettled =
  | { readonly reason: 'missing'; readonly misses: number; readonly since: number; readonly lastSeq: number }
  | { readonly reason: 'command' | 'older' | 'grace' | 'failed' | 'awaitingData'; readonly since: number };

export function initialLiveness(now: number): VdsLiveness {
  return {
    attempts: 0,
    lastAnswerAt: now,
    heardAt: null,
    capabilitiesRead: false,
    readyForUp: false,
    lastVmReport: null,
    initialized: false,
    vmStatsFailingSince: null,
    recoveringSince: null,
    nicsDownSince: null,
    leaseCounter: 0,
    maintenanceRetryAt: null,
    rebootUntil: null,
    pushesSince: null,
    certificateExpiresAt: null,
    certificateWarnedOf: null,
  };
}

/** With these fields in place of its own. One literal: it is made anew with every answer and push (see copyOfVmDynamic). */
export function changedLiveness(from: VdsLiveness, fields: Partial<VdsLiveness>): VdsLiveness {
  const copy: VdsLiveness = {
    attempts: from.attempts,
    lastAnswerAt: from.lastAnswerAt,
    heardAt: from.heardAt,
    capabilitiesRead: from.capabilitiesRead,
    readyForUp: from.readyForUp,
    lastVmReport: from.lastVmReport,
    initialized: from.initialized,
    vmStatsFailingSince: from.vmStatsFailingSince,
    recoveringSince: from.recoveringSince,
    nicsDownSince: from.nicsDownSince,
    leaseCounter: from.leaseCounter,
    maintenanceRetryAt: from.maintenanceRetryAt,
    rebootUntil: from.rebootUntil,
    pushesSince: from.pushesSince,
    certificateExpiresAt: from.certificateExpiresAt,
    certificateWarnedOf: from.certificateWarnedOf,
  };
  return Object.assign(copy, fields);
}
