import { describe, expect, it } from 'vitest';
import type { PauseStatus, Unsettled, VdsStatus, VmStatus } from '../../src/model/index.js';
import { type Outlook, type VmOutlookFacts, vmOutlook } from '../../src/rules/index.js';

type Host = NonNullable<VmOutlookFacts['host']>;
type More = Partial<Omit<VmOutlookFacts, 'host' | 'static' | 'dynamic' | 'commands'>> & {
  readonly on?: (Partial<Host> & { readonly status: VdsStatus }) | null;
  readonly busy?: boolean;
  readonly ha?: boolean | null;
  readonly lease?: boolean;
  readonly pause?: PauseStatus;
};

/** web on h1, in a manager's hands, with three other hosts that answer; h1 is asked again at 5000. */
function outlook(status: VmStatus, { on, busy, ha, lease, pause, ...more }: More = {}): Outlook {
  const h1: Host = { name: 'h1', status: 'Up', nextPollAt: 5000, graceEndsAt: null, vmStatsFailing: false };
  const idle = { changedAt: null, asyncRunning: false, coldReboot: false, inPowerOffWindow: false };
  return vmOutlook({
    ...{ mode: 'manager', destination: null, unsettled: undefined, missesNeeded: 2, answeringHosts: 3 },
    static: { ha: ha === undefined ? true : ha, lease: lease ?? false },
    dynamic: { status, pauseStatus: pause ?? 'NONE', migratingToVds: null },
    host: on === null ? null : { ...h1, ...on },
    commands: { ...idle, busy: busy ?? false },
    ...more,
  });
}

const missing = (misses: number): Unsettled => ({ reason: 'missing', misses, since: 1, lastSeq: 1 });
const lost = { status: 'NonResponsive' } as const;
const report = [{ text: 'next report of h1', at: 5000 }];
const attempt = [
  { text: 'next attempt to hear from h1', at: 5000 },
  { text: 'vurti explain host h1', at: null },
];
const MOVES = 'another host lists it → it moves there';
const LISTS = 'h1 lists it → that status';

