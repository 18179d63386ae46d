import type { ApiRawAnswer, ItemEnvelope } from '../../server/index.js';
import type { Context } from '../context.js';
import { emit } from '../output.js';
import { escapeControl } from '../text.js';

/** The service waits for the agent, behind others who ask. */
const AGENT_SECONDS = 120;

export async function raw(
  context: Context,
  host: string,
  method: string,
  { vm }: { readonly vm?: string },
): Promise<void> {
  const path = `/api/v1/raw/${encodeURIComponent(host)}/${encodeURIComponent(method)}`;
  const answer = await context.client().get<ItemEnvelope<ApiRawAnswer>>(path, { vm }, AGENT_SECONDS);
  const { result } = answer.item;
  emit(context, {
    document: answer,
    names: [`host/${answer.item.host}`],
    table: () => JSON.stringify(result, null, 2).split('\n').map(escapeControl),
  });
}
