import { hashOf, type Random, randomInt, SeededRandom } from '../kernel/index.js';

/** A source of chance of its own for each subject: what one draws never shifts what another one gets. */
export function stream(seed: number, ...path: readonly (string | number)[]): SeededRandom {
  return new SeededRandom(hashOf(`${seed}/${path.join('/')}`));
}

/** A UUID of version 4 in form, made of the given chance. */
export function uuidFrom(random: Random): string {
  const hex = (digits: number): string =>
    Math.floor(random.next() * 16 ** digits)
      .toString(16)
      .padStart(digits, '0');
  const variant = '89ab'.charAt(Math.floor(random.next() * 4));
  return `${hex(8)}-${hex(4)}-4${hex(3)}-${variant}${hex(3)}-${hex(6)}${hex(6)}`;
}

/** One of the items. */
export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[Math.floor(random.next() * items.length)];
  if (item === undefined) throw new RangeError('Nothing to pick from');
  return item;
}

/** The items in another order. */
export function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = randomInt(random, 0, i);
    const a = result[i] as T;
    result[i] = result[j] as T;
    result[j] = a;
  }
  return result;
}

/** Waiting time to the next happening of a stream that has `perHour` of them on average, ms. */
export function nextArrival(random: Random, perHour: number): number {
  return (-Math.log(1 - random.next()) / perHour) * 3_600_000;
}

/**
 * Noise in [-1, 1) for sample `index` of the subject `key`: no state, so it is the same whenever and however often it
 * is asked for.
 */
export function noise(key: number, index: number): number {
  let h = Math.imul(key ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(index + 0x7f4a7c15, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return ((h ^ (h >>> 15)) >>> 0) / 2 ** 31 - 1;
}

/**
 * How busy a VM is over time: two waves, one over hours and one over minutes, around 1. The work done is the integral
 * in closed form, so a counter at a time is a function of that time and only grows.
 */
export class Curve {
  readonly #slow: Wave;
  readonly #fast: Wave;

  constructor(random: Random) {
    this.#slow = wave(random, 0.45, 3 * 3_600_000, 24 * 3_600_000);
    this.#fast = wave(random, 0.35, 3 * 60_000, 14 * 60_000);
  }

  /** In [0.2, 1.8]; 1 on average. */
  level(time: number): number {
    const { height: a, turn: p, phase: u } = this.#slow;
    const { height: b, turn: q, phase: v } = this.#fast;
    return 1 + a * Math.sin(p * time + u) + b * Math.sin(q * time + v);
  }

  /** Integral of the level: ms of average work. Only differences mean anything. */
  work(time: number): number {
    const { height: a, turn: p, phase: u } = this.#slow;
    const { height: b, turn: q, phase: v } = this.#fast;
    return time - (a / p) * Math.cos(p * time + u) - (b / q) * Math.cos(q * time + v);
  }
}

interface Wave {
  readonly height: number;
  /** Radians per ms. */
  readonly turn: number;
  readonly phase: number;
}

function wave(random: Random, height: number, shortest: number, longest: number): Wave {
  const period = shortest + random.next() * (longest - shortest);
  return { height, turn: (2 * Math.PI) / period, phase: random.next() * 2 * Math.PI };
}
