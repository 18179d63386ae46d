import type { FastifyInstance } from 'fastify';
import { VurtiError } from '../kernel/index.js';
import type { InventoryEntry } from '../monitor/index.js';
import { route } from './api/operation.js';
import { operations } from './api/operations.js';
import type { RouteContext } from './context.js';
import { notModified, stateTag } from './etag.js';
import { listAnswer } from './list-answer.js';
import { placeOf } from './list-page.js';

const kinds: readonly string[] = ['cluster', 'host', 'vm'];
type EntityPlace = readonly [entity: InventoryEntry['entity'], name: string, id: string];

/** What was said, and not measured. */
export function inventoryRoutes(app: FastifyInstance, context: RouteContext): void {
  route(app, operations.inventory, ({ query: { entity: entities, limit, after: cursor }, request, reply }) => {
    const monitor = context.loaded();
    const place = cursor === undefined ? null : placeOf<EntityPlace>(cursor, ['string', 'string', 'string']);
    if (place !== null && !kinds.includes(place[0]))
      throw new VurtiError('CURSOR_INVALID', 'query.after: no such place');
    const after = place && { entity: place[0], name: place[1], id: place[2] };
    if (notModified(request, reply, stateTag(monitor, 'unmeasured'))) return reply;
    const page = async () => {
      const { next, ...found } = await monitor.inventory({ entities, after, limit });
      return { ...found, next: next && [next.entity, next.name, next.id] };
    };
    return listAnswer(context, reply, { monitor, kind: 'InventoryList', page, convert: wire });
  });
}

function wire(entry: InventoryEntry): object {
  if (entry.entity !== 'cluster') return entry;
  const networks = entry.networks.map(({ clusterId: _, ...network }) => network);
  return { ...entry, networks };
}
