import fc from 'fast-check';
import type { ExitReason, PauseStatus, VmStatus } from '../../../src/model/index.js';

/**
 * What may happen, as plain data: fast-check draws it, shortens it when a law breaks, and prints what is left. A step that
 * makes no sense at its moment (a VM that runs nowhere cannot vanish) does nothing, so every part of a history is a history.
 */
export type Step =
  /** A VM appears on a host, whoever has it already. */
  | { readonly does: 'start'; readonly vm: number; readonly host: number; readonly as: VmStatus }
  | { readonly does: 'become'; readonly vm: number; readonly status: VmStatus }
  | { readonly does: 'pause'; readonly vm: number; readonly code: PauseStatus }
  /** It goes down, and its agent lists it as Down until somebody destroys it. */
  | { readonly does: 'end'; readonly vm: number; readonly error: boolean; readonly reason: ExitReason }
  /** It is in no list any more. */
  | { readonly does: 'vanish'; readonly vm: number }
  | { readonly does: 'migrate'; readonly vm: number; readonly to: number; readonly told: boolean }
  | { readonly does: 'arrive'; readonly vm: number; readonly source: 'down' | 'gone' | 'still there' }
  | { readonly does: 'failToMigrate'; readonly vm: number }
  /** Its agent says something else of it. */
  | { readonly does: 'say'; readonly vm: number; readonly what: Saying }
  | { readonly does: 'fault'; readonly host: number; readonly kind: Fault; readonly of: Affected }
  | { readonly does: 'recover'; readonly host: number }
  /** The machine boots: its VMs are gone and its event clock begins anew. */
  | { readonly does: 'boot'; readonly host: number; readonly recovering: boolean }
  | { readonly does: 'begin' | 'finish'; readonly vm: number; readonly command: Command }
  | { readonly does: 'expectColdReboot'; readonly vm: number }
  | { readonly does: 'noteExternalData'; readonly vm: number; readonly kept: boolean }
  | { readonly does: HostOrder; readonly host: number }
  | { readonly does: 'removeVm'; readonly vm: number }
  | { readonly does: 'putVm'; readonly vm: number; readonly ha: boolean; readonly memoryMb: number }
  | { readonly does: 'putCluster'; readonly cpuName: string; readonly networks: readonly string[] }
  | { readonly does: 'acknowledge'; readonly nth: number }
  | { readonly does: 'restartFailed'; readonly vm: number }
  | { readonly does: 'poke'; readonly host: number }
  | { readonly does: 'loseDatabase' | 'findDatabase' }
  /** "crash": without a word to anybody, and what was not flushed is lost. */
  | { readonly does: 'restart'; readonly how: 'stop' | 'crash' };

export type Saying = 'fqdn' | 'user' | 'hash' | 'watchdog' | 'client' | 'tpm' | 'apps' | 'ip' | 'silence' | 'cd';
export type Fault = 'hang' | 'refuse' | 'garbage' | 'recovering' | 'busy' | 'error' | 'slow';
export type Affected = 'everything' | 'VMs' | 'statistics' | 'capabilities';
type Command = 'start' | 'migrate' | 'snapshot' | 'destroy';
type HostOrder = 'maintenance' | 'activate' | 'rebooting' | 'confirmRebooted' | 'removeHost' | 'addHost' | 'refresh';

/** One step, and the time that passes after it. */
export interface Moment {
  readonly step: Step;
  readonly seconds: number;
}

export interface History {
  readonly mode: 'observer' | 'manager';
  /** Whether the manager says which VMs it has; without that, VMs are taken in as they are reported. */
  readonly inventory: boolean;
  /** How long changes wait for their flush: what a crash takes with it. */
  readonly lingerMs: number;
  /** Steps of evidence between two turns of the event loop: how finely hosts' reports interleave. */
  readonly sliceSize: number;
  readonly moments: readonly Moment[];
}

export const HOSTS = ['h0', 'h1', 'h2'] as const;
/** The last two are in nobody's inventory. */
export const VMS = ['v0', 'v1', 'v2', 'v3', 'v4', 'v5', 'v6', 'v7', 'v8', 'v9'] as const;
export const FOREIGN: ReadonlySet<string> = new Set(['v8', 'v9']);

const vm = fc.nat(VMS.length - 1);
const host = fc.nat(HOSTS.length - 1);
const running: readonly VmStatus[] = ['Up', 'PoweringUp', 'NotResponding', 'RebootInProgress', 'PoweringDown'];
const others: readonly VmStatus[] = ['WaitForLaunch', 'SavingState', 'RestoringState', 'MigratingTo', 'MigratingFrom'];
const reasons: readonly ExitReason[] = [
  'Success',
  'GenericError',
  'MigrationSucceeded',
  'UserShutdown',
  'HostShutdown',
  'DestroyedOnReboot',
  'PostcopyMigrationFailed',
];
const pauses: readonly PauseStatus[] = ['NOERR', 'EIO', 'ENOSPC', 'EPERM', 'EOTHER', 'POSTCOPY'];
const sayings: readonly Saying[] = ['fqdn', 'user', 'hash', 'watchdog', 'client', 'tpm', 'apps', 'ip', 'silence', 'cd'];
const faults: readonly Fault[] = ['hang', 'refuse', 'garbage', 'recovering', 'busy', 'error', 'slow'];
const affected: readonly Affected[] = ['everything', 'everything', 'VMs', 'statistics', 'capabilities'];
const commands: readonly Command[] = ['start', 'migrate', 'snapshot', 'destroy'];
const orders: readonly HostOrder[] = ['maintenance', 'activate', 'rebooting', 'confirmRebooted', 'refresh'];

