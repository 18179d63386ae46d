import { describe, expect, it } from 'vitest';
import { notMonitored, type VdsStatus } from '../../src/model/index.js';
import { failureFigures, type HostOutlookFacts, hostOutlook, type Outlook } from '../../src/rules/index.js';
import { host } from '../support/entities.js';
import { hostCase, NOW } from '../support/host-case.js';

type More = Partial<Omit<HostOutlookFacts, 'liveness'>> & { readonly liveness?: Partial<HostOutlookFacts['liveness']> };

function outlook(status: VdsStatus, { liveness, ...more }: More = {}): Outlook {
  const quiet = { attempts: 0, recoveringSince: null, readyForUp: false, vmStatsFailingSince: null, rebootUntil: null };
  return hostOutlook({
    ...{ mode: 'manager', name: 'h1', status, reason: 'NONE', autoRecovers: true, vms: 2 },
    ...{
      graceAttempts: 2,
      graceSeconds: 61,
      silentSeconds: 4,
      graceEndsAt: 9000,
      recoveryTimeoutSeconds: 180,
      nextPollAt: 5000,
    },
    liveness: { ...quiet, ...liveness },
    ...more,
  });
}

const BACK = 'it answers capabilities and statistics, and breaks no rule of its cluster → Up';
const BROKEN = 'it answers, and breaks a rule of its cluster → NonOperational';
const attempt = [
  { text: 'next attempt', at: 5000 },
  { text: 'at once: vurti poke h1', at: null },
];
const asked = [{ text: 'asked next', at: 5000 }];
const activate = 'the cause is removed and it is activated: vurti hosts activate h1';

/** experience.md §2: what was not done and why, what would end it, what comes next. */
const rows: [title: string, status: VdsStatus, more: More, expected: Outlook][] = [
  ['well: nothing but the next question', 'Up', {}, { notDone: [], endsWhen: [], next: asked }],
  [
    'in grace: both, attempts and silence, are said',
    'Connecting',
    { liveness: { attempts: 1 } },
    {
      notDone: [
        {
          what: 'NonResponsive',
          why: 'in grace: needs more than 2 failed attempts (1 so far) and 61s of silence (4s so far)',
        },
        { what: 'VMs', why: 'its 2 VMs keep their status meanwhile' },
      ],
      endsWhen: [BACK, BROKEN, 'it stays silent → NonResponsive, its 2 VMs Unknown'],
      next: [{ text: 'counts as lost unless it answers', at: 9000 }, ...attempt],
    },
  ],
  [
    'in grace of one attempt, with one VM',
    'Connecting',
    { graceAttempts: 1, vms: 1, graceEndsAt: null },
    {
      notDone: [
        {
          what: 'NonResponsive',
          why: 'in grace: needs more than 1 failed attempt (0 so far) and 61s of silence (4s so far)',
        },
        { what: 'VMs', why: 'its 1 VM keep their status meanwhile' },
      ],
      endsWhen: [BACK, BROKEN, 'it stays silent → NonResponsive, its 1 VM Unknown'],
      next: attempt,
    },
  ],
  [
    'lost, in a manager’s hands: proof that it is off frees its VMs',
    'NonResponsive',
    {},
    {
      notDone: [],
      endsWhen: [BACK, BROKEN, 'you have proof that it is off: vurti hosts confirm-rebooted h1 → its VMs Down'],
      next: attempt,
    },
  ],
  [
    'lost, beside an engine: that one acts',
    'NonResponsive',
    { mode: 'observer' },
    {
      notDone: [],
      endsWhen: [BACK, BROKEN, 'the engine fences it, or puts it into Maintenance'],
      next: attempt,
    },
  ],
  [
    'just added',
    'Unassigned',
    {},
    {
      notDone: [{ what: 'any verdict', why: 'contact is being made; the first failed attempts are in grace' }],
      endsWhen: [BACK, BROKEN, 'it does not answer → Connecting, then NonResponsive'],
      next: attempt,
    },
  ],
  [
    'when it is asked next is not known',
    'NonResponsive',
    { nextPollAt: null },
    {
      notDone: [],
      endsWhen: [BACK, BROKEN, 'you have proof that it is off: vurti hosts confirm-rebooted h1 → its VMs Down'],
      next: [{ text: 'at once: vurti poke h1', at: null }],
    },
  ],
  [
    '§3.7: its agent recovers; the time it has for it is said',
    'Initializing',
    { liveness: { recoveringSince: 4000 } },
    {
      notDone: [
        { what: 'any verdict on its VMs', why: 'its agent does not know them yet; its 2 VMs keep their status' },
      ],
      endsWhen: [BACK, 'its agent still recovers after 180s → NonOperational'],
      next: [{ text: 'NonOperational unless it has recovered', at: 184_000 }, ...attempt],
    },
  ],
  [
    '§3.7: its agent recovers, since before this process',
    'Initializing',
    {},
    {
      notDone: [
        { what: 'any verdict on its VMs', why: 'its agent does not know them yet; its 2 VMs keep their status' },
      ],
      endsWhen: [BACK, 'its agent still recovers after 180s → NonOperational'],
      next: attempt,
    },
  ],
  [
    '§2.12: NonOperational, and automatic recovery may act',
    'NonOperational',
    {},
    {
      notDone: [],
      endsWhen: ['automatic recovery finds nothing against it → activated', activate],
      next: asked,
    },
  ],
  [
    '§2.12: NonOperational without automatic recovery',
    'NonOperational',
    { autoRecovers: false, nextPollAt: null },
    { notDone: [], endsWhen: [activate], next: [] },
  ],
  ['§2.12: automatic recovery leaves Error alone', 'Error', {}, { notDone: [], endsWhen: [activate], next: asked }],
  [
    '§2.6: on its way to Maintenance',
    'PreparingForMaintenance',
    {},
    {
      notDone: [{ what: 'Maintenance', why: '2 VMs of it, or an image transfer, are still there' }],
      endsWhen: ['nothing runs on it any more → Maintenance', 'it is activated again'],
      next: asked,
    },
  ],
  [
    'it answers, but not about its VMs (D29)',
    'Up',
    { liveness: { vmStatsFailingSince: 3000 } },
    {
      notDone: [{ what: 'any change of its VMs', why: 'it answers, but not getAllVmStats: its 2 VMs are stale' }],
      endsWhen: ['getAllVmStats is answered again'],
      next: asked,
    },
  ],
  ...([...notMonitored] as VdsStatus[]).map((status): (typeof rows)[number] => [
    'somebody else’s turn',
    status,
    // What failed before no longer matters.
    { liveness: { vmStatsFailingSince: 3000, rebootUntil: 8000, recoveringSince: 1 } },
    {
      notDone: [
        { what: 'asking and judging it', why: `it is ${status}: somebody else is at work on it, or it is off` },
      ],
      endsWhen: ['it is activated: vurti hosts activate h1'],
      next: [],
    },
  ]),
  ...(['Connecting', 'NonResponsive', 'Unassigned'] as const).map((status): (typeof rows)[number] => [
    '§3.2: within the time that the manager gave it to boot',
    status,
    { liveness: { rebootUntil: 8000 } },
    {
      notDone: [{ what: 'NonResponsive', why: 'the manager said that it boots' }],
      endsWhen: [BACK, 'its time to boot is over → its silence counts'],
      next: [{ text: 'its silence counts from', at: 8000 }, ...attempt],
    },
  ]),
  [
    'a host that is there already does not boot any more',
    'Up',
    { liveness: { rebootUntil: 8000 } },
    { notDone: [], endsWhen: [], next: asked },
  ],
];

