/** Where every other part gets the time from. Rules get `now` as an argument instead. */
export interface Clock {
  /** Wall-clock time, ms since the Unix epoch. May jump when the machine's time is set. */
  now(): number;
  /** Milliseconds on a clock that never goes back; only differences mean anything. Due times are on this clock. */
  monotonic(): number;
}
