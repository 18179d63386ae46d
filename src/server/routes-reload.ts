import type { FastifyInstance } from 'fastify';
import type { ReloadReport } from '../monitor/index.js';
import { route } from './api/operation.js';
import { operations } from './api/operations.js';
import type { RouteContext } from './context.js';
import { envelope } from './convert.js';

export type Reload = (options: { readonly acceptRemovals?: boolean }) => ReloadReport;

/** The settings are read again. Wrong ones change nothing, and each fault is named. */
export function reloadRoute(app: FastifyInstance, context: RouteContext, reload: Reload): void {
  route(app, operations.reload, ({ body }) => {
    const { acceptRemovals } = body ?? {};
    const monitor = context.loaded();
    const report = reload(acceptRemovals === undefined ? {} : { acceptRemovals });
    return { ...envelope(monitor, 'Reload'), item: report };
  });
}
