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
import { keyOf, type RowWrite, type VmColumns } from '../model/index.js';
import { Backlog, type BacklogLimits } from './backlog.js';
import { type BackoffLimits, backoffMs } from './backoff.js';
import { CommitSpans } from './commit-spans.js';
import { type Batch, DataRefused, type FlushMark, type FlushTarget, isEmpty } from './flush-target.js';
import { FlushTimes } from './flush-times.js';
import { Journal } from './journal/journal.js';
import type { JournalFiles } from './journal/journal-files.js';
import { JournalKeeper } from './journal/journal-keeper.js';
import { plainRecord } from './plain-value.js';
import { SetAside } from './set-aside.js';
import { storable } from './storable.js';

export interface CommitterTuning {
  /** How long the first change waits for others before its flush. Nobody waits for `flushed()` or `stop()`. Default 10. */
  readonly lingerMs?: number;
  /** `stop` gives up what is not written by then. Default 10,000. */
  readonly stopWithinMs?: number;
  /** With a journal: a flush that takes longer is kept there meanwhile. Default 2,000. */
  readonly slowFlushMs?: number;
  readonly retry?: BackoffLimits;
  /** What one flush takes at most, about. */
  readonly flush?: BacklogLimits;
}

/** Where flushes are kept while the database is away. */
export interface JournalOptions {
  readonly files: JournalFiles;
  readonly maxBytes: number;
}

export interface BatchingCommitterOptions extends CommitterTuning {
  readonly target: FlushTarget;
  /** This start's own name, for the marks of its flushes. */
  readonly writer: string;
  readonly journal?: JournalOptions | undefined;
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
  #keeper: JournalKeeper | null = null;
  #flushNumber = 0;
  #lastMark: FlushMark | null = null;
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
  readonly #spans = new CommitSpans();
  #dropped = 0;
  #stopping: Promise<void> | null = null;
  /** Why nothing is written any more. */
  #over: VurtiError | null = null;

  constructor(options: BatchingCommitterOptions) {
    this.#options = options;
    this.#lingerMs = options.lingerMs ?? 10;
    this.#retry = options.retry ?? { firstMs: 100, mostMs: 10_000 };
    this.#backlog = new Backlog(options.flush ?? { records: 5_000, rows: 10_000, statistics: 1_000 });
    this.#setAside = new SetAside(options.telemetry);
  }

  /** Opens the journal, and writes what an earlier process left in it. To be called before anything else, if there is one. */
  async recover(): Promise<void> {
    const { journal, target, writer, scheduler, telemetry } = this.#options;
    if (journal === undefined) return;
    this.#lastMark = await target.lastMark();
    this.#keeper = new JournalKeeper({
      journal: await Journal.open({ ...journal, writer, scheduler, telemetry }, this.#lastMark),
      backlog: this.#backlog,
      nextMark: () => this.#nextMark(),
      last: () => this.#lastMark,
      ...{ lingerMs: this.#lingerMs, scheduler, telemetry },
    });
    this.#keeper.resume();
    if (this.#keeper.active) {
      this.#drainNow();
      await this.flushed();
    }
  }

