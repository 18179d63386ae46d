import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CountedIds, seconds, silentTelemetry } from '../../src/kernel/index.js';
import { defaultSettings, type Vm, type VmReport, type VmStatisticsSample } from '../../src/model/index.js';
import { type Detour, detourOf, FastPath } from '../../src/updater/fast-path.js';
import { RecordMaker } from '../../src/updater/index.js';
import { VmFigures } from '../../src/updater/vm-figures.js';
import { host, nicSample, polled, vm, vmStats } from '../support/entities.js';
import { outboxPorts } from '../support/ports.js';
import { RememberingReader, type Said } from '../support/remembering-reader.js';
import { world } from '../support/world.js';

const MIB = 1024;
const SOAK = process.env['VURTI_SOAK'] === '1';

const job = (id: string) => ({
  ...{ id, jobState: null, jobType: 'block', blockJobType: 'COMMIT', bandwidth: 0n, imageGroupId: 'd1' },
  ...{ cursorCur: 1n, cursorEnd: 100n },
});
const figures = (cpuUser: number, more: Partial<VmStatisticsSample> = {}): Partial<VmStatisticsSample> => ({
  ...{ cpuUser, cpuSys: 1, vcpuCount: 1, memUsagePercent: 40 },
  nics: [nicSample('vnet0', { macAddr: 'aa', rxBytes: cpuUser * 1000, txBytes: 0, sampleTime: cpuUser })],
  ...more,
});
const balloon = (current: number, target = current) => ({
  balloon: { current: current * MIB, target: target * MIB, max: 4096 * MIB, min: 0 },
});

/** The fast path with real figures, and what went the long way. */
function setup(vms: readonly Vm[] = [vm('v1', 'Up'), vm('v2', 'Up')]) {
  const w = world({ hosts: [host('h1'), host('h2')], vms });
  w.inventoryUpdater.putCluster({ id: 'c1', name: 'c1' });
  const records = new RecordMaker(new CountedIds(), 'manager');
  const ports = outboxPorts({ committer: w.committer, streams: w.streams, telemetry: silentTelemetry, time: w.time });
  const kept = new VmFigures({ ...w, ports, records, clock: w.time, settings: defaultSettings });
  const state = { initialized: true };
  const long: string[] = [];
  const path = new FastPath({
    hosts: w.sets.hosts,
    figures: kept,
    isInitialized: () => state.initialized,
    longWay: (known, report, stamp) => {
      long.push(report.vmId);
      const on = w.sets.hosts.get(stamp.host);
      if (known?.dynamic.runOnVds === stamp.host && known.dynamic.status === report.status && on !== undefined) {
        kept.take(known, report, on, stamp);
      }
    },
    failed: (vmId, _, error) => {
      throw new Error(`${vmId}: ${String(error)}`);
    },
  });
  const reader = new RememberingReader();
  return {
    ...{ w, kept, path, state, reader },
    /** Takes an answer in, and tells whose reports went the long way. */
    poll: (said: readonly Said[], of: { report?: ReturnType<RememberingReader['read']> } = {}): string[] => {
      long.length = 0;
      for (const _ of path.take(w.sets.setOfHost('h1')!.vms, of.report ?? reader.read(said), w.stampOf('h1')));
      return [...long];
    },
    cpu: (id = 'v1') => w.sets.vms.usage(id)?.statistics.cpuUser,
  };
}

const both = (cpu: number, more: Partial<VmStatisticsSample> = {}): Said[] => [
  { vmId: 'v1', sample: figures(cpu, more) },
  { vmId: 'v2', sample: figures(cpu) },
];

/** Settled: figures were taken twice, and the third answer needs no long way. */
function settled(of = setup()) {
  for (const cpu of [1, 2]) of.poll(both(cpu));
  expect(of.poll(both(3))).toEqual([]);
  return of;
}

