/** A task that waits. Its owner cancels it at its own end; cancelling twice, or after it ran, does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of delayed work.
 *
 * Contract: tasks run one at a time, none before its due time, and never inside the call that gave it. On virtual time
 * they run in order of their due time, those of one due time in the order they were given; the machine's timers may swap
 * tasks that are due within a millisecond of each other or are late together, so nothing may rest on that order. A task
 * that throws does not stop the others; its error goes to the maker's error handler. The label names the owner in
 * diagnostics ("planner", "flush").
 */
export interface Scheduler {
  /** Runs `task` once, not before `dueMs` on `Clock.monotonic()`. A due time in the past means "as soon as possible". */
  at(dueMs: number, task: () => void, label: string): Timer;
  /** Runs `task` once after `delayMs`. */
  after(delayMs: number, task: () => void, label: string): Timer;
  /** Resolves in a later turn of the event loop, after the I/O that is waiting now: for long work in slices. */
  yield(): Promise<void>;
  /** Timers that wait now, by label: lets a test prove that nobody leaks one. */
  waiting(): ReadonlyMap<string, number>;
}
