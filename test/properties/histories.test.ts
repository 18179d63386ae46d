import fc from 'fast-check';
import { expect, it } from 'vitest';
import { histories } from './support/history.js';
import { allLaws } from './support/laws/index.js';
import { World } from './support/world.js';

const soak = process.env['VURTI_SOAK'] === '1';
const RUNS = Number(process.env['VURTI_HISTORIES'] ?? (soak ? 50_000 : 250));
/** Real time. */
const TIMEOUT = soak ? 14_400_000 : 600_000;

it.each(['manager', 'observer'] as const)(
  'every law holds in every history (%s)',
  async (mode) => {
    await fc.assert(
      fc.asyncProperty(histories(mode), async (history) => {
        expect(await new World(history, allLaws()).live()).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  },
  TIMEOUT,
);