describe('the fast path', () => {
  it('takes the figures of VMs that are as expected, poll after poll', () => {
    const t = setup();
    // At first nobody has looked; then nobody knows yet that the reader remembers.
    expect([t.poll(both(1)), t.poll(both(2)), t.poll(both(3)), t.poll(both(3))]).toEqual([
      ['v1', 'v2'],
      ['v1', 'v2'],
      [],
      [],
    ]);
    expect(t.cpu()).toBe(3);
    expect(t.kept.history('v1')?.cpu.values()).toEqual([2, 3, 4, 4]);
  });

  it('is not for readers without memory', () => {
    const t = setup();
    for (const cpu of [1, 2, 3]) {
      expect(t.poll([], { report: vmStats([polled('v1', 'Up', { sample: figures(cpu) })]) })).toEqual(['v1']);
    }
    expect(t.cpu()).toBe(3);
  });

  const cases: readonly [
    string,
    Detour | null,
    Vm | undefined,
    VmReport,
    { initialized?: boolean; facts?: 'other' },
  ][] = [
    ['all is as expected', null, vm('v1', 'Up'), polled('v1', 'Up', { sample: figures(1) }), {}],
    ['and it has surely no jobs', null, vm('v1', 'Up'), polled('v1', 'Up', { sample: figures(1), jobs: [] }), {}],
    ['nobody knows it', 'unknown', undefined, polled('v1', 'Up', { sample: figures(1) }), {}],
    ['it runs elsewhere', 'elsewhere', vm('v1', 'Up', { runOnVds: 'h2' }), polled('v1', 'Up'), {}],
    ['its status is another', 'other-status', vm('v1', 'Up'), polled('v1', 'Paused'), {}],
    ['the host was not heard before', 'first-report', vm('v1', 'Up'), polled('v1', 'Up'), { initialized: false }],
    [
      'it holds the engine',
      'hosted-engine',
      vm('v1', 'Up', { static: { origin: 'HOSTED_ENGINE' } }),
      polled('v1', 'Up'),
      {},
    ],
    ['a job has begun', 'jobs', vm('v1', 'Up'), polled('v1', 'Up', { sample: figures(1), jobs: [job('j')] }), {}],
    [
      'a job has ended',
      'jobs',
      vm('v1', 'Up', { jobs: [{ ...job('j'), vmId: 'v1' }] }),
      polled('v1', 'Up', { jobs: [] }),
      {},
    ],
    ['nothing was measured', 'no-figures', vm('v1', 'Up'), polled('v1', 'Up'), {}],
    [
      'its figures are unusual',
      'unusual-figures',
      vm('v1', 'Up'),
      polled('v1', 'Up', { sample: figures(1) }),
      { facts: 'other' },
    ],
  ];

  it.each(cases)('or why not: %s', (_, detour, known, report, { initialized = true, facts }) => {
    const t = setup(known === undefined ? [] : [known]);
    if (known !== undefined)
      t.kept.take(known, polled('v1', 'Up', { sample: figures(1) }), t.w.host()!, t.w.stampOf('h1'));
    const columns = t.w.sets.setOfHost('h1')?.vms.columns('v1');
    if (facts === 'other' && columns !== undefined) columns.facts = null;
    expect(detourOf(known, columns, report, { id: 'h1', isInitialized: initialized })).toBe(detour);
  });

  /** What ends it for v1, said by a report or done to the repository; v2 goes on. */
  const exits: readonly [string, (t: ReturnType<typeof setup>) => Said[]][] = [
    ['its status', () => [{ vmId: 'v1', status: 'Paused' }, both(4)[1]!]],
    ['a member of its state', () => [{ ...both(4)[0]!, guestOs: 'another' }, both(4)[1]!]],
    ['a job', () => [{ ...both(4)[0]!, jobs: [job('j1')] }, both(4)[1]!]],
    ['no figures any more', () => [{ vmId: 'v1' }, both(4)[1]!]],
    ['another nic', () => both(4, { nics: [nicSample('vnet1', { macAddr: 'bb' })] })],
    [
      'a counter that is too large',
      () => both(4, { nics: [nicSample('vnet0', { macAddr: 'aa', rxBytes: 2n ** 60n })] }),
    ],
    [
      'other facts in the inventory',
      ({ w }) => {
        const known = w.vm()!;
        w.sets.putVm({ ...known, static: { ...known.static, vcpus: 2 } });
        return both(4);
      },
    ],
    [
      'another state in the repository',
      ({ w }) => {
        w.sets.putVm({ ...w.vm()!, dynamic: { ...w.vm()!.dynamic, status: 'Paused' } });
        return both(4);
      },
    ],
    [
      'its removal',
      ({ w }) => {
        w.sets.deleteVm('v1');
        return both(4);
      },
    ],
    [
      'its end',
      ({ w, kept }) => {
        kept.reset('v1');
        expect(w.sets.vms.usage('v1')?.statistics.cpuUser).toBeNull();
        return both(4);
      },
    ],
    [
      'its move to another host',
      ({ w }) => {
        w.sets.putVm({ ...w.vm()!, dynamic: { ...w.vm()!.dynamic, runOnVds: 'h2' } });
        return both(4);
      },
    ],
    [
      'a migration’s progress from elsewhere',
      ({ kept }) => {
        kept.migrationProgress('v1', 50);
        return both(3);
      },
    ],
  ];

  it.each(exits)('ends with %s, for that VM alone', (_, change) => {
    const t = settled();
    const said = change(t);
    expect(t.poll(said)).toEqual(['v1']);
    expect(t.cpu('v2')).toBe(said[1]?.sample?.cpuUser);
    expect(t.w.sets.vms.usage('v1')?.migrationProgress ?? null).toBeNull();
  });

  it('ends with the host’s memory', () => {
    const t = settled();
    t.path.forgetHost('h1');
    expect(t.poll(both(4))).toEqual(['v1', 'v2']);
    expect(t.poll(both(5))).toEqual([]);
  });

  it('takes nothing twice of one answer', () => {
    const t = settled();
    const stamp = t.w.stampOf('h1');
    const report = t.reader.read(both(9));
    for (let i = 0; i < 2; i++) for (const _ of t.path.take(t.w.sets.setOfHost('h1')!.vms, report, stamp));
    expect(t.kept.history('v1')?.cpu.values()).toEqual([2, 3, 4, 10]);
  });

  const guaranteed = vm('v1', 'Up', { static: { minMemoryMb: 1024, memoryMb: 4096 } });

  it('counts polls of a balloon that does not follow, though nothing changes', () => {
    const t = setup([guaranteed, vm('v2', 'Up')]);
    const said = both(1, balloon(4000, 2000));
    for (let poll = 0; poll < 4; poll++) t.poll(said);
    expect(t.w.eventNames()).toEqual([]);
    t.w.inventoryUpdater.putCluster({ id: 'c1', name: 'c1', ballooning: true });
    for (let poll = 0; poll < 5; poll++) expect(t.poll(said)).toEqual([]);
    expect(t.w.eventNames()).toEqual(['VM_BALLOON_DRIVER_ERROR']);
  });

  it('says again, as often as flood control lets it, that memory is under the guarantee, and no more when it is not', async () => {
    const t = setup([guaranteed, vm('v2', 'Up')]);
    for (let poll = 0; poll < 3; poll++) t.poll(both(1, balloon(2000)));
    expect(t.w.eventNames()).toEqual([]);
    for (let poll = 0; poll < 3; poll++) {
      expect(t.poll(both(1, balloon(512)))).toEqual([]);
      await t.w.time.runFor(seconds(3600));
    }
    const told = t.w.eventNames();
    expect(told.length).toBeGreaterThan(1);
    expect(new Set(told)).toEqual(new Set(['VM_MEMORY_UNDER_GUARANTEED_VALUE']));
    for (let poll = 0; poll < 3; poll++) t.poll(both(1, balloon(2000)));
    expect(t.w.eventNames()).toEqual(told);
  });
});

