import type { MonitorSettings, Vm, VmStatus } from '../../model/index.js';
import { matchOne, type Row } from '../row.js';

/** A highly available VM that is to be started again. */
export interface Restart {
  readonly vmId: string;
  /** When it was last tried, while it is not known what came of it; null: it waits to be tried. */
  readonly triedAt: number | null;
  /** The host application says that the try has failed. */
  readonly toldFailed: boolean;
  /** Tries that failed. */
  readonly failed: number;
  /** Not to be tried before. */
  readonly dueAt: number;
  /** How long it has waited for VMs of higher priority, up to `blockedAt`, since when it does again. */
  readonly blockedMs: number;
  readonly blockedAt: number | null;
}

export const newRestart = (vmId: string, now: number): Restart => ({
  vmId,
  triedAt: null,
  toldFailed: false,
  failed: 0,
  dueAt: now,
  blockedMs: 0,
  blockedAt: null,
});

interface RestartCase {
  readonly now: number;
  readonly restart: Restart;
  readonly vm: Vm | undefined;
  /** A command of the manager works on the VM or waits for it. */
  readonly busy: boolean;
  /** The highest priority of a VM that is still to come up. */
  readonly awaitedPriority: number;
  readonly settings: MonitorSettings['haRestart'];
}

interface RestartDraft {
  /** null: it is done with. */
  next: Restart | null;
  try: boolean;
  failed: boolean;
  blocked: boolean;
}

type RestartRow = Row<RestartCase, RestartDraft>;

/** On its way, or stopped on its way: others wait for it (§1.2). */
const comingUp: ReadonlySet<VmStatus> = new Set<VmStatus>([
  'WaitForLaunch',
  'PoweringUp',
  'Paused',
  'RebootInProgress',
  'MigratingTo',
  'MigratingFrom',
  'RestoringState',
]);

/** Whether the VM is one that is to be started again by itself (§4.15): how it ended must be known, and be an error. */
export function needsRestart(vm: Vm): boolean {
  return vm.static.ha === true && vm.dynamic.status === 'Down' && vm.dynamic.exitStatus === 'Error';
}

const comes = (c: RestartCase): boolean =>
  c.vm !== undefined && c.vm.static.ha === true && comingUp.has(c.vm.dynamic.status);
const needed = (c: RestartCase): boolean => c.vm !== undefined && needsRestart(c.vm);
const waiting = (c: RestartCase): boolean => needed(c) && c.restart.triedAt === null;
const tried = (c: RestartCase): boolean => needed(c) && c.restart.triedAt !== null;
const early = (c: RestartCase): boolean => c.now < c.restart.dueAt;
const blockedMs = (c: RestartCase): number =>
  c.restart.blockedMs + (c.restart.blockedAt === null ? 0 : c.now - c.restart.blockedAt);
const blocked = (c: RestartCase): boolean =>
  (c.vm?.static.priority ?? 0) < c.awaitedPriority && blockedMs(c) <= c.settings.maxBlockedSeconds * 1000;
/** Nobody said what came of the try, and it had its time. */
const overdue = (c: RestartCase): boolean =>
  !c.busy && c.now >= (c.restart.triedAt ?? c.now) + c.settings.retrySeconds * 1000;
const failed = (c: RestartCase): boolean => c.restart.toldFailed || overdue(c);

