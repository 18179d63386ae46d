import type { FastifyInstance } from 'fastify';
import { messageOf } from '../kernel/index.js';
import type { LogFilter, Monitor } from '../monitor/index.js';
import { type Input, route } from './api/operation.js';
import { operations } from './api/operations.js';
import type { RouteContext } from './context.js';
import { rfc3339 } from './convert.js';
import { idsOf } from './entity-ids.js';
import type { StreamQuery } from './inputs.js';
import { EventStream } from './stream/event-stream.js';
import { frameText } from './stream/sse.js';
import { StreamHub } from './stream/stream-hub.js';
import { apiVersion } from './wire.js';

/** So that the first frame does not wait for a whole page of history. */
const FIRST_BATCH = 100;

/** GET /api/v1/events/stream: the log as server-sent events, history first, then live (wire.ts, StreamFrames). */
export function streamRoutes(app: FastifyInstance, context: RouteContext, most: number): void {
  const { clock, scheduler, telemetry, closing } = context;
  const hub = new StreamHub({ monitor: () => context.monitor(), most, clock, scheduler, telemetry });
  closing.addEventListener('abort', () => hub.close(), { once: true });

  const open = async ({ query, request, reply }: Input<typeof operations.streamEvents>): Promise<unknown> => {
    const monitor = context.loaded();
    const filter = filterOf(monitor, query);
    // A browser comes back with the address it was given first, and tells its place in the header.
    const lastId = request.headers['last-event-id'];
    const given = (Array.isArray(lastId) ? lastId[0] : lastId) ?? query.after;
    await hub.entering(async () => {
      const after = given ?? (query.since === undefined ? undefined : await monitor.log.placeBefore(query.since));
      const reader = await monitor.log.open(after);
      const from = reader.cursor;
      const first = await reader.next(FIRST_BATCH);
      if (closing.aborted || reply.raw.destroyed) return;
      reply.hijack();
      const response = reply.raw;
      // The end of the connection is the end of the stream: each write is the bytes as they are, the same for all.
      response.removeHeader('transfer-encoding');
      response.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        'content-type': 'text/event-stream; charset=utf-8',
        connection: 'close',
        'x-accel-buffering': 'no',
      });
      // Signs of life are ours to send; a reader that stalls is let go by our own measure.
      request.raw.socket?.setTimeout?.(0);
      const stream = hub.add(
        filter,
        query.changes,
        (view) =>
          new EventStream({
            ...{ reader, view, response, clock, scheduler },
            follow: query.follow,
            until: query.until,
            onError: (error) => telemetry.log('warn', 'An event stream ended', { error: messageOf(error) }),
          }),
      );
      response.on('close', () => {
        stream.abort();
        hub.remove(stream);
      });
      const cursor = first.gap?.resumedAfter ?? from;
      const hello = frameText('hello', cursor, {
        apiVersion,
        kind: 'EventStream',
        startedAt: rfc3339(monitor.progress().startedAt),
        cursor,
        exact: first.gap === null,
      });
      const gap = first.gap === null ? '' : frameText('gap', cursor, first.gap);
      stream.begin(`${hello}${gap}`, first.records);
    });
    return reply;
  };
  route(app, operations.streamEvents, open, { exposeHeadRoute: false });
}

function filterOf(monitor: Monitor, query: StreamQuery): LogFilter {
  const { kind, type, severity, since, until } = query;
  const { hostIds, vmIds, clusterIds } = idsOf(monitor, query);
  return {
    kinds: [...new Set(kind)].sort(),
    ...(type === undefined ? {} : { types: type }),
    ...(severity === undefined ? {} : { severity }),
    ...(hostIds === undefined ? {} : { hostIds: [...hostIds].sort() }),
    ...(vmIds === undefined ? {} : { vmIds: [...vmIds].sort() }),
    ...(clusterIds === undefined ? {} : { clusterIds: [...clusterIds].sort() }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
}
