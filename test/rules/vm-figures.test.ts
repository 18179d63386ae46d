import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BalloonState,
  balloonFollows,
  figuresEffects,
  figuresMatter,
  judgeFigures,
} from '../../src/rules/vm/figures.js';
import { sample, vm } from '../support/entities.js';

const MIB = 1024;
const stored = vm('v1', 'Up', { static: { memoryMb: 4096, minMemoryMb: 1024 } });

/** MiB, as the agent says them in KiB. */
const balloon = (current: number, target: number, max = 4096) => ({
  ...{ current: current * MIB, target: target * MIB, max: max * MIB, min: 512 * MIB },
});

interface Poll {
  readonly balloon?: ReturnType<typeof balloon> | null;
  readonly memUsagePercent?: number | null;
}

/** Poll after poll: which events at which of them. */
function eventsOf(
  polls: readonly Poll[],
  more: { vm?: typeof stored; ballooning?: boolean; iterations?: number } = {},
) {
  let state: BalloonState | undefined;
  return polls.map((poll) => {
    const draft = judgeFigures({
      ...{ vm: stored, hostName: 'h1', ballooning: true, iterations: 3, balloon: state, ...more },
      sample: sample({ memUsagePercent: 40, ...poll }),
    });
    state = draft.balloon;
    return draft.events.map((event) => event.name).join(' ');
  });
}

describe('guaranteed memory (§4.12)', () => {
  const events = (currentMib: number, min: number | null) =>
    judgeFigures({
      ...{ vm: vm('v1', 'Up', { static: { minMemoryMb: min } }), hostName: 'h1', ballooning: false, iterations: 3 },
      ...{ balloon: undefined, sample: sample({ balloon: balloon(currentMib, 4096) }) },
    }).events;

  it.each([
    ['below', 1023, 1024, 1],
    ['a little below', 1023.9, 1024, 1],
    ['as guaranteed', 1024, 1024, 0],
    ['above', 2000, 1024, 0],
    ['no balloon value yet', 0, 1024, 0],
    ['nothing guaranteed, as far as known', 1, null, 0],
  ])('%s', (_, current, min, count) => {
    expect(events(current, min)).toHaveLength(count);
  });

  it('says what it has and what it was promised, in MiB', () => {
    expect(events(1023.9, 1024)).toEqual([
      {
        ...{ rule: 'vm.memory.under-guarantee', name: 'VM_MEMORY_UNDER_GUARANTEED_VALUE' },
        params: { VmName: 'v1', VdsName: 'h1', MemGuaranteed: '1024', MemActual: '1023' },
      },
    ]);
  });

  it('is not known of a VM without a balloon', () => {
    expect(eventsOf([{ balloon: null }])).toEqual(['']);
  });
});

describe('balloonFollows', () => {
  it.each([
    ['nearer than before', 1000, 700, 500, true],
    ['there', 700, 500, 500, true],
    ['not moved', 1000, 1000, 500, false],
    ['away', 700, 900, 500, false],
    ['over the target, as far as before', 600, 400, 500, false],
    ['told to stay where it is', 500, 500, 500, false],
    ['at rest since it was first seen', null, 500, 500, true],
  ])('%s: %s → %s, told %s', (_, before, current, target, follows) => {
    expect(balloonFollows(before, { current, target, max: 4096 })).toBe(follows);
  });

  it('never while it is empty', () => {
    expect(balloonFollows(5000, { current: 4096, target: 500, max: 4096 })).toBe(false);
  });
});

describe('a balloon that does not follow (D14)', () => {
  const stuck = { balloon: balloon(4000, 2000) };
  const error = 'VM_BALLOON_DRIVER_ERROR';

  it('is judged from the second poll on, reported when it is stuck for the fourth time, and counted anew', () => {
    expect(eventsOf(Array.from({ length: 10 }, () => stuck))).toEqual(['', '', '', '', error, '', '', '', error, '']);
  });

  it('is forgotten when it moves', () => {
    const moves = { balloon: balloon(3000, 2000) };
    expect(eventsOf([stuck, stuck, stuck, stuck, moves, moves, moves, moves, moves])).toEqual([
      ...['', '', '', '', '', '', '', '', error],
    ]);
  });

  it('is not one that rests at its target', () => {
    const way = [4000, 3000, 2000].map((current) => ({ balloon: balloon(current, 2000) }));
    const rests = Array.from({ length: 20 }, () => ({ balloon: balloon(2000, 2000) }));
    expect(eventsOf([...way, ...rests]).join('')).toBe('');
    expect(eventsOf(rests).join('')).toBe('');
  });

  it.each([
    ['its cluster does not balloon', { ballooning: false }],
    ['all of its memory is guaranteed', { vm: vm('v1', 'Up', { static: { memoryMb: 1024, minMemoryMb: 1024 } }) }],
    ['its memory is not known', { vm: vm() }],
  ])('is not looked at while %s', (_, more) => {
    expect(
      eventsOf(
        Array.from({ length: 10 }, () => stuck),
        more,
      ).join(''),
    ).toBe('');
  });

  it('is not looked at while it was not told to move', () => {
    const idle = { balloon: balloon(4096, 4096) };
    expect(eventsOf(Array.from({ length: 10 }, () => idle)).join('')).toBe('');
  });

  it('keeps its count over a poll that says nothing of it', () => {
    expect(eventsOf([stuck, stuck, stuck, { balloon: null }, stuck, stuck])).toEqual(['', '', '', '', '', error]);
  });
});

