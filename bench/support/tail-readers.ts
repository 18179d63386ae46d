import http from 'node:http';
import { createHistogram } from 'node:perf_hooks';
import { Child, serve } from './child.js';

const MARK = Buffer.from('event: event\nid: e');
const DOT = '.'.charCodeAt(0);
const TIME = Buffer.from('"time":"');
const TIME_LENGTH = '2026-01-01T00:00:00.000Z'.length;

function open(url: string, after: string): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const path = `${url}/api/v1/events/stream?after=${after}`;
    http.get(path, { agent: false }, resolve).once('error', reject);
  });
}

/** ms from the request to the first event. */
export async function firstEvent(url: string, after: string): Promise<number> {
  const began = performance.now();
  const response = await open(url, after);
  response.on('error', () => undefined);
  let ms = Number.NaN;
  for await (const chunk of response) {
    if (!(chunk as Buffer).includes(MARK)) continue;
    ms = performance.now() - began;
    break;
  }
  response.destroy();
  return ms;
}

/** Counts events, and those whose number is not the next one. A mark that is torn between two chunks is put together. */
class Counter {
  count = 0;
  wrong = 0;
  #next: number;
  #rest = Buffer.alloc(0);

  constructor(first: number) {
    this.#next = first;
  }

  add(chunk: Buffer): void {
    const all = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let from = 0;
    for (;;) {
      const at = all.indexOf(MARK, from);
      if (at < 0) break;
      const end = all.indexOf(10, at + MARK.length);
      if (end < 0) {
        from = at;
        break;
      }
      const seq = Number(all.toString('latin1', all.indexOf(DOT, at) + 1, end));
      if (seq !== this.#next) this.wrong += 1;
      this.#next = seq + 1;
      this.count += 1;
      from = end;
    }
    this.#rest = Buffer.from(all.subarray(Math.max(from, all.length - MARK.length + 1)));
    if (all.indexOf(MARK, from) === from) this.#rest = Buffer.from(all.subarray(from));
  }
}

/** Until the end of the log. */
export async function readAll(url: string, after: string): Promise<{ readonly count: number; readonly wrong: number }> {
  const counter = new Counter(Number(after.split('.')[1]) + 1);
  const response = await open(url, `${after}&follow=false`);
  for await (const chunk of response) counter.add(chunk as Buffer);
  return counter;
}

export type ReadersQuestion =
  | { readonly ask: 'connect'; readonly url: string; readonly readers: number }
  | { readonly ask: 'begin' }
  /** Lets the stalled one go on, and waits until all have so many records. */
  | { readonly ask: 'end'; readonly records: number };

interface Answers {
  readonly connect: object;
  readonly begin: object;
  readonly end: {
    readonly latency: { readonly p50: number; readonly p99: number; readonly max: number };
    readonly stalledMs: number;
    /** Readers that had not got all in the end. */
    readonly short: number;
    readonly wrong: number;
  };
}

export class ReadersProcess extends Child<ReadersQuestion, object> {
  constructor(file: string) {
    super(file, 'readers');
  }

  put<K extends ReadersQuestion['ask']>(question: ReadersQuestion & { readonly ask: K }): Promise<Answers[K]> {
    return this.ask(question) as Promise<Answers[K]>;
  }
}

const PATIENCE_MS = 60_000;

/** Many readers in one process. Of each piece of each reader's stream the oldest and the newest record are timed. */
export function serveReaders(): void {
  const histogram = createHistogram();
  const counters: Counter[] = [];
  let stalled: http.IncomingMessage | undefined;
  let measuring = false;
  const observe = (chunk: Buffer, at: number): void => {
    if (at < 0 || at + TIME.length + TIME_LENGTH > chunk.length) return;
    const then = Date.parse(chunk.toString('latin1', at + TIME.length, at + TIME.length + TIME_LENGTH));
    histogram.record(Math.max(1, Math.round((Date.now() - then) * 1000)));
  };
  serve<ReadersQuestion>(
    async (question) => {
      switch (question.ask) {
        case 'connect':
          for (let i = 0; i < question.readers; i++) {
            const counter = new Counter(1);
            const response = await open(question.url, 'oldest');
            response.on('error', () => undefined);
            counters.push(counter);
            const take = (chunk: Buffer): void => {
              counter.add(chunk);
              if (!measuring || response === stalled) return;
              const first = chunk.indexOf(TIME);
              const last = chunk.lastIndexOf(TIME);
              observe(chunk, first);
              if (last !== first) observe(chunk, last);
            };
            if (i === 0) {
              stalled = response.pause();
              response.once('resume', () => response.on('data', take));
            } else response.on('data', take);
          }
          return {};
        case 'begin':
          measuring = true;
          return {};
        case 'end': {
          measuring = false;
          const began = performance.now();
          stalled?.resume();
          const all = (): boolean => counters.every((counter) => counter.count >= question.records);
          let stalledMs = Number.NaN;
          while (!all() && performance.now() - began < PATIENCE_MS) {
            if (Number.isNaN(stalledMs) && (counters[0]?.count ?? 0) >= question.records)
              stalledMs = performance.now() - began;
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
          if (Number.isNaN(stalledMs)) stalledMs = performance.now() - began;
          return {
            latency: {
              p50: histogram.percentile(50) / 1000,
              p99: histogram.percentile(99) / 1000,
              max: histogram.max / 1000,
            },
            stalledMs,
            short: counters.filter((counter) => counter.count !== question.records).length,
            wrong: counters.reduce((sum, counter) => sum + counter.wrong, 0),
          } satisfies Answers['end'];
        }
      }
    },
    async () => undefined,
  );
}
