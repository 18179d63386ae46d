import { resolve } from 'node:path';
import { messageOf, VurtiError } from '../../kernel/index.js';
import type { ApiEvent, EventListEnvelope } from '../../server/index.js';
import type { Client, Query } from '../client.js';
import type { Context } from '../context.js';
import { jsonLine, yamlText } from '../output.js';
import { parseWhen } from '../when.js';
import { CursorFile } from './cursor-file.js';
import { type Following, follow } from './follow.js';
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
  readonly cluster?: string;
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
  const query = queryOf(context, options);
  const file = options.cursorFile === undefined ? undefined : new CursorFile(resolve(io.cwd, options.cursorFile));
  const after = options.afterCursor ?? file?.read();
  const bounded = options.lines !== undefined || (after === undefined && options.since === undefined);
  const lines = bounded ? linesOf(options.lines) : Number.POSITIVE_INFINITY;
  const whole = lines === Number.POSITIVE_INFINITY && !options.reverse;
  const matches = grep(options.grep);
  const widths = new EventWidths();
  let cursor: string | undefined;
  const show = (events: readonly ApiEvent[]): void => print(context, events.filter(matches), options, widths);
  // The place moves when what came before it is out: what was shown to nobody is read again.
  const reached = async (upTo: string): Promise<void> => {
    if (upTo === cursor) return;
    if (file !== undefined) {
      await io.stdout.drained();
      file.write(upTo);
    }
    cursor = upTo;
  };
  const client = context.client();
  const following: Following = {
    io,
    query,
    utc: context.utc,
    follow: options.follow ?? false,
    strict: options.afterCursor !== undefined,
    connect: () => context.client(),
    notice: (text) => context.note(text),
    show: async (events, upTo) => {
      show(events);
      await reached(upTo);
    },
  };
  // Without a beginning of its own, all of it is all that is kept.
  const from = after ?? (options.since === undefined ? 'oldest' : undefined);
  try {
    if (whole) {
      await follow(following, client, from);
      return;
    }
    const reading = { lines, matches, reverse: options.reverse ?? false, show };
    const upTo =
      after === undefined
        ? await newest(client, query, reading)
        : await last({ ...following, follow: false }, client, from, reading);
    await reached(upTo);
    if (options.follow) await follow({ ...following, strict: false }, client, upTo);
  } finally {
    if (options.showCursor && cursor !== undefined) io.stderr.write(`-- cursor: ${cursor} --\n`);
  }
}

/** @throws BAD_ARGUMENT for flags that do not go together */
function queryOf(context: Context, options: TailOptions): Query {
  const now = context.io.clock.now();
  const when = (text: string | undefined): number | undefined =>
    text === undefined ? undefined : parseWhen(text, now, context.utc);
  const [since, until] = [when(options.since), when(options.until)];
  if (options.follow && options.reverse) throw wrong('-f and -r do not go together: what is to come has no order yet.');
  if (options.follow && until !== undefined) throw wrong('-f and -U do not go together.');
  if (options.afterCursor !== undefined && since !== undefined) {
    throw wrong('--after-cursor and -S do not go together: both say where to begin.');
  }
  if (since !== undefined && until !== undefined && since > until)
    throw wrong('-S is later than -U: nothing is between.');
  const rfc3339 = (ms: number | undefined): string | undefined =>
    ms === undefined ? undefined : new Date(ms).toISOString();
  return {
    severity: options.severity,
    type: options.type,
    host: options.host,
    vm: options.vm,
    cluster: options.cluster,
    since: rfc3339(since),
    until: rfc3339(until),
    changes: options.explain,
  };
}

interface Reading {
  readonly lines: number;
  readonly matches: (event: ApiEvent) => boolean;
  readonly reverse: boolean;
  readonly show: (events: readonly ApiEvent[]) => void;
}

/** The newest ones that match; found by reading backwards, page by page. Gives the cursor of the end. */
async function newest(client: Client, query: Query, reading: Reading): Promise<string> {
  const found: ApiEvent[] = [];
  let head: string | undefined;
  let before: string | undefined;
  let left = reading.lines;
  do {
    const limit = Math.min(PAGE, Math.max(1, left));
    const page: EventListEnvelope = await client.get('/api/v1/events', { ...query, reverse: true, limit, before });
    head ??= page.cursor;
    const matching = page.items.filter(reading.matches).slice(0, left);
    left -= matching.length;
    if (reading.reverse) reading.show(matching);
    else found.push(...matching);
    before = page.more ? (page.before ?? undefined) : undefined;
  } while (before !== undefined && left > 0);
  reading.show(found.reverse());
  return head;
}

/** What comes after a cursor, of it the last ones that match, or all of it the other way round. */
async function last(following: Following, client: Client, from: string | undefined, reading: Reading): Promise<string> {
  let kept: ApiEvent[] = [];
  const keep = async (events: readonly ApiEvent[]): Promise<void> => {
    kept = [...kept, ...events.filter(reading.matches)];
    if (kept.length > reading.lines) kept = reading.lines === 0 ? [] : kept.slice(-reading.lines);
  };
  const upTo = await follow({ ...following, show: keep }, client, from);
  reading.show(reading.reverse ? kept.reverse() : kept);
  return upTo;
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