describe('a balloon that nobody controls', () => {
  const silent = { balloon: balloon(2000, 2000), memUsagePercent: 0 };
  const event = 'VM_BALLOON_DRIVER_UNCONTROLLED';

  it('is blown up while the guest says nothing of its memory', () => {
    expect(eventsOf(Array.from({ length: 6 }, () => silent))).toEqual(['', '', '', '', event, '']);
  });

  it.each([
    ['the guest speaks', { balloon: balloon(2000, 2000), memUsagePercent: 30 }],
    ['it is not known whether the guest speaks', { balloon: balloon(2000, 2000), memUsagePercent: null }],
    ['the balloon is empty', { balloon: balloon(4096, 4096), memUsagePercent: 0 }],
  ])('is forgotten when %s', (_, well) => {
    expect(eventsOf([silent, silent, silent, silent, well, silent]).join('')).toBe('');
  });
});

it('a poll that changes nothing remembers the same', () => {
  const c = {
    ...{ vm: stored, hostName: 'h1', ballooning: true, iterations: 3 },
    ...{ balloon: { before: null, notFollowing: null, uncontrolled: null } },
    sample: sample({ memUsagePercent: 40, balloon: balloon(4096, 4096) }),
  };
  expect(judgeFigures(c).balloon).toBe(c.balloon);
  expect(figuresEffects.filter((row) => row.when(c))).toEqual([]);
});

describe('a balloon that is not ours to watch', () => {
  const judge = (more: Partial<Parameters<typeof judgeFigures>[0]>) =>
    judgeFigures({
      ...{ vm: stored, hostName: 'h1', ballooning: true, iterations: 3, balloon: undefined },
      ...{ sample: sample({ balloon: balloon(4000, 2000) }), ...more },
    }).balloon;
  const remembered: BalloonState = { before: 1, notFollowing: 2, uncontrolled: null };

  it.each<[string, Parameters<typeof judge>[0], BalloonState | undefined]>([
    ['seen first, on its way', {}, { before: 4000 * MIB, notFollowing: null, uncontrolled: null }],
    [
      'seen first, at rest',
      { sample: sample({ balloon: balloon(2000, 2000) }) },
      { before: null, notFollowing: null, uncontrolled: null },
    ],
    ['not reported', { sample: sample() }, undefined],
    ['not reported any more', { sample: sample(), balloon: remembered }, remembered],
    ['its cluster does not balloon', { ballooning: false }, undefined],
    ['its cluster does not balloon any more', { ballooning: false, balloon: remembered }, undefined],
  ])('%s', (_, more, expected) => {
    expect(judge(more)).toEqual(expected);
  });

  it('what is not known of the VM’s memory calls no balloon stuck', () => {
    const unknown = vm('v1', 'Up', { static: { memoryMb: 4096, minMemoryMb: null } });
    const polls = Array.from({ length: 6 }, () => ({ balloon: balloon(4000, 2000) }));
    expect(eventsOf(polls, { vm: unknown }).join('')).toBe('');
  });

  it('of which nothing was known before goes where it was told to, as far as is known', () => {
    expect(balloonFollows(null, { current: 5, target: 1, max: 10 })).toBe(true);
  });
});

it('no row matches where the figures do not matter, so that nobody need ask', () => {
  const mib = fc.constantFrom(0, 512, 1024, 4096);
  const count = fc.constantFrom(null, 0, 1, 3);
  const anyCase = fc.record({
    vm: fc.record({ memoryMb: fc.constantFrom(null, 4096), minMemoryMb: fc.constantFrom(null, 1024, 4096) }),
    balloon: fc.option(fc.record({ current: mib, target: mib, max: mib, min: mib })),
    memUsagePercent: fc.constantFrom(null, 0, 40),
    ballooning: fc.boolean(),
    state: fc.option(fc.record({ before: fc.option(mib), notFollowing: count, uncontrolled: count }), {
      nil: undefined,
    }),
  });
  let matters = 0;
  fc.assert(
    fc.property(anyCase, ({ vm: facts, balloon: said, memUsagePercent, ballooning, state }) => {
      const kib = said && { current: said.current * MIB, target: said.target * MIB, max: said.max * MIB, min: 0 };
      const c = {
        ...{ vm: vm('v1', 'Up', { static: facts }), hostName: 'h1', iterations: 3, ballooning, balloon: state },
        sample: sample({ balloon: kib, memUsagePercent }),
      };
      if (figuresMatter(c.vm, kib?.current ?? Number.NaN, ballooning, state)) matters += 1;
      else expect(figuresEffects.filter((row) => row.when(c)).map((row) => row.name)).toEqual([]);
    }),
    { numRuns: 2000 },
  );
  expect(matters).toBeLessThan(1990);
});
