import { BinaryHeap } from './binary-heap.js';
import type { Clock } from './clock.js';
import { VurtiError } from './errors.js';
import type { Scheduler, Timer } from './scheduler.js';

export interface VirtualTimeOptions {
  /** Wall-clock time at the start: ms since the epoch or RFC 3339. Default 2026-01-01T00:00:00Z. */
  startAt?: number | string;
  /** Tasks that one run may execute before it fails with VIRTUAL_TIME_LIMIT. Default 10 million. */
  maxTasks?: number;
  /** Longest chain of tasks that give each other work for the same instant. Default 10,000. */
  maxDepth?: number;
}

interface Task {
  readonly due: number;
  readonly order: number;
  readonly depth: number;
  readonly label: string;
  readonly run: () => void;
  state: 'waiting' | 'done' | 'cancelled';
}

/**
 * A clock that stands still until told to run, for tests, the simulator and replay.
 *
 * After each task all promise callbacks that it set off are run before the next one, so code under test may await
 * freely as long as it waits only for promises and for this scheduler, not for real I/O.
 * A runaway timer fails with VIRTUAL_TIME_LIMIT, which names the task, instead of running for ever.
 */
export class VirtualTime implements Clock, Scheduler {
  readonly #queue = new BinaryHeap<Task>((a, b) => a.due < b.due || (a.due === b.due && a.order < b.order));
  readonly #waiting = new Map<string, number>();
  readonly #errors: { error: unknown; label: string }[] = [];
  readonly #startAt: number;
  readonly #maxTasks: number;
  readonly #maxDepth: number;
  #elapsed = 0;
  #order = 0;
  #depth = 0;
  #running = false;
  #executed = 0;

  constructor(options: VirtualTimeOptions = {}) {
    const start = options.startAt ?? Date.UTC(2026, 0, 1);
    this.#startAt = typeof start === 'number' ? start : Date.parse(start);
    if (Number.isNaN(this.#startAt)) throw new VurtiError('BAD_ARGUMENT', `startAt "${start}" is not a time`);
    this.#maxTasks = options.maxTasks ?? 10_000_000;
    this.#maxDepth = options.maxDepth ?? 10_000;
  }

  now(): number {
    return this.#startAt + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  /** Tasks executed since the start. */
  get executed(): number {
    return this.#executed;
  }

  at(dueMs: number, task: () => void, label: string): Timer {
    const due = Math.max(dueMs, this.#elapsed);
    // Only work for the very same instant can keep the clock from moving; any later due time starts a new chain.
    const depth = due === this.#elapsed ? this.#depth + 1 : 0;
    const entry: Task = { due, order: this.#order++, depth, label, run: task, state: 'waiting' };
    this.#queue.push(entry);
    this.#waiting.set(label, (this.#waiting.get(label) ?? 0) + 1);
    return {
      cancel: () => {
        if (entry.state !== 'waiting') return;
        entry.state = 'cancelled';
        this.#forget(label);
      },
    };
  }

  after(delayMs: number, task: () => void, label: string): Timer {
    return this.at(this.#elapsed + delayMs, task, label);
  }

  yield(): Promise<void> {
    return new Promise((resolve) => this.at(this.#elapsed, resolve, 'yield'));
  }

  waiting(): ReadonlyMap<string, number> {
    return this.#waiting;
  }

  /** Runs everything due within the next `ms`, then stands at its end. */
  async runFor(ms: number): Promise<void> {
    await this.#run(this.#elapsed + ms, () => false);
  }

  /**
   * Runs until `condition` holds, looked at after every task, and then to the end of that instant, so that what follows
   * from it without delay has happened, too. Fails with VIRTUAL_TIME_LIMIT when it does not hold within `within` ms of
   * virtual time.
   */
  async runUntil(condition: () => boolean, options: { within: number }): Promise<void> {
    const end = this.#elapsed + options.within;
    if (await this.#run(end, condition)) await this.#run(this.#elapsed, () => false);
    else {
      throw new VurtiError(
        'VIRTUAL_TIME_LIMIT',
        `The condition did not hold within ${options.within} ms of virtual time`,
      );
    }
  }

  /** Errors that tasks threw since the last call. */
  takeErrors(): { error: unknown; label: string }[] {
    return this.#errors.splice(0);
  }

  async #run(end: number, condition: () => boolean): Promise<boolean> {
    if (this.#running) throw new VurtiError('BAD_ARGUMENT', 'The virtual clock is running already');
    this.#running = true;
    let tasks = 0;
    try {
      await settled();
      for (;;) {
        if (condition()) return true;
        const next = this.#queue.peek();
        if (next === undefined || next.due > end) break;
        this.#queue.pop();
        if (next.state === 'cancelled') continue;
        next.state = 'done';
        this.#forget(next.label);
        tasks += 1;
        if (tasks > this.#maxTasks || next.depth > this.#maxDepth) throw runaway(next, tasks, this.#maxTasks);
        this.#elapsed = Math.max(this.#elapsed, next.due);
        this.#depth = next.depth;
        this.#executed += 1;
        try {
          next.run();
        } catch (error) {
          this.#errors.push({ error, label: next.label });
        }
        await settled();
      }
      this.#elapsed = Math.max(this.#elapsed, end);
      this.#depth = 0;
      return condition();
    } finally {
      this.#running = false;
      this.#depth = 0;
    }
  }

  #forget(label: string): void {
    const left = (this.#waiting.get(label) ?? 1) - 1;
    if (left === 0) this.#waiting.delete(label);
    else this.#waiting.set(label, left);
  }
}

/** A turn of the real event loop runs only when no promise callback is left. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function runaway(task: Task, tasks: number, maxTasks: number): VurtiError {
  const why =
    tasks > maxTasks
      ? `more than ${maxTasks} tasks ran`
      : `it gave itself work ${task.depth} times without time moving`;
  return new VurtiError('VIRTUAL_TIME_LIMIT', `Runaway timer "${task.label}": ${why}`);
}
