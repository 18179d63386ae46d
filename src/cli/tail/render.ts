import type { ApiEvent } from '../../server/index.js';
import { clockTime, count, toMs } from '../human.js';
import { paint, paintOfSeverity, type Style } from '../style.js';
import { escapeControl, padEnd, widthOf } from '../text.js';

interface EventLineOptions {
  readonly now: number;
  readonly utc: boolean;
  readonly nameWidth: number;
  readonly aboutWidth: number;
}

export interface EventsOptions {
  readonly now: number;
  readonly utc: boolean;
  /** List every part of an incident instead of summing it up. */
  readonly expand: boolean;
  /** Print the cause under each event. */
  readonly causes: boolean;
  readonly wide: boolean;
  readonly widths: EventWidths;
  /** Say how all parts can be seen. */
  readonly hint: boolean;
}

const WIDEST_ABOUT = 24;

/** Columns grow with what they have held, so that lines that come one by one stand under each other. */
export class EventWidths {
  name: number;
  about: number;

  constructor(name = 26, about = 8) {
    this.name = name;
    this.about = about;
  }

  fit(events: readonly ApiEvent[]): void {
    for (const event of events) {
      this.name = Math.max(this.name, event.name.length + (event.parent === null ? 0 : 2));
      this.about = Math.max(this.about, Math.min(WIDEST_ABOUT, widthOf(about(event))));
    }
  }
}

const MOST_NAMES = 3;

function head(event: ApiEvent, style: Style, options: { readonly now: number; readonly utc: boolean }): string {
  const time = clockTime(toMs(event.time), options.now, options.utc, true);
  return `${time} ${paint(style, paintOfSeverity(event.severity), event.severity.padEnd(7))}`;
}

const about = (event: ApiEvent): string => escapeControl(event.vm ?? event.vmId ?? event.host ?? event.hostId ?? '-');

function eventLine(event: ApiEvent, style: Style, options: EventLineOptions): string {
  const part = event.parent === null ? '' : '└ ';
  const name = padEnd(`${part}${event.name}`, options.nameWidth);
  return `${head(event, style, options)} ${name}  ${padEnd(about(event), options.aboutWidth)}  ${escapeControl(messageOf(event, options))}`;
}

/** Times inside a message are those of its reader. */
function messageOf(event: ApiEvent, { now, utc }: EventLineOptions): string {
  const { Event, Count, From = '', To = '', Why, Last } = event.params;
  const [from, to] = [toMs(From), toMs(To)];
  if (event.name !== 'EVENTS_HELD_BACK' || Number.isNaN(from) || Number.isNaN(to)) return event.message;
  const span = `${clockTime(from, now, utc)}–${clockTime(to, now, utc)}`;
  return `… ${Event} repeated ${Count}× ${span}, held back (${Why}); the last one: ${Last}`;
}

/** Lines of events that came together. Parts of one incident that say the same become one line. */
export function eventLines(events: readonly ApiEvent[], style: Style, options: EventsOptions): string[] {
  options.widths.fit(events);
  const lines: string[] = [];
  for (let i = 0; i < events.length; ) {
    const event = events[i] as ApiEvent;
    let end = i + 1;
    if (!options.expand && event.parent !== null) {
      while (events[end]?.parent === event.parent && events[end]?.name === event.name) end += 1;
    }
    const group = events.slice(i, end);
    lines.push(group.length === 1 ? oneLine(event, style, options) : groupLine(group, style, options));
    if (options.causes) lines.push(paint(style, 'dim', causeLine(event, options)));
    i = end;
  }
  return lines;
}

function oneLine(event: ApiEvent, style: Style, options: EventsOptions): string {
  const line = eventLine(event, style, {
    ...options,
    nameWidth: options.widths.name,
    aboutWidth: options.widths.about,
  });
  return options.wide ? `${line}  [${event.cursor}]` : line;
}

function groupLine(group: readonly ApiEvent[], style: Style, options: EventsOptions): string {
  const first = group[0] as ApiEvent;
  const names = group.slice(0, MOST_NAMES).map(about).join(', ');
  const kind = first.vmId === null ? 'hosts' : 'VMs';
  const more = group.length > MOST_NAMES ? ` …${options.hint ? '     (--expand lists them)' : ''}` : '';
  return `${head(first, style, options)}  └ ${first.name}  ${count(group.length)} ${kind}: ${names}${more}`;
}

function causeLine(event: ApiEvent, options: EventsOptions): string {
  const { cause } = event;
  const at = clockTime(toMs(cause.at), options.now, options.utc);
  const host = cause.host === null ? '' : ` of ${escapeControl(cause.host)}`;
  const sources: Readonly<Record<string, string>> = {
    poll: `poll ${count(cause.seq ?? 0)}${host} at ${at}`,
    push: `push ${count(cause.seq ?? 0)}${host} at ${at}`,
    failure: `failed attempt${host} at ${at}${cause.code === null ? '' : `: ${cause.code}`}`,
  };
  // When it changed stands at the beginning of the line above.
  const told = (event.changes ?? []).filter(({ path }) => path !== 'statusSince');
  const changes = told.map(({ path, from, to }) => `${path} ${shown(from)} → ${shown(to)}`);
  return `             ${[`rule ${cause.rule}`, sources[cause.by] ?? `${cause.by} at ${at}`, ...changes].join(' · ')}`;
}

const shown = (value: unknown): string =>
  escapeControl(
    value === null || value === undefined ? '-' : typeof value === 'string' ? value : JSON.stringify(value),
  );
