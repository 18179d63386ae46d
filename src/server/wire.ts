import type { FieldChange, Freshness, VdsStatus, VmStatus } from '../model/index.js';
import type { Explanation, ExplanationEvidence, HostView, MonitorStatus, VmView } from '../monitor/index.js';

/**
 * What goes over the wire, in the API and in the CLI's JSON alike. Times are RFC 3339 in UTC with milliseconds, units
 * stand in names, null = not known, an absent key = not asked for. Within vurti/v1 keys are only added.
 */
export const apiVersion = 'vurti/v1';

type Timed<V, T extends keyof V> = Omit<V, T> & { readonly [K in T]: string | null };

export type ApiHost = Omit<Timed<HostView, 'since' | 'heardAt' | 'graceEndsAt' | 'nextPollAt'>, 'memoryMb'> & {
  readonly memoryBytes: number | null;
};
export type ApiVm = Timed<VmView, 'since' | 'heardAt'>;

export interface ApiCause {
  readonly rule: string;
  readonly by: 'poll' | 'push' | 'failure' | 'inventory' | 'command' | 'timer' | 'start';
  readonly at: string;
  /** Name of the host that was asked. */
  readonly host: string | null;
  /** Counts the evidence of that host. */
  readonly seq: number | null;
  /** Error code of a failure. */
  readonly code: string | null;
}

export interface ApiEvent {
  readonly cursor: string;
  readonly time: string;
  readonly name: string;
  readonly severity: 'NORMAL' | 'WARNING' | 'ERROR' | 'ALERT';
  readonly message: string;
  readonly host: string | null;
  readonly hostId: string | null;
  readonly vm: string | null;
  readonly vmId: string | null;
  readonly clusterId: string | null;
  readonly customId: string | null;
  readonly eventId: string;
  /** eventId of the event that this one is a part of. */
  readonly parent: string | null;
  readonly correlation: string | null;
  readonly params: Readonly<Record<string, string>>;
  readonly cause: ApiCause;
  /** What changed with it; only when asked for. */
  readonly changes?: readonly FieldChange[];
}

/** What every answer begins with. `cursor`: the place in the log that the answer belongs to. */
export interface Envelope {
  readonly apiVersion: typeof apiVersion;
  readonly kind: string;
  readonly asOf: string;
  readonly cursor: string;
  readonly status: MonitorStatus['condition'];
}

export interface ListEnvelope<I> extends Envelope {
  /** Entities there are, whatever the filters. */
  readonly total: number;
  /** Entities that pass the filters, whatever the limit. */
  readonly matched: number;
  readonly items: readonly I[];
}

export interface ItemEnvelope<I> extends Envelope {
  readonly item: I;
}

export interface EventListEnvelope extends Envelope {
  /** There is more to read at once: after `cursor`, or before `before` when reading backwards. */
  readonly more: boolean;
  readonly before: string | null;
  readonly items: readonly ApiEvent[];
}

export interface ApiStatus extends Envelope {
  readonly version: string;
  readonly mode: MonitorStatus['mode'];
  readonly readiness: MonitorStatus['readiness'];
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly hosts: { readonly total: number; readonly byStatus: Readonly<Partial<Record<VdsStatus, number>>> };
  readonly vms: {
    readonly total: number;
    readonly byStatus: Readonly<Partial<Record<VmStatus, number>>>;
    readonly byFreshness: Readonly<Record<Freshness, number>>;
    readonly oldestLiveSeconds: number | null;
    /** Hosts with VMs that are not live, most of them first. */
    readonly notLive: readonly { readonly host: string | null; readonly vms: number }[];
  };
  readonly eventsLastHour: MonitorStatus['eventsLastHour'];
  readonly attention: MonitorStatus['attention'];
  readonly polls: MonitorStatus['polls'];
  readonly database: Timed<MonitorStatus['database'], 'failingSince'>;
  readonly rulesOff: MonitorStatus['rulesOff'];
}

export type ApiExplanation = Omit<Timed<Explanation, 'since' | 'heardAt'>, 'evidence' | 'calls' | 'next'> & {
  readonly evidence: readonly (Omit<ExplanationEvidence, 'at' | 'lastAt'> & {
    readonly at: string;
    readonly lastAt: string;
  })[];
  readonly calls: readonly (Omit<Explanation['calls'][number], 'at'> & { readonly at: string })[];
  readonly next: readonly { readonly text: string; readonly at: string | null }[];
};

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly retryable: boolean;
  readonly hint: string;
}
