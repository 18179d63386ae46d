import { type Clock, messageOf, type Scheduler, type Telemetry, type Timer, VurtiError } from '../../kernel/index.js';
import type { LogFilter, Monitor } from '../../monitor/index.js';
import type { EventStream } from './event-stream.js';
import { RecordBytes } from './record-bytes.js';
import { StreamView } from './stream-view.js';

export interface StreamHubOptions {
  readonly monitor: () => Monitor;
  /** Readers at once. */
  readonly most: number;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

const BEAT_MS = 15_000;
/** Rounds take a quarter of the time at most: with many readers what is committed meanwhile goes out together. */
const REST_PER_WORK = 3;
const LONGEST_REST_MS = 250;

interface Viewed {
  readonly view: StreamView;
  streams: number;
}

/**
 * All readers of the stream: one listener for commits, one timer for signs of life, one write per reader and round. A
 * round follows a commit; what is committed before the next round goes out with it.
 */
export class StreamHub {
  readonly bytes: RecordBytes;
  readonly #o: StreamHubOptions;
  readonly #streams = new Map<EventStream, string>();
  readonly #views = new Map<string, Viewed>();
  #entering = 0;
  #stopListening: (() => void) | null = null;
  #listeningTo: Monitor | null = null;
  #round: Timer | null = null;
  #restUntil = 0;
  #beat: Timer | null = null;

  constructor(options: StreamHubOptions) {
    this.#o = options;
    this.bytes = new RecordBytes(options.monitor);
  }

  get count(): number {
    return this.#streams.size;
  }

  /** Holds a place for a reader while its cursor is looked up. @throws TOO_MANY_READERS */
  async entering<T>(work: () => Promise<T>): Promise<T> {
    const { most } = this.#o;
    if (this.#streams.size + this.#entering >= most) {
      throw new VurtiError('TOO_MANY_READERS', `${most} readers follow the log already`);
    }
    this.#entering += 1;
    try {
      return await work();
    } finally {
      this.#entering -= 1;
    }
  }

  /** Readers with the same filters share a view. */
  add(filter: LogFilter, changes: boolean, make: (view: StreamView) => EventStream): EventStream {
    const key = JSON.stringify([filter, changes]);
    const viewed = this.#views.get(key) ?? { view: new StreamView(filter, changes, this.bytes), streams: 0 };
    viewed.streams += 1;
    this.#views.set(key, viewed);
    const stream = make(viewed.view);
    this.#streams.set(stream, key);
    this.#listen();
    this.#beat ??= this.#o.scheduler.after(BEAT_MS, () => this.#onBeat(), 'stream-beat');
    this.#o.telemetry.gauge('vurti_event_streams', this.#streams.size);
    return stream;
  }

  remove(stream: EventStream): void {
    const key = this.#streams.get(stream);
    if (key === undefined) return;
    this.#streams.delete(stream);
    const viewed = this.#views.get(key);
    if (viewed !== undefined) {
      viewed.streams -= 1;
      if (viewed.streams === 0) this.#views.delete(key);
    }
    if (this.#streams.size === 0) this.#rest();
    this.#o.telemetry.gauge('vurti_event_streams', this.#streams.size);
  }

  /** The service stops: all readers are told, and may come back with their cursor. */
  close(): void {
    for (const stream of [...this.#streams.keys()]) {
      stream.end('stopping');
      this.remove(stream);
    }
  }

  #listen(): void {
    const monitor = this.#o.monitor();
    if (this.#listeningTo === monitor) return;
    this.#stopListening?.();
    this.#listeningTo = monitor;
    this.#stopListening = monitor.log.onCommit(() => this.#onCommit());
  }

  #rest(): void {
    this.#stopListening?.();
    this.#stopListening = null;
    this.#listeningTo = null;
    this.#round?.cancel();
    this.#round = null;
    this.#beat?.cancel();
    this.#beat = null;
  }

  #onCommit(): void {
    const { clock, scheduler } = this.#o;
    if (this.#round !== null) return;
    const wait = Math.max(0, this.#restUntil - clock.monotonic());
    this.#round = scheduler.after(wait, () => this.#runRound(), 'stream-round');
  }

  #runRound(): void {
    const { clock, telemetry } = this.#o;
    this.#round = null;
    const began = clock.monotonic();
    for (const stream of [...this.#streams.keys()]) this.#safely(stream, () => stream.pump());
    for (const { view } of this.#views.values()) view.endRound();
    const took = clock.monotonic() - began;
    this.#restUntil = began + took + Math.min(LONGEST_REST_MS, took * REST_PER_WORK);
    telemetry.observe('vurti_stream_round_seconds', took / 1000);
  }

  #onBeat(): void {
    this.#beat = this.#o.scheduler.after(BEAT_MS, () => this.#onBeat(), 'stream-beat');
    for (const stream of [...this.#streams.keys()]) this.#safely(stream, () => stream.beat());
  }

  /** One reader's failure is its own. */
  #safely(stream: EventStream, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#o.telemetry.log('error', 'A reader of the event stream failed', { error: messageOf(error) });
      stream.abort();
      this.remove(stream);
    }
  }
}
