import { expect, it } from 'vitest';
import { found } from './support/found.js';
import { allLaws } from './support/laws/index.js';
import { TIMEOUT } from './support/size.js';
import { World } from './support/world.js';

/**
 * Whole histories against laws.
 *
 * The model. A history (support/history.ts) is data: a mode, and up to 18 steps with the time that passes after each. Steps
 * happen to a fleet of 3 hosts and 10 VMs (support/fleet.ts: what is true, whoever looks; it speaks through fake agents), to
 * the monitor as a manager would call it, to its database, and to its process, which is stopped or crashes without its last
 * flush and starts again on what is stored. In between a whole monitor (support/process.ts: the container of the product,
 * virtual clock, memory store) polls on, through faults and slow answers. At the end everything is mended and some reports
 * come (support/world.ts).
 *
 * A law (support/laws) only looks on: at evidence before the updaters hear it, at change sets before the committer takes them,
 * at records when they are durable, at the repositories whenever nothing is under way. It keeps what it must know by
 * itself, and never asks the code under test what is right. The law of order needs two lives of one history: order.test.ts.
 *
 * When one breaks, fast-check shortens the history; the finding names the law, what it saw and when, then the steps
 * before it. `VURTI_SEED=… npx vitest run test/properties` repeats a seed, VURTI_HISTORIES asks for more.
 * What was found is kept in support/found.ts and lived again here. New histories are lived in manager.test.ts and
 * observer.test.ts, which may run beside each other.
 */
const modes = ['manager', 'observer'] as const;

it.each(found.flatMap(({ what, history }) => modes.map((mode) => ({ what, history: { ...history, mode } }))))(
  'found once, $history.mode: $what',
  async ({ history }) => {
    expect(await new World(history, allLaws()).live()).toEqual([]);
  },
  TIMEOUT,
);
