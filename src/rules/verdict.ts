import type { AgentRequest, EventName, IntentKind } from '../events/index.js';

/** An event to be raised; its message, names and cause are added when it is recorded. */
export interface EventDraft {
  readonly name: EventName;
  readonly params: Readonly<Record<string, string>>;
  readonly vmId?: string;
  readonly customId?: string;
}

/** Advice to the host application (D25). */
export interface IntentDraft {
  readonly intent: IntentKind;
  readonly vmId?: string;
  /** The host that the advice is about: where to destroy, from where to migrate. */
  readonly hostId?: string;
  /** Tells apart what is advised several times while the status stays. Default 0. */
  readonly round?: number;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** What a manager's running commands want to know of; not logged, since their commands end with this process. */
export type Signal =
  | 'poweringUp'
  | 'succeededToRun'
  | 'removeAsync'
  | 'confirmRunning'
  | 'clearHotUnplugMarks'
  | 'clearVmNuma'
  | 'freeCpuPins'
  | 'saveExternalData'
  | 'refreshIsoCache';

/** Steps of a decision about a host, for those who take part in them; what must not be lost is an intent. */
export type HostSignal =
  /** A rule of the cluster is broken (§2.4.3). */
  | 'setNonOperational'
  /** The chain of §3.4 was begun, whatever its first steps decided. */
  | 'fencingTreatment'
  /** The time to recover (§3.7) runs no longer. */
  | 'cancelRecoveryTimer';

/** What was not done, and why: for `explain`. */
export interface NotDone {
  readonly what: string;
  readonly why: string;
}

export type RequestDraft = AgentRequest;
