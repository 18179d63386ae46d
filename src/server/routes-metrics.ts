import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import type { Clock, Scheduler } from '../kernel/index.js';
import type { Monitor } from '../monitor/index.js';
import { route } from './api/operation.js';
import { operations } from './api/operations.js';
import { type OwnMetrics, Scrape, type SeriesSettings } from './metrics/index.js';

export interface MetricsOptions {
  readonly own: OwnMetrics;
  readonly series: SeriesSettings;
}

/** For Prometheus. */
export function metricsRoutes(
  app: FastifyInstance,
  { own, series }: MetricsOptions,
  {
    monitor,
    clock,
    scheduler,
  }: {
    readonly monitor: () => Monitor | undefined;
    readonly clock: Clock;
    readonly scheduler: Scheduler;
  },
): void {
  const scrape = new Scrape({ own, series, monitor, clock, scheduler });
  route(app, operations.metrics, async ({ request, reply }) => {
    reply.type('text/plain; version=0.0.4; charset=utf-8').header('vary', 'accept-encoding');
    const began = clock.monotonic();
    const gzipped = await scrape.gzipped();
    own.observe('vurti_scrape_seconds', (clock.monotonic() - began) / 1000);
    if (takesGzip(request.headers['accept-encoding'])) return reply.header('content-encoding', 'gzip').send(gzipped);
    // For the few that do not take it compressed.
    return reply.send(Readable.from([gzipped]).pipe(createGunzip()));
  });
}

function takesGzip(accepted: string | string[] | undefined): boolean {
  const codings = [accepted ?? []].flat().join(',').split(',');
  return codings.some((coding) => /^\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/i.test(coding));
}
