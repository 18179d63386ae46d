import {
  BinaryHeap,
  type Clock,
  hashOf,
  messageOf,
  type Scheduler,
  type Telemetry,
  type Timer,
} from '../kernel/index.js';

/** One grid point of one host. */
export interface Tick {
  readonly key: string;
  /** 1 = the first statistics point since the key was added; points before it are 0, -1 … */
  readonly number: number;
  readonly dueMs: number;
  /** Points passed over since the one before, because the process was held up. */
  readonly missed: number;
}

export interface PlannerOptions {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly onTick: (tick: Tick) => void;
}

interface Entry {
  readonly key: string;
  readonly intervalMs: number;
  readonly ticks: number;
  readonly phaseMs: number;
  readonly stepMs: number;
  /** Index of the grid point that counts as tick 1. */
  readonly first: number;
  index: number;
  dueMs: number;
  missed: number;
  removed: boolean;
}

/**
 * When each host is due: one heap and one timer for all of them.
 *
 * A host's points lie at phase + n × interval / ticks on the monotonic clock. The phase is a hash of its id within the
 * whole interval, so hosts are spread over it, and neither a restart of one host nor its answers can move a point.
 * A late timer makes up for nothing: the point that was due is served late, the ones passed since are counted.
 */
export class Planner {
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #telemetry: Telemetry;
  readonly #onTick: (tick: Tick) => void;
  readonly #entries = new Map<string, Entry>();
  #heap = emptyHeap();
  #timer: { readonly dueMs: number; readonly handle: Timer } | null = null;

  constructor(options: PlannerOptions) {
    this.#clock = options.clock;
    this.#scheduler = options.scheduler;
    this.#telemetry = options.telemetry;
    this.#onTick = options.onTick;
  }

  /** Due times held, those of hosts removed lately included. */
  get size(): number {
    return this.#heap.size;
  }

  /** Begins at the next grid point. True if the key was on another grid before, and has left it. */
  add(key: string, intervalMs: number, ticks: number): boolean {
    const known = this.#entries.get(key);
    if (known?.intervalMs === intervalMs && known.ticks === ticks) return false;
    this.remove(key);
    const phaseMs = Math.floor((hashOf(key) / 2 ** 32) * intervalMs);
    const stepMs = intervalMs / ticks;
    const index = Math.ceil((this.#clock.monotonic() - phaseMs) / stepMs);
    const entry: Entry = {
      // One literal: what a spread makes is of another shape each time, and the heap reads it more than anything else.
      key,
      intervalMs,
      ticks,
      phaseMs,
      stepMs,
      index,
      first: Math.ceil(index / ticks) * ticks,
      dueMs: phaseMs + index * stepMs,
      missed: 0,
      removed: false,
    };
    this.#entries.set(key, entry);
    this.#heap.push(entry);
    this.#arm();
    return known !== undefined;
  }

  remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    entry.removed = true;
    // Removed entries leave the heap when they come up; it is made anew before they outnumber the others.
    if (this.#heap.size > 2 * this.#entries.size) {
      this.#heap = emptyHeap();
      for (const left of this.#entries.values()) this.#heap.push(left);
    }
    this.#arm();
  }

  /** The next grid point of a key. */
  next(key: string): Tick | undefined {
    const entry = this.#entries.get(key);
    return entry && tickOf(entry);
  }

  stop(): void {
    this.#entries.clear();
    this.#heap = emptyHeap();
    this.#arm();
  }

  #arm(): void {
    const dueMs = this.#heap.peek()?.dueMs;
    if (this.#timer?.dueMs === dueMs) return;
    this.#timer?.handle.cancel();
    this.#timer =
      dueMs === undefined ? null : { dueMs, handle: this.#scheduler.at(dueMs, () => this.#fire(), 'planner') };
  }

  #fire(): void {
    this.#timer = null;
    const now = this.#clock.monotonic();
    for (let entry = this.#heap.peek(); entry !== undefined && entry.dueMs <= now; entry = this.#heap.peek()) {
      this.#heap.pop();
      if (entry.removed) continue;
      const tick = tickOf(entry);
      // Before the tick: it may remove its own host, or give it another grid.
      advance(entry, now);
      this.#heap.push(entry);
      try {
        this.#onTick(tick);
      } catch (error) {
        this.#telemetry.log('error', 'tick failed', { host: entry.key, error: messageOf(error) });
      }
    }
    this.#arm();
  }
}

function emptyHeap(): BinaryHeap<Entry> {
  return new BinaryHeap((a, b) => a.dueMs < b.dueMs);
}

function tickOf(entry: Entry): Tick {
  return { key: entry.key, number: entry.index - entry.first + 1, dueMs: entry.dueMs, missed: entry.missed };
}

function advance(entry: Entry, now: number): void {
  const next = entry.index + 1;
  const passed = Math.floor((now - entry.phaseMs) / entry.stepMs);
  entry.index = Math.max(next, passed + 1);
  entry.dueMs = entry.phaseMs + entry.index * entry.stepMs;
  entry.missed = entry.index - next;
}
