import type { Vm, VmStatisticsSample } from '../../model/index.js';
import { applyEach, type Row } from '../row.js';
import type { EventDraft } from '../verdict.js';

/** What is remembered of a VM's balloon between two polls; of VMs in clusters that balloon only. */
export interface BalloonState {
  /** KiB that it held before it came to rest at its target; null: it has been at rest since it was first seen. */
  readonly before: number | null;
  /** Polls in a row with this problem; null: the last one had none. */
  readonly notFollowing: number | null;
  readonly uncontrolled: number | null;
}

/** One poll of one VM, as far as its memory is concerned. */
export interface FiguresCase {
  readonly vm: Vm;
  readonly hostName: string;
  readonly sample: VmStatisticsSample;
  /** The VM's cluster balloons memory. */
  readonly ballooning: boolean;
  /** balloon.iterations */
  readonly iterations: number;
  readonly balloon: BalloonState | undefined;
}

export interface FiguresDraft {
  balloon: BalloonState | undefined;
  /** With the name of the row that raised it. */
  readonly events: (EventDraft & { readonly rule: string })[];
}

type FiguresRow = Row<FiguresCase, FiguresDraft>;

interface Balloon {
  readonly current: number;
  readonly target: number;
  readonly max: number;
}

/**
 * Whether the balloon goes where it was told to: nearer to its target than before. "Before" is what it held before it
 * came to rest there, else every balloon at rest would be one that does not move.
 */
export function balloonFollows(before: number | null, { current, target, max }: Balloon): boolean {
  if (current === max) return false;
  return before === null || Math.abs(before - target) > Math.abs(current - target);
}

const watched = (c: FiguresCase): boolean => c.ballooning && c.sample.balloon !== null && c.balloon !== undefined;
/** The VM may give memory away, and was told to. */
const active = ({ vm, sample }: FiguresCase): boolean => {
  const { minMemoryMb, memoryMb } = vm.static;
  const { balloon } = sample;
  return (
    balloon !== null &&
    minMemoryMb !== null &&
    memoryMb !== null &&
    minMemoryMb < memoryMb &&
    balloon.target !== balloon.max
  );
};
const notFollowing = (c: FiguresCase): boolean =>
  watched(c) && active(c) && c.sample.balloon !== null && !balloonFollows(c.balloon?.before ?? null, c.sample.balloon);
/** The guest's agent is silent, and nobody knows what the guest can spare. */
const uncontrolled = (c: FiguresCase): boolean =>
  watched(c) && c.sample.memUsagePercent === 0 && c.sample.balloon?.current !== c.sample.balloon?.max;

/** The next count, and whether it is full: reported when a problem comes back after `iterations` of them. */
function counted(before: number | null, iterations: number): { readonly count: number; readonly full: boolean } {
  if (before === null) return { count: 1, full: false };
  return before >= iterations ? { count: 0, full: true } : { count: before + 1, full: false };
}

