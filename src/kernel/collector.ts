import { availableParallelism } from 'node:os';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';

/** Of what is alive after a collection, so much more may be allocated before the next one: at most, and at least. */
const MOST_PER_CENT = 300;
const LEAST_PER_CENT = 50;
/** Between the two the heap grows by this. */
const GROWTH_BYTES = 512 * 2 ** 20;
/** While the process starts the heap grows by this. */
const GROWTH_AT_START_BYTES = 128 * 2 ** 20;
/** A start takes at least and at most so long. */
const SHORTEST_START_MS = 60_000;
const LONGEST_START_MS = 300_000;
/** In between it is over when so long no full collection was needed. */
const QUIET_MS = 15_000;

/**
 * How much the heap may grow. While a process takes in its fleet, most of what it allocates is of no use soon after, and what
 * lives is strewn over all the memory it took. V8 gives little of that back, and each collection of the young generation
 * looks at every page of it: so the heap is held small until the start is over.
 */
export class HeapGrowth {
  #starting = true;
  #lastFull = 0;
  #aliveBytes = 0;

  /** After a full collection that left so much alive, so long after the start of the process: growth in per cent of it. */
  afterFull(sinceStartMs: number, aliveBytes: number): number {
    this.#look(sinceStartMs);
    this.#lastFull = sinceStartMs;
    this.#aliveBytes = aliveBytes;
    return this.#perCent();
  }

  /** After one of the young generation alone. */
  afterYoung(sinceStartMs: number): number {
    this.#look(sinceStartMs);
    return this.#perCent();
  }

  #look(sinceStartMs: number): void {
    const quiet = sinceStartMs >= SHORTEST_START_MS && sinceStartMs - this.#lastFull >= QUIET_MS;
    if (quiet || sinceStartMs >= LONGEST_START_MS) this.#starting = false;
  }

  #perCent(): number {
    const growth = this.#starting ? GROWTH_AT_START_BYTES : GROWTH_BYTES;
    const wanted = Math.round((100 * growth) / Math.max(1, this.#aliveBytes));
    return Math.min(MOST_PER_CENT, Math.max(LEAST_PER_CENT, wanted));
  }
}

/**
 * For a process of our own: V8 looks through the whole heap when it has grown by as much as `HeapGrowth` says, instead of
 * when it guesses that collecting would take 3 % of the time. Each of these collections keeps other work waiting for as long
 * as it takes to find all that lives, and a repository that holds every host and VM lives for ever (docs/adr/0018). The limit of
 * the heap (`--max-old-space-size`) holds as before: near it V8 collects as often as it must. What is set applies from the end of the next
 * full collection on.
 */
export function collectSeldom(): void {
  const growth = new HeapGrowth();
  markAside();
  let set = MOST_PER_CENT;
  grow(set);
  new PerformanceObserver((list) => {
    let wanted = set;
    // Entries count from the start of the process.
    for (const entry of list.getEntries()) {
      const full = 'detail' in entry && isFull(entry.detail);
      // What was collected is gone: what is left is alive.
      wanted = full
        ? growth.afterFull(entry.startTime, getHeapStatistics().used_heap_size)
        : growth.afterYoung(entry.startTime);
    }
    if (wanted !== set) grow(wanted);
    set = wanted;
  }).observe({ entryTypes: ['gc'] });
}

/**
 * What lives is found by V8's own threads, on half of the cores at most, and by what allocates meanwhile. Otherwise the main thread
 * has a task for it in each of its turns, and on few cores waits for one beside: pushes were up to 0.9 s late for as long as it took.
 */
function markAside(): void {
  setFlagsFromString('--no-incremental-marking-task');
  setFlagsFromString(`--concurrent-marking-max-worker-num=${Math.max(1, Math.floor(availableParallelism() / 2))}`);
}

const grow = (perCent: number): void => setFlagsFromString(`--heap-growing-percent=${perCent}`);

const isFull = (detail: unknown): boolean =>
  typeof detail === 'object' &&
  detail !== null &&
  'kind' in detail &&
  detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
