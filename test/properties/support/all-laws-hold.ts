import fc from 'fast-check';
import { expect } from 'vitest';
import { type History, histories } from './history.js';
import { allLaws } from './laws/index.js';
import { runs } from './size.js';
import { World } from './world.js';

/** Each mode has histories of its own, also where both are given one seed. */
const apart: Readonly<Record<History['mode'], number>> = { manager: 0, observer: 1 };

/** Lives the mode's share of all histories. */
export async function allLawsHold(mode: History['mode']): Promise<void> {
  const { seed = Date.now() } = fc.readConfigureGlobal();
  await fc.assert(
    fc.asyncProperty(histories(mode), async (history) => {
      expect(await new World(history, allLaws()).live()).toEqual([]);
    }),
    { numRuns: runs(0.42), seed: seed + apart[mode] },
  );
}