/** What the figures of a poll give rise to (§4.12, D14, D15), in this order. */
export const figuresEffects: readonly FiguresRow[] = [
  {
    name: 'vm.memory.under-guarantee',
    doc: 'The balloon has left the VM less memory than it is guaranteed. Held back per VM (D15).',
    when: ({ vm, sample: { balloon } }) => balloon !== null && isUnderGuarantee(vm, balloon.current),
    then: ({ vm, hostName, sample }, draft) => {
      draft.events.push({
        rule: 'vm.memory.under-guarantee',
        name: 'VM_MEMORY_UNDER_GUARANTEED_VALUE',
        params: {
          VmName: vm.static.name,
          VdsName: hostName,
          MemGuaranteed: String(vm.static.minMemoryMb),
          MemActual: String(Math.trunc((sample.balloon?.current ?? 0) / 1024)),
        },
      });
    },
  },
  {
    name: 'vm.balloon.not-ours',
    doc: 'The cluster does not balloon: what was remembered of the VM’s balloon is forgotten.',
    when: (c) => !c.ballooning && c.balloon !== undefined,
    then: (_, draft) => {
      draft.balloon = undefined;
    },
  },
  {
    name: 'vm.balloon.first-seen',
    doc: 'The balloon is judged from its second poll on: only then a previous value is known (D14).',
    when: (c) => c.ballooning && c.sample.balloon !== null && c.balloon === undefined,
    then: ({ sample: { balloon } }, draft) => {
      const moving = balloon !== null && balloon.current !== balloon.target;
      draft.balloon = { before: moving ? balloon.current : null, notFollowing: null, uncontrolled: null };
    },
  },
  {
    name: 'vm.balloon.not-following',
    doc: 'The balloon does not go where it was told to, poll after poll: its driver does not work.',
    when: notFollowing,
    then: (c, draft) => {
      const { count, full } = counted(c.balloon?.notFollowing ?? null, c.iterations);
      remember(draft, { notFollowing: count });
      if (full) draft.events.push({ rule: 'vm.balloon.not-following', name: 'VM_BALLOON_DRIVER_ERROR', params: {} });
    },
  },
  {
    name: 'vm.balloon.follows',
    doc: 'The balloon is on its way, or was not told to move: its polls with that problem are forgotten.',
    when: (c) => watched(c) && !notFollowing(c) && c.balloon?.notFollowing !== null,
    then: (_, draft) => remember(draft, { notFollowing: null }),
  },
  {
    name: 'vm.balloon.uncontrolled',
    doc: 'The balloon is blown up while the guest reports no memory use, poll after poll: nobody controls it.',
    when: uncontrolled,
    then: (c, draft) => {
      const { count, full } = counted(c.balloon?.uncontrolled ?? null, c.iterations);
      remember(draft, { uncontrolled: count });
      if (full)
        draft.events.push({ rule: 'vm.balloon.uncontrolled', name: 'VM_BALLOON_DRIVER_UNCONTROLLED', params: {} });
    },
  },
  {
    name: 'vm.balloon.controlled',
    doc: 'The guest reports its memory use, or the balloon is empty: its polls with that problem are forgotten.',
    when: (c) => watched(c) && !uncontrolled(c) && c.balloon?.uncontrolled !== null,
    then: (_, draft) => remember(draft, { uncontrolled: null }),
  },
  {
    name: 'vm.balloon.moved',
    doc: 'The balloon is not at rest: the next poll is measured against what it holds now.',
    when: (c) => watched(c) && c.sample.balloon !== null && c.sample.balloon.current !== c.sample.balloon.target,
    then: (c, draft) => remember(draft, { before: c.sample.balloon?.current ?? null }),
  },
];

/**
 * Whether any row can match: by what the rows ask for first. False is sure, and the case of nearly every VM: it has no
 * balloon that is watched, and more memory than it is guaranteed.
 */
export function figuresMatter(
  vm: Vm,
  /** What the balloon leaves the VM, KiB; NaN: it has none. */
  current: number,
  ballooning: boolean,
  balloon: BalloonState | undefined,
): boolean {
  if (Number.isNaN(current)) return !ballooning && balloon !== undefined;
  return ballooning || balloon !== undefined || isUnderGuarantee(vm, current);
}

const isUnderGuarantee = ({ static: { minMemoryMb } }: Vm, current: number): boolean =>
  current > 0 && minMemoryMb !== null && minMemoryMb > current / 1024;

/** What the figures of one poll give rise to; without a balloon to watch nothing is remembered. */
export function judgeFigures(c: FiguresCase): FiguresDraft {
  const draft: FiguresDraft = { balloon: c.balloon, events: [] };
  applyEach(figuresEffects, c, draft, () => undefined);
  return draft;
}

function remember(draft: FiguresDraft, fields: Partial<BalloonState>): void {
  const before = draft.balloon ?? { before: null, notFollowing: null, uncontrolled: null };
  draft.balloon = { ...before, ...fields };
}
