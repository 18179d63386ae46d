import { catalogue, type EventRecord } from '../events/index.js';
import type { Clock, Scheduler } from '../kernel/index.js';
import { DueOnce } from './due-once.js';
import { type Flap, FlapDamping, type FlapSettings } from './flap-damping.js';

/** What is said about events that were held back. */
export type HeldBack =
  /** They were held back, and why: how often, and the time of the first and the last of them. */
  | {
      readonly what: 'summary';
      readonly why: 'flood' | 'flap';
      readonly names: string;
      readonly last: EventRecord;
      readonly count: number;
      readonly from: number;
      readonly to: number;
    }
  /** From now on they are. */
  | {
      readonly what: 'flapping';
      readonly names: string;
      readonly last: EventRecord;
      readonly changes: number;
      readonly withinSeconds: number;
      readonly quietSeconds: number;
    };

export interface FloodControlOptions {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly flap: FlapSettings;
  /** Writes down what is said. */
  readonly tell: (held: HeldBack) => void;
}

interface Flood {
  /** Monotonic. */
  readonly until: number;
  held: { count: number; from: number; last: EventRecord } | null;
}

/** Events that are looked at at a time; beyond it the oldest is let go, with its summary. */
const MAX_KEYS = 100_000;
/** A value that never gets quiet is summed up this often. */
const SUMMARY_MS = 3_600_000;

/**
 * Keeps the log readable (monitoring-rules.md §5, D24): the same event of the same entity is held back for its flood time,
 * the events of a value that flaps until it is quiet. Nothing is held back in silence: what was is counted, and one
 * summary says how often and from when to when. One timer for all of it; lost at the end of the process, as in oVirt,
 * but for the summaries, which are told before.
 */
export class FloodControl {
  readonly #o: FloodControlOptions;
  readonly #floods = new Map<string, Flood>();
  readonly #flaps: FlapDamping;
  readonly #due: DueOnce;

  constructor(options: FloodControlOptions) {
    this.#o = options;
    this.#flaps = new FlapDamping(options.flap);
    this.#due = new DueOnce(options.scheduler, 'held-back', (key) =>
      key.startsWith('flap|') ? this.#flapDue(key.slice('flap|'.length)) : this.#floodOver(key),
    );
  }

  /** Whether the event may be logged now. */
  admits(event: EventRecord): boolean {
    const now = this.#o.clock.monotonic();
    return this.#isCalm(event, now) && this.#isFirst(event, now);
  }

  /** Entries kept, for a test that they do not pile up. */
  get size(): number {
    return this.#floods.size + this.#flaps.size;
  }

  /** Sums up what is held back at this moment. */
  stop(): void {
    this.#due.stop();
    for (const key of [...this.#floods.keys()]) this.#floodOver(key);
    for (const [key, flap] of [...this.#flaps.entries()]) {
      this.#flaps.forget(key);
      this.#sumUp(flap);
    }
  }

  #isFirst(event: EventRecord, now: number): boolean {
    const floodMs = catalogue[event.name].floodSeconds * 1000;
    if (floodMs === 0) return true;
    const key = `flood|${event.name}|${event.clusterId ?? ''}|${event.hostId ?? ''}|${event.vmId ?? ''}|${event.customId ?? ''}`;
    const flood = this.#floods.get(key);
    if (flood !== undefined && now < flood.until) {
      if (flood.held === null) flood.held = { count: 1, from: event.time, last: event };
      else {
        flood.held.count += 1;
        flood.held.last = event;
      }
      return false;
    }
    this.#floodOver(key);
    this.#floods.set(key, { until: now + floodMs, held: null });
    this.#due.set(key, now + floodMs);
    if (this.#floods.size > MAX_KEYS) this.#forgetOldest();
    return true;
  }

  #forgetOldest(): void {
    for (const key of this.#floods.keys()) {
      this.#due.cancel(key);
      this.#floodOver(key);
      return;
    }
  }

  #floodOver(key: string): void {
    const flood = this.#floods.get(key);
    if (flood === undefined) return;
    this.#floods.delete(key);
    if (flood.held === null) return;
    const { count, from, last } = flood.held;
    this.#o.tell({ what: 'summary', why: 'flood', names: last.name, last, count, from, to: last.time });
  }

  #isCalm(event: EventRecord, now: number): boolean {
    const key = this.#flaps.keyOf(event);
    if (key === undefined) return true;
    const isNew = this.#flaps.get(key) === undefined;
    const verdict = this.#flaps.note(key, event, now);
    if (isNew) {
      this.#due.set(`flap|${key}`, now + this.#flaps.windowMs);
      if (this.#flaps.size > MAX_KEYS) this.#forgetQuietest();
    }
    if (verdict === 'begins') this.#begins(this.#flaps.get(key) as Flap, now);
    return verdict === 'shown';
  }

  #begins(flap: Flap, now: number): void {
    this.#o.tell({
      what: 'flapping',
      ...{ names: flap.names, last: flap.last, changes: flap.changes.length },
      withinSeconds: Math.ceil((now - (flap.changes[0] ?? now)) / 1000),
      quietSeconds: this.#o.flap.windowSeconds,
    });
  }

  /** A window has passed since it was looked at last. */
  #flapDue(key: string): void {
    const flap = this.#flaps.get(key);
    if (flap === undefined) return;
    const now = this.#o.clock.monotonic();
    const quietAt = flap.lastAt + this.#flaps.windowMs;
    if (now < quietAt) {
      if (flap.held !== null && now - flap.held.since >= SUMMARY_MS) {
        this.#sumUp(flap);
        flap.held = { count: 0, from: flap.last.time, since: now };
      }
      this.#due.set(`flap|${key}`, quietAt);
      return;
    }
    this.#flaps.forget(key);
    this.#sumUp(flap);
  }

  #sumUp({ held, last, names }: Flap): void {
    if (held === null || held.count === 0) return;
    const { count, from } = held;
    this.#o.tell({ what: 'summary', why: 'flap', names, last, count, from, to: last.time });
  }

  #forgetQuietest(): void {
    for (const [key, flap] of this.#flaps.entries()) {
      this.#due.cancel(`flap|${key}`);
      this.#flaps.forget(key);
      this.#sumUp(flap);
      return;
    }
  }
}
