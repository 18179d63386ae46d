import { BinaryHeap, type Scheduler, type Timer } from '../kernel/index.js';

interface Due {
  readonly key: string;
  readonly at: number;
}

/** Things to look at again at a known time, by key: one timer for all of them, none while there are none. */
export class DueOnce {
  readonly #scheduler: Scheduler;
  readonly #label: string;
  readonly #then: (key: string) => void;
  readonly #dueAt = new Map<string, number>();
  readonly #heap = new BinaryHeap<Due>((a, b) => a.at < b.at);
  #timer: Timer | undefined;
  #armedFor = Number.POSITIVE_INFINITY;

  constructor(scheduler: Scheduler, label: string, then: (key: string) => void) {
    this.#scheduler = scheduler;
    this.#label = label;
    this.#then = then;
  }

  /** Replaces an earlier time of the key. `at` is monotonic ms. */
  set(key: string, at: number): void {
    if (this.#dueAt.get(key) === at) return;
    this.#dueAt.set(key, at);
    this.#heap.push({ key, at });
    this.#arm();
  }

  cancel(key: string): void {
    if (this.#dueAt.delete(key) && this.#dueAt.size === 0) this.stop();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
  }

  #arm(): void {
    // Entries that were replaced or cancelled stay in the heap until they come up.
    let next = this.#heap.peek();
    while (next !== undefined && this.#dueAt.get(next.key) !== next.at) {
      this.#heap.pop();
      next = this.#heap.peek();
    }
    if (next === undefined || next.at >= this.#armedFor) return;
    this.#timer?.cancel();
    this.#armedFor = next.at;
    this.#timer = this.#scheduler.at(next.at, () => this.#run(), this.#label);
  }

  #run(): void {
    const now = this.#armedFor;
    this.#armedFor = Number.POSITIVE_INFINITY;
    this.#timer = undefined;
    for (let next = this.#heap.peek(); next !== undefined && next.at <= now; next = this.#heap.peek()) {
      this.#heap.pop();
      if (this.#dueAt.get(next.key) !== next.at) continue;
      this.#dueAt.delete(next.key);
      this.#then(next.key);
    }
    this.#arm();
  }
}