/** One world with a reader that remembers, one with a reader that does not: nobody must be able to tell them apart. */
describe('a reader with memory', () => {
  const sampled = fc.record(
    {
      cpuUser: fc.constantFrom(5, 50),
      cpuSys: fc.constant(1),
      memUsagePercent: fc.constantFrom(0, 40),
      vcpuCount: fc.constant(1),
      balloon: fc.constantFrom(null, balloon(512).balloon, balloon(2000).balloon, balloon(4000, 2000).balloon),
      nics: fc.constantFrom(
        null,
        ...[1, 5, 2].map((at) => [
          nicSample('vnet0', { macAddr: 'aa', rxBytes: at * 1e6, txBytes: 5, sampleTime: at }),
        ]),
        [nicSample('vnet0', { macAddr: 'bb', rxBytes: 2n ** 60n, sampleTime: 7 })],
      ),
      migrationProgress: fc.constantFrom(null, 10),
    },
    { requiredKeys: ['cpuUser'] },
  );
  const said = fc.record(
    {
      status: fc.constantFrom('Up' as const, 'Up' as const, 'Up' as const, 'Paused' as const, 'MigratingFrom' as const),
      sample: sampled,
      jobs: fc.constantFrom(null, [], [], [job('j1')]),
      guestOs: fc.constantFrom('a', 'b'),
      timestamp: fc.constantFrom(null, 5),
    },
    { requiredKeys: ['status'] },
  );
  const ids = ['v1', 'v2', 'he', 'v9'];
  const step = fc.record({
    host: fc.constantFrom('h1', 'h1', 'h1', 'h2'),
    /** What is said of each VM in this poll; null: what was said of it last. */
    said: fc.array(fc.option(said, { freq: 2 }), { minLength: ids.length, maxLength: ids.length }),
    listed: fc.oneof({ weight: 6, arbitrary: fc.constant(ids) }, { weight: 1, arbitrary: fc.subarray(ids) }),
    happens: fc.constantFrom(
      ...['nothing', 'nothing', 'nothing', 'nothing', 'balloons', 'balloons not', 'guarantee', 'removed', 'progress'],
      ...['forgotten', 'incomplete', 'command', 'lost'],
    ),
  });

  type World = ReturnType<typeof world>;

  function happen(w: World, what: string): void {
    const known = w.sets.vms.get('v1');
    if (what === 'balloons') w.inventoryUpdater.putCluster({ id: 'c1', name: 'c1', ballooning: true });
    else if (what === 'balloons not') w.inventoryUpdater.putCluster({ id: 'c1', name: 'c1', ballooning: false });
    else if (what === 'guarantee' && known !== undefined) {
      w.sets.putVm({
        ...known,
        static: { ...known.static, minMemoryMb: known.static.minMemoryMb === 1024 ? 256 : 1024, memoryMb: 4096 },
      });
    } else if (what === 'removed' && known !== undefined) {
      w.inventoryUpdater.removeVm(known);
      w.vmUpdater.forgetVm('v1');
    } else if (what === 'progress') w.vmUpdater.figures.migrationProgress('v2', 70);
    else if (what === 'forgotten') w.vmUpdater.hostCameUp('h1');
    else if (what === 'command') w.commands.changed('v2');
    else if (what === 'lost') for (let i = 0; i < 5; i++) w.unreachable('h1');
  }

  const seenOf = (w: World) => ({
    vms: [...w.sets.vms.ids()].map((id) => w.sets.vms.get(id)),
    unsettled: [...w.sets.vms.ids()].map((id) => w.sets.vms.unsettled(id)),
    usages: [...w.sets.vms.ids()].map((id) => w.sets.vms.usage(id)),
    histories: ids.map((id) => w.vmUpdater.figures.history(id)?.cpu.values()),
    networks: ids.map((id) => w.vmUpdater.figures.history(id)?.network.values()),
    records: w.committer.sets.flatMap((set) => set.records),
    rows: w.rows(),
    order: w.order,
  });

  it('brings about the same as one without, after any history', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        const make = () =>
          world({
            hosts: [host('h1'), host('h2')],
            vms: [vm('v1', 'Up'), vm('v2', 'Up'), vm('he', 'Up', { static: { origin: 'HOSTED_ENGINE' } })],
            persistMs: 1000,
          });
        const [plain, remembering] = [make(), make()];
        const readers = new Map(['h1', 'h2'].map((id) => [id, new RememberingReader()]));
        const last = new Map<string, Said>(ids.map((vmId) => [vmId, { vmId, sample: figures(1) }]));
        for (const w of [plain, remembering]) w.statistics.start();
        for (const { host: on, said: now, listed, happens } of steps) {
          for (const [i, each] of now.entries()) if (each !== null) last.set(ids[i]!, { vmId: ids[i]!, ...each });
          const answer = listed.map((id) => last.get(id)!);
          const complete = happens !== 'incomplete';
          for (const w of [plain, remembering]) happen(w, happens);
          plain.answer(on, new RememberingReader().read(answer, { complete }));
          remembering.answer(on, readers.get(on)!.read(answer, { complete }));
          for (const w of [plain, remembering]) await w.time.runFor(700);
          expect(seenOf(remembering)).toEqual(seenOf(plain));
        }
      }),
      { numRuns: SOAK ? 5000 : 150 },
    );
  });
});
