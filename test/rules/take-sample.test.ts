import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Count,
  exactCount,
  type NicSample,
  sameValue,
  type Vm,
  type VmColumns,
  type VmDiskSample,
  type VmStatisticsSample,
  type VmUsage,
} from '../../src/model/index.js';
import { UsageTable } from '../../src/repository/usage-table.js';
import { learnSample, nextVmUsage, takeSample } from '../../src/rules/index.js';
import { latencySeconds } from '../../src/rules/vm/statistics.js';
import { vm } from '../support/entities.js';

const RUNS = process.env['VURTI_SOAK'] === '1' ? 20_000 : 400;
const BEYOND = 2n ** 53n;

/** A report, taken in as the updater does it. */
function take(table: UsageTable, of: Vm, columns: VmColumns, sample: VmStatisticsSample): 'same' | 'changed' | 'other' {
  const taken = takeSample(of, columns, sample);
  if (taken === 'other') {
    table.load(columns, nextVmUsage(of, columns.usage(), sample));
    learnSample(of, columns, sample);
  }
  return taken;
}

const rarely = <T>(one: fc.Arbitrary<T>, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 12, arbitrary: one }, { weight: 1, arbitrary: other });
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => rarely<T | null>(value, fc.constant(null));
const figure = maybe(fc.oneof(fc.integer({ min: 0, max: 120 }), fc.double({ min: 0, max: 1e6, noNaN: true })));
const whole = maybe(fc.integer({ min: 0, max: 100_000 }));
/** Mostly small, so that they begin anew often; now and then at the edge of what a number holds. */
const count: fc.Arbitrary<Count | null> = maybe(
  rarely<Count>(
    fc.integer({ min: 0, max: 1e9 }),
    fc.oneof(
      fc.integer({ min: Number.MAX_SAFE_INTEGER - 5, max: Number.MAX_SAFE_INTEGER }),
      fc.bigInt({ min: BEYOND, max: BEYOND * 4n }),
    ),
  ),
);
const nic: fc.Arbitrary<NicSample> = fc.record({
  name: rarely(fc.constant('vnet0'), fc.constant('vnet1')),
  macAddr: fc.constant(null),
  status: fc.constant('UP' as const),
  speedMbps: rarely<number | null>(fc.constant(1000), fc.constantFrom(null, 0, 10)),
  rxBytes: count,
  txBytes: count,
  rxDropped: count,
  txDropped: count,
  sampleTime: maybe(fc.integer({ min: 0, max: 50 })),
});
const disk: fc.Arbitrary<VmDiskSample> = fc.record({
  device: fc.constant('vda'),
  imageId: fc.constant(null),
  lunGuid: fc.constant(null),
  readRate: figure,
  writeRate: figure,
  readOps: count,
  writeOps: count,
  readLatencyNs: figure,
  writeLatencyNs: whole,
  flushLatencyNs: figure,
  trueSize: count,
});

const listed = <T>(
  one: fc.Arbitrary<T>,
  key: string,
  usual: readonly (string | null)[],
  keys: readonly (string | null)[],
) =>
  rarely<readonly (string | null)[]>(fc.constant(usual), fc.array(fc.constantFrom(...keys), { maxLength: 4 })).chain(
    (chosen) => fc.tuple(...chosen.map((value) => one.map((each) => ({ ...each, [key]: value })))),
  ) as fc.Arbitrary<T[]>;

const sample: fc.Arbitrary<VmStatisticsSample> = fc.record({
  cpuUser: figure,
  cpuSys: figure,
  elapsedSeconds: whole,
  memUsagePercent: maybe(fc.integer({ min: 0, max: 100 })),
  vcpuCount: maybe(fc.integer({ min: 0, max: 8 })),
  disksUsage: maybe(
    fc.array(
      fc.record({
        path: fc.constant('/'),
        fs: fc.constant('xfs'),
        total: fc.constant('9'),
        used: fc.constantFrom('1', '2'),
      }),
      {
        maxLength: 2,
      },
    ),
  ),
  memory: maybe(fc.record({ buffered: whole, cached: whole, free: whole, unused: whole })),
  balloon: maybe(
    fc.record({
      current: fc.integer({ min: 0, max: 9 }),
      max: fc.integer({ min: 0, max: 9 }),
      min: fc.integer({ min: 0, max: 9 }),
      target: fc.integer({ min: 0, max: 9 }),
    }),
  ),
  nics: maybe(listed(nic, 'macAddr', ['aa', 'bb'], ['aa', 'bb', 'cc', null])),
  disks: maybe(listed(disk, 'imageId', ['i1', null], ['i1', 'i2', 'i3', null])),
  migrationProgress: fc.constantFrom(null, 1, 50),
});

