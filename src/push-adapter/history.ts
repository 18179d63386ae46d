import type { ErrorCode } from '../kernel/index.js';
import type { AgentMethod } from '../model/index.js';
import type { Outcome } from './outcome.js';

/** One call to an agent that ended. */
export interface CallRecord {
  /** When it ended, ms since the epoch. */
  readonly at: number;
  readonly method: AgentMethod;
  readonly outcome: Outcome;
  readonly durationMs: number;
  /** null: it was answered. */
  readonly code: ErrorCode | null;
}

const KEPT = 8;

/** The last calls of one host. Full, it overwrites its oldest entry and allocates nothing. */
export class History {
  readonly #entries: { -readonly [K in keyof CallRecord]: CallRecord[K] }[] = [];
  #next = 0;

  add(at: number, method: AgentMethod, outcome: Outcome, durationMs: number, code: ErrorCode | null): void {
    const entry = this.#entries[this.#next];
    if (entry === undefined) this.#entries.push({ at, method, outcome, durationMs, code });
    else {
      entry.at = at;
      entry.method = method;
      entry.outcome = outcome;
      entry.durationMs = durationMs;
      entry.code = code;
    }
    this.#next = (this.#next + 1) % KEPT;
  }

  /** Oldest first. */
  list(): CallRecord[] {
    const full = this.#entries.length === KEPT;
    const inOrder = full ? [...this.#entries.slice(this.#next), ...this.#entries.slice(0, this.#next)] : this.#entries;
    return inOrder.map((entry) => ({ ...entry }));
  }
}
