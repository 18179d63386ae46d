import type { ApiExplanation, ApiHost, ApiVm, EventListEnvelope, ItemEnvelope } from '../../server/index.js';
import type { Context } from '../context.js';
import { clockTime, duration, sinceText, toMs } from '../human.js';
import { emit } from '../output.js';
import { paint, paintOfStatus, type Style } from '../style.js';
import { EventWidths, eventLines } from '../tail/render.js';
import { escapeControl, padEnd, wrap } from '../text.js';

const LABEL = 11;
/** A lost host has many events, but few lines of them. */
const RECENT_EVENTS = 100;
const RECENT_LINES = 5;

export interface Explained {
  readonly answer: ItemEnvelope<ApiExplanation>;
  readonly entity: ApiHost | ApiVm;
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
  const [{ item: entity }, events] = await Promise.all([
    client.get<ItemEnvelope<ApiHost | ApiVm>>(`/api/v1/${kind}s/${encodeURIComponent(id)}`),
    client.get<EventListEnvelope>('/api/v1/events', { [kind]: id, limit: RECENT_EVENTS }),
  ]);
  context.print(explainLines({ answer, entity, events }, context.out, context.utc));
}

export function explainLines({ answer, entity, events }: Explained, style: Style, utc: boolean): string[] {
  const { item } = answer;
  const now = toMs(answer.asOf);
  const name = escapeControl(item.name);
  const at = (time: string): string => clockTime(toMs(time), now, utc);
  const host =
    'host' in entity && entity.host !== null
      ? `on ${escapeControl(entity.host)}${entity.status === 'Unknown' ? ' (last known)' : ''}`
      : '';
  const heard =
    entity.heardAt === null
      ? 'not heard by this service yet'
      : `last heard ${at(entity.heardAt)} (${sinceText(entity.heardAt, now)} ago)`;
  const status = paint(style, paintOfStatus(item.status), item.status);
  const since = item.since === null ? '' : ` for ${sinceText(item.since, now)}`;
  const options = { now, utc, expand: false, causes: false, wide: false, widths: new EventWidths(0, 0), hint: false };
  const recent = eventLines(events.items, style, options).slice(-RECENT_LINES);
  const history = recent.map((line, i) => row(i === 0 ? 'Events' : '', line.trimEnd()));
  return [
    [`${name} is ${status}${since}`, host, heard].filter((part) => part !== '').join(' · '),
    '',
    ...paragraph('Why', escapeControl(item.why), style),
    row('Rule', item.rule ?? 'none in this process: the status was loaded from the database'),
    ...(history.length > 0 ? history : [row('Events', 'none in the log')]),
    ...nextLines(entity, now, utc).map((text, i) => row(i === 0 ? 'Next' : '', text)),
  ];
}

const row = (label: string, text: string): string => `${padEnd(label, LABEL)}${text}`;

function paragraph(label: string, text: string, style: Style): string[] {
  const lines = style.columns === null ? [text] : wrap(text, Math.max(20, style.columns - LABEL));
  return lines.map((line, i) => row(i === 0 ? label : '', line));
}

function nextLines(entity: ApiHost | ApiVm, now: number, utc: boolean): string[] {
  const at = (time: string): string => {
    const left = toMs(time) - now;
    return `${clockTime(toMs(time), now, utc)} (${left > 0 ? `in ${duration(left)}` : 'due'})`;
  };
  if (!('attempts' in entity)) {
    const host = entity.host === null ? '' : escapeControl(entity.host);
    return entity.freshness === 'live' || host === '' ? [] : [`vurti explain host ${host}`];
  }
  const lines: string[] = [];
  if (entity.graceEndsAt !== null)
    lines.push(
      `counts as lost at ${at(entity.graceEndsAt)} unless it answers; ${entity.attempts} failed attempts so far`,
    );
  if (entity.nextPollAt !== null)
    lines.push(`is asked at ${at(entity.nextPollAt)} · at once: vurti poke ${escapeControl(entity.name)}`);
  return lines;
}
