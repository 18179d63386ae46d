import { setFlagsFromString } from 'node:v8';

/** Of what is alive after a collection, so much more may be allocated before the next one. */
const GROWTH_PER_CENT = 300;

/**
 * For a process of our own: V8 looks through the whole heap when it is four times as large as what was alive last, instead of
 * when it guesses that collecting would take 3 % of the time. Each of these collections keeps other work waiting for as long
 * as it takes to find all that lives, and a repository that holds every host and VM lives for ever (docs/adr/0018). The limit of
 * the heap (`--max-old-space-size`) holds as before: near it V8 collects as often as it must. Applies from the next collection on.
 */
export function collectSeldom(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PER_CENT}`);
}