/** experience.md §2: what was not done and why, what would end it, what comes next. */
const rows: [title: string, status: VmStatus, more: More, expected: Partial<Outlook>][] = [
  ['well: nothing but the next report', 'Up', {}, { notDone: [], endsWhen: [], next: report }],
  ['on no host, and Down', 'Down', { on: null }, { endsWhen: ['a host reports it → it runs there'], next: [] }],
  [
    'Unknown, its host silent: three things that were not done',
    'Unknown',
    { on: lost },
    {
      notDone: [
        {
          what: 'Down by absence',
          why: 'needs 2 complete reports of h1 without it; since it fell silent there was none',
        },
        { what: 'adoption', why: 'none of the 3 other hosts that answer reports it' },
        { what: 'HA restart', why: 'no proof that h1 is off' },
      ],
      endsWhen: [
        LISTS,
        'h1 answers twice without it → Down with an error',
        MOVES,
        'you have proof that h1 is off: vurti hosts confirm-rebooted h1',
      ],
      next: attempt,
    },
  ],
  [
    'Unknown, its host silent, beside an engine',
    'Unknown',
    { on: { ...lost, nextPollAt: null }, mode: 'observer', missesNeeded: 1, answeringHosts: 1, lease: true },
    {
      notDone: [
        {
          what: 'Down by absence',
          why: 'needs 1 complete report of h1 without it; since it fell silent there was none',
        },
        { what: 'adoption', why: 'the one other host that answers does not report it' },
        {
          what: 'HA restart',
          why: 'no proof that h1 is off; its lease lets it be tried elsewhere from time to time',
        },
      ],
      endsWhen: [
        LISTS,
        'h1 answers once without it → Down, exit unknown',
        MOVES,
        'the engine confirms that h1 is off, and lists it elsewhere',
      ],
      next: [{ text: 'vurti explain host h1', at: null }],
    },
  ],
  [
    'Unknown, and no other host answers either',
    'Unknown',
    { on: lost, answeringHosts: 0, ha: false },
    {
      notDone: [
        expect.objectContaining({ what: 'Down by absence' }),
        { what: 'adoption', why: 'no other host answers' },
        { what: 'HA restart', why: 'it is not highly available' },
      ],
    },
  ],
  [
    'Unknown, and nobody said whether it is highly available',
    'Unknown',
    { on: lost, ha: null, lease: true },
    {
      notDone: [
        expect.objectContaining({ what: 'Down by absence' }),
        expect.objectContaining({ what: 'adoption' }),
        { what: 'HA restart', why: 'whether it is highly available is not known' },
      ],
    },
  ],
  [
    'Unknown, its host back, its report not yet there',
    'Unknown',
    {},
    {
      notDone: [{ what: 'Down by absence', why: 'needs 2 complete reports of h1 without it' }],
      endsWhen: [LISTS, 'h1 answers twice without it → Down with an error', MOVES],
      next: report,
    },
  ],
  [
    'Unknown, its host back, missed once since',
    'Unknown',
    { unsettled: missing(1) },
    { endsWhen: [LISTS, 'h1 answers once more without it → Down with an error', MOVES], next: report },
  ],
  [
    'Unknown, and its host is not known',
    'Unknown',
    { on: null },
    {
      notDone: [{ what: 'any verdict', why: 'no host is known to run it' }],
      endsWhen: ['a host lists it → it runs there'],
      next: [],
    },
  ],
  [
    'missed once of three times (D23)',
    'Up',
    { unsettled: missing(1), missesNeeded: 3 },
    {
      notDone: [],
      endsWhen: [
        'h1 lists it again → it stays as it is',
        'h1 answers twice more without it → Down with an error',
        MOVES,
      ],
      next: report,
    },
  ],
  [
    'missed once of many times, beside an engine',
    'Up',
    { unsettled: missing(1), missesNeeded: 4, mode: 'observer' },
    {
      endsWhen: [
        'h1 lists it again → it stays as it is',
        'h1 answers 3 times more without it → Down, exit unknown',
        MOVES,
      ],
    },
  ],
  [
    'missed as often as is needed since the setting was lowered: the next one decides',
    'Up',
    { unsettled: missing(3), missesNeeded: 1 },
    {
      endsWhen: [
        'h1 lists it again → it stays as it is',
        'h1 answers once more without it → Down with an error',
        MOVES,
      ],
    },
  ],
  [
    '§4.3: a command works on it',
    'Up',
    { busy: true },
    {
      notDone: [{ what: 'judging its reports', why: 'a command of the manager works on it' }],
      endsWhen: ['the command ends, or its time is over → the next report counts'],
      next: report,
    },
  ],
  [
    '§4.3: a command ended after the last report was asked for',
    'Up',
    { unsettled: { reason: 'command', since: 1 } },
    {
      notDone: [
        { what: 'judging its reports', why: 'the last report was asked for before a command of the manager ended' },
      ],
      endsWhen: ['the command ends, or its time is over → the next report counts'],
      next: report,
    },
  ],
  ...(['older', 'failed'] as const).map((reason): (typeof rows)[number] => [
    `the last report could not be judged: ${reason}`,
    'Up',
    { unsettled: { reason, since: 1 } },
    { notDone: [], endsWhen: ['a report of h1 that can be judged'], next: report },
  ]),
  [
    '§4.8: reported Down before its data were saved',
    'Up',
    { unsettled: { reason: 'awaitingData', since: 1 } },
    { notDone: [], endsWhen: ['its TPM and NVRAM data are saved → the next report counts'], next: report },
  ],
  [
    'it migrates away: both ends are said',
    'MigratingFrom',
    { destination: 'h2' },
    {
      notDone: [],
      endsWhen: ['h2 reports it running → it runs there', 'h1 reports it running again → the migration has failed'],
      next: report,
    },
  ],
  [
    'it has left, and has not arrived',
    'MigratingTo',
    {},
    { endsWhen: ['the destination reports it running → it runs there'], next: report },
  ],
  [
    'its host is silent, in grace',
    'Up',
    { on: { status: 'Connecting', graceEndsAt: 9000 } },
    {
      notDone: [{ what: 'any change', why: 'h1 is Connecting: nothing new is heard of its VMs' }],
      endsWhen: ['h1 answers → what it then lists', 'h1 stays silent → NonResponsive, and this VM Unknown'],
      next: [{ text: 'h1 counts as lost unless it answers', at: 9000 }, ...attempt],
    },
  ],
  [
    'its host is not asked',
    'Up',
    { on: { status: 'Maintenance', nextPollAt: null } },
    {
      notDone: [{ what: 'any change', why: 'h1 is Maintenance: nothing new is heard of its VMs' }],
      endsWhen: ['h1 answers → what it then lists'],
      next: [{ text: 'vurti explain host h1', at: null }],
    },
  ],
  [
    'it does not run: its host’s silence does not matter',
    'Down',
    { on: lost },
    { notDone: [], endsWhen: [], next: attempt },
  ],
  [
    'its host answers, but not about its VMs (D29)',
    'Up',
    { on: { status: 'Up', vmStatsFailing: true } },
    {
      notDone: [{ what: 'any change', why: 'h1 answers, but not about its VMs' }],
      endsWhen: ['h1 answers getAllVmStats again'],
      next: report,
    },
  ],
  [
    'paused by an error',
    'Paused',
    { pause: 'ENOSPC' },
    { notDone: [], endsWhen: ['the cause (ENOSPC) is removed and the VM is resumed'], next: report },
  ],
  ['paused by somebody', 'Paused', { pause: 'NONE' }, { notDone: [], endsWhen: [], next: report }],
  ['a pause that is over', 'Up', { pause: 'EIO' }, { notDone: [], endsWhen: [], next: report }],
  [
    'its QEMU does not answer',
    'NotResponding',
    {},
    { notDone: [], endsWhen: ['its QEMU answers its monitor again', 'it is reported Down'], next: report },
  ],
];

describe('what is to come of a VM', () => {
  it.each(rows)('%s (%s)', (_, status, more, expected) => {
    expect(outlook(status, more)).toMatchObject(expected);
  });
});
