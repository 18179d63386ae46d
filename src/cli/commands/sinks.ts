import type { ApiSink, ListEnvelope } from '../../server/index.js';
import type { Context } from '../context.js';
import { clockTime, count, toMs } from '../human.js';
import { emit } from '../output.js';
import { renderTable } from '../table.js';
import { escapeControl } from '../text.js';

/** How far each receiver of events has come. */
export async function sinks(context: Context): Promise<void> {
  const answer = await context.client().get<ListEnvelope<ApiSink>>('/api/v1/sinks');
  const now = toMs(answer.asOf);
  const at = (time: string | null): string => (time === null ? '-' : clockTime(toMs(time), now, context.utc));
  emit(context, {
    document: answer,
    items: answer.items,
    names: answer.items.map(({ name }) => `sink/${name}`),
    table: () =>
      answer.items.length === 0
        ? ['No sinks. They stand in the settings: docs/webhooks.md']
        : renderTable<ApiSink>(
            [
              { header: 'NAME', text: ({ name }) => escapeControl(name) },
              { header: 'TARGET', text: ({ target }) => escapeControl(target) },
              { header: 'EVENTS', text: ({ severity }) => `${severity}+` },
              { header: 'STATE', text: ({ mode }) => mode },
              { header: 'BEHIND', text: ({ lagRecords }) => count(lagRecords) },
              { header: 'DELIVERED', text: ({ delivered }) => count(delivered) },
              { header: 'LAST', text: ({ lastDeliveredAt }) => at(lastDeliveredAt) },
              { header: 'NEXT TRY', text: ({ nextTryAt }) => at(nextTryAt) },
              { header: 'ERROR', text: ({ lastError }) => escapeControl(lastError ?? '-') },
            ],
            answer.items,
            context.out,
            context.globals.headers,
          ),
  });
}
