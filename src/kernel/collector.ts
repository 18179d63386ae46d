import { constants, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';

/** Of what is alive after a collection, so much more may be allocated before the next one: at most, and at least. */
const MOST_PER_CENT = 300;
const LEAST_PER_CENT = 50;
/** Between the two the heap grows by this. */
const GROWTH_BYTES = 512 * 2 ** 20;

/** By how many per cent a heap may grow of which so much is alive. */
export function growthPerCent(aliveBytes: number): number {
  const wanted = Math.round((100 * GROWTH_BYTES) / Math.max(1, aliveBytes));
  return Math.min(MOST_PER_CENT, Math.max(LEAST_PER_CENT, wanted));
}

/**
 * For a process of our own: V8 looks through the whole heap when it has grown by as much as says `growthPerCent`, instead of
 * when it guesses that collecting would take 3 % of the time. Each of these collections keeps other work waiting for as long
 * as it takes to find all that lives, and a repository that holds every host and VM lives for ever (docs/adr/0018). The limit of
 * the heap (`--max-old-space-size`) holds as before: near it V8 collects as often as it must. Applies from the next collection
 * on, for as long as the process lives.
 */
export function collectSeldom(): void {
  grow(MOST_PER_CENT);
  new PerformanceObserver((list) => {
    const full = list.getEntries().some((entry) => 'detail' in entry && isFull(entry.detail));
    // What was collected is gone: what is left is alive.
    if (full) grow(growthPerCent(getHeapStatistics().used_heap_size));
  }).observe({ entryTypes: ['gc'] });
}

const grow = (perCent: number): void => setFlagsFromString(`--heap-growing-percent=${perCent}`);

const isFull = (detail: unknown): boolean =>
  typeof detail === 'object' &&
  detail !== null &&
  'kind' in detail &&
  detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
