import type { FastifyInstance } from 'fastify';
import type { Scheduler } from '../kernel/index.js';
import type { Monitor } from '../monitor/index.js';
import { noQuery, parse } from './inputs.js';
import { entitySeries, type OwnMetrics, type SeriesSettings, serviceSeries } from './metrics/index.js';

export interface MetricsOptions {
  readonly own: OwnMetrics;
  readonly series: SeriesSettings;
}

/** For Prometheus. While the stored state is loaded there are only the figures of the process. */
export function metricsRoutes(
  app: FastifyInstance,
  { own, series }: MetricsOptions,
  monitor: () => Monitor | undefined,
  scheduler: Scheduler,
): void {
  app.get('/metrics', async (request, reply) => {
    parse(noQuery, request.query, 'query');
    const made = monitor();
    let text = await own.text();
    if (made !== undefined && made.progress().readiness !== 'loading') {
      text += serviceSeries(made);
      for (const piece of entitySeries(made, series)) {
        if (piece === null) await turn(scheduler);
        else text += piece;
      }
    }
    return reply.type('text/plain; version=0.0.4; charset=utf-8').serializer(String).send(text);
  });
}

/** Others have their turn: a scrape of a large fleet must not hold up polls. */
function turn(scheduler: Scheduler): Promise<void> {
  return new Promise((resolve) => scheduler.after(0, resolve, 'metrics'));
}
