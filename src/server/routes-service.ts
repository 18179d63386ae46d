import type { FastifyInstance } from 'fastify';
import { VurtiError } from '../kernel/index.js';
import type { Monitor } from '../monitor/index.js';
import { openApiDocument } from './api/openapi.js';
import { route } from './api/operation.js';
import { operations } from './api/operations.js';
import { envelope, toJson } from './convert.js';
import { notModified, textTag } from './etag.js';

/** The same for all servers; made when somebody asks for it. */
let document: string | undefined;

/** For supervisors: is the process alive, and may it be asked? */
export function serviceRoutes(app: FastifyInstance, monitor: () => Monitor | undefined, phase: () => string): void {
  route(app, operations.livez, () => ({ status: 'alive' }));

  route(app, operations.readyz, ({ query: { level } }) => {
    const made = monitor();
    if (made === undefined) throw new VurtiError('NOT_READY', `The service is starting: ${phase()}`);
    const { readiness } = made.progress();
    const reached = readiness === 'synced' || readiness === level;
    if (!reached) throw new VurtiError('NOT_READY', `The service is ${readiness}, not ${level} yet`);
    return { ...envelope(made, 'Readiness'), readiness };
  });

  route(app, operations.openapi, ({ request, reply }) => {
    document ??= toJson(openApiDocument());
    if (notModified(request, reply, textTag(document))) return reply;
    return reply.type('application/json; charset=utf-8').serializer(String).send(document);
  });
}
