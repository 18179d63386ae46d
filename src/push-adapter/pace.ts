import type { VdsStatus } from '../model/index.js';

export interface PaceInput {
  readonly status: VdsStatus;
  /** Failed attempts since the last answer. */
  readonly attempts: number;
  readonly ticksPerInterval: number;
  /** In [0, 1), drawn at each attempt. */
  readonly chance: number;
  /** What busy answers of the agent have raised the multiple to; 1 = they have not. */
  readonly busy: number;
  /** What trust in the agent's pushes has raised it to; 1 = it has not. */
  readonly pushes: number;
}

/**
 * How many grid points make one step: the `multiple` of the tick plan.
 *
 * The breaker is this function, it has no state of its own. Closed: a host in grace is tried at every tick, since grace is
 * short. Open (NonResponsive): the wait grows with the attempts up to one interval, less up to a third of it by chance,
 * so that hosts lost together are not tried together for ever. The first answer sets `attempts` to 0 and so closes it.
 */
export function multipleOf(pace: PaceInput): number {
  if (pace.status !== 'NonResponsive') return Math.max(pace.busy, pace.pushes);
  const wait = Math.min(pace.attempts, pace.ticksPerInterval);
  return Math.max(1, Math.ceil(wait * (1 - pace.chance / 3)));
}

/** The multiple after one more busy answer: doubled, within the longest interval allowed. */
export function busierMultiple(
  multiple: number,
  poll: { intervalSeconds: number; maxIntervalSeconds: number },
): number {
  return Math.max(1, Math.min(multiple * 2, Math.floor(poll.maxIntervalSeconds / poll.intervalSeconds)));
}
