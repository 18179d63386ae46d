import fc from 'fast-check';
import { expect, it } from 'vitest';
import { foundInOrders } from './support/found.js';
import { deliveries, endOf, rounds } from './support/rounds.js';
import { runs, TIMEOUT } from './support/size.js';

it(
  'law 6: the same evidence in any order of the hosts ends in the same state',
  async () => {
    await fc.assert(
      fc.asyncProperty(rounds, deliveries, deliveries, async (history, one, other) => {
        expect(await endOf(history, one)).toEqual(await endOf(history, other));
      }),
      { numRuns: runs(0.16) },
    );
  },
  TIMEOUT,
);

it.each(foundInOrders)(
  'found once: $what',
  async ({ history, deliveries: [one, other] }) => {
    expect(await endOf(history, one)).toEqual(await endOf(history, other));
  },
  TIMEOUT,
);
