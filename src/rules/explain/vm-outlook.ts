import {
  notRunning,
  pauseIsError,
  type Unsettled,
  type VdsStatus,
  type VmDynamic,
  type VmStatic,
  vmPollAllowed,
} from '../../model/index.js';
import type { VmCommands } from '../vm/case.js';
import { many, type NextStep, type Outlook, type OutlookRow, outlookOf } from './outlook.js';

/** What is known about a VM when somebody asks. */
export interface VmOutlookFacts {
  readonly mode: 'observer' | 'manager';
  readonly static: Pick<VmStatic, 'ha' | 'lease'>;
  readonly dynamic: Pick<VmDynamic, 'status' | 'pauseStatus' | 'migratingToVds'>;
  /** The host that it is stored on; null: it runs nowhere. */
  readonly host: {
    readonly name: string;
    readonly status: VdsStatus;
    readonly nextPollAt: number | null;
    readonly graceEndsAt: number | null;
    /** getAllVmStats fails. */
    readonly vmStatsFailing: boolean;
  } | null;
  readonly destination: string | null;
  readonly unsettled: Unsettled | undefined;
  readonly commands: VmCommands;
  readonly missesNeeded: number;
  /** Other hosts that answer. */
  readonly answeringHosts: number;
}

type Row = OutlookRow<VmOutlookFacts>;

const status = (f: VmOutlookFacts) => f.dynamic.status;
const hostOf = (f: VmOutlookFacts): string => f.host?.name ?? 'its host';
const polled = (f: VmOutlookFacts): boolean => f.host !== null && vmPollAllowed.has(f.host.status);
const down = (f: VmOutlookFacts): string => (f.mode === 'manager' ? 'Down with an error' : 'Down, exit unknown');
const times = ['once', 'twice'];
function without(f: VmOutlookFacts): string {
  const missed = f.unsettled?.reason === 'missing' ? f.unsettled.misses : 0;
  const left = Math.max(1, f.missesNeeded - missed);
  const often = times[left - 1] ?? `${left} times`;
  return `${hostOf(f)} answers ${often}${missed > 0 ? ' more' : ''} without it → ${down(f)}`;
}
const elsewhere = 'another host lists it → it moves there';

function nextPoll(f: VmOutlookFacts): NextStep[] {
  if (f.host === null) return [];
  const what = polled(f) ? `next report of ${f.host.name}` : `next attempt to hear from ${f.host.name}`;
  const steps: NextStep[] = f.host.nextPollAt === null ? [] : [{ text: what, at: f.host.nextPollAt }];
  return polled(f) ? steps : [...steps, { text: `vurti explain host ${f.host.name}`, at: null }];
}

function noProof(f: VmOutlookFacts): string {
  if (f.static.ha === null) return 'whether it is highly available is not known';
  if (f.static.ha === false) return 'it is not highly available';
  return f.static.lease
    ? `no proof that ${hostOf(f)} is off; its lease lets it be tried elsewhere from time to time`
    : `no proof that ${hostOf(f)} is off`;
}

