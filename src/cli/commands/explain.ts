import type { ApiExplanation, EventListEnvelope, ItemEnvelope } from '../../server/index.js';
import type { Context } from '../context.js';
import { clockTime, count, duration, shortTime, sinceText, toMs } from '../human.js';
import { emit } from '../output.js';
import { paint, paintOfStatus, type Style } from '../style.js';
import { EventWidths, eventLines } from '../tail/render.js';
import { escapeControl, padEnd, widthOf, wrap } from '../text.js';

const LABEL = 11;
/** A lost host has many events, but few lines of them. */
const RECENT_EVENTS = 100;
const RECENT_LINES = 5;
const RECENT_CALLS = 4;
/** More of them are a matter of the cluster, not of this one. */
const MOST_FACTS = 2;
const LATELY_MS = 600_000;
/** Narrower than this nothing is broken any more. */
const NARROWEST = 20;

export interface Explained {
  readonly answer: ItemEnvelope<ApiExplanation>;
  readonly events: EventListEnvelope;
}

export async function explain(context: Context, kind: 'vm' | 'host', ref: string): Promise<void> {
  const client = context.client();
  const answer = await client.get<ItemEnvelope<ApiExplanation>>(`/api/v1/explain/${kind}/${encodeURIComponent(ref)}`);
  const { id, name } = answer.item;
  if (context.format !== 'table' && context.format !== 'wide') {
    emit(context, { document: answer, names: [`${kind}/${name}`], table: () => [] });
    return;
  }
  const events = await client.get<EventListEnvelope>('/api/v1/events', { [kind]: id, limit: RECENT_EVENTS });
  context.print(explainLines({ answer, events }, context.out, context.utc));
}

/** What is wrong, since when, why, how sure that is, what comes next. */
export function explainLines({ answer, events }: Explained, style: Style, utc: boolean): string[] {
  const { item } = answer;
  const now = toMs(answer.asOf);
  const page = new Page(style, now, utc);
  return [
    headline(item, page),
    '',
    ...page.section('Why', [page.hanging('', escapeControl(item.why))]),
    ...page.section('Rule', [ruleLine(item)]),
    ...page.section(
      'Evidence',
      item.evidence.map((line) => evidenceLines(line, page)),
    ),
    ...page.section('Calls', item.evidence.length === 0 ? callLines(item, page) : []),
    ...page.section('Pushes', pushLines(item, page)),
    ...page.section('Not done', notDoneLines(item, page)),
    ...page.section(
      'Ends when',
      item.endsWhen.map((text) => page.hanging('', escapeControl(text))),
    ),
    ...page.section('Next', item.next.length === 0 ? [] : [page.hanging('', nextText(item, page))]),
    ...page.section('Off', offLines(item, page)),
    ...page.section('Events', recentEvents(events, page)),
  ];
}

/** Lines under labels, broken at the width of the terminal. */
class Page {
  readonly style: Style;
  readonly now: number;
  readonly utc: boolean;

  constructor(style: Style, now: number, utc: boolean) {
    this.style = style;
    this.now = now;
    this.utc = utc;
  }

  at(time: string): string {
    return clockTime(toMs(time), this.now, this.utc);
  }

  /** "09:21:33 (in 6s)" */
  soon(time: string): string {
    const left = toMs(time) - this.now;
    return `${this.at(time)} (${left > 0 ? `in ${duration(left)}` : 'due'})`;
  }

  /** Further lines stand under the text, not under what leads it in. */
  hanging(lead: string, text: string): string[] {
    const { columns } = this.style;
    if (columns === null) return [`${lead}${text}`];
    const lines = wrap(text, Math.max(NARROWEST, columns - LABEL - widthOf(lead)));
    return lines.map((line, i) => (i === 0 ? `${lead}${line}` : `${' '.repeat(widthOf(lead))}${line}`));
  }

  section(label: string, entries: readonly (string | readonly string[])[]): string[] {
    return entries.flat().map((line, i) => `${padEnd(i === 0 ? label : '', LABEL)}${line}`.trimEnd());
  }
}

