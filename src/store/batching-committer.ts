import { type ChangeSet, Channel, type Committer, type CommitterState, type LogRecord } from '../events/index.js';
import {
  type Clock,
  messageOf,
  type Random,
  type Scheduler,
  type Telemetry,
  type Timer,
  VurtiError,
} from '../kernel/index.js';
import { keyOf, type RowWrite } from '../model/index.js';
import { Backlog, type BacklogLimits } from './backlog.js';
import { type BackoffLimits, backoffMs } from './backoff.js';
import { type Batch, DataRefused, type FlushTarget } from './flush-target.js';
import { FlushTimes } from './flush-times.js';
import { plainRecord } from './plain-value.js';
import { SetAside } from './set-aside.js';
import { storable } from './storable.js';

export interface CommitterTuning {
  /** How long the first change waits for others before its flush. Nobody waits for `flushed()` or `stop()`. Default 10. */
  readonly lingerMs?: number;
  /** `stop` gives up what is not written by then. Default 10,000. */
  readonly stopWithinMs?: number;
  readonly retry?: BackoffLimits;
  /** What one flush takes at most, about. */
  readonly flush?: BacklogLimits;
}

export interface BatchingCommitterOptions extends CommitterTuning {
  readonly target: FlushTarget;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly telemetry: Telemetry;
  /** Told once, when another writer has taken over. */
  readonly onFenced?: ((error: VurtiError) => void) | undefined;
}

interface Waiter {
  readonly ticket: number;
  readonly resolve: () => void;
  readonly reject: (error: VurtiError) => void;
}

/** The Committer over any FlushTarget: gathers, writes one batch at a time, tries again, sets aside what is refused. */
export class BatchingCommitter implements Committer {
  readonly #options: BatchingCommitterOptions;
  readonly #lingerMs: number;
  readonly #retry: BackoffLimits;
  readonly #backlog: Backlog;
  readonly #setAside: SetAside;
  readonly #committed = new Channel<readonly LogRecord[]>();
  readonly committed$ = this.#committed.stream$;
  #waiters: Waiter[] = [];
  #linger: Timer | null = null;
  #draining = false;
  #drained: Promise<void> = Promise.resolve();
  #inFlight: Batch | null = null;
  #endPause: (() => void) | null = null;
  #failingSince: number | null = null;
  #lastError: string | null = null;
  #flushes = 0;
  readonly #times = new FlushTimes();
  #dropped = 0;
  #stopping: Promise<void> | null = null;
  /** Why nothing is written any more. */
  #over: VurtiError | null = null;

  constructor(options: BatchingCommitterOptions) {
    this.#options = options;
    this.#lingerMs = options.lingerMs ?? 10;
    this.#retry = options.retry ?? { firstMs: 100, mostMs: 10_000 };
    this.#backlog = new Backlog(options.flush ?? { records: 5_000, rows: 10_000 });
    this.#setAside = new SetAside(options.telemetry);
  }