/** Situations of a VM, the most telling first. */
const rows: readonly Row[] = [
  {
    when: (f) => status(f) === 'Unknown' && f.host !== null && !polled(f),
    notDone: (f) => [
      {
        what: 'Down by absence',
        why: `needs ${many(f.missesNeeded, 'complete report')} of ${hostOf(f)} without it; since it fell silent there was none`,
      },
      {
        what: 'adoption',
        why:
          f.answeringHosts === 0
            ? 'no other host answers'
            : f.answeringHosts === 1
              ? 'the one other host that answers does not report it'
              : `none of the ${f.answeringHosts} other hosts that answer reports it`,
      },
      { what: 'HA restart', why: noProof(f) },
    ],
    endsWhen: (f) => [
      `${hostOf(f)} lists it → that status`,
      without(f),
      elsewhere,
      f.mode === 'manager'
        ? `you have proof that ${hostOf(f)} is off: vurti hosts confirm-rebooted ${hostOf(f)}`
        : `the engine confirms that ${hostOf(f)} is off, and lists it elsewhere`,
    ],
    next: nextPoll,
  },
  {
    when: (f) => status(f) === 'Unknown' && f.host !== null,
    notDone: (f) => [
      { what: 'Down by absence', why: `needs ${many(f.missesNeeded, 'complete report')} of ${hostOf(f)} without it` },
    ],
    endsWhen: (f) => [`${hostOf(f)} lists it → that status`, without(f), elsewhere],
    next: nextPoll,
  },
  {
    when: (f) => status(f) === 'Unknown',
    notDone: () => [{ what: 'any verdict', why: 'no host is known to run it' }],
    endsWhen: () => ['a host lists it → it runs there'],
  },
  {
    when: (f) => f.unsettled?.reason === 'missing',
    endsWhen: (f) => [`${hostOf(f)} lists it again → it stays as it is`, without(f), elsewhere],
    next: nextPoll,
  },
  {
    when: (f) => f.commands.busy || f.unsettled?.reason === 'command',
    notDone: (f) => [
      {
        what: 'judging its reports',
        why: f.commands.busy
          ? 'a command of the manager works on it'
          : 'the last report was asked for before a command of the manager ended',
      },
    ],
    endsWhen: () => ['the command ends, or its time is over → the next report counts'],
    next: nextPoll,
  },
  {
    when: (f) => f.unsettled?.reason === 'older' || f.unsettled?.reason === 'failed',
    endsWhen: (f) => [`a report of ${hostOf(f)} that can be judged`],
    next: nextPoll,
  },
  {
    when: (f) => f.unsettled?.reason === 'awaitingData',
    endsWhen: () => ['its TPM and NVRAM data are saved → the next report counts'],
    next: nextPoll,
  },
  {
    when: (f) => status(f) === 'MigratingFrom' || status(f) === 'MigratingTo',
    endsWhen: (f) => [
      `${f.destination ?? 'the destination'} reports it running → it runs there`,
      ...(status(f) === 'MigratingFrom' ? [`${hostOf(f)} reports it running again → the migration has failed`] : []),
    ],
    next: nextPoll,
  },
  {
    when: (f) => f.host !== null && !notRunning.has(status(f)) && !polled(f),
    notDone: (f) => [{ what: 'any change', why: `${hostOf(f)} is ${f.host?.status}: nothing new is heard of its VMs` }],
    endsWhen: (f) => [
      `${hostOf(f)} answers → what it then lists`,
      ...(f.host?.graceEndsAt === null || f.host === null
        ? []
        : [`${hostOf(f)} stays silent → NonResponsive, and this VM Unknown`]),
    ],
    next: (f) => [
      ...(f.host === null || f.host.graceEndsAt === null
        ? []
        : [{ text: `${f.host.name} counts as lost unless it answers`, at: f.host.graceEndsAt }]),
      ...nextPoll(f),
    ],
  },
  {
    when: (f) => f.host?.vmStatsFailing === true,
    notDone: (f) => [{ what: 'any change', why: `${hostOf(f)} answers, but not about its VMs` }],
    endsWhen: (f) => [`${hostOf(f)} answers getAllVmStats again`],
    next: nextPoll,
  },
  {
    when: (f) => status(f) === 'Paused' && pauseIsError.has(f.dynamic.pauseStatus),
    endsWhen: (f) => [`the cause (${f.dynamic.pauseStatus}) is removed and the VM is resumed`],
    next: nextPoll,
  },
  {
    when: (f) => status(f) === 'NotResponding',
    endsWhen: () => ['its QEMU answers its monitor again', 'it is reported Down'],
    next: nextPoll,
  },
  {
    when: (f) => f.host === null,
    endsWhen: () => ['a host reports it → it runs there'],
  },
  { when: () => true, next: nextPoll },
];

export const vmOutlook = (facts: VmOutlookFacts): Outlook => outlookOf(rows, facts);