function headline(item: ApiExplanation, page: Page): string {
  const status = paint(page.style, paintOfStatus(item.status), item.status);
  const since = item.since === null ? '' : ` for ${sinceText(item.since, page.now)}`;
  const host = item.host === null ? '' : `on ${escapeControl(item.host)}`;
  const lately = item.since !== null && page.now - toMs(item.since) <= LATELY_MS;
  // What a healthy one was long ago says nothing about it now.
  const before = item.previous === null || (item.status === 'Up' && !lately) ? '' : `was ${item.previous}`;
  const heard =
    item.heardAt === null
      ? 'not heard by this service yet'
      : `last heard ${page.at(item.heardAt)} (${sinceText(item.heardAt, page.now)} ago)`;
  // A VM that nobody hears of was there; whether it still is, nobody knows.
  const where = item.status === 'Unknown' ? [`${before} ${host}`.trim()] : [host, before];
  return [`${escapeControl(item.name)} is ${status}${since}`, ...where, heard]
    .filter((part) => part !== '')
    .join(' · ');
}

function ruleLine({ rule, doc }: ApiExplanation): string {
  if (rule === null) return 'none in this process yet';
  return doc === null ? rule : `${padEnd(rule, 40)}  ${doc}`;
}

function evidenceLines(line: ApiExplanation['evidence'][number], page: Page): string[] {
  // What is told of several of them is as it was at the last one.
  const again = line.times > 1 ? `${count(line.times)} times until ${page.at(line.lastAt)}: ` : '';
  const becomes = line.becomes.map(({ name, from, to }) => `${escapeControl(name)} ${from} → ${to}`);
  const text = [`${again}${escapeControl(line.text)}`, ...becomes].join(' · ');
  return page.hanging(`${page.at(line.at)}  `, text);
}

function callLines({ calls }: ApiExplanation, page: Page): string[][] {
  return calls.slice(-RECENT_CALLS).map(({ at, method, outcome, durationMs, code }) => {
    const failed = code === null ? '' : ` (${code})`;
    return page.hanging(`${page.at(at)}  `, `${method} ${outcome}${failed} in ${shortTime(durationMs)}`);
  });
}

const pushStates = {
  whole: 'connected, and whole since a poll',
  catchingUp: 'connected; whole after the next poll',
  lost: 'connection lost; polled at full pace until it is back',
} as const;

/** How sure we are to hear of a change at once, and how long one that is not pushed may stay unseen. */
function pushLines({ pushes }: ApiExplanation, page: Page): string[][] {
  if (pushes === null) return [];
  const { state, trusted, pollSeconds, pace, gaps, lastGapAt } = pushes;
  const doubt = state === 'whole' && !trusted ? 'not trusted for ten minutes after a gap' : '';
  const often = `polled every ${duration(pollSeconds * 1000)}${pace > 1 ? ` (${pace} intervals)` : ''}`;
  const missed =
    gaps === 0 || lastGapAt === null
      ? 'no gap since the start'
      : `${count(gaps)} ${gaps === 1 ? 'gap' : 'gaps'}, the last ${page.at(lastGapAt)}`;
  return [page.hanging('', [pushStates[state], doubt, often, missed].filter((part) => part !== '').join(' · '))];
}

function notDoneLines({ notDone }: ApiExplanation, page: Page): string[][] {
  const width = Math.max(0, ...notDone.map(({ what }) => widthOf(what)));
  return notDone.map(({ what, why }) => page.hanging(`${padEnd(what, width)}  `, escapeControl(why)));
}

function nextText({ next }: ApiExplanation, page: Page): string {
  return next
    .map(({ text, at }) => (at === null ? escapeControl(text) : `${escapeControl(text)} at ${page.soon(at)}`))
    .join(' · ');
}

/** Rules that lack the same fact, together. */
function offLines({ rulesOff }: ApiExplanation, page: Page): string[][] {
  const byFact = new Map<string, string[]>();
  for (const { rule, because } of rulesOff) byFact.set(because, [...(byFact.get(because) ?? []), rule]);
  if (byFact.size > MOST_FACTS) {
    return [
      page.hanging('', `${count(rulesOff.length)} rules, for want of ${count(byFact.size)} facts: vurti status -v`),
    ];
  }
  return [...byFact].map(([because, rules]) => page.hanging('', `${escapeControl(because)} (${rules.join(', ')})`));
}

function recentEvents(events: EventListEnvelope, { style, now, utc }: Page): string[] {
  const options = { now, utc, expand: false, causes: false, wide: false, widths: new EventWidths(0, 0), hint: false };
  // What happened to a VM with its host stands under the host's event; here it stands alone.
  const ids = new Set(events.items.map(({ eventId }) => eventId));
  const items = events.items.map((event) => (ids.has(event.parent ?? '') ? event : { ...event, parent: null }));
  const recent = eventLines(items, style, options).slice(-RECENT_LINES);
  return recent.length === 0 ? ['none in the log'] : recent;
}