  commit(changes: ChangeSet, show?: () => void): void {
    const explainsNothing = show !== undefined && changes.rows.length === 0 && changes.records.length === 0;
    if (!explainsNothing) this.#take(changes);
    if (show === undefined) return;
    if (this.#keeper === null) show();
    else this.#keeper.show(this.#backlog.lastTicket, show);
  }

  usage(vms: readonly VmColumns[]): void {
    if (vms.length === 0 || this.#isOver()) return;
    const ticket = this.#backlog.addUsage(vms);
    const { tracer } = this.#options.telemetry;
    if (tracer !== undefined) this.#spans.begin(tracer, ticket, vms.length, 0);
    this.#arm();
  }

  #isOver(): boolean {
    if (this.#over === null && this.#stopping === null) return false;
    if (this.#dropped === 0) this.#options.telemetry.log('warn', 'Changes after the end of the committer are dropped');
    this.#dropped += 1;
    this.#options.telemetry.count('vurti_store_changes_dropped_total');
    return true;
  }

  #take(changes: ChangeSet): void {
    if (this.#isOver()) return;
    try {
      const writes: RowWrite[] = [];
      const refused: { write: RowWrite; message: string }[] = [];
      for (const given of changes.rows) {
        const result = storable(given);
        if ('write' in result) writes.push(result.write);
        else refused.push({ write: given, message: result.refused });
      }
      const ticket = this.#backlog.add(writes, changes.records.map(plainRecord));
      const { tracer } = this.#options.telemetry;
      if (tracer !== undefined) this.#spans.begin(tracer, ticket, writes.length, changes.records.length);
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
    const journal = this.#keeper?.state() ?? null;
    const inFlight =
      this.#inFlight !== null && this.#keeper?.isKept(this.#inFlight.mark) !== true ? this.#inFlight : null;
    return {
      waitingRows: this.#backlog.rows + (inFlight === null ? 0 : rowsOf(inFlight)) + (journal?.rows ?? 0),
      waitingRecords: this.#backlog.records + (inFlight?.records.length ?? 0) + (journal?.records ?? 0),
      setAside: this.#setAside.list(),
      failingSince: this.#failingSince,
      lastError: this.#lastError,
      flushes: this.#flushes,
      flushP99Ms: this.#times.p99(),
      journal,
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
      // A flush that hangs may go through or not; the journal knows it by its mark.
      if (this.#draining && this.#inFlight !== null) this.#keeper?.failing(this.#inFlight);
      const kept = this.#keeper?.active === true && (await this.#keeper.keepAll());
      if (kept) telemetry.log('warn', 'The database did not take all; the rest waits in the journal', left);
      else if (this.#draining) telemetry.log('error', `Not all was written within ${stopWithinMs} ms`, left);
      this.#end(new VurtiError('STOPPED', 'The committer was stopped'));
    }
    await this.#keeper?.close();
    this.#committed.complete();
  }

  #end(error: VurtiError): void {
    this.#over = error;
    this.#linger?.cancel();
    this.#linger = null;
    this.#endPause?.();
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
    this.#spans.end(error);
    this.#keeper?.end();
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
    const { isFull } = this.#backlog;
    return this.#waiters.length > 0 || this.#stopping !== null || isFull || this.#keeper?.active === true;
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    try {
      do {
        this.#inFlight = this.#keeper?.active === true ? await this.#nextKept(this.#keeper) : this.#nextWaiting();
        if (this.#inFlight === null || !(await this.#writeInFlight())) break;
        if (this.#keeper?.active === true) await this.#keeper.drained(this.#inFlight.mark);
        this.#inFlight = null;
        this.#release();
      } while (this.#urgent);
    } finally {
      this.#draining = false;
      this.#arm();
    }
  }

  #nextMark(): FlushMark {
    this.#flushNumber += 1;
    return { writer: this.#options.writer, number: this.#flushNumber };
  }

  #nextWaiting(): Batch | null {
    const content = this.#backlog.take();
    if (content === null) return null;
    const { rows, records, usage = [] } = content;
    return { rows, records, usage, mark: this.#nextMark() };
  }

  async #nextKept(keeper: JournalKeeper): Promise<Batch | null> {
    const entry = await keeper.next();
    if (entry === null) {
      this.#release();
      return this.#nextWaiting();
    }
    if (!keeper.belongs(entry)) {
      this.#options.telemetry.log('error', 'The journal was kept for another state of the database; it is set aside', {
        writer: entry.batch.mark.writer,
      });
      await keeper.setAside();
      return this.#nextKept(keeper);
    }
    for (const row of entry.refused) this.#setAside.addForeign(row);
    return entry.batch;
  }

  /** False when there is nothing more to be done: stopped or fenced. */
  async #writeInFlight(): Promise<boolean> {
    const { clock, random, telemetry } = this.#options;
    for (let failures = 0; this.#over === null; failures += 1) {
      const began = clock.monotonic();
      const span = telemetry.tracer?.start('flush', this.#flushFields());
      try {
        this.#succeeded(await this.#writeOrSetAside());
        span?.end();
        const took = clock.monotonic() - began;
        this.#times.add(took);
        telemetry.observe('vurti_store_flush_seconds', took / 1000);
        return this.#over === null;
      } catch (error) {
        span?.end(error);
        if (this.#over !== null) return false;
        if (error instanceof VurtiError && error.code === 'DATABASE_FENCED') {
          this.fence(error);
          return false;
        }
        this.#failed(error, failures);
        if (this.#inFlight !== null) this.#keeper?.failing(this.#inFlight);
        // What is kept need not be waited for.
        if (this.#stopping !== null && (await this.#keeper?.keepAll()) === true) return false;
        if (this.#over === null) await this.#pause(backoffMs(failures, this.#retry, random));
      }
    }
    return false;
  }

  async #writeOrSetAside(): Promise<readonly LogRecord[]> {
    const { target } = this.#options;
    for (;;) {
      const batch = this.#inFlight;
      if (batch === null || isEmpty(batch)) return [];
      try {
        return await this.#unlessSlow(batch, target);
      } catch (error) {
        if (!(error instanceof DataRefused) || this.#over !== null) throw error;
        this.#inFlight = await this.#setAside.without(batch, error, target);
      }
    }
  }

  /** A database that does not answer may be gone: what it has not taken by then is kept, whatever becomes of it. */
  async #unlessSlow(batch: Batch, target: FlushTarget): Promise<readonly LogRecord[]> {
    const { scheduler, slowFlushMs = 2000 } = this.#options;
    const keeper = this.#keeper;
    if (keeper === null) return await target.write(batch);
    const timer = scheduler.after(slowFlushMs, () => keeper.failing(batch), 'journal');
    try {
      return await target.write(batch);
    } finally {
      timer.cancel();
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
    this.#lastMark = this.#inFlight?.mark ?? this.#lastMark;
    const { rows, usage = [] } = this.#inFlight ?? { rows: [] };
    this.#setAside.written(rows, usage);
    telemetry.count('vurti_store_rows_total', rows.length + usage.length);
    telemetry.count('vurti_store_rows_coalesced_total', this.#backlog.takeCoalesced());
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
    if (this.#keeper?.active === true) return;
    const oldest = this.#backlog.oldestTicket;
    this.#spans.kept(oldest);
    const ready = this.#waiters.filter((waiter) => waiter.ticket < oldest);
    this.#waiters = this.#waiters.filter((waiter) => waiter.ticket >= oldest);
    for (const waiter of ready) waiter.resolve();
  }

  #flushFields(): { rows: number; records: number } {
    return { rows: this.#inFlight === null ? 0 : rowsOf(this.#inFlight), records: this.#inFlight?.records.length ?? 0 };
  }

  #waitingFields(): { waitingRows: number; waitingRecords: number } {
    const { waitingRows, waitingRecords } = this.state();
    return { waitingRows, waitingRecords };
  }
}

/** The usage of a VM counts as one. */
function rowsOf({ rows, usage = [] }: Batch): number {
  return rows.length + usage.length;
}
