const BEGINNING = Date.UTC(2026, 0, 1);
const MINUTE_MS = 60_000;

/**
 * The least epoch of a log that is opened at this time (ms): it rises by one each minute. An epoch therefore names the
 * time as well, and two histories that part – a backup is restored, a database is made anew – never go on under the same
 * one, however orderly their writers ended. Beyond it, an epoch rises by one when it has to (a crash, a take-over, a lost lock).
 */
export function epochAt(now: number): number {
  return Math.max(1, 1 + Math.floor((now - BEGINNING) / MINUTE_MS));
}
