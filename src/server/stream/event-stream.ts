import type { ServerResponse } from 'node:http';
import type { LogRecord } from '../../events/index.js';
import { asVurtiError, type Clock, type Scheduler } from '../../kernel/index.js';
import type { TailReader } from '../../monitor/index.js';
import type { StreamFrames } from '../wire.js';
import { frameText, HEARTBEAT } from './sse.js';
import type { Encoded, StreamView } from './stream-view.js';

export interface EventStreamOptions {
  readonly reader: TailReader;
  readonly view: StreamView;
  readonly response: ServerResponse;
  /** false: the stream ends at the head of the log. */
  readonly follow: boolean;
  /** Without following: it ends when records are later than this, ms. */
  readonly until: number | undefined;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly onError: (error: unknown) => void;
}

/** Records of one write. A reader that is behind gets them page by page; when all are behind, each holds one page. */
const BATCH = 250;
/** Of history a reader first gets a few: the first frame does not wait for a whole batch to be read and encoded. */
const FIRST_BATCH = 32;
/** Records that may go by unseen before the reader is told how far it has come. */
const CHECKPOINT_EVERY = 1000;
/** A reader that takes nothing for so long is let go; it may come back with its cursor. */
const STALLED_MS = 600_000;

/**
 * One reader of the stream.
 *
 * Modes: *live* – it stands where memory reaches, and is written to in rounds with all others; *reading* – it is behind
 * and reads history from the store, page by page; *blocked* – its socket takes no more: nothing is read or kept for it
 * until it does, and then it goes on from its place, by memory or by history; *done*.
 */
export class EventStream {
  readonly #o: EventStreamOptions;
  #mode: 'live' | 'reading' | 'blocked' | 'done' = 'live';
  /** Cursor of the last frame. */
  #told: string;
  #unseen = 0;
  #before: readonly LogRecord[] = [];
  #blockedSince = 0;
  #drained: (() => void) | null = null;

  constructor(options: EventStreamOptions) {
    this.#o = options;
    this.#told = options.reader.cursor;
    options.response.on('drain', () => this.#onDrain());
  }

  get mode(): 'live' | 'reading' | 'blocked' | 'done' {
    return this.#mode;
  }

  /** The first bytes: who speaks, the gap if there is one, and what was read while the cursor was looked up. */
  begin(head: string, records: readonly LogRecord[]): void {
    const { bytes } = this.#encoded(this.#o.view.encode([], records), records);
    this.#write(Buffer.concat([Buffer.from(head), bytes]));
    if (this.#isOver(records)) this.end('head');
    else this.#goOn();
  }

  /** In a round with all others: what memory has, at once. */
  pump(): void {
    if (this.#mode !== 'live') return;
    const { reader, view } = this.#o;
    const after = reader.cursor;
    const records = reader.take(BATCH);
    if (records === null || records.length === BATCH) {
      if (records !== null) this.#send(view.ofRound(after, this.#before, records), records);
      if (this.#mode === 'live') this.#catchUp();
      return;
    }
    if (records.length > 0) this.#send(view.ofRound(after, this.#before, records), records);
  }

  /** Shows that the connection lives, and how far the reader has come if it has seen nothing for long. */
  beat(): void {
    if (this.#blockedSince !== 0) {
      if (this.#o.clock.monotonic() - this.#blockedSince >= STALLED_MS) this.abort();
      return;
    }
    if (this.#mode !== 'live') return;
    if (this.#o.reader.cursor === this.#told) this.#write(HEARTBEAT);
    else this.#checkpoint();
  }

  /** Ends it with a last frame; one that does not take it any more is cut off. */
  end(reason: StreamFrames['end']['reason'], code: string | null = null): void {
    const { response, reader } = this.#o;
    if (this.#mode === 'done') return;
    const blocked = this.#blockedSince !== 0;
    this.#finish();
    if (blocked) response.destroy();
    else response.end(frameText('end', reader.cursor, { reason, code }));
  }

  /** The connection is gone, or has to go. */
  abort(): void {
    this.#finish();
    this.#o.response.destroy();
  }

  #finish(): void {
    this.#mode = 'done';
    this.#onDrain();
  }

  #catchUp(): void {
    this.#mode = 'reading';
    this.#readHistory().catch((error: unknown) => {
      if (this.#isDone()) return;
      this.#o.onError(error);
      this.end('error', asVurtiError(error, 'reading the log').code);
    });
  }

  async #readHistory(): Promise<void> {
    const { reader, view, scheduler, follow } = this.#o;
    for (let size = FIRST_BATCH; ; size = Math.min(BATCH, size * 4)) {
      const { records, gap, atHead } = await reader.next(size);
      if (this.#isDone()) return;
      if (gap !== null) {
        this.#before = [];
        this.#told = gap.resumedAfter;
        this.#write(Buffer.from(frameText('gap', gap.resumedAfter, gap)));
      }
      const { bytes } = this.#encoded(view.encode(this.#before, records), records);
      this.#write(bytes);
      if (this.#unseen >= CHECKPOINT_EVERY || (atHead && follow && this.#unseen > 0)) this.#checkpoint();
      if (this.#blockedSince !== 0) await new Promise<void>((resolve) => (this.#drained = resolve));
      if (this.#isDone()) return;
      if (this.#isOver(records) || (atHead && !follow)) {
        this.end('head');
        return;
      }
      if (atHead) break;
      await scheduler.yield();
      if (this.#isDone()) return;
    }
    this.#mode = 'live';
    this.pump();
  }

  #goOn(): void {
    if (this.#mode !== 'live') return;
    if (this.#o.follow) this.pump();
    else this.#catchUp();
  }

  #send(encoded: Encoded, records: readonly LogRecord[]): void {
    const { bytes } = this.#encoded(encoded, records);
    if (bytes.length > 0) this.#write(bytes);
    else if (this.#unseen >= CHECKPOINT_EVERY) this.#checkpoint();
  }

  #encoded(encoded: Encoded, records: readonly LogRecord[]): Encoded {
    this.#before = this.#o.view.keep(this.#before, records);
    this.#unseen = encoded.last === null ? this.#unseen + encoded.unseen : encoded.unseen;
    this.#told = encoded.last ?? this.#told;
    return encoded;
  }

  #checkpoint(): void {
    const { cursor } = this.#o.reader;
    this.#told = cursor;
    this.#unseen = 0;
    this.#write(Buffer.from(frameText('checkpoint', cursor, { cursor })));
  }

  #write(bytes: Buffer): void {
    if (bytes.length === 0 || this.#mode === 'done') return;
    if (!this.#o.response.write(bytes) && this.#blockedSince === 0) {
      // Never 0: that is "not blocked".
      this.#blockedSince = Math.max(1, this.#o.clock.monotonic());
      if (this.#mode === 'live') this.#mode = 'blocked';
    }
  }

  #onDrain(): void {
    this.#blockedSince = 0;
    const waiting = this.#drained;
    this.#drained = null;
    waiting?.();
    if (this.#mode === 'blocked') {
      this.#mode = 'live';
      this.#goOn();
    }
  }

  #isDone(): boolean {
    return this.#mode === 'done';
  }

  /** Times are in order but for a little. */
  #isOver(records: readonly LogRecord[]): boolean {
    const { until, follow } = this.#o;
    const last = records.at(-1);
    return !follow && until !== undefined && last !== undefined && last.time > until + 60_000;
  }
}
