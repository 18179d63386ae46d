import { type Bookmarks, type EventRecord, type LogRecord, parseCursor, severityIds } from '../events/index.js';
import {
  type Clock,
  messageOf,
  minutes,
  type Random,
  type Scheduler,
  seconds,
  type Telemetry,
  type Timer,
} from '../kernel/index.js';
import type { LogApi, TailReader } from '../monitor/index.js';
import type { Outcome } from './webhook.js';

export interface SinkOptions {
  readonly name: string;
  /** For people; without what may be secret in it. */
  readonly target: string;
  /** Events of this severity and worse. */
  readonly severity: keyof typeof severityIds;
  readonly log: Pick<LogApi, 'open' | 'onCommit' | 'head'>;
  readonly bookmarks: Bookmarks | undefined;
  /** Sends one event; must not throw while `stop` is not aborted. */
  readonly send: (event: EventRecord & LogRecord, stop: AbortSignal) => Promise<Outcome>;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly telemetry: Telemetry;
}

export interface SinkState {
  readonly name: string;
  readonly target: string;
  readonly severity: keyof typeof severityIds;
  readonly mode: 'starting' | 'waiting' | 'sending' | 'retrying' | 'stopped';
  /** Everything up to here was delivered, or did not have to be. */
  readonly cursor: string | null;
  /** Records of the log behind the cursor. */
  readonly lagRecords: number;
  readonly delivered: number;
  /** Failed tries of the event that is sent now. */
  readonly failures: number;
  readonly failingSince: number | null;
  readonly lastDeliveredAt: number | null;
  readonly lastError: string | null;
  readonly nextTryAt: number | null;
}

const PAGE = 200;
const FIRST_RETRY_MS = seconds(1);
const LONGEST_RETRY_MS = minutes(5);
/** A place behind events that nobody wants is written no more often than this. */
const SAVE_EVERY_MS = minutes(1);

/**
 * Hands the events of the log to somebody outside: in order, each at least once, one at a time.
 *
 * Its place is a bookmark in the database, written after each delivery: after a restart, or a crash, it goes on there,
 * and sends at most the last event twice (under the same key). While the receiver is away nothing is kept for it but
 * its place: the events wait in the log. What the log has removed meanwhile is lost to it, and said.
 *
 * Modes: *starting* – the bookmark is read; *waiting* – for events; *sending*; *retrying* – the receiver failed, or the
 * database did; *stopped*.
 */
export class Sink {
  readonly #o: SinkOptions;
  readonly #stop = new AbortController();
  #mode: SinkState['mode'] = 'starting';
  #reader: TailReader | undefined;
  #cursor: string | null = null;
  #saved: string | null = null;
  #savedAt = Number.NEGATIVE_INFINITY;
  #delivered = 0;
  #failures = 0;
  #failingSince: number | null = null;
  #lastDeliveredAt: number | null = null;
  #lastError: string | null = null;
  #nextTryAt: number | null = null;
  #wake: (() => void) | undefined;
  #woken = false;
  #timer: Timer | undefined;
  #wakeFromPause: (() => void) | undefined;
  #running: Promise<void> | undefined;

  constructor(options: SinkOptions) {
    this.#o = options;
  }

  start(): void {
    const { log } = this.#o;
    const stopListening = log.onCommit(() => {
      this.#gauge();
      this.#awake();
    });
    this.#running = this.#run().finally(stopListening);
  }

  /** What is being sent is given up; it is sent again after the next start. */
  async stop(): Promise<void> {
    this.#mode = 'stopped';
    this.#stop.abort(new Error('stopped'));
    this.#timer?.cancel();
    this.#wakeFromPause?.();
    this.#awake();
    await this.#running;
    await this.#save(true).catch(() => undefined);
  }

