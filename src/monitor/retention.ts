import type { LogRetention, Store } from '../events/index.js';
import { type Clock, messageOf, type Scheduler, type Telemetry, type Timer } from '../kernel/index.js';
import type { MonitorSettings } from '../model/index.js';
import type { MonitorStatus } from './api.js';

export interface RetentionOptions {
  readonly store: Pick<Store, 'removeRecords' | 'committer'>;
  readonly settings: MonitorSettings['events'];
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

const ROUND_MS = 60_000;
/** Removed at a time: flushes wait for it on the same connection. */
const CHUNK = 5000;
const DAY_MS = 86_400_000;

/**
 * Removes the beginning of the log, as events.retentionDays and events.maxRows say: once a minute, in chunks, with pauses
 * as long as the chunks took, so that writing never waits for more than one of them.
 */
export class Retention {
  readonly #options: RetentionOptions;
  #timer: Timer | null = null;
  #removing = false;
  #stopped = false;
  #removed = 0;
  #lastRunAt: number | null = null;
  #lastError: string | null = null;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  figures(): MonitorStatus['log'] {
    const { retentionDays, maxRows } = this.#options.settings;
    return {
      ...{ retentionDays, maxRows, removed: this.#removed },
      removing: this.#removing,
      ...{ lastRunAt: this.#lastRunAt, lastError: this.#lastError },
    };
  }

  start(): void {
    if (this.#options.store.removeRecords !== undefined) this.#plan(ROUND_MS);
  }

  /** A chunk under way ends with the store. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #plan(ms: number): void {
    if (this.#stopped) return;
    const { scheduler } = this.#options;
    this.#timer = scheduler.after(ms, () => void this.#step(), 'retention');
  }

  async #step(): Promise<void> {
    const { store, settings, clock, telemetry } = this.#options;
    // A limit may be set while it runs. A database that is away has other worries.
    const unlimited = settings.retentionDays === 0 && settings.maxRows === 0;
    if (unlimited || store.committer.state().failingSince !== null) {
      this.#plan(ROUND_MS);
      return;
    }
    const began = clock.monotonic();
    try {
      const removed = (await store.removeRecords?.({ ...this.#limits(), atMost: CHUNK })) ?? 0;
      this.#removed += removed;
      this.#lastError = null;
      if (removed > 0) telemetry.count('vurti_log_records_removed_total', removed);
      if (removed >= CHUNK) {
        this.#removing = true;
        this.#plan(Math.max(10, clock.monotonic() - began));
        return;
      }
    } catch (error) {
      if (this.#stopped) return;
      this.#lastError = messageOf(error);
      telemetry.log('warn', 'Old records could not be removed; it is tried again', { message: this.#lastError });
    }
    this.#removing = false;
    this.#lastRunAt = clock.now();
    this.#plan(ROUND_MS);
  }

  #limits(): LogRetention {
    const { settings, clock } = this.#options;
    return {
      ...(settings.retentionDays === 0 ? {} : { olderThan: clock.now() - settings.retentionDays * DAY_MS }),
      ...(settings.maxRows === 0 ? {} : { keep: settings.maxRows }),
    };
  }
}
