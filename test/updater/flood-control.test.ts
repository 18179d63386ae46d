import { describe, expect, it } from 'vitest';
import type { EventName, EventRecord } from '../../src/events/index.js';
import { seconds, VirtualTime } from '../../src/kernel/index.js';
import { FloodControl, type HeldBack } from '../../src/updater/index.js';

function setup(flap = { changes: 6, windowSeconds: 300 }) {
  const time = new VirtualTime();
  const told: HeldBack[] = [];
  const flood = new FloodControl({ clock: time, scheduler: time, flap, tell: (held) => told.push(held) });
  const from = time.now();
  const event = (name: EventName, more: Partial<EventRecord> = {}): EventRecord => ({
    kind: 'event',
    ...{ id: 'id', name, severity: 'WARNING', message: 'm', params: {}, customId: null, parent: null },
    ...{ time: time.now(), hostId: 'h1', vmId: null, clusterId: 'c1', correlation: null },
    cause: { rule: 'r', source: { by: 'timer', at: 0 } },
    ...more,
  });
  /** Raises the event at this second; whether it got through. */
  const raise = async (at: number, name: EventName, more: Partial<EventRecord> = {}): Promise<boolean> => {
    await time.runFor(from + seconds(at) - time.now());
    return flood.admits(event(name, more));
  };
  /** Which of these get through. */
  const shown = async (list: readonly (readonly [number, EventName, Partial<EventRecord>?])[]): Promise<number[]> => {
    const through: number[] = [];
    for (const [at, name, more] of list) if (await raise(at, name, more)) through.push(at);
    return through;
  };
  const at = (second: number): number => from + seconds(second);
  return { time, told, flood, event, raise, shown, at };
}

describe('flood control', () => {
  // VDS_HOST_NOT_RESPONDING has 180 s.
  it.each<[string, number[], number[]]>([
    ['a repetition inside the flood time', [0, 1, 179], [0]],
    ['not one at its end', [0, 180], [0, 180]],
    ['from the first that got through, not from the last that came', [0, 100, 179, 180, 359, 360], [0, 180, 360]],
  ])('holds back %s', async (_, times, expected) => {
    const { shown } = setup();
    expect(await shown(times.map((at) => [at, 'VDS_HOST_NOT_RESPONDING']))).toEqual(expected);
  });

  it('never holds back an event without a flood time', async () => {
    const { shown } = setup();
    expect(await shown([0, 0, 0].map((at) => [at, 'VDS_FAILURE']))).toEqual([0, 0, 0]);
  });

  it.each<[string, Partial<EventRecord>]>([
    ['another host', { hostId: 'h2' }],
    ['another VM', { vmId: 'v1' }],
    ['another cluster', { clusterId: 'c2' }],
    ['another nic', { customId: 'eth1' }],
  ])('takes %s as another event', async (_, more) => {
    const { raise } = setup();
    expect(await raise(0, 'VDS_HOST_NOT_RESPONDING', { customId: 'eth0' })).toBe(true);
    expect(await raise(1, 'VDS_HOST_NOT_RESPONDING', { customId: 'eth0', ...more })).toBe(true);
    expect(await raise(2, 'VDS_HOST_NOT_RESPONDING', { customId: 'eth0' })).toBe(false);
  });

  it('sums up what it held back when the flood time ends, by one timer for all', async () => {
    const { time, told, shown, at } = setup();
    await shown([0, 1, 100, 150].map((at) => [at, 'VDS_HOST_NOT_RESPONDING']));
    await shown([[150, 'VDS_HIGH_CPU_USE']]);
    expect(time.waiting()).toEqual(new Map([['held-back', 1]]));
    expect(told).toEqual([]);
    await time.runFor(seconds(30));
    expect(told).toMatchObject([
      { what: 'summary', why: 'flood', names: 'VDS_HOST_NOT_RESPONDING', count: 3, from: at(1), to: at(150) },
    ]);
  });

  it('says nothing of an event that came once, and forgets it', async () => {
    const { time, told, flood, raise } = setup();
    await raise(0, 'VDS_HIGH_CPU_USE');
    await time.runFor(seconds(1800));
    expect(told).toEqual([]);
    expect(flood.size).toBe(0);
    expect(time.waiting()).toEqual(new Map());
  });

  it('sums up at its stop, and leaves no timer', async () => {
    const { time, told, flood, shown } = setup();
    await shown([0, 1].map((at) => [at, 'VDS_HIGH_CPU_USE']));
    flood.stop();
    expect(told).toMatchObject([{ count: 1 }]);
    expect(time.waiting()).toEqual(new Map());
  });

  it('lets the oldest go rather than grow without end, with its summary', async () => {
    const { flood, event, told } = setup();
    const of = (n: number) => event('VDS_HIGH_CPU_USE', { hostId: `h${n}` });
    flood.admits(of(0));
    flood.admits(of(0));
    for (let n = 1; n <= 100_000; n++) flood.admits(of(n));
    expect(flood.size).toBe(100_000);
    expect(told).toMatchObject([{ count: 1, last: { hostId: 'h0' } }]);
    expect(flood.admits(of(1))).toBe(false);
    expect(flood.admits(of(0))).toBe(true);
  });
});