describe('what is to come of a host', () => {
  it.each(rows)('%s (%s)', (_, status, more, expected) => {
    expect(outlook(status, more)).toEqual(expected);
  });
});

/** §3.2: grace lasts while either limit holds; both are said with what they are made of. */
describe('how far a silent host has come', () => {
  const figures = (attempts: number, silentMs: number, vmCount = 26, spm = false): string =>
    failureFigures(
      hostCase(host('h1', 'Connecting', { vmCount, static: { spmStatus: spm ? 'SPM' : 'None' } }), {
        liveness: { lastAnswerAt: NOW - silentMs },
      }),
      attempts,
    );

  it.each<[string, number, number, string]>([
    ['neither limit passed', 1, 15_400, '1 failed attempt (≤ 2), 15s silent (≤ 73 = 60 + 0.5 × 26 VMs)'],
    ['exactly at both', 2, 73_000, '2 failed attempts (≤ 2), 73s silent (≤ 73 = 60 + 0.5 × 26 VMs)'],
    ['beyond both', 3, 73_001, '3 failed attempts (> 2), 73s silent (> 73 = 60 + 0.5 × 26 VMs)'],
    ['heard of later than asked', 3, -500, '3 failed attempts (> 2), 0s silent (≤ 73 = 60 + 0.5 × 26 VMs)'],
  ])('%s', (_, attempts, silentMs, expected) => {
    expect(figures(attempts, silentMs)).toBe(expected);
  });

  it('counts the storage pool manager, and one VM as one', () => {
    expect(figures(4, 80_400, 1, true)).toBe(
      '4 failed attempts (> 2), 80s silent (> 80 = 60 + 0.5 × 1 VM + 20 as storage pool manager)',
    );
  });
});
