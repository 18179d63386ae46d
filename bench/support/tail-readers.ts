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

/** What every reader has to get, byte by byte: written by whoever is the furthest, and looked through event by event. */
class Tape {
  readonly #counter = new Counter(1);
  #bytes = Buffer.alloc(1 << 24);
  #length = 0;

  get events(): number {
    return this.#counter.count;
  }

  get wrong(): number {
    return this.#counter.wrong;
  }

  get length(): number {
    return this.#length;
  }

  /** Between two frames. */
  isBoundary(at: number): boolean {
    return at === 0 || (this.#bytes[at - 1] === LINE_END && this.#bytes[at - 2] === LINE_END);
  }

  /** False: at this place there is something else. */
  take(at: number, piece: Buffer): boolean {
    const known = Math.min(piece.length, this.#length - at);
    if (known > 0 && piece.compare(this.#bytes, at, at + known, 0, known) !== 0) return false;
    if (known < piece.length) this.#write(piece.subarray(Math.max(0, known)));
    return true;
  }

  #write(piece: Buffer): void {
    while (this.#length + piece.length > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, this.#bytes]);
    piece.copy(this.#bytes, this.#length);
    this.#length += piece.length;
    this.#counter.add(piece);
  }
}

const HELLO_END = Buffer.from('\n\n');
/** A sign of life comes between frames, not to all at the same place; alone or with frames in one piece, and it may be torn. */
const HEARTBEAT = Buffer.from(':\n\n');
const BETWEEN = Buffer.from('\n\n:');
const [COLON, LINE_END] = [58, 10];

/**
 * One of many readers: what it gets is compared with the tape. To look for each event in each of a thousand streams takes
 * more of a core than there is, and what is measured then is the bench.
 */
class TapeReader {
  readonly #tape: Tape;
  #at = 0;
  #head: Buffer | null = Buffer.alloc(0);
  /** Bytes of it that are still to come. */
  #ofHeartbeat = 0;
  astray = false;

  constructor(tape: Tape) {
    this.#tape = tape;
  }

  get hasAll(): boolean {
    return !this.astray && this.#at === this.#tape.length;
  }

  add(chunk: Buffer): void {
    if (this.astray) return;
    let piece = chunk;
    if (this.#head !== null) {
      // The first frame is its own: who speaks.
      this.#head = Buffer.concat([this.#head, chunk]);
      const end = this.#head.indexOf(HELLO_END);
      if (end < 0) return;
      piece = this.#head.subarray(end + HELLO_END.length);
      this.#head = null;
    }
    while (piece.length > 0 && !this.astray) {
      if (this.#ofHeartbeat === 0 && piece[0] === COLON && this.#tape.isBoundary(this.#at)) {
        this.#ofHeartbeat = HEARTBEAT.length;
      }
      const skipped = Math.min(this.#ofHeartbeat, piece.length);
      this.#ofHeartbeat -= skipped;
      piece = piece.subarray(skipped);
      // No line of a frame begins like that.
      const next = piece.indexOf(BETWEEN);
      const frames = next < 0 ? piece : piece.subarray(0, next + HELLO_END.length);
      this.#take(frames);
      piece = piece.subarray(frames.length);
    }
  }

  #take(piece: Buffer): void {
    if (!this.#tape.take(this.#at, piece)) this.astray = true;
    this.#at += piece.length;
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
    /** Events out of order, and readers that got something else than the others. */
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
  const tape = new Tape();
  const readers: TapeReader[] = [];
  // What waits for it may come in other pieces: it is looked through on its own.
  const slow = new Counter(1);
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
            const reader = i === 0 ? slow : new TapeReader(tape);
            const response = await open(question.url, 'oldest');
            response.on('error', () => undefined);
            if (reader instanceof TapeReader) readers.push(reader);
            const take = (chunk: Buffer): void => {
              reader.add(chunk);
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
          const told = (): boolean => tape.events >= question.records;
          const all = (): boolean =>
            told() && slow.count >= question.records && readers.every((reader) => reader.hasAll || reader.astray);
          let stalledMs = Number.NaN;
          while (!all() && performance.now() - began < PATIENCE_MS) {
            if (Number.isNaN(stalledMs) && slow.count >= question.records) stalledMs = performance.now() - began;
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
            short:
              readers.filter((reader) => !reader.hasAll || tape.events !== question.records).length +
              Number(slow.count !== question.records),
            wrong: tape.wrong + slow.wrong + readers.filter((reader) => reader.astray).length,
          } satisfies Answers['end'];
        }
      }
    },
    async () => undefined,
  );
}
