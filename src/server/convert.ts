import type { Explanation, HostView, Monitor, MonitorStatus, VmView } from '../monitor/index.js';
import { type ApiExplanation, type ApiHost, type ApiStatus, type ApiVm, apiVersion, type Envelope } from './wire.js';

/** RFC 3339, UTC, with milliseconds. */
export const rfc3339 = (ms: number): string => new Date(ms).toISOString();
export const rfc3339OrNull = (ms: number | null): string | null => (ms === null ? null : rfc3339(ms));

/** JSON cannot hold a BigInt, and readers lose digits beyond 2^53: such counters are strings. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => {
    if (typeof member === 'bigint') return member.toString();
    return typeof member === 'number' && Number.isInteger(member) && !Number.isSafeInteger(member)
      ? BigInt(member).toString()
      : member;
  });
}

export function envelope(monitor: Monitor, kind: string): Envelope {
  const { now, cursor, condition } = monitor.progress();
  return { apiVersion, kind, asOf: rfc3339(now), cursor, status: condition };
}

export function apiHost(view: HostView): ApiHost {
  const { memoryMb, since, heardAt, graceEndsAt, nextPollAt, ...rest } = view;
  return {
    ...rest,
    since: rfc3339OrNull(since),
    heardAt: rfc3339OrNull(heardAt),
    graceEndsAt: rfc3339OrNull(graceEndsAt),
    nextPollAt: rfc3339OrNull(nextPollAt),
    memoryBytes: memoryMb === null ? null : memoryMb * 1024 * 1024,
  };
}

export function apiVm(view: VmView): ApiVm {
  return { ...view, since: rfc3339OrNull(view.since), heardAt: rfc3339OrNull(view.heardAt) };
}

export function apiStatus(status: MonitorStatus): ApiStatus {
  const { now, startedAt, cursor, condition, database, log, vms, ...rest } = status;
  return {
    apiVersion,
    kind: 'Status',
    asOf: rfc3339(now),
    cursor,
    status: condition,
    ...rest,
    startedAt: rfc3339(startedAt),
    uptimeSeconds: Math.max(0, Math.round((now - startedAt) / 1000)),
    vms: { ...vms, notLive: vms.notLive.map(({ host, vms }) => ({ host, vms })) },
    log: { ...log, lastRunAt: rfc3339OrNull(log.lastRunAt) },
    database: { ...database, failingSince: rfc3339OrNull(database.failingSince) },
  };
}

export function apiExplanation(explanation: Explanation): ApiExplanation {
  const { since, heardAt, evidence, calls, pushes, next } = explanation;
  return {
    ...explanation,
    since: rfc3339OrNull(since),
    heardAt: rfc3339OrNull(heardAt),
    evidence: evidence.map((line) => ({ ...line, at: rfc3339(line.at), lastAt: rfc3339(line.lastAt) })),
    calls: calls.map((call) => ({ ...call, at: rfc3339(call.at) })),
    pushes: pushes === null ? null : { ...pushes, lastGapAt: rfc3339OrNull(pushes.lastGapAt) },
    next: next.map((step) => ({ ...step, at: rfc3339OrNull(step.at) })),
  };
}

/** Names of entities that may be gone by now. */
export class Names {
  readonly #monitor: Monitor;
  readonly #known = new Map<string, string | null>();

  constructor(monitor: Monitor) {
    this.#monitor = monitor;
  }

  of(kind: 'host' | 'vm', id: string | null): string | null {
    if (id === null) return null;
    const key = `${kind} ${id}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    // By its id alone: `get` would look through the fleet for ids that begin like the one of a VM that is gone.
    const name = (kind === 'host' ? this.#monitor.hosts : this.#monitor.vms).nameOf(id);
    this.#known.set(key, name);
    return name;
  }
}
