import type { LogRecord, Severity } from '../events/index.js';
import type { Scheduler } from '../kernel/index.js';
import type { FieldChange } from '../model/index.js';
import { type Monitor, type RecordTest, recordTest } from '../monitor/index.js';
import { decisionOf } from './decisions.js';
import type { EntityIds } from './entity-ids.js';
import type { ChangesQuery } from './inputs.js';

export interface LogPage {
  /** Of the kind that was asked for. */
  readonly records: readonly LogRecord[];
  /** By cursor of the event; only what stands near it in the log. */
  readonly changes: ReadonlyMap<string, readonly FieldChange[]>;
  /** Go on after this one: the last record that was looked at, whether it passed the filters or not. */
  readonly cursor: string;
  readonly before: string | null;
  readonly more: boolean;
}

export interface PageFilter extends Omit<ChangesQuery, 'host' | 'vm' | 'cluster' | 'fields' | 'type'>, EntityIds {
  readonly kind: 'event' | 'change';
  readonly type?: readonly string[] | undefined;
  /** This and worse; of events. */
  readonly severity?: Severity;
  /** With what changed with each event. */
  readonly changes: boolean;
}

/** One request looks at no more records than this: the rest of a long search is the next request's. */
const MOST_SCANNED = 50_000;
const CHUNK = 500;
/** Backwards the first read is of about as many as are wanted: to read a record costs more than to pass it on. */
const FEWEST = 50;
/** Records are in order of their commit; their times may be out of order by a little. */
const TIME_SLACK_MS = 60_000;

class Page {
  readonly found: LogRecord[] = [];
  readonly #nearby: LogRecord[] = [];
  readonly #filter: PageFilter;
  readonly #passes: RecordTest;
  cursor: string;
  scanned = 0;
  more = false;

  constructor(filter: PageFilter, cursor: string) {
    this.#filter = filter;
    this.#passes = testOf(filter);
    this.cursor = cursor;
  }

  /** False when the page ends with this record. */
  add(record: LogRecord): boolean {
    this.scanned += 1;
    this.cursor = record.cursor;
    if (record.kind === 'change' && this.#filter.changes) this.#nearby.push(record);
    if (this.#passes(record)) this.found.push(record);
    this.more = this.found.length >= this.#filter.limit || this.scanned >= MOST_SCANNED;
    return !this.more;
  }

  changes(): ReadonlyMap<string, readonly FieldChange[]> {
    const byDecision = new Map<string, FieldChange[]>();
    for (const record of this.#nearby) {
      if (record.kind === 'change')
        byDecision.set(decisionOf(record), [...(byDecision.get(decisionOf(record)) ?? []), ...record.changes]);
    }
    return new Map(this.found.map((record) => [record.cursor, byDecision.get(decisionOf(record)) ?? []]));
  }
}

function testOf({ kind, type, severity, hostIds, vmIds, clusterIds, since, until }: PageFilter): RecordTest {
  return recordTest({
    kinds: [kind],
    ...(type === undefined ? {} : { types: type }),
    ...(severity === undefined ? {} : { severity }),
    ...(hostIds === undefined ? {} : { hostIds: [...hostIds] }),
    ...(vmIds === undefined ? {} : { vmIds: [...vmIds] }),
    ...(clusterIds === undefined ? {} : { clusterIds: [...clusterIds] }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  });
}

export async function readPage(
  monitor: Monitor,
  filter: PageFilter,
  scheduler: Scheduler,
  stop: AbortSignal,
): Promise<LogPage> {
  if (filter.reverse || (filter.after === undefined && filter.since === undefined))
    return backwards(monitor, filter, stop);
  const after = filter.after ?? (await monitor.log.placeBefore(filter.since ?? 0));
  const page = await forwards(monitor, filter, after, stop);
  if (page.records.length > 0 || page.more || filter.wait === 0) return page;
  const woken = await untilMatch(monitor, filter, page.cursor, scheduler, stop);
  // What was committed together comes together: the rest of that batch is there by now.
  return woken === null ? page : forwards(monitor, filter, woken.from, stop);
}

async function forwards(monitor: Monitor, filter: PageFilter, after: string, stop: AbortSignal): Promise<LogPage> {
  const page = new Page(filter, after);
  for await (const record of monitor.log.read({ after, follow: false, signal: stop })) {
    if (!page.add(record)) break;
  }
  const cursor = page.cursor === 'oldest' ? monitor.log.head() : page.cursor;
  return { records: page.found, changes: page.changes(), cursor, before: null, more: page.more };
}

/** Newest first where `reverse` is asked for, else the newest ones in order. */
async function backwards(monitor: Monitor, filter: PageFilter, stop: AbortSignal): Promise<LogPage> {
  const page = new Page(filter, filter.before ?? monitor.log.head());
  let newest: string | null = null;
  let before = filter.before;
  let size = Math.min(CHUNK, Math.max(FEWEST, filter.limit));
  scan: while (!stop.aborted) {
    const records = await monitor.log.latest(size, before);
    newest ??= records[0]?.cursor ?? null;
    for (const record of records) {
      if (filter.since !== undefined && record.time < filter.since - TIME_SLACK_MS) break scan;
      if (!page.add(record)) break scan;
    }
    if (records.length < size) break;
    before = records.at(-1)?.cursor;
    size = CHUNK;
  }
  return {
    records: filter.reverse ? page.found : page.found.toReversed(),
    changes: page.changes(),
    cursor: newest ?? filter.before ?? monitor.log.head(),
    before: page.more ? page.cursor : null,
    more: filter.reverse && page.more,
  };
}

/** Waits for a record that passes the filters. null: none came in time. */
async function untilMatch(
  monitor: Monitor,
  filter: PageFilter,
  after: string,
  scheduler: Scheduler,
  stop: AbortSignal,
): Promise<{ readonly from: string } | null> {
  const passes = testOf(filter);
  const end = new AbortController();
  const timer = scheduler.after(filter.wait * 1000, () => end.abort(), 'long-poll');
  const signal = AbortSignal.any([stop, end.signal]);
  try {
    for await (const record of monitor.log.read({ after, follow: true, signal })) {
      if (passes(record)) return { from: after };
    }
  } catch (error) {
    // Its own end is no failure; anything else is the caller's to hear of.
    if (!signal.aborted) throw error;
  } finally {
    timer.cancel();
  }
  return null;
}
