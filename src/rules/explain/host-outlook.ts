import { type NonOperationalReason, notMonitored, type VdsLiveness, type VdsStatus } from '../../model/index.js';
import { many, type NextStep, type Outlook, type OutlookRow, outlookOf } from './outlook.js';

/** What is known about a host when somebody asks. */
export interface HostOutlookFacts {
  readonly mode: 'observer' | 'manager';
  readonly name: string;
  readonly status: VdsStatus;
  readonly reason: NonOperationalReason;
  readonly autoRecovers: boolean;
  readonly liveness: Pick<
    VdsLiveness,
    'attempts' | 'recoveringSince' | 'readyForUp' | 'vmStatsFailingSince' | 'rebootUntil'
  >;
  /** VMs that are stored on it. */
  readonly vms: number;
  readonly graceAttempts: number;
  readonly graceSeconds: number;
  /** Since its last answer; null: it was never heard by this service. */
  readonly silentSeconds: number | null;
  /** While its grace lasts. */
  readonly graceEndsAt: number | null;
  readonly recoveryTimeoutSeconds: number;
  readonly nextPollAt: number | null;
}

type Row = OutlookRow<HostOutlookFacts>;

const is =
  (...statuses: VdsStatus[]) =>
  (f: HostOutlookFacts): boolean =>
    statuses.includes(f.status);

function attempt(f: HostOutlookFacts): NextStep[] {
  return [
    ...(f.nextPollAt === null ? [] : [{ text: 'next attempt', at: f.nextPollAt }]),
    { text: `at once: vurti poke ${f.name}`, at: null },
  ];
}

function poll(f: HostOutlookFacts): NextStep[] {
  return f.nextPollAt === null ? [] : [{ text: 'asked next', at: f.nextPollAt }];
}

const back = 'it answers capabilities and statistics, and breaks no rule of its cluster → Up';
const broken = 'it answers, and breaks a rule of its cluster → NonOperational';

/** Situations of a host. */
const rows: readonly Row[] = [
  {
    when: (f) => f.liveness.rebootUntil !== null && is('Connecting', 'NonResponsive', 'Unassigned')(f),
    notDone: () => [{ what: 'NonResponsive', why: 'the manager said that it boots' }],
    endsWhen: () => [back, 'its time to boot is over → its silence counts'],
    next: (f) => [{ text: 'its silence counts from', at: f.liveness.rebootUntil }, ...attempt(f)],
  },
  {
    when: is('Connecting'),
    notDone: (f) => [
      {
        what: 'NonResponsive',
        why: `in grace: needs more than ${many(f.graceAttempts, 'failed attempt')} (${f.liveness.attempts} so far) and ${f.graceSeconds}s of silence${f.silentSeconds === null ? '' : ` (${f.silentSeconds}s so far)`}`,
      },
      { what: 'VMs', why: `its ${many(f.vms, 'VM')} keep their status meanwhile` },
    ],
    endsWhen: (f) => [back, broken, `it stays silent → NonResponsive, its ${many(f.vms, 'VM')} Unknown`],
    next: (f) => [
      ...(f.graceEndsAt === null ? [] : [{ text: 'counts as lost unless it answers', at: f.graceEndsAt }]),
      ...attempt(f),
    ],
  },
  {
    when: is('NonResponsive'),
    endsWhen: (f) => [
      back,
      broken,
      f.mode === 'manager'
        ? `you have proof that it is off: vurti hosts confirm-rebooted ${f.name} → its VMs Down`
        : 'the engine fences it, or puts it into Maintenance',
    ],
    next: attempt,
  },
  {
    when: is('Unassigned'),
    notDone: () => [{ what: 'any verdict', why: 'contact is being made; the first failed attempts are in grace' }],
    endsWhen: () => [back, broken, 'it does not answer → Connecting, then NonResponsive'],
    next: attempt,
  },
  {
    when: is('Initializing'),
    notDone: (f) => [
      {
        what: 'any verdict on its VMs',
        why: `its agent does not know them yet; its ${many(f.vms, 'VM')} keep their status`,
      },
    ],
    endsWhen: (f) => [back, `its agent still recovers after ${f.recoveryTimeoutSeconds}s → NonOperational`],
    next: (f) => [
      ...(f.liveness.recoveringSince === null
        ? []
        : [
            {
              text: 'NonOperational unless it has recovered',
              at: f.liveness.recoveringSince + f.recoveryTimeoutSeconds * 1000,
            },
          ]),
      ...attempt(f),
    ],
  },
  {
    when: is('NonOperational', 'Error'),
    endsWhen: (f) => [
      ...(f.autoRecovers && f.status === 'NonOperational'
        ? ['automatic recovery finds nothing against it → activated']
        : []),
      `the cause is removed and it is activated: vurti hosts activate ${f.name}`,
    ],
    next: poll,
  },
  {
    when: is('PreparingForMaintenance'),
    notDone: (f) => [{ what: 'Maintenance', why: `${many(f.vms, 'VM')} of it, or an image transfer, are still there` }],
    endsWhen: () => ['nothing runs on it any more → Maintenance', 'it is activated again'],
    next: poll,
  },
  {
    when: (f) => notMonitored.has(f.status),
    notDone: (f) => [
      { what: 'asking and judging it', why: `it is ${f.status}: somebody else is at work on it, or it is off` },
    ],
    endsWhen: (f) => [`it is activated: vurti hosts activate ${f.name}`],
  },
  {
    when: (f) => f.liveness.vmStatsFailingSince !== null,
    notDone: (f) => [
      { what: 'any change of its VMs', why: `it answers, but not getAllVmStats: its ${many(f.vms, 'VM')} are stale` },
    ],
    endsWhen: () => ['getAllVmStats is answered again'],
    next: poll,
  },
  { when: () => true, next: poll },
];

export const hostOutlook = (facts: HostOutlookFacts): Outlook => outlookOf(rows, facts);
