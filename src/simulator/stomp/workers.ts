import type { Scheduler, Timer } from '../../kernel/index.js';

const WORKERS = 8;
const QUEUE = 80;

interface Work {
  readonly run: () => Running;
}

/** What a work became when it began. */
interface Running {
  /** How long it keeps its worker, ms; infinite = until the agent is started anew. */
  readonly lasts: number;
  readonly done: () => void;
}

/** VDSM's threads for requests: so many at work, so many waiting, and no room for more. */
export class Workers {
  readonly #scheduler: Scheduler;
  readonly #timers = new Set<Timer>();
  #waiting: Work[] = [];
  #busy = 0;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get busy(): number {
    return this.#busy;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** `run` is called when a worker has time for it. False: there is no room. */
  take(run: () => Running): boolean {
    if (this.#busy < WORKERS) this.#begin({ run });
    else if (this.#waiting.length < QUEUE) this.#waiting.push({ run });
    else return false;
    return true;
  }

  /** All work is forgotten: the agent was started anew. */
  reset(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#waiting = [];
    this.#busy = 0;
  }

  #begin(first: Work): void {
    for (let work: Work | undefined = first; work !== undefined; work = this.#waiting.shift()) {
      const { lasts, done } = work.run();
      if (lasts > 0) {
        this.#busy += 1;
        this.#keep(lasts, done);
        return;
      }
      done();
    }
  }

  #keep(lasts: number, done: () => void): void {
    if (!Number.isFinite(lasts)) return;
    const timer = this.#scheduler.after(
      lasts,
      () => {
        this.#timers.delete(timer);
        this.#busy -= 1;
        done();
        const next = this.#waiting.shift();
        if (next !== undefined && this.#busy < WORKERS) this.#begin(next);
      },
      'simulator-wire',
    );
    this.#timers.add(timer);
  }
}
