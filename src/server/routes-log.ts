import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ChangeRecord, EventRecord, LogRecord } from '../events/index.js';
import { VurtiError } from '../kernel/index.js';
import { route } from './api/operation.js';
import { operations } from './api/operations.js';
import type { RouteContext } from './context.js';
import { envelope, Names } from './convert.js';
import { apiChange, apiEvent } from './convert-records.js';
import { idsOf } from './entity-ids.js';
import { logTag, notModified } from './etag.js';
import { picked } from './list-page.js';
import { type LogPage, type PageFilter, readPage } from './log-page.js';

/** What was: events for people, changes for programs. */
export function logRoutes(app: FastifyInstance, context: RouteContext): void {
  async function page(filter: PageFilter, request: FastifyRequest, reply: FastifyReply): Promise<LogPage | null> {
    const monitor = context.loaded();
    if (filter.wait > 0 && filter.reverse)
      throw new VurtiError('BAD_REQUEST', 'query.wait: what is to come cannot be read backwards');
    // A long poll waits for what is not there yet: that nothing is different is its beginning, not its answer.
    if (filter.wait === 0 && notModified(request, reply, logTag(monitor))) return null;
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const stop = AbortSignal.any([gone.signal, context.closing]);
    return readPage(monitor, filter, context.scheduler, stop);
  }

  function answer<R extends LogRecord>(
    kind: string,
    { records, cursor, more, before }: LogPage,
    fields: readonly string[] | undefined,
    convert: (record: R, names: Names) => object,
  ): object {
    const monitor = context.monitor();
    const names = new Names(monitor);
    const items = (records as readonly R[]).map((record) => picked(convert(record, names), fields));
    return { ...envelope(monitor, fields === undefined ? kind : `Partial${kind}`), cursor, more, before, items };
  }

  route(app, operations.listEvents, async ({ query, request, reply }) => {
    const { fields, severity, ...more } = query;
    const monitor = context.loaded();
    const filter = {
      kind: 'event',
      ...more,
      ...idsOf(monitor, query),
      ...(severity === undefined ? {} : { severity }),
    } as const;
    const read = await page(filter, request, reply);
    if (read === null) return reply;
    const convert = (event: EventRecord & LogRecord, names: Names): object =>
      apiEvent(event, names, query.changes ? (read.changes.get(event.cursor) ?? []) : undefined);
    return answer('EventList', read, fields, convert);
  });

  route(app, operations.listChanges, async ({ query, request, reply }) => {
    const { fields, ...more } = query;
    const monitor = context.loaded();
    const read = await page({ kind: 'change', changes: false, ...more, ...idsOf(monitor, query) }, request, reply);
    if (read === null) return reply;
    return answer('ChangeList', read, fields, (record: ChangeRecord & LogRecord, names) => apiChange(record, names));
  });
}
