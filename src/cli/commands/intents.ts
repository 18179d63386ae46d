import type { ApiPendingIntent, ItemEnvelope, ListEnvelope } from '../../server/index.js';
import type { Context } from '../context.js';
import { count, sinceText, toMs, unknown } from '../human.js';
import { emit } from '../output.js';
import { paint, type Style } from '../style.js';
import { type Column, renderTable } from '../table.js';
import { escapeControl } from '../text.js';
import { watch } from '../watch.js';

export interface IntentsOptions {
  readonly type?: string;
  readonly host?: string;
  readonly vm?: string;
  readonly limit?: string;
  readonly watch?: boolean;
}

export async function intents(context: Context, options: IntentsOptions): Promise<void> {
  const client = context.client();
  const { type, host, vm, limit } = options;
  await watch(context, options.watch ?? false, async () => {
    const answer = await client.get<ListEnvelope<ApiPendingIntent>>('/api/v1/intents', { type, host, vm, limit });
    return () =>
      emit(context, {
        document: answer,
        items: answer.items,
        names: answer.items.map((intent) => `intent/${intent.key}`),
        table: (wide) =>
          intentLines(answer, context.out, {
            wide,
            headers: context.globals.headers,
            quiet: context.globals.quiet ?? false,
          }),
      });
  });
}

export async function acknowledge(context: Context, keys: readonly string[]): Promise<void> {
  const client = context.client();
  for (const key of keys) {
    const path = `/api/v1/intents/${encodeURIComponent(key)}/acknowledge`;
    const answer = await client.send<ItemEnvelope<ApiPendingIntent>>('POST', path);
    const { item } = answer;
    emit(context, {
      document: answer,
      names: [`intent/${item.key}`],
      table: () => [`${item.intent} of ${aboutOf(item)} is acknowledged: it is not delivered any more.`],
    });
  }
}

function intentLines(
  answer: ListEnvelope<ApiPendingIntent>,
  style: Style,
  options: { readonly wide: boolean; readonly headers: boolean; readonly quiet: boolean },
): string[] {
  const { items } = answer;
  const lines = renderTable(columnsOf(toMs(answer.asOf), options.wide), items, style, options.headers);
  if (options.quiet || !options.headers) return lines;
  const advisory = items.some((intent) => intent.advisory)
    ? '   for information: beside an engine nobody acts on it'
    : '';
  const summary =
    answer.total === 0 ? 'No advice waits.' : `${count(answer.matched)} of ${count(answer.total)}${advisory}`;
  return [...(items.length === 0 ? [] : lines), paint(style, 'dim', summary)];
}

const aboutOf = (intent: ApiPendingIntent): string =>
  escapeControl(intent.vm ?? intent.vmId ?? intent.host ?? intent.hostId ?? unknown);

function columnsOf(now: number, wide: boolean): Column<ApiPendingIntent>[] {
  return [
    { header: 'ADVICE', text: (intent) => intent.intent },
    { header: 'ABOUT', text: aboutOf },
    { header: 'HOST', text: (intent) => intent.host ?? unknown },
    { header: 'FOR', text: (intent) => sinceText(intent.time, now) },
    { header: 'RULE', text: (intent) => intent.cause.rule },
    { header: 'KEY', text: (intent) => intent.key },
    ...(wide ? [{ header: 'WHAT', text: (intent: ApiPendingIntent) => intent.text }] : []),
  ];
}
