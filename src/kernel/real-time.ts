import type { Clock } from './clock.js';
import type { Scheduler, Timer } from './scheduler.js';

/** Node caps a timer at 2^31-1 ms and fires longer ones at once: a longer wait is made of several. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface RealTimeOptions {
  /** Told of an error thrown by a task. Default: rethrown as an uncaught exception, since nobody else would see it. */
  onTaskError?: (error: unknown, label: string) => void;
}

/** The machine's clock and event loop. */
export class RealTime implements Clock, Scheduler {
  readonly #onTaskError: ((error: unknown, label: string) => void) | undefined;
  readonly #waiting = new Map<string, number>();

  constructor(options: RealTimeOptions = {}) {
    this.#onTaskError = options.onTaskError;
  }

  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  at(dueMs: number, task: () => void, label: string): Timer {
    let handle: NodeJS.Timeout | undefined;
    const finish = (): void => {
      handle = undefined;
      const left = (this.#waiting.get(label) ?? 1) - 1;
      if (left === 0) this.#waiting.delete(label);
      else this.#waiting.set(label, left);
    };
    const arm = (): void => {
      const wait = Math.ceil(dueMs - performance.now());
      if (wait > LONGEST_TIMER_MS) handle = setTimeout(arm, LONGEST_TIMER_MS);
      else
        handle = setTimeout(
          () => {
            finish();
            this.#run(task, label);
          },
          Math.max(0, wait),
        );
    };
    this.#waiting.set(label, (this.#waiting.get(label) ?? 0) + 1);
    arm();
    return {
      cancel: () => {
        if (handle === undefined) return;
        clearTimeout(handle);
        finish();
      },
    };
  }

  after(delayMs: number, task: () => void, label: string): Timer {
    return this.at(performance.now() + delayMs, task, label);
  }

  yield(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  waiting(): ReadonlyMap<string, number> {
    return this.#waiting;
  }

  #run(task: () => void, label: string): void {
    if (this.#onTaskError === undefined) {
      task();
      return;
    }
    try {
      task();
    } catch (error) {
      this.#onTaskError(error, label);
    }
  }
}
