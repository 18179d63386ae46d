import fc from 'fast-check';
import { expect, it } from 'vitest';
import { layoutOf, numbersOf, VmFigures } from '../../src/fetcher/differential/vm-figures.js';
import { sameValue, type Vm, type VmColumns, type VmStatisticsSample } from '../../src/model/index.js';
import { UsageTable } from '../../src/repository/usage-table.js';
import { isUsual, learnSample, nextVmUsage, takeRow, takeSample } from '../../src/rules/index.js';
import { vm } from '../support/entities.js';

const RUNS = process.env['VURTI_SOAK'] === '1' ? 20_000 : 400;

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 8 });
const figure = maybe(fc.oneof(fc.integer({ min: 0, max: 300 }), fc.double({ min: 0, max: 1e6, noNaN: true })));
const whole = maybe(fc.integer({ min: 0, max: 1000 }));
/** They begin anew often, and come near to what a number holds now and then. */
const count = maybe(
  fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 0, max: 1e9 }) },
    { weight: 1, arbitrary: fc.constant(Number.MAX_SAFE_INTEGER - 3) },
  ),
);
const kib = fc.integer({ min: 0, max: 9 });

interface Shape {
  readonly nics: readonly (string | null)[] | null;
  readonly disks: readonly (string | null)[] | null;
  readonly used: readonly string[] | null;
  readonly memory: boolean;
  readonly balloon: boolean;
}

const listed = (keys: readonly (string | null)[]) => fc.option(fc.subarray([...keys]), { freq: 6 });
const shape: fc.Arbitrary<Shape> = fc.record({
  nics: listed(['aa', 'bb', null]),
  disks: listed(['i1', null, 'i2']),
  used: listed(['/', '/var']) as fc.Arbitrary<string[] | null>,
  memory: fc.boolean(),
  balloon: fc.boolean(),
});

/** What never differs while a reader gives one object is of the shape; the numbers are drawn. */
function samplesOf({ nics, disks, used, memory, balloon }: Shape): fc.Arbitrary<VmStatisticsSample> {
  const each = <K, T>(keys: readonly K[] | null, of: (key: K) => fc.Arbitrary<T>): fc.Arbitrary<T[] | null> =>
    keys === null ? fc.constant(null) : fc.tuple(...keys.map(of));
  const text = maybe(fc.integer({ min: 0, max: 3 })).map((n) => n?.toString() ?? null);
  return fc.record({
    ...{ cpuUser: figure, cpuSys: figure, elapsedSeconds: whole, memUsagePercent: whole },
    vcpuCount: maybe(fc.integer({ min: 0, max: 4 })),
    migrationProgress: fc.constantFrom(null, 1, 50),
    disksUsage: each(used, (path) =>
      fc.record({ path: fc.constant(path), fs: fc.constant(null), total: text, used: text }),
    ),
    memory: memory ? fc.record({ buffered: whole, cached: whole, free: whole, unused: whole }) : fc.constant(null),
    balloon: balloon ? fc.record({ current: kib, max: kib, min: kib, target: kib }) : fc.constant(null),
    nics: each(nics, (macAddr) =>
      fc.record({
        ...{ name: fc.constant('vnet0'), macAddr: fc.constant(macAddr), status: fc.constant('UP' as const) },
        ...{ speedMbps: fc.constantFrom(null, 0, 1000), rxBytes: count, txBytes: count },
        ...{ rxDropped: count, txDropped: count, sampleTime: maybe(fc.integer({ min: 0, max: 20 })) },
      }),
    ),
    disks: each(disks, (imageId) =>
      fc.record({
        ...{ device: fc.constant('vda'), imageId: fc.constant(imageId), lunGuid: fc.constant(null) },
        ...{ readRate: figure, writeRate: figure, readOps: count, writeOps: count, trueSize: count },
        ...{ readLatencyNs: figure, writeLatencyNs: whole, flushLatencyNs: figure },
      }),
    ),
  });
}

const facts: readonly Vm[] = [
  vm('v1', 'Up'),
  vm('v1', 'Up', {
    static: {
      vcpus: 2,
      nics: [{ mac: 'AA', name: null, profile: null, speedMbps: 100 }],
      disks: [{ imageId: 'i1', lunId: null, alias: null }],
    },
  }),
];

/** Now and then the agent says the same once more. */
const history = shape.chain((of) =>
  fc
    .array(fc.tuple(samplesOf(of), fc.integer({ min: 1, max: 2 })), { minLength: 2, maxLength: 12 })
    .map((said) => said.flatMap(([sample, times]) => Array.from({ length: times }, () => sample))),
);

/** What of it is noted as not written. */
const dirty = (columns: VmColumns): unknown => [
  columns.dirty,
  columns.nics.map((nic) => nic.dirty),
  columns.disks.map((disk) => disk.dirty),
];

it('rows of numbers come to the same as samples, figure by figure', () => {
  const seen = { same: 0, changed: 0, other: 0 };
  fc.assert(
    fc.property(fc.constantFrom(...facts), history, (of, samples) => {
      const [first, ...rest] = samples as [VmStatisticsSample, ...VmStatisticsSample[]];
      const numbers = numbersOf(first, null, layoutOf(first)) as Float64Array;
      const figures = new VmFigures(first, numbers, layoutOf(first));
      const table = new UsageTable();
      const [plain, rows] = [table.create('v1'), table.create('v1')];
      for (const columns of [plain, rows]) {
        table.load(columns, nextVmUsage(of, undefined, first));
        learnSample(of, columns, first);
      }
      // Where even the first one is unusual, nobody takes rows.
      if (!isUsual(of, rows, figures)) return;
      for (const sample of rest) {
        figures.row.values.set(numbersOf(sample, null, layoutOf(sample)) as Float64Array);
        figures.outdateDisksUsage();
        plain.written();
        rows.written();
        const taken = takeRow(of, rows, figures.row);
        seen[taken] += 1;
        expect(taken).toBe(takeSample(of, plain, sample));
        if (taken === 'other') return;
        expect(sameValue(rows.usage(), plain.usage())).toBe(true);
        expect(dirty(rows)).toEqual(dirty(plain));
      }
    }),
    { numRuns: RUNS },
  );
  expect(Math.min(seen.same, seen.other)).toBeGreaterThan(0);
  expect(seen.changed).toBeGreaterThan(RUNS);
});
