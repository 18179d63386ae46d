import type { Random } from '../kernel/index.js';

export interface BackoffLimits {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** How long to wait after so many failures in a row: doubling up to a cap, and jittered, so that many do not come back at once. */
export function backoffMs(failures: number, limits: BackoffLimits, random: Random): number {
  const full = Math.min(limits.mostMs, limits.firstMs * 2 ** Math.min(failures, 30));
  return full * (0.5 + random.next() / 2);
}
