import type { FastifyInstance } from 'fastify';
import type { EventRecord, LogRecord } from '../events/index.js';
import type { Monitor } from '../monitor/index.js';
import type { SinkState } from '../sinks/index.js';
import { route } from './api/operation.js';
import { operations } from './api/operations.js';
import type { RouteContext } from './context.js';
import { envelope, Names, rfc3339OrNull, toJson } from './convert.js';
import { apiEvent } from './convert-records.js';
import { type ApiSink, apiVersion } from './wire.js';

/** How the sinks of the settings are doing. */
export function sinkRoutes(app: FastifyInstance, context: RouteContext, sinks: () => readonly SinkState[]): void {
  route(app, operations.listSinks, () => {
    const items = sinks().map(apiSink);
    const { length } = items;
    return { ...envelope(context.loaded(), 'SinkList'), total: length, matched: length, next: null, items };
  });
}

function apiSink(state: SinkState): ApiSink {
  const { failingSince, lastDeliveredAt, nextTryAt } = state;
  return {
    ...state,
    failingSince: rfc3339OrNull(failingSince),
    lastDeliveredAt: rfc3339OrNull(lastDeliveredAt),
    nextTryAt: rfc3339OrNull(nextTryAt),
  };
}

/** What a webhook is sent for an event: the same event as in /api/v1/events. */
export function webhookBody(monitor: Monitor, event: EventRecord & LogRecord, sink: string): string {
  return toJson({ apiVersion, kind: 'Event', sink, cursor: event.cursor, item: apiEvent(event, new Names(monitor)) });
}
