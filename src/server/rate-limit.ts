import { isIPv4, isIPv6 } from 'node:net';
import type { Clock } from '../kernel/index.js';

export interface Rate {
  readonly perSecond: number;
  /** So many at once, after a time without any. */
  readonly burst: number;
}

/** Further addresses push out the one that was not heard of for longest. */
const MOST_ADDRESSES = 10_000;

/** A bucket for each client address: it fills with time, and each request takes one out of it. */
export class RateLimit {
  readonly #rate: Rate;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, { left: number; at: number }>();

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
  }

  /** Seconds to wait, whole; 0 = one was taken. */
  take(address: string): number {
    const { perSecond, burst } = this.#rate;
    const key = clientOf(address);
    const now = this.#clock.monotonic();
    const known = this.#buckets.get(key);
    const left = known === undefined ? burst : Math.min(burst, known.left + ((now - known.at) / 1000) * perSecond);
    const allowed = left >= 1;
    // Behind all others: the map is in order of last use.
    this.#buckets.delete(key);
    this.#buckets.set(key, { left: allowed ? left - 1 : left, at: now });
    if (this.#buckets.size > MOST_ADDRESSES) this.#buckets.delete(this.#buckets.keys().next().value as string);
    return allowed ? 0 : Math.max(1, Math.ceil((1 - left) / perSecond));
  }
}

/** Who holds one IPv6 address holds the whole /64. */
export function clientOf(address: string): string {
  const bare = address.replace(/%.*$/, '').toLowerCase();
  const mapped = /^::ffff:([\d.]+)$/.exec(bare)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) return mapped;
  if (!isIPv6(bare)) return bare;
  const [head = '', tail] = bare.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const before = groups(head);
  const after = groups(tail ?? '');
  const between = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const all = [...before, ...Array<string>(between).fill('0'), ...after];
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
