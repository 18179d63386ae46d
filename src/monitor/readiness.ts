import type { Subscription } from 'rxjs';
import type { Streams } from '../events/index.js';
import { type Scheduler, type Timer, VurtiError } from '../kernel/index.js';
import type { ReadinessLevel } from './api.js';

const rank: Record<ReadinessLevel, number> = { loading: 0, serving: 1, synced: 2 };

/**
 * How far the monitor has come: *loading* – the stored state is being read; *serving* – it can be asked, what it says may
 * be old; *synced* – every monitored host has answered, or has had its chance. It only ever rises.
 */
export class Readiness {
  #level: ReadinessLevel = 'loading';
  readonly #isSynced: () => boolean;
  readonly #scheduler: Scheduler;
  readonly #waiting = new Set<() => void>();
  #subscription: Subscription | undefined;
  #first: Timer | undefined;

  constructor(scheduler: Scheduler, isSynced: () => boolean) {
    this.#scheduler = scheduler;
    this.#isSynced = isSynced;
  }

  get level(): ReadinessLevel {
    return this.#level;
  }

  /** Looks again after each piece of evidence until all is synced; first when the caller has named its hosts. */
  serving(streams: Streams): void {
    this.#rise('serving');
    this.#subscription = streams.evidence.stream$.subscribe(() => this.check());
    this.#first = this.#scheduler.after(0, () => this.check(), 'readiness');
  }

  check(): void {
    if (this.#level !== 'serving' || !this.#isSynced()) return;
    this.#subscription?.unsubscribe();
    this.#rise('synced');
  }

  stop(): void {
    this.#first?.cancel();
    this.#subscription?.unsubscribe();
    for (const look of [...this.#waiting]) look();
  }

  /** @throws NOT_READY when the level is not reached in time */
  async until(level: ReadinessLevel, timeoutMs: number, stopped: () => boolean): Promise<void> {
    if (rank[this.#level] >= rank[level]) return;
    await new Promise<void>((resolve, reject) => {
      const timer = this.#scheduler.after(
        timeoutMs,
        () => {
          this.#waiting.delete(look);
          reject(new VurtiError('NOT_READY', `Not ${level} within ${timeoutMs / 1000} s; it is ${this.#level}`));
        },
        'until',
      );
      const look = (): void => {
        const reached = rank[this.#level] >= rank[level];
        if (!reached && !stopped()) return;
        timer.cancel();
        this.#waiting.delete(look);
        if (reached) resolve();
        else reject(new VurtiError('STOPPED', 'The monitor was stopped'));
      };
      this.#waiting.add(look);
    });
  }

  #rise(level: ReadinessLevel): void {
    this.#level = level;
    for (const look of [...this.#waiting]) look();
  }
}
