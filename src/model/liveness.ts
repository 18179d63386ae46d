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
  };
}