  state(): SinkState {
    const { name, target, severity } = this.#o;
    return {
      ...{ name, target, severity, mode: this.#mode, cursor: this.#cursor, lagRecords: this.#lag() },
      ...{ delivered: this.#delivered, failures: this.#failures, failingSince: this.#failingSince },
      ...{ lastDeliveredAt: this.#lastDeliveredAt, lastError: this.#lastError, nextTryAt: this.#nextTryAt },
    };
  }

  async #run(): Promise<void> {
    while (!this.#isStopped()) {
      try {
        await this.#step();
      } catch (error) {
        if (this.#isStopped()) return;
        // The database is away, as a rule.
        await this.#pauseAfter({ error: messageOf(error), retryAfterMs: null });
      }
    }
  }

  async #step(): Promise<void> {
    this.#reader ??= await this.#open();
    const reader = this.#reader;
    const { records, gap, atHead } = await reader.next(PAGE);
    if (gap !== null) {
      const { name, telemetry } = this.#o;
      telemetry.log('warn', 'The log has removed records that a sink has not got; it goes on behind them', {
        ...{ sink: name, resumedAfter: gap.resumedAfter },
      });
    }
    for (const record of records) {
      if (this.#isWanted(record)) await this.#deliver(record);
      if (this.#isStopped()) return;
      this.#cursor = record.cursor;
      if (this.#isWanted(record)) await this.#save(true);
    }
    this.#cursor = reader.cursor;
    await this.#save(false);
    this.#gauge();
    if (!atHead) return;
    this.#setMode('waiting');
    await this.#sleep();
  }

  async #open(): Promise<TailReader> {
    const { name, bookmarks, log } = this.#o;
    const known = (await bookmarks?.load())?.get(name);
    const reader = await log.open(known);
    this.#cursor = reader.cursor;
    this.#saved = known ?? null;
    // A sink that is new begins now: what comes while it is away counts from its first start on.
    if (known === undefined) await this.#save(true);
    this.#recovered();
    return reader;
  }

  async #deliver(event: EventRecord & LogRecord): Promise<void> {
    const { clock, telemetry, name } = this.#o;
    for (;;) {
      if (this.#isStopped()) return;
      this.#setMode('sending');
      const began = clock.monotonic();
      const outcome = await this.#o.send(event, this.#stop.signal);
      telemetry.observe('vurti_sink_delivery_seconds', (clock.monotonic() - began) / 1000, { sink: name });
      telemetry.count('vurti_sink_deliveries_total', 1, { sink: name, outcome: outcome.ok ? 'delivered' : 'failed' });
      if (outcome.ok) {
        this.#delivered += 1;
        this.#lastDeliveredAt = clock.now();
        this.#recovered();
        return;
      }
      await this.#pauseAfter(outcome);
    }
  }

  async #pauseAfter({ error, retryAfterMs }: { error: string; retryAfterMs: number | null }): Promise<void> {
    const { clock, scheduler, random, telemetry, name } = this.#o;
    const full = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#failures, 20));
    const ms = Math.max(retryAfterMs ?? 0, full * (0.5 + random.next() / 2));
    this.#failures += 1;
    this.#lastError = error;
    this.#nextTryAt = clock.now() + ms;
    if (this.#failingSince === null) {
      this.#failingSince = clock.now();
      telemetry.log('warn', 'A sink does not get its events; they wait in the log', { sink: name, error });
    }
    this.#setMode('retrying');
    this.#gauge();
    await new Promise<void>((resolve) => {
      this.#timer = scheduler.after(ms, resolve, 'sink');
      this.#wakeFromPause = resolve;
    });
    this.#nextTryAt = null;
  }

  #recovered(): void {
    if (this.#failingSince !== null) {
      const { telemetry, name } = this.#o;
      telemetry.log('info', 'A sink gets its events again', { sink: name, failures: this.#failures });
    }
    this.#failures = 0;
    this.#failingSince = null;
    this.#lastError = null;
  }

  async #save(now: boolean): Promise<void> {
    const { bookmarks, clock, name } = this.#o;
    const cursor = this.#cursor;
    if (bookmarks === undefined || cursor === null || cursor === this.#saved) return;
    if (!now && clock.monotonic() - this.#savedAt < SAVE_EVERY_MS) return;
    try {
      await bookmarks.save(name, cursor);
      this.#saved = cursor;
      this.#savedAt = clock.monotonic();
    } catch (error) {
      // The event has arrived; that is not sent again as long as this process lives, and saved with the next one.
      this.#o.telemetry.log('debug', 'The place of a sink is not saved yet', { sink: name, error: messageOf(error) });
    }
  }

  #isWanted(record: LogRecord): record is EventRecord & LogRecord {
    return record.kind === 'event' && severityIds[record.severity] >= severityIds[this.#o.severity];
  }

  #lag(): number {
    return this.#cursor === null ? 0 : Math.max(0, parseCursor(this.#o.log.head()).seq - parseCursor(this.#cursor).seq);
  }

  #gauge(): void {
    this.#o.telemetry.gauge('vurti_sink_lag_records', this.#lag(), { sink: this.#o.name });
  }

  #setMode(mode: SinkState['mode']): void {
    if (!this.#isStopped()) this.#mode = mode;
  }

  #isStopped(): boolean {
    return this.#mode === 'stopped';
  }

  #awake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  async #sleep(): Promise<void> {
    if (!this.#woken && !this.#isStopped()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    this.#woken = false;
  }
}