type Weighted = { readonly weight: number; readonly arbitrary: fc.Arbitrary<Step> };
const often = (weight: number, arbitrary: fc.Arbitrary<Step>): Weighted => ({ weight, arbitrary });
const does = <D extends Step['does']>(name: D) => fc.constant(name);

/** The steps that are about VMs and agents alone. */
export const stepOf = {
  start: fc.record({
    ...{ does: does('start'), vm, host },
    as: fc.constantFrom<VmStatus>('Up', 'Up', 'WaitForLaunch', 'PoweringUp', 'Paused'),
  }),
  become: fc.record({ does: does('become'), vm, status: fc.constantFrom(...running, ...running, ...others) }),
  pause: fc.record({ does: does('pause'), vm, code: fc.constantFrom(...pauses) }),
  end: fc.record({ does: does('end'), vm, error: fc.boolean(), reason: fc.constantFrom(...reasons) }),
  vanish: fc.record({ does: does('vanish'), vm }),
  migrate: fc.record({ does: does('migrate'), vm, to: host, told: fc.boolean() }),
  arrive: fc.record({
    ...{ does: does('arrive'), vm },
    source: fc.constantFrom('down' as const, 'gone' as const, 'still there' as const),
  }),
  failToMigrate: fc.record({ does: does('failToMigrate'), vm }),
  say: fc.record({ does: does('say'), vm, what: fc.constantFrom(...sayings) }),
  fault: fc.record({
    ...{ does: does('fault'), host },
    ...{ kind: fc.constantFrom(...faults), of: fc.constantFrom(...affected) },
  }),
  recover: fc.record({ does: does('recover'), host }),
} satisfies Partial<Record<Step['does'], fc.Arbitrary<Step>>>;

const step: fc.Arbitrary<Step> = fc.oneof(
  often(4, stepOf.start),
  often(4, stepOf.become),
  often(2, stepOf.pause),
  often(3, stepOf.end),
  often(2, stepOf.vanish),
  often(4, stepOf.migrate),
  often(4, stepOf.arrive),
  often(1, stepOf.failToMigrate),
  often(3, stepOf.say),
  often(4, stepOf.fault),
  often(3, stepOf.recover),
  often(1, fc.record({ does: does('boot'), host, recovering: fc.boolean() })),
  often(2, fc.record({ does: fc.constantFrom('begin', 'finish'), vm, command: fc.constantFrom(...commands) })),
  often(1, fc.record({ does: does('expectColdReboot'), vm })),
  often(1, fc.record({ does: does('noteExternalData'), vm, kept: fc.boolean() })),
  often(3, fc.record({ does: fc.constantFrom(...orders), host })),
  often(1, fc.record({ does: fc.constantFrom('removeHost', 'addHost'), host })),
  often(1, fc.record({ does: does('removeVm'), vm })),
  often(1, fc.record({ does: does('putVm'), vm, ha: fc.boolean(), memoryMb: fc.constantFrom(2048, 4096) })),
  often(
    1,
    fc.record({
      ...{ does: does('putCluster'), cpuName: fc.constantFrom('Haswell', 'Nehalem') },
      networks: fc.subarray(['ovirtmgmt', 'storage', 'display']),
    }),
  ),
  often(2, fc.record({ does: does('acknowledge'), nth: fc.nat(5) })),
  often(1, fc.record({ does: does('restartFailed'), vm })),
  often(1, fc.record({ does: does('poke'), host })),
  often(1, fc.record({ does: fc.constantFrom('loseDatabase', 'findDatabase') })),
  often(2, fc.record({ does: does('restart'), how: fc.constantFrom('stop', 'crash') })),
);

/** From "at once" to longer than any grace time. */
const seconds = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(0, 0, 1, 3) },
  { weight: 6, arbitrary: fc.integer({ min: 4, max: 35 }) },
  { weight: 1, arbitrary: fc.constantFrom(70, 120, 200) },
);

export function histories(mode: History['mode']): fc.Arbitrary<History> {
  return fc.record({
    mode: fc.constant(mode),
    inventory: fc.boolean(),
    lingerMs: fc.constantFrom(0, 0, 10, 4000),
    sliceSize: fc.constantFrom(500, 3, 1),
    moments: fc.array(fc.record({ step, seconds }), { minLength: 1, maxLength: 18, size: 'max' }),
  });
}

export const inWords = ({ step, seconds: s }: Moment): string => `${JSON.stringify(step)} … ${s} s`;
