import { describe, expect, it } from 'vitest';
import type { EventName, EventRecord } from '../../src/events/index.js';
import { FloodControl, IntentBook } from '../../src/updater/index.js';

const event = (name: EventName, atSeconds: number, more: Partial<EventRecord> = {}): EventRecord => ({
  kind: 'event',
  ...{ id: 'id', name, severity: 'WARNING', message: 'm', params: {}, customId: null, parent: null },
  ...{ time: atSeconds * 1000, hostId: 'h1', vmId: null, clusterId: 'c1', correlation: null },
  cause: { rule: 'r', source: { by: 'timer', at: 0 } },
  ...more,
});

/** Which of the events at these seconds get through. VDS_HOST_NOT_RESPONDING has 180 s. */
const admitted = (seconds: readonly number[]): number[] => {
  const flood = new FloodControl();
  return seconds.filter((at) => flood.admits(event('VDS_HOST_NOT_RESPONDING', at)));
};

describe('FloodControl', () => {
  it.each<[string, number[], number[]]>([
    ['a repetition inside the flood time', [0, 1, 179], [0]],
    ['not one at its end', [0, 180], [0, 180]],
    ['from the first that got through, not from the last that came', [0, 100, 179, 180, 359, 360], [0, 180, 360]],
  ])('holds back %s', (_, seconds, expected) => {
    expect(admitted(seconds)).toEqual(expected);
  });

  it('never holds back an event without a flood time', () => {
    const flood = new FloodControl();
    expect([0, 0, 0].map((at) => flood.admits(event('VDS_FAILURE', at)))).toEqual([true, true, true]);
  });

  it.each<[string, Partial<EventRecord>]>([
    ['another host', { hostId: 'h2' }],
    ['another VM', { vmId: 'v1' }],
    ['another cluster', { clusterId: 'c2' }],
    ['another nic', { customId: 'eth1' }],
  ])('takes %s as another event', (_, more) => {
    const flood = new FloodControl();
    expect(flood.admits(event('VDS_HOST_NOT_RESPONDING', 0, { customId: 'eth0' }))).toBe(true);
    expect(flood.admits(event('VDS_HOST_NOT_RESPONDING', 1, { customId: 'eth0', ...more }))).toBe(true);
    expect(flood.admits(event('VDS_HOST_NOT_RESPONDING', 2, { customId: 'eth0' }))).toBe(false);
  });

  it('takes another name as another event', () => {
    const flood = new FloodControl();
    expect(flood.admits(event('VDS_HOST_NOT_RESPONDING', 0))).toBe(true);
    expect(flood.admits(event('VDS_INITIALIZING', 0))).toBe(true);
  });

  it('lets the oldest go rather than grow without end', () => {
    const flood = new FloodControl();
    const of = (n: number) => event('VDS_HOST_NOT_RESPONDING', 0, { hostId: `h${n}` });
    for (let n = 0; n <= 100_000; n++) flood.admits(of(n));
    expect(flood.admits(of(100_000))).toBe(false);
    expect(flood.admits(of(1))).toBe(false);
    expect(flood.admits(of(0))).toBe(true);
  });
});

describe('IntentBook', () => {
  it('knows advice that was given', () => {
    const book = new IntentBook();
    expect(['a', 'b', 'a', 'b', 'c'].map((key) => book.isNew(key))).toEqual([true, true, false, false, true]);
  });

  it('forgets the oldest at its limit', () => {
    const book = new IntentBook(2);
    expect(['a', 'b', 'c'].map((key) => book.isNew(key))).toEqual([true, true, true]);
    expect(['c', 'b'].map((key) => book.isNew(key))).toEqual([false, false]);
    expect(book.isNew('a')).toBe(true);
  });
});
