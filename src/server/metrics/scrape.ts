import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { constants, createGzip, type Gzip } from 'node:zlib';
import type { Clock, Scheduler } from '../../kernel/index.js';
import type { Monitor } from '../../monitor/index.js';
import { entitySeries, type SeriesSettings } from './entity-series.js';
import type { OwnMetrics } from './own-metrics.js';
import { serviceSeries } from './service-series.js';

export interface ScrapeOptions {
  readonly own: OwnMetrics;
  readonly series: SeriesSettings;
  readonly monitor: () => Monitor | undefined;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
}

/** What is as young as this is given to the next one who asks. */
const YOUNG_MS = 1000;

/**
 * The answer to a scrape, made in slices, so that a large fleet does not hold up polls, and kept compressed: the text of
 * 50,000 VMs has tens of megabytes, and every reader that is slow to take it would hold them. It is made once for all who
 * ask at about the same time.
 */
export class Scrape {
  readonly #options: ScrapeOptions;
  #made: { readonly at: number; readonly gzipped: Promise<Buffer> } | null = null;

  constructor(options: ScrapeOptions) {
    this.#options = options;
  }

  async gzipped(): Promise<Buffer> {
    const now = this.#options.clock.monotonic();
    if (this.#made !== null && now - this.#made.at < YOUNG_MS) return this.#made.gzipped;
    const made = { at: now, gzipped: this.#make() };
    this.#made = made;
    try {
      return await made.gzipped;
    } catch (error) {
      this.#made = null;
      throw error;
    }
  }

  async #make(): Promise<Buffer> {
    const gzip = createGzip({ level: constants.Z_BEST_SPEED });
    const parts: Buffer[] = [];
    gzip.on('data', (part: Buffer) => parts.push(part));
    const ended = finished(gzip);
    await Promise.all([this.#write(gzip), ended]);
    return Buffer.concat(parts);
  }

  /** Before the stored state is loaded there are only the figures of the process. */
  async #write(gzip: Gzip): Promise<void> {
    const { own, series, monitor, scheduler } = this.#options;
    try {
      await put(gzip, await own.text());
      const made = monitor();
      if (made === undefined || made.progress().readiness === 'loading') return;
      await put(gzip, serviceSeries(made));
      let open: Buffer[][] = [];
      for (const { texts, last } of entitySeries(made, series)) {
        // Outside the heap and in two thirds of the room, until its family is whole.
        for (const [i, text] of texts.entries()) {
          if (text === '') continue;
          open[i] ??= [];
          open[i].push(Buffer.from(text));
        }
        if (!last) {
          await scheduler.yield();
          continue;
        }
        for (const part of open.flat()) await put(gzip, part);
        open = [];
      }
    } finally {
      gzip.end();
    }
  }
}

async function put(gzip: Gzip, part: string | Buffer): Promise<void> {
  if (part.length > 0 && !gzip.write(part)) await once(gzip, 'drain');
}
