import { BinaryHeap, type Clock, type Scheduler, type Timer } from '../kernel/index.js';

/** A happening that waits; cancelling it twice, or after it ran, does nothing. */
export interface Planned {
  cancel(): void;
}

interface Entry {
  readonly due: number;
  readonly order: number;
  run: (() => void) | null;
}

/** Below this many cancelled entries a heap is not worth sweeping. */
const SWEEP_FROM = 256;

/**
 * The world's time and all that is going to happen in it: one heap, one timer.
 *
 * World time is ms since the fleet was made. A happening runs at exactly its due time as far as the world can tell,
 * however late the timer or the reader that set it off is: so what a reader sees depends on the seed and the time
 * alone, not on how often anybody looked.
 */
export class Planner {
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #origin: number;
  readonly #wallOrigin: number;
  #heap = emptyHeap();
  #order = 0;
  #cancelled = 0;
  #now = 0;
  #settling = false;
  #started = false;
  #timer: Timer | null = null;
  #armedFor = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, scheduler: Scheduler) {
    this.#clock = clock;
    this.#scheduler = scheduler;
    this.#origin = clock.monotonic();
    this.#wallOrigin = clock.now();
  }

  /** World time: that of the happening that runs now, else of the last `settle`. */
  get now(): number {
    return this.#now;
  }

  /** Entries that wait, cancelled ones that were not swept yet included. */
  get size(): number {
    return this.#heap.size;
  }

  /** Wall-clock time (ms since the epoch) of a world time. */
  wallAt(time: number): number {
    return this.#wallOrigin + time;
  }

  after(delay: number, run: () => void): Planned {
    const entry: Entry = { due: this.#now + Math.max(0, delay), order: this.#order++, run };
    this.#heap.push(entry);
    if (this.#started && !this.#settling && entry.due < this.#armedFor) this.#arm();
    return {
      cancel: () => {
        if (entry.run === null) return;
        entry.run = null;
        this.#cancelled += 1;
        if (this.#cancelled > SWEEP_FROM && this.#cancelled * 2 > this.#heap.size) this.#sweep();
      },
    };
  }

  /** Lets everything happen that is due by now. Called by every reader and every command before it looks. */
  settle(): void {
    // A listener that reads the world during a happening sees the world at that happening.
    if (this.#settling) return;
    const now = this.#clock.monotonic() - this.#origin;
    this.#settling = true;
    try {
      for (let next = this.#heap.peek(); next !== undefined && next.due <= now; next = this.#heap.peek()) {
        this.#heap.pop();
        if (next.run === null) {
          this.#cancelled -= 1;
          continue;
        }
        const { run } = next;
        next.run = null;
        this.#now = Math.max(this.#now, next.due);
        run();
      }
      this.#now = Math.max(this.#now, now);
    } finally {
      this.#settling = false;
      if (this.#started) this.#arm();
    }
  }

  /** From now on happenings take place by themselves, not only when somebody looks. */
  start(): void {
    this.#started = true;
    this.#arm();
  }

  stop(): void {
    this.#started = false;
    this.#disarm();
  }

  #arm(): void {
    const due = this.#heap.peek()?.due ?? Number.POSITIVE_INFINITY;
    if (due === this.#armedFor) return;
    this.#disarm();
    if (due === Number.POSITIVE_INFINITY) return;
    this.#armedFor = due;
    this.#timer = this.#scheduler.at(
      this.#origin + due,
      () => {
        this.#timer = null;
        this.#armedFor = Number.POSITIVE_INFINITY;
        this.settle();
      },
      'simulator',
    );
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#armedFor = Number.POSITIVE_INFINITY;
  }

  #sweep(): void {
    const kept = emptyHeap();
    for (let entry = this.#heap.pop(); entry !== undefined; entry = this.#heap.pop()) {
      if (entry.run !== null) kept.push(entry);
    }
    this.#heap = kept;
    this.#cancelled = 0;
  }
}

function emptyHeap(): BinaryHeap<Entry> {
  return new BinaryHeap<Entry>((a, b) => a.due < b.due || (a.due === b.due && a.order < b.order));
}