const known = (mac: string, speedMbps: number | null) => ({ mac, name: null, profile: null, speedMbps });
const plugged = (imageId: string) => ({ imageId, lunId: null, alias: null });
/** What the inventory may say of one VM. */
const facts: readonly Vm[] = [
  vm('v1', 'Up'),
  vm('v1', 'Up', {
    static: { vcpus: 2, nics: [known('AA', 100), known('dd', 5)], disks: [plugged('i1'), plugged('i2')] },
  }),
  vm('v1', 'Up', { static: { vcpus: 0, nics: [known('bb', null), known('cc', 10)], disks: [] } }),
];

const step = fc.record({
  of: rarely(fc.constant(null), fc.constantFrom(...facts)),
  sample,
  /** The report before once more, as the agent repeats it between two of its own samples. */
  again: fc.boolean(),
  written: fc.boolean(),
});

/** The parts of a usage by what they are, as they would be written. */
function parts({ statistics, interfaces, disks }: VmUsage): Map<string, unknown> {
  return new Map<string, unknown>([
    ['vm', statistics],
    ...interfaces.map((row) => [`nic ${row.macAddr}`, row] as const),
    ...disks.map((row) => [`disk ${row.imageId}`, row] as const),
  ]);
}

function dirtyParts(columns: VmColumns): Set<string> {
  return new Set([
    ...(columns.dirty ? ['vm'] : []),
    ...columns.nics.filter((one) => one.dirty).map((one) => `nic ${one.macAddr}`),
    ...columns.disks.filter((one) => one.dirty).map((one) => `disk ${one.imageId}`),
  ]);
}