/** One VM in one round (oVirt AutoStartVmsRunner with HaAutoStartVmsRunner, §4.15). Exactly one row matches. */
export const restartTransitions: readonly RestartRow[] = [
  {
    name: 'ha.coming-up',
    doc: 'The VM is on its way: VMs of lower priority wait for it.',
    when: comes,
    then: (c, draft) => {
      draft.next = { ...c.restart, blockedAt: null };
    },
  },
  {
    name: 'ha.done',
    doc: 'The VM runs, is gone, is not highly available any more, or somebody else has ended it well.',
    when: (c) => !comes(c) && !needed(c),
    then: (_, draft) => {
      draft.next = null;
    },
  },
  {
    name: 'ha.early',
    doc: 'The last try has failed, and the next one is not due yet.',
    when: (c) => waiting(c) && early(c),
    then: () => undefined,
  },
  {
    name: 'ha.blocked',
    doc: 'A VM of higher priority is not up yet; that is waited for, but not longer than haRestart.maxBlockedSeconds in all.',
    when: (c) => waiting(c) && !early(c) && blocked(c),
    then: (c, draft) => {
      draft.blocked = true;
      draft.next = { ...c.restart, blockedMs: blockedMs(c), blockedAt: c.now };
    },
  },
  {
    name: 'ha.busy',
    doc: 'A command of the manager works on the VM: it is looked at again in a second.',
    when: (c) => waiting(c) && !early(c) && !blocked(c) && c.busy,
    then: (c, draft) => {
      draft.next = { ...c.restart, blockedMs: blockedMs(c), blockedAt: null };
    },
  },
  {
    name: 'ha.try',
    doc: 'The host application is asked to start the VM.',
    when: (c) => waiting(c) && !early(c) && !blocked(c) && !c.busy,
    then: (c, draft) => {
      draft.try = true;
      draft.next = { ...c.restart, blockedMs: blockedMs(c), blockedAt: null, triedAt: c.now, toldFailed: false };
    },
  },
  {
    name: 'ha.tried',
    doc: 'It was asked for, and nobody has said yet what came of it.',
    when: (c) => tried(c) && !failed(c),
    then: () => undefined,
  },
  {
    name: 'ha.try-failed',
    doc: 'The host application says that the start failed, or the VM is still down after haRestart.retrySeconds: it is tried again, for ever, but after haRestart.shortTries failures only every haRestart.longRetrySeconds.',
    when: (c) => tried(c) && failed(c),
    then: (c, draft) => {
      const count = c.restart.failed + 1;
      const { shortTries, retrySeconds, longRetrySeconds } = c.settings;
      const from = c.restart.toldFailed ? c.now : (c.restart.triedAt ?? c.now);
      draft.failed = true;
      draft.next = {
        ...c.restart,
        triedAt: null,
        toldFailed: false,
        failed: count,
        dueAt: from + (count < shortTries ? retrySeconds : longRetrySeconds) * 1000,
      };
    },
  },
];

export interface RestartFacts {
  readonly now: number;
  readonly vm: (vmId: string) => Vm | undefined;
  readonly busy: (vmId: string) => boolean;
  readonly settings: MonitorSettings['haRestart'];
}

export interface RestartRound {
  /** What is left, in the order of priority. */
  readonly queue: readonly Restart[];
  /** VMs to be started now, in order. */
  readonly start: readonly { readonly vm: Vm; readonly attempt: number; readonly rule: string }[];
  readonly failed: readonly { readonly vm: Vm; readonly rule: string }[];
  readonly blocked: readonly string[];
  /** When the next round is due; null: nothing is left. */
  readonly nextAt: number | null;
}

/** A round is due this long after one that left something to look at. */
const ROUND_MS = 1000;

/** One round over the queue: VMs of high priority first, those of equal priority in the order in which they came. */
export function restartRound(queue: readonly Restart[], facts: RestartFacts): RestartRound {
  const priority = (restart: Restart): number => facts.vm(restart.vmId)?.static.priority ?? 0;
  const left: Restart[] = [];
  const start: { vm: Vm; attempt: number; rule: string }[] = [];
  const failures: { vm: Vm; rule: string }[] = [];
  const blockedIds: string[] = [];
  let awaitedPriority = Number.NEGATIVE_INFINITY;
  let nextAt: number | null = null;
  for (const restart of [...queue].sort((a, b) => priority(b) - priority(a))) {
    const vm = facts.vm(restart.vmId);
    const c: RestartCase = {
      now: facts.now,
      restart,
      vm,
      busy: facts.busy(restart.vmId),
      awaitedPriority,
      settings: facts.settings,
    };
    const draft: RestartDraft = { next: restart, try: false, failed: false, blocked: false };
    const row = matchOne(restartTransitions, c);
    row.then(c, draft);
    if (draft.next === null || vm === undefined) continue;
    left.push(draft.next);
    if (draft.try) start.push({ vm, attempt: draft.next.failed + 1, rule: row.name });
    if (draft.failed) failures.push({ vm, rule: row.name });
    if (draft.blocked) blockedIds.push(restart.vmId);
    awaitedPriority = Math.max(awaitedPriority, vm.static.priority);
    const at = draft.next.dueAt > facts.now ? draft.next.dueAt : draft.failed ? facts.now : facts.now + ROUND_MS;
    nextAt = nextAt === null ? at : Math.min(nextAt, at);
  }
  return { queue: left, start, failed: failures, blocked: blockedIds, nextAt };
}
