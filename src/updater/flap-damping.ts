import { type EventName, type EventRecord, flapPairs } from '../events/index.js';

export interface FlapSettings {
  /** Changes within the window that make a value flap; 0 = never. */
  readonly changes: number;
  readonly windowSeconds: number;
}

/** A value that goes to and fro, and what became of its events. */
export interface Flap {
  /** Names of the pair's events. */
  readonly names: string;
  last: EventRecord;
  /** Times of the latest changes, no more than make it flap. */
  readonly changes: number[];
  lastBad: boolean;
  /** Monotonic. */
  lastAt: number;
  /** Events held back since damping began, or since the last summary; null: not damped. */
  held: { count: number; from: number; since: number } | null;
}

interface Side {
  readonly pair: number;
  readonly bad: boolean;
  /** Changes that one event stands for. */
  readonly weight: number;
  readonly names: string;
}

const sides: ReadonlyMap<EventName, Side> = new Map(
  flapPairs.flatMap(({ bad, good }, pair) => {
    const names = [...bad, ...good].join('/');
    const side = (name: EventName, isBad: boolean): [EventName, Side] => [
      name,
      { pair, bad: isBad, weight: good.length === 0 ? 2 : 1, names },
    ];
    return [...bad.map((name) => side(name, true)), ...good.map((name) => side(name, false))];
  }),
);

/** What one event means for damping. */
export type FlapVerdict = 'shown' | 'begins' | 'held';

/**
 * Finds values that go to and fro too often: `changes` times within a window. From then on their events are held back
 * until none has come for a whole window. Change records are no events: they are never held back.
 */
export class FlapDamping {
  readonly #settings: FlapSettings;
  readonly #flaps = new Map<string, Flap>();

  constructor(settings: FlapSettings) {
    this.#settings = settings;
  }

  get windowMs(): number {
    return this.#settings.windowSeconds * 1000;
  }

  get size(): number {
    return this.#flaps.size;
  }

  /** undefined: no event of this name flaps. */
  keyOf(event: EventRecord): string | undefined {
    const side = this.#settings.changes > 0 ? sides.get(event.name) : undefined;
    if (side === undefined) return undefined;
    return `${side.pair}|${event.hostId ?? ''}|${event.vmId ?? ''}|${event.customId ?? ''}`;
  }

  note(key: string, event: EventRecord, now: number): FlapVerdict {
    const side = sides.get(event.name) as Side;
    const known = this.#flaps.get(key);
    const flap: Flap = known ?? {
      names: side.names,
      ...{ last: event, changes: [], lastBad: side.bad, lastAt: now, held: null },
    };
    const changed = known === undefined || side.weight > 1 || known.lastBad !== side.bad;
    flap.last = event;
    flap.lastBad = side.bad;
    flap.lastAt = now;
    // Put at the end: the first one is the one that has been quiet for longest.
    this.#flaps.delete(key);
    this.#flaps.set(key, flap);
    if (flap.held !== null) {
      if (flap.held.count === 0) flap.held.from = event.time;
      flap.held.count += 1;
      return 'held';
    }
    if (changed) for (let i = 0; i < side.weight; i++) flap.changes.push(now);
    flap.changes.splice(0, flap.changes.length - this.#settings.changes);
    const first = flap.changes[0] ?? now;
    if (flap.changes.length < this.#settings.changes || now - first > this.windowMs) return 'shown';
    flap.held = { count: 1, from: event.time, since: now };
    return 'begins';
  }

  get(key: string): Flap | undefined {
    return this.#flaps.get(key);
  }

  forget(key: string): void {
    this.#flaps.delete(key);
  }

  /** Oldest first. */
  entries(): Iterable<[string, Flap]> {
    return this.#flaps.entries();
  }
}