describe('figures in columns', () => {
  it('are what the plain rule makes of any history of reports, and know what is not written', () => {
    const seen = { same: 0, changed: 0, other: 0 };
    fc.assert(
      fc.property(fc.constantFrom(...facts), fc.array(step, { minLength: 1, maxLength: 25 }), (first, steps) => {
        const table = new UsageTable();
        let of = first;
        let plain = nextVmUsage(of, undefined, steps[0]!.sample);
        const columns = table.create(of.id);
        table.load(columns, plain);
        learnSample(of, columns, steps[0]!.sample);
        let last = steps[0]!.sample;
        let stored = new Map<string, unknown>();
        for (const { of: other, sample: next, again, written } of steps) {
          of = other ?? of;
          last = again ? structuredClone(last) : next;
          const before = plain;
          plain = nextVmUsage(of, plain, last);
          const taken = take(table, of, columns, last);
          seen[taken] += 1;
          expect(sameValue(columns.usage(), plain)).toBe(true);
          expect(columns.usage().interfaces.map((row) => row.macAddr)).toEqual(
            plain.interfaces.map((row) => row.macAddr),
          );
          if (taken !== 'other') {
            const stays = before.statistics === plain.statistics && before.interfaces === plain.interfaces;
            expect(taken).toBe(stays && before.disks === plain.disks ? 'same' : 'changed');
          }
          // Whatever differs from what is stored is to be written.
          const dirty = dirtyParts(columns);
          for (const [key, row] of parts(plain)) if (!sameValue(stored.get(key), row)) expect(dirty).toContain(key);
          const gone = [...stored.keys()].filter((key) => !parts(plain).has(key)).sort();
          const noted = [
            ...columns.goneDisks.map(({ imageId }) => `disk ${imageId}`),
            ...columns.goneNics.map((mac) => `nic ${mac}`),
          ];
          expect(noted.sort()).toEqual(gone);
          if (!written) continue;
          stored = parts(plain);
          columns.written();
          expect(columns.isDirty).toBe(false);
        }
      }),
      { numRuns: RUNS },
    );
    // The property is about something only if reports go all three ways.
    expect(Math.min(seen.same, seen.changed, seen.other)).toBeGreaterThan(RUNS / 4);
  });

  it('of one VM touch those of no other, and rows that were given back begin empty', () => {
    const table = new UsageTable();
    const [a, b] = [table.create('a'), table.create('b')];
    const usage = (at: number): VmUsage =>
      nextVmUsage(vm('a'), undefined, {
        ...fc.sample(sample, { seed: 1, numRuns: 1 })[0]!,
        cpuUser: at,
        nics: [{ ...fc.sample(nic, { seed: at, numRuns: 1 })[0]!, macAddr: 'aa', rxBytes: at }],
        disks: [{ ...fc.sample(disk, { seed: at, numRuns: 1 })[0]!, imageId: 'i1', readOps: at }],
      });
    table.load(a, usage(1));
    table.load(b, usage(2));
    table.load(a, usage(3));
    expect(b.usage().statistics.cpuUser).toBe(2);
    expect(b.usage().disks[0]?.readOps).toBe(2n);
    table.free(a);
    const c = table.create('c');
    expect([c.at === a.at, c.first === a.first]).toEqual([true, true]);
    expect(c.usage().statistics.cpuUser).toBeNull();
    expect(c.usage()).toMatchObject({ interfaces: [], disks: [], migrationProgress: null });
  });

  it('that no number can hold exactly are kept as objects, and go back into columns when they fit again', () => {
    const table = new UsageTable();
    const columns = table.create('v1');
    const of = facts[0]!;
    const said = (rxBytes: Count, sampleTime: number): VmStatisticsSample => ({
      ...fc.sample(sample, { seed: 1, numRuns: 1 })[0]!,
      nics: [
        {
          ...fc.sample(nic, { seed: 1, numRuns: 1 })[0]!,
          macAddr: 'aa',
          rxBytes,
          txBytes: 0,
          rxDropped: 0,
          txDropped: 0,
          sampleTime,
        },
      ],
      disks: [],
    });
    const total = (): bigint | null | undefined => columns.usage().interfaces[0]?.rxTotal;
    take(table, of, columns, said(1, 1));
    expect(take(table, of, columns, said(Number.MAX_SAFE_INTEGER, 2))).toBe('changed');
    expect([total(), columns.plain]).toEqual([BigInt(Number.MAX_SAFE_INTEGER) - 1n, null]);
    // It begins anew: what was counted before is added, and that is too much for a number.
    expect(take(table, of, columns, said(100, 3))).toBe('other');
    expect([total(), columns.plain === null]).toEqual([BigInt(Number.MAX_SAFE_INTEGER) + 99n, false]);
    expect(columns.isDirty).toBe(true);
    take(table, of, columns, said(BEYOND * 2n, 4));
    expect(total()).toBe(BigInt(Number.MAX_SAFE_INTEGER) - 1n + exactCount(BEYOND * 2n)!);
    table.load(columns, { ...columns.usage(), interfaces: [] });
    expect([columns.plain, columns.usage().interfaces]).toEqual([null, []]);
  });
});

it('seconds of nanoseconds are read from no text, and are the same number', () => {
  const bySpelling = (ns: number): number => Number((ns / 1e9).toFixed(9));
  fc.assert(
    fc.property(
      fc.oneof(
        ...[fc.maxSafeNat(), fc.integer({ min: 0, max: 1e10 }), fc.double({ min: 0, max: 1e18, noNaN: true })],
        ...[1e3, 1e8, 2 ** 40, 2 ** 41].map((max) => fc.double({ min: 0, max, noNaN: true })),
        // Around a half.
        fc
          .tuple(fc.integer({ min: 0, max: 2 ** 40 }), fc.double({ min: -0.002, max: 0.002, noNaN: true }))
          .map(([whole, off]) => whole + 0.5 + off),
      ),
      (ns) => {
        expect(latencySeconds(ns)).toBe(bySpelling(ns));
      },
    ),
    { numRuns: RUNS * 10 },
  );
});