  commit(changes: ChangeSet): void {
    if (this.#over !== null || this.#stopping !== null) {
      if (this.#dropped === 0)
        this.#options.telemetry.log('warn', 'Changes after the end of the committer are dropped');
      this.#dropped += 1;
      return;
    }
    try {
      const writes: RowWrite[] = [];
      const refused: { write: RowWrite; message: string }[] = [];
      for (const given of changes.rows) {
        const result = storable(given);
        if ('write' in result) writes.push(result.write);
        else refused.push({ write: given, message: result.refused });
      }
      const ticket = this.#backlog.add(writes, changes.records.map(plainRecord));
      for (const { write, message } of refused) {
        this.#setAside.add({ kind: write.kind, key: keyOf(write), ticket }, message);
      }
    } catch (error) {
      // Only a value that the types forbid gets here; the caller has done its part and must not stumble.
      this.#options.telemetry.log('error', 'A change set could not be taken in', { message: messageOf(error) });
    }
    this.#arm();
  }

  flushed(): Promise<void> {
    if (this.#over !== null) return Promise.reject(this.#over);
    if (this.#backlog.isEmpty && !this.#draining) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ ticket: this.#backlog.lastTicket, resolve, reject });
      this.#drainNow();
    });
  }

  state(): CommitterState {
    return {
      waitingRows: this.#backlog.rows + (this.#inFlight?.rows.length ?? 0),
      waitingRecords: this.#backlog.records + (this.#inFlight?.records.length ?? 0),
      setAside: this.#setAside.list(),
      failingSince: this.#failingSince,
      lastError: this.#lastError,
      flushes: this.#flushes,
      flushP99Ms: this.#times.p99(),
    };
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Ends all writing at once: another writer has the log. */
  fence(error: VurtiError): void {
    if (this.#over !== null) return;
    this.#failingSince ??= this.#options.clock.now();
    this.#lastError = error.message;
    this.#options.telemetry.log('error', error.message, { code: error.code, ...this.#waitingFields() });
    this.#end(error);
    this.#options.onFenced?.(error);
  }

  async #stop(): Promise<void> {
    const { scheduler, telemetry, stopWithinMs = 10_000 } = this.#options;
    this.#drainNow();
    // A failing database gets one more chance at once instead of after its pause.
    this.#endPause?.();
    if (this.#draining) {
      let timer: Timer | undefined;
      const deadline = new Promise<void>((resolve) => {
        timer = scheduler.after(stopWithinMs, resolve, 'committer-stop');
      });
      await Promise.race([this.#drained, deadline]);
      timer?.cancel();
    }
    if (this.#over === null) {
      const left = this.#waitingFields();
      if (this.#draining) telemetry.log('error', `Not all was written within ${stopWithinMs} ms`, left);
      this.#end(new VurtiError('STOPPED', 'The committer was stopped'));
    }
    this.#committed.complete();
  }

  #end(error: VurtiError): void {
    this.#over = error;
    this.#linger?.cancel();
    this.#linger = null;
    this.#endPause?.();
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  #arm(): void {
    if (this.#draining || this.#linger !== null || this.#over !== null || this.#backlog.isEmpty) return;
    this.#linger = this.#options.scheduler.after(this.#lingerMs, () => this.#drainNow(), 'committer-flush');
  }

  #drainNow(): void {
    this.#linger?.cancel();
    this.#linger = null;
    if (!this.#draining && this.#over === null) this.#drained = this.#drain();
  }

  /** Whether somebody waits, or waiting for more would not make the next flush any larger. */
  get #urgent(): boolean {
    return this.#waiters.length > 0 || this.#stopping !== null || this.#backlog.isFull;
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    try {
      do {
        this.#inFlight = this.#backlog.take();
        if (this.#inFlight === null || !(await this.#writeInFlight())) break;
        this.#inFlight = null;
        this.#release();
      } while (this.#urgent);
    } finally {
      this.#draining = false;
      this.#arm();
    }
  }

  /** False when there is nothing more to be done: stopped or fenced. */
  async #writeInFlight(): Promise<boolean> {
    const { clock, random, telemetry } = this.#options;
    for (let failures = 0; this.#over === null; failures += 1) {
      const began = clock.monotonic();
      try {
        this.#succeeded(await this.#writeOrSetAside());
        const took = clock.monotonic() - began;
        this.#times.add(took);
        telemetry.observe('vurti_store_flush_seconds', took / 1000);
        return this.#over === null;
      } catch (error) {
        if (this.#over !== null) return false;
        if (error instanceof VurtiError && error.code === 'DATABASE_FENCED') {
          this.fence(error);
          return false;
        }
        this.#failed(error, failures);
        await this.#pause(backoffMs(failures, this.#retry, random));
      }
    }
    return false;
  }

  async #writeOrSetAside(): Promise<readonly LogRecord[]> {
    const { target } = this.#options;
    for (;;) {
      const batch = this.#inFlight;
      if (batch === null || (batch.rows.length === 0 && batch.records.length === 0)) return [];
      try {
        return await target.write(batch);
      } catch (error) {
        if (!(error instanceof DataRefused) || this.#over !== null) throw error;
        this.#inFlight = await this.#setAside.without(batch, error, target);
      }
    }
  }

  #succeeded(records: readonly LogRecord[]): void {
    const { telemetry } = this.#options;
    if (this.#failingSince !== null) telemetry.log('info', 'The database works again', this.#waitingFields());
    if (this.#over === null) {
      this.#failingSince = null;
      this.#lastError = null;
    }
    this.#flushes += 1;
    const rows = this.#inFlight?.rows ?? [];
    this.#setAside.written(rows);
    telemetry.count('vurti_store_rows_total', rows.length);
    telemetry.count('vurti_store_records_total', records.length);
    if (records.length > 0) this.#committed.publish(records);
  }

  #failed(error: unknown, failures: number): void {
    const { clock, telemetry } = this.#options;
    this.#failingSince ??= clock.now();
    this.#lastError = messageOf(error);
    telemetry.count('vurti_store_flush_failures_total');
    const fields = { message: this.#lastError, failures: failures + 1, ...this.#waitingFields() };
    telemetry.log(failures === 0 ? 'warn' : 'debug', 'A flush failed; it is tried again', fields);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.scheduler.after(ms, () => this.#endPause?.(), 'committer-retry');
      this.#endPause = () => {
        timer.cancel();
        this.#endPause = null;
        resolve();
      };
    });
  }

  #release(): void {
    const oldest = this.#backlog.oldestTicket;
    const ready = this.#waiters.filter((waiter) => waiter.ticket < oldest);
    this.#waiters = this.#waiters.filter((waiter) => waiter.ticket >= oldest);
    for (const waiter of ready) waiter.resolve();
  }

  #waitingFields(): { waitingRows: number; waitingRecords: number } {
    const { waitingRows, waitingRecords } = this.state();
    return { waitingRows, waitingRecords };
  }
}
