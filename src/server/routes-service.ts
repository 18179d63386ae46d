import type { FastifyInstance } from 'fastify';
import { VurtiError } from '../kernel/index.js';
import type { Monitor } from '../monitor/index.js';
import { envelope } from './convert.js';
import { noQuery, parse, readyQuery } from './inputs.js';

/** A supervisor holds no token, and hears nothing but yes or no. */
const open = { config: { access: 'open' } } as const;

/** For supervisors: is the process alive, and may it be asked? */
export function serviceRoutes(app: FastifyInstance, monitor: () => Monitor | undefined, phase?: () => string): void {
  app.get('/livez', open, (request) => {
    parse(noQuery, request.query, 'query');
    return { status: 'alive' };
  });

  app.get('/readyz', open, (request) => {
    const { level } = parse(readyQuery, request.query, 'query');
    const made = monitor();
    if (made === undefined)
      throw new VurtiError('NOT_READY', `The service is starting: ${phase?.() ?? 'not ready yet'}`);
    const { readiness } = made.progress();
    const reached = readiness === 'synced' || readiness === level;
    if (!reached) throw new VurtiError('NOT_READY', `The service is ${readiness}, not ${level} yet`);
    return { ...envelope(made, 'Readiness'), readiness };
  });
}
