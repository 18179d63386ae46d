import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf, VurtiError } from '../../kernel/index.js';
import type { ApiEvent, ApiStatus, EventListEnvelope } from '../../server/index.js';
import type { Client, Query } from '../client.js';
import type { Context } from '../context.js';
import { jsonLine, yamlText } from '../output.js';
import { parseWhen } from '../when.js';
import { follow } from './follow.js';
import { EventWidths, eventLines } from './render.js';

export interface TailOptions {
  readonly follow?: boolean;
  readonly lines?: string;
  readonly since?: string;
  readonly until?: string;
  readonly severity?: string;
  readonly type?: string;
  readonly host?: string;
  readonly vm?: string;
  readonly grep?: string;
  readonly reverse?: boolean;
  readonly afterCursor?: string;
  readonly showCursor?: boolean;
  readonly cursorFile?: string;
  readonly explain?: boolean;
  readonly expand?: boolean;
}

const DEFAULT_LINES = 10;
const PAGE = 1000;

export async function tail(context: Context, options: TailOptions): Promise<void> {
  const { io } = context;
  if (options.follow && options.reverse) throw wrong('-f and -r do not go together: what is to come has no order yet.');
  if (options.follow && options.until !== undefined) throw wrong('-f and -U do not go together.');
  const now = io.clock.now();
  const when = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : new Date(parseWhen(text, now, context.utc)).toISOString();
  const query: Query = {
    severity: options.severity,
    type: options.type,
    host: options.host,
    vm: options.vm,
    since: when(options.since),
    until: when(options.until),
    changes: options.explain,
  };
  const file = options.cursorFile === undefined ? undefined : resolve(io.cwd, options.cursorFile);
  const after = options.afterCursor ?? (file === undefined ? undefined : readCursor(file));
  const bounded = options.lines !== undefined || (after === undefined && options.since === undefined);
  const lines = bounded ? linesOf(options.lines) : Number.POSITIVE_INFINITY;
  const matches = grep(options.grep);

  const widths = new EventWidths();
  let cursor: string | undefined;
  const show = (events: readonly ApiEvent[], upTo: string): void => {
    print(context, events.filter(matches), options, widths);
    if (file !== undefined && upTo !== cursor) writeCursor(file, upTo);
    cursor = upTo;
  };
  const client = context.client();
  // Asked before the events: from here on a restart is noticed.
  const startedAt = options.follow ? (await client.get<ApiStatus>('/api/v1/status')).startedAt : undefined;
  try {
    if (after === undefined && (lines !== Number.POSITIVE_INFINITY || options.reverse)) {
      await newest(client, query, { lines, matches, reverse: options.reverse ?? false, show });
    } else {
      await fromCursor(client, after === undefined ? query : { ...query, after }, {
        lines,
        reverse: options.reverse ?? false,
        show,
        matches,
      });
    }
    if (startedAt !== undefined && cursor !== undefined) {
      const { since: _, ...onwards } = query;
      const connect = (): Client => context.client();
      const notice = (text: string): void => context.note(text);
      const page = ({ items, cursor: upTo }: EventListEnvelope): void => show(items, upTo);
      await follow({ io, startedAt, connect, query: onwards, utc: context.utc, notice, page }, client, cursor);
    }
  } finally {
    if (options.showCursor && cursor !== undefined) io.stderr.write(`-- cursor: ${cursor} --\n`);
  }
}

interface Reading {
  readonly lines: number;
  readonly matches: (event: ApiEvent) => boolean;
  readonly reverse: boolean;
  readonly show: (events: readonly ApiEvent[], cursor: string) => void;
}

/** The newest ones that match; found by reading backwards, page by page. */
async function newest(client: Client, query: Query, reading: Reading): Promise<void> {
  const found: ApiEvent[] = [];
  let head: string | undefined;
  let before: string | undefined;
  do {
    const limit = Math.min(PAGE, Math.max(1, reading.lines));
    const page: EventListEnvelope = await client.get('/api/v1/events', { ...query, reverse: true, limit, before });
    head ??= page.cursor;
    const matching = page.items.filter(reading.matches).slice(0, reading.lines - found.length);
    if (reading.reverse) reading.show(matching, head);
    found.push(...matching);
    before = page.more ? (page.before ?? undefined) : undefined;
  } while (before !== undefined && found.length < reading.lines);
  if (!reading.reverse) reading.show(found.reverse(), head);
}

/** Everything after a cursor or a time, as it comes; a wanted number of lines or the reverse order needs all of it first. */
async function fromCursor(client: Client, query: Query, reading: Reading): Promise<void> {
  const keep = reading.lines !== Number.POSITIVE_INFINITY || reading.reverse;
  const kept: ApiEvent[] = [];
  let next: Query = { ...query, limit: PAGE };
  for (;;) {
    const page: EventListEnvelope = await client.get('/api/v1/events', next);
    if (keep) kept.push(...page.items.filter(reading.matches));
    else reading.show(page.items, page.cursor);
    if (!page.more) {
      const last =
        reading.lines === Number.POSITIVE_INFINITY ? kept : kept.slice(Math.max(0, kept.length - reading.lines));
      if (keep) reading.show(reading.reverse ? last.reverse() : last, page.cursor);
      return;
    }
    next = { ...next, after: page.cursor };
  }
}

function print(context: Context, events: readonly ApiEvent[], options: TailOptions, widths: EventWidths): void {
  switch (context.format) {
    case 'json':
    case 'ndjson':
      for (const event of events) context.data(jsonLine(event));
      break;
    case 'yaml':
      for (const event of events) context.data(`---\n${yamlText(event)}`);
      break;
    case 'name':
      for (const event of events) context.data(`event/${event.cursor}`);
      break;
    case 'table':
    case 'wide': {
      const { expand = false, explain: causes = false } = options;
      const wide = context.format === 'wide';
      context.print(
        eventLines(events, context.out, {
          now: context.io.clock.now(),
          utc: context.utc,
          expand,
          causes,
          wide,
          widths,
          hint: true,
        }),
      );
      break;
    }
  }
}

const wrong = (message: string): VurtiError => new VurtiError('BAD_ARGUMENT', message, { hint: '' });

function linesOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LINES;
  if (text === 'all') return Number.POSITIVE_INFINITY;
  if (!/^\d{1,9}$/.test(text)) throw wrong(`-n ${text}: a number of lines, or all.`);
  return Number(text);
}

/** As in journalctl: a pattern without capitals does not mind capitals. */
function grep(pattern: string | undefined): (event: ApiEvent) => boolean {
  if (pattern === undefined) return () => true;
  let expression: RegExp;
  try {
    expression = new RegExp(pattern, pattern === pattern.toLowerCase() ? 'iu' : 'u');
  } catch (error) {
    throw wrong(`-g ${pattern}: ${messageOf(error)}.`);
  }
  return (event) =>
    expression.test([event.name, event.host ?? event.hostId, event.vm ?? event.vmId, event.message].join(' '));
}

function readCursor(file: string): string | undefined {
  try {
    const text = readFileSync(file, 'utf8').trim();
    return text === '' ? undefined : text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new VurtiError('CONFIG_UNREADABLE', `The cursor file ${file} cannot be read`, { cause: error });
  }
}

/** Whole or not at all: half a cursor is worse than the last one. */
function writeCursor(file: string, cursor: string): void {
  writeFileSync(`${file}.new`, `${cursor}\n`);
  renameSync(`${file}.new`, file);
}