describe('flap damping', () => {
  const nic = (at: number, up: boolean, customId = 'eth0') =>
    [at, up ? 'HOST_INTERFACE_STATE_UP' : 'HOST_INTERFACE_STATE_DOWN', { customId }] as const;
  const flapping = (from: number, to: number, every: number) =>
    Array.from({ length: (to - from) / every + 1 }, (_, i) => nic(from + i * every, i % 2 === 1));

  it('shows a value’s changes until it flaps, then one word, then nothing until it is quiet', async () => {
    const { time, told, shown, at } = setup();
    expect(await shown(flapping(0, 100, 10))).toEqual([0, 10, 20, 30, 40]);
    expect(told).toMatchObject([{ what: 'flapping', changes: 6, withinSeconds: 50, quietSeconds: 300 }]);
    await time.runFor(seconds(299));
    expect(told).toHaveLength(1);
    await time.runFor(seconds(1));
    expect(told[1]).toMatchObject({
      ...{ what: 'summary', why: 'flap', names: 'HOST_INTERFACE_STATE_DOWN/HOST_INTERFACE_STATE_UP' },
      ...{ count: 6, from: at(50), to: at(100), last: { name: 'HOST_INTERFACE_STATE_DOWN' } },
    });
    expect(await shown([nic(401, true)])).toEqual([401]);
  });

  it('takes a few changes, and many slow ones, as they are', async () => {
    const { told, shown } = setup();
    expect(await shown(flapping(0, 40, 10))).toHaveLength(5);
    expect(await shown(flapping(1000, 3000, 100))).toHaveLength(21);
    expect(told).toEqual([]);
  });

  it('counts changes, not repetitions', async () => {
    const { told, shown } = setup();
    const same = Array.from({ length: 20 }, (_, i) => nic(i, false));
    expect(await shown(same)).toHaveLength(20);
    expect(told).toEqual([]);
  });

  it('keeps nics, hosts and VMs apart', async () => {
    const { shown } = setup();
    await shown(flapping(0, 100, 10));
    expect(await shown([nic(100, true, 'eth1')])).toEqual([100]);
    expect(await shown([[100, 'HOST_INTERFACE_STATE_UP', { customId: 'eth0', hostId: 'h2' }]])).toEqual([100]);
  });

  it('an event whose way back has none of its own stands for two changes', async () => {
    const { told, shown } = setup();
    const times = [0, 30, 60, 90];
    expect(await shown(times.map((at) => [at, 'VM_NOT_RESPONDING', { vmId: 'v1' }]))).toEqual([0, 30]);
    expect(told).toMatchObject([{ what: 'flapping' }]);
  });

  it('sums up once an hour what never gets quiet', async () => {
    const { told, shown } = setup();
    await shown(flapping(0, 10_000, 20));
    const summaries = told.filter((held) => held.what === 'summary');
    expect(summaries).toHaveLength(2);
    expect(told).toHaveLength(3);
  });

  it('is off with flap.changes 0', async () => {
    const { told, shown } = setup({ changes: 0, windowSeconds: 300 });
    expect(await shown(flapping(0, 100, 10))).toHaveLength(11);
    expect(told).toEqual([]);
  });
});
