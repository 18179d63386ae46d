import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CountedIds, hashOf, randomInt, SeededRandom, systemIds, systemRandom } from '../../src/kernel/index.js';

const draw = (seed: number, n: number): number[] => {
  const random = new SeededRandom(seed);
  return Array.from({ length: n }, () => random.next());
};

describe('SeededRandom', () => {
  it('gives the same sequence for the same seed on every machine', () => {
    // Values of mulberry32, worked out once: a change of the algorithm would change every recorded simulation.
    expect(draw(1, 3).map((n) => Math.round(n * 1e9))).toEqual([627073941, 2735721, 527447040]);
    expect(draw(42, 50)).toEqual(draw(42, 50));
    expect(draw(42, 50)).not.toEqual(draw(43, 50));
  });

  it('stays in [0, 1) and fills it evenly', () => {
    const tenths = Array.from({ length: 10 }, () => 0);
    for (const n of draw(7, 10_000)) {
      expect(n).toBeGreaterThanOrEqual(0);
      expect(n).toBeLessThan(1);
      tenths[Math.floor(n * 10)]! += 1;
    }
    for (const count of tenths) expect(count).toBeGreaterThan(850);
  });

  it.each([
    ['a seeded one', new SeededRandom(3)],
    ['the machine’s', systemRandom],
  ])('draws whole numbers between both ends, both included: %s', (_, random) => {
    const seen = new Set(Array.from({ length: 1000 }, () => randomInt(random, 2, 5)));
    expect([...seen].toSorted()).toEqual([2, 3, 4, 5]);
  });
});

describe('hashOf', () => {
  it('is a stable number in [0, 2^32)', () => {
    // Hosts keep their place in the polling interval from version to version.
    expect(['', 'h1', 'host-1', 'Würzburg'].map(hashOf)).toEqual([447841614, 2229308568, 403036730, 2087967480]);
    fc.assert(
      fc.property(fc.string(), (text) => {
        const hash = hashOf(text);
        expect(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32).toBe(true);
      }),
    );
  });

  it.each(['host-', 'h', 'node', 'srv-dc1-rack7-'])(
    'spreads 200 names that differ at the end over 5 buckets: %s…',
    (stem) => {
      const buckets = [0, 0, 0, 0, 0];
      for (let i = 0; i < 200; i++) buckets[hashOf(`${stem}${i}`) % 5]! += 1;
      // 40 each on average; 20 to 60 is ±3.5 standard deviations of a fair draw.
      for (const count of buckets) {
        expect(count).toBeGreaterThanOrEqual(20);
        expect(count).toBeLessThanOrEqual(60);
      }
    },
  );
});

describe('ids', () => {
  it('counted ones are UUIDs in order', () => {
    const ids = new CountedIds();
    expect([ids.uuid(), ids.uuid()]).toEqual([
      '00000000-0000-4000-8000-000000000001',
      '00000000-0000-4000-8000-000000000002',
    ]);
  });

  it('the system’s do not repeat', () => {
    const drawn = new Set(Array.from({ length: 100 }, () => systemIds.uuid()));
    expect(drawn.size).toBe(100);
    for (const id of drawn) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
