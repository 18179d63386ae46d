import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { ReloadReport } from '../monitor/index.js';
import type { RouteContext } from './context.js';
import { envelope } from './convert.js';
import { noQuery, parse } from './inputs.js';

export type Reload = (options: { readonly acceptRemovals?: boolean }) => ReloadReport;

const reloadBody = z.strictObject({ acceptRemovals: z.boolean().optional() }).optional();

/** The settings are read again. Wrong ones change nothing, and each fault is named. */
export function reloadRoute(app: FastifyInstance, context: RouteContext, reload: Reload): void {
  app.post('/api/v1/reload', (request) => {
    parse(noQuery, request.query, 'query');
    const { acceptRemovals } = parse(reloadBody, request.body, 'body') ?? {};
    const monitor = context.loaded();
    const report = reload(acceptRemovals === undefined ? {} : { acceptRemovals });
    return { ...envelope(monitor, 'Reload'), item: report };
  });
}
