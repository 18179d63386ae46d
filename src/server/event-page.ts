import { type EventRecord, type LogRecord, severityIds } from '../events/index.js';
import type { Scheduler } from '../kernel/index.js';
import type { FieldChange } from '../model/index.js';
import type { Monitor } from '../monitor/index.js';
import { decisionOf } from './decisions.js';
import type { EventsQuery } from './inputs.js';

type CommittedEvent = EventRecord & LogRecord;

export interface EventPage {
  readonly events: readonly CommittedEvent[];
  /** By cursor of the event; only what stands near it in the log. */
  readonly changes: ReadonlyMap<string, readonly FieldChange[]>;
  /** Go on after this one: the last record that was looked at, whether it passed the filters or not. */
  readonly cursor: string;
  readonly before: string | null;
  readonly more: boolean;
}

export interface EventFilter extends Omit<EventsQuery, 'host' | 'vm' | 'cluster'> {
  readonly hostIds?: ReadonlySet<string>;
  readonly vmIds?: ReadonlySet<string>;
  readonly clusterIds?: ReadonlySet<string>;
}

/** One request looks at no more records than this: the rest of a long search is the next request's. */
const MOST_SCANNED = 50_000;
const CHUNK = 500;
/** Records are in order of their commit; their times may be out of order by a little. */
const TIME_SLACK_MS = 60_000;

class Page {
  readonly events: CommittedEvent[] = [];
  readonly #records: LogRecord[] = [];
  readonly #filter: EventFilter;
  cursor: string;
  scanned = 0;
  more = false;

  constructor(filter: EventFilter, cursor: string) {
    this.#filter = filter;
    this.cursor = cursor;
  }

  /** False when the page ends with this record. */
  add(record: LogRecord): boolean {
    this.scanned += 1;
    this.cursor = record.cursor;
    if (record.kind === 'change' && this.#filter.changes) this.#records.push(record);
    if (record.kind === 'event' && matches(record, this.#filter)) this.events.push(record);
    this.more = this.events.length >= this.#filter.limit || this.scanned >= MOST_SCANNED;
    return !this.more;
  }

  changes(): ReadonlyMap<string, readonly FieldChange[]> {
    const byDecision = new Map<string, FieldChange[]>();
    for (const record of this.#records) {
      if (record.kind === 'change')
        byDecision.set(decisionOf(record), [...(byDecision.get(decisionOf(record)) ?? []), ...record.changes]);
    }
    return new Map(this.events.map((event) => [event.cursor, byDecision.get(decisionOf(event)) ?? []]));
  }
}

function matches(event: CommittedEvent, filter: EventFilter): boolean {
  if (filter.severity !== undefined && severityIds[event.severity] < severityIds[filter.severity]) return false;
  if (filter.type !== undefined && !filter.type.includes(event.name)) return false;
  if (filter.hostIds !== undefined && !(event.hostId !== null && filter.hostIds.has(event.hostId))) return false;
  if (filter.vmIds !== undefined && !(event.vmId !== null && filter.vmIds.has(event.vmId))) return false;
  if (filter.clusterIds !== undefined && !(event.clusterId !== null && filter.clusterIds.has(event.clusterId)))
    return false;
  if (filter.since !== undefined && event.time < filter.since) return false;
  return filter.until === undefined || event.time <= filter.until;
}

export async function readEvents(
  monitor: Monitor,
  filter: EventFilter,
  scheduler: Scheduler,
  stop: AbortSignal,
): Promise<EventPage> {
  if (filter.reverse || (filter.after === undefined && filter.since === undefined))
    return backwards(monitor, filter, stop);
  const after = filter.after ?? (await monitor.log.placeBefore(filter.since ?? 0));
  const page = await forwards(monitor, filter, after, stop);
  if (page.events.length > 0 || page.more || filter.wait === 0) return page;
  const woken = await untilMatch(monitor, filter, page.cursor, scheduler, stop);
  // What was committed together comes together: the rest of that batch is there by now.
  return woken === null ? page : forwards(monitor, filter, woken.from, stop);
}

async function forwards(monitor: Monitor, filter: EventFilter, after: string, stop: AbortSignal): Promise<EventPage> {
  const page = new Page(filter, after);
  for await (const record of monitor.log.read({ after, follow: false, signal: stop })) {
    if (!page.add(record)) break;
  }
  const cursor = page.cursor === 'oldest' ? monitor.log.head() : page.cursor;
  return { events: page.events, changes: page.changes(), cursor, before: null, more: page.more };
}

/** Newest first where `reverse` is asked for, else the newest ones in order. */
async function backwards(monitor: Monitor, filter: EventFilter, stop: AbortSignal): Promise<EventPage> {
  const page = new Page(filter, filter.before ?? monitor.log.head());
  let newest: string | null = null;
  let before = filter.before;
  scan: while (!stop.aborted) {
    const records = await monitor.log.latest(CHUNK, before);
    newest ??= records[0]?.cursor ?? null;
    for (const record of records) {
      if (filter.since !== undefined && record.time < filter.since - TIME_SLACK_MS) break scan;
      if (!page.add(record)) break scan;
    }
    if (records.length < CHUNK) break;
    before = records.at(-1)?.cursor;
  }
  return {
    events: filter.reverse ? page.events : page.events.toReversed(),
    changes: page.changes(),
    cursor: newest ?? filter.before ?? monitor.log.head(),
    before: page.more ? page.cursor : null,
    more: filter.reverse && page.more,
  };
}

/** Waits for an event that passes the filters. null: none came in time. */
async function untilMatch(
  monitor: Monitor,
  filter: EventFilter,
  after: string,
  scheduler: Scheduler,
  stop: AbortSignal,
): Promise<{ readonly from: string } | null> {
  const end = new AbortController();
  const timer = scheduler.after(filter.wait * 1000, () => end.abort(), 'long-poll');
  const signal = AbortSignal.any([stop, end.signal]);
  try {
    for await (const record of monitor.log.read({ after, follow: true, signal })) {
      if (record.kind === 'event' && matches(record, filter)) return { from: after };
    }
  } catch (error) {
    // Its own end is no failure; anything else is the caller's to hear of.
    if (!signal.aborted) throw error;
  } finally {
    timer.cancel();
  }
  return null;
}
