import type { FieldChange, Freshness, VdsStatus, VmStatus } from '../model/index.js';
import type {
  Explanation,
  ExplanationEvidence,
  HostView,
  MonitorStatus,
  ReloadReport,
  SettingsProblem,
  TailGap,
  VmView,
} from '../monitor/index.js';

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

/** What all records of the log have. `cursor`: go on after it. */
interface ApiRecord {
  readonly cursor: string;
  readonly time: string;
  readonly host: string | null;
  readonly hostId: string | null;
  readonly vm: string | null;
  readonly vmId: string | null;
  readonly clusterId: string | null;
  readonly correlation: string | null;
  readonly cause: ApiCause;
}

export interface ApiEvent extends ApiRecord {
  readonly name: string;
  readonly severity: 'NORMAL' | 'WARNING' | 'ERROR' | 'ALERT';
  readonly message: string;
  readonly customId: string | null;
  readonly eventId: string;
  /** eventId of the event that this one is a part of. */
  readonly parent: string | null;
  readonly params: Readonly<Record<string, string>>;
  /** What changed with it; only when asked for. */
  readonly changes?: readonly FieldChange[];
}

export interface ApiChange extends ApiRecord {
  readonly entity: 'host' | 'vm' | 'cluster' | 'network';
  readonly entityId: string;
  readonly what: 'added' | 'changed' | 'removed';
  readonly changes: readonly FieldChange[];
}

export interface ApiIntent extends ApiRecord {
  readonly intent: string;
  readonly key: string;
  readonly round: number;
  readonly since: string | null;
  readonly advisory: boolean;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/**
 * Frames of GET /api/v1/events/stream (server-sent events) by the name in their `event:` line. Records come as `event`,
 * `change` and `intent`. The `id:` of each frame is a cursor to resume from, by Last-Event-ID or `after`.
 */
export interface StreamFrames {
  /** The first frame. exact: nothing is missing between the cursor that was given and what follows. */
  readonly hello: {
    readonly apiVersion: typeof apiVersion;
    readonly kind: 'EventStream';
    readonly startedAt: string;
    readonly cursor: string;
    readonly exact: boolean;
  };
  readonly event: ApiEvent;
  readonly change: ApiChange;
  readonly intent: ApiIntent;
  /** All up to here was looked at; nothing after the last record given passed the filters. */
  readonly checkpoint: { readonly cursor: string };
  /** Records are missing here; reading goes on after `resumedAfter`. */
  readonly gap: TailGap;
  /** The last frame of a stream that is ended by the service. */
  readonly end: { readonly reason: 'head' | 'stopping' | 'error'; readonly code: string | null };
}

/** Advice that waits for somebody; its cursor is null when it was given before this process started. */
export type ApiPendingIntent = Omit<ApiIntent, 'cursor'> & {
  readonly cursor: string | null;
  /** What is advised, in a sentence. */
  readonly text: string;
};

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
  readonly pushes: MonitorStatus['pushes'];
  readonly database: Timed<MonitorStatus['database'], 'failingSince'>;
  readonly log: Timed<MonitorStatus['log'], 'lastRunAt'>;
  readonly backfill: MonitorStatus['backfill'];
  readonly remaining: MonitorStatus['remaining'];
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

/** Answer of POST /api/v1/reload. */
export type ApiReload = Envelope & { readonly item: ReloadReport };

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly retryable: boolean;
  readonly hint: string;
  /** Of settings that are wrong: each fault, with its place. */
  readonly problems?: readonly SettingsProblem[];
}
