import type { BackfillProgress, Store } from '../events/index.js';
import { type Clock, messageOf, type Scheduler, type Telemetry, type Timer } from '../kernel/index.js';

export interface BackfillRunnerOptions {
  readonly store: Pick<Store, 'backfills' | 'committer'>;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

const SHORTEST_PAUSE_MS = 5;
const RETRY_MS = 10_000;

/**
 * Runs migrations that rewrite data beside everything else: a portion, then a pause as long as it took, so that flushes
 * and reads have at least half of the database's time.
 */
export class BackfillRunner {
  readonly #options: BackfillRunnerOptions;
  #timer: Timer | null = null;
  #progress: BackfillProgress | null = null;
  #stopped = false;

  constructor(options: BackfillRunnerOptions) {
    this.#options = options;
  }

  /** What is left to do; null when nothing is. */
  get progress(): BackfillProgress | null {
    return this.#progress;
  }

  /** Finds out what is left, so that nobody is told `ready` before. Never rejects. */
  async look(): Promise<void> {
    const { store, telemetry } = this.#options;
    try {
      this.#take((await store.backfills?.progress()) ?? null);
    } catch (error) {
      telemetry.log('warn', 'Migrations in the background could not be looked for', { message: messageOf(error) });
    }
  }

  start(): void {
    if (this.#progress === null) return;
    this.#options.telemetry.log('info', 'A migration goes on in the background', { ...this.#progress });
    this.#plan(SHORTEST_PAUSE_MS);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #plan(ms: number): void {
    if (this.#stopped) return;
    this.#timer = this.#options.scheduler.after(ms, () => void this.#step(), 'backfill');
  }

  async #step(): Promise<void> {
    const { store, clock, telemetry } = this.#options;
    if (store.committer.state().failingSince !== null) {
      this.#plan(RETRY_MS);
      return;
    }
    const began = clock.monotonic();
    try {
      const name = this.#progress?.name;
      this.#take((await store.backfills?.step()) ?? null);
      if (name !== undefined && this.#progress?.name !== name) {
        telemetry.log('info', 'A migration in the background is done', { name });
      }
      if (this.#progress !== null) this.#plan(Math.max(SHORTEST_PAUSE_MS, clock.monotonic() - began));
    } catch (error) {
      if (this.#stopped) return;
      telemetry.log('warn', 'A migration in the background has failed; it is tried again', {
        name: this.#progress?.name,
        message: messageOf(error),
      });
      this.#plan(RETRY_MS);
    }
  }

  #take(progress: BackfillProgress | null): void {
    this.#progress = progress;
    const left = progress === null ? 0 : progress.total - progress.done;
    this.#options.telemetry.gauge('vurti_backfill_records', left);
  }
}
