import { initialLiveness, upOrLeaving, type VdsStatus } from '../../model/index.js';
import type { Row } from '../row.js';
import { recoverableNow } from './auto-recovery.js';
import type { HostCase } from './case.js';
import { takeCommitment } from './commitment.js';
import { byPriority, type HostDraft } from './draft.js';
import { fenceable } from './fencing.js';
import { canEnterMaintenance } from './maintenance.js';

/** What the manager, the API or one of our own timers says about a host. */
export type HostCommand =
  | { readonly is: 'activate' }
  | { readonly is: 'maintenance'; readonly reason: string | null }
  | { readonly is: 'rebooting'; readonly forSeconds?: number }
  | { readonly is: 'confirmRebooted' }
  /** Sums of what is pending for the host (§2.7). */
  | { readonly is: 'pending'; readonly memoryMb: number; readonly vcpus: number }
  /** A round of §2.12. */
  | { readonly is: 'autoRecovery' };

export type CommandCase = HostCase & { readonly command: HostCommand };
type CommandRow = Row<CommandCase, HostDraft>;

const is = (c: CommandCase, command: HostCommand['is']): boolean => c.command.is === command;
const status = (c: HostCase): VdsStatus => c.host.dynamic.status;
const runsVms = (c: HostCase): boolean => c.host.dynamic.vmCount > 0 || [...c.vms()].length > 0;
/** Beside an engine the host's VMs are the engine's: there is nothing to wait for. */
const empties = (c: HostCase): boolean =>
  c.general.mode === 'manager' && upOrLeaving.has(status(c)) && !canEnterMaintenance(c, c.host.dynamic.vmCount);
const leaving = (c: HostCase): boolean => status(c) === 'PreparingForMaintenance';

/** Somebody else is at work on the host; we do not take it out of his hands. */
const busyWithIt: ReadonlySet<VdsStatus> = new Set<VdsStatus>([
  'Installing',
  'InstallingOS',
  'PendingApproval',
  'Reboot',
  'Kdumping',
]);
/** Nothing is asked of them that could tell whether VMs run there. */
const out: ReadonlySet<VdsStatus> = new Set<VdsStatus>(['Maintenance', 'Down', 'InstallFailed']);
/**
 * Why the manager's command is refused (oVirt's validations of MaintenanceNumberOfVdss and of manual fencing); null: it is
 * not. An observer may put any host out of its sight.
 */
export function refusal(c: CommandCase): string | null {
  if (c.general.mode === 'observer') return null;
  const { static: facts, dynamic } = c.host;
  if (is(c, 'maintenance')) {
    if (busyWithIt.has(dynamic.status)) return `it is ${dynamic.status}`;
    const silent = !upOrLeaving.has(dynamic.status) && !out.has(dynamic.status);
    if (silent && runsVms(c)) return `it is ${dynamic.status} and may still run VMs`;
    if (silent && facts.spmStatus !== 'None') return `it is ${dynamic.status} and the storage pool manager`;
  }
  if (is(c, 'confirmRebooted') && !fenceable.has(dynamic.status)) return `it is ${dynamic.status}`;
  return null;
}

/** Somebody said something about a host. Exactly one row matches. */
export const commandTransitions: readonly CommandRow[] = [
  {
    name: 'host.activate',
    doc: 'Somebody activated the host: contact is made anew, whatever was before.',
    when: (c) => is(c, 'activate'),
    then: (c, draft) => {
      draft.status('Unassigned');
      draft.set({ maintenanceReason: null });
      const { capabilitiesRead, pushesSince, certificateExpiresAt, certificateWarnedOf } = c.liveness;
      // What is known of the connection is not undone by a word of ours.
      const kept = { capabilitiesRead, pushesSince, certificateExpiresAt, certificateWarnedOf };
      draft.live({ ...initialLiveness(c.now), ...kept });
    },
  },
  {
    name: 'host.maintenance.preparing',
    doc: 'Somebody wants the host in Maintenance, and VMs run on it: they are to be moved away first, and none may come.',
    when: (c) => is(c, 'maintenance') && empties(c) && !leaving(c),
    then: (c, draft) => {
      draft.status('PreparingForMaintenance');
      draft.set({ maintenanceReason: reasonOf(c) });
      draft.intent('maintenanceNumberOfVdss', {
        vms: byPriority(c.vms()).map((vm) => vm.id),
        cancelMigrationsOf: [...c.incomingVms()].map((vm) => vm.id).sort(),
      });
    },
  },
  {
    name: 'host.maintenance.preparing-already',
    doc: 'The host is being emptied already.',
    when: (c) => is(c, 'maintenance') && empties(c) && leaving(c),
    then: (c, draft) => draft.set({ maintenanceReason: reasonOf(c) }),
  },
  {
    name: 'host.maintenance',
    doc: 'Somebody put the host into Maintenance, and nothing runs there that is ours to move: it is not asked and not judged.',
    when: (c) => is(c, 'maintenance') && !empties(c),
    then: (c, draft) => {
      const was = status(c);
      draft.status('Maintenance');
      draft.set({ maintenanceReason: reasonOf(c) });
      if (upOrLeaving.has(was)) draft.intent('disconnectStoragePool', {});
    },
  },
  {
    name: 'host.rebooting',
    doc: 'The manager has the host rebooted: for fencing.rebootSeconds its silence means nothing. It is asked as before, and found when it answers.',
    when: (c) => is(c, 'rebooting'),
    then: (c, draft) => {
      if (c.command.is !== 'rebooting') return;
      const seconds = c.command.forSeconds ?? c.general.fencing.rebootSeconds;
      draft.live({ rebootUntil: c.now + seconds * 1000 });
    },
  },
  {
    name: 'host.confirm-rebooted',
    doc: 'The manager has proof that the host was off: none of its VMs runs any more.',
    when: (c) => is(c, 'confirmRebooted'),
    then: (_, draft) => {
      draft.set({ vmCount: 0, vmActive: 0, vmMigrating: 0, vmsCoresCount: 0, inFenceFlow: false });
      draft.vmsBecome = 'off';
    },
  },
  {
    name: 'host.pending-resources',
    doc: 'What is pending for the host has changed: VMs that are about to start there.',
    when: (c) => is(c, 'pending'),
    then: (c, draft) => {
      if (c.command.is !== 'pending') return;
      draft.set({ pendingVmemSize: c.command.memoryMb, pendingVcpusCount: c.command.vcpus });
      takeCommitment(c, draft);
    },
  },
  {
    name: 'host.auto-recovery',
    doc: 'A rule made the host NonOperational, and as far as is known none is broken any more: it is activated and judged anew (§2.12). Its status is ours to set; nothing is done to the host itself.',
    when: (c) => is(c, 'autoRecovery') && recoverableNow(c) === null,
    then: (c, draft) => {
      const was = c.host.dynamic.nonOperationalReason;
      draft.status('Unassigned');
      draft.live({ attempts: 0, readyForUp: false });
      draft.intent('activate', { because: was });
    },
  },
  {
    name: 'host.auto-recovery.not-yet',
    doc: 'Something that is known of the host still forbids it, or it may not recover by itself.',
    when: (c) => is(c, 'autoRecovery') && recoverableNow(c) !== null,
    then: (c, draft) => draft.skip('activate', recoverableNow(c) ?? ''),
  },
];

function reasonOf(c: CommandCase): string | null {
  return c.command.is === 'maintenance' ? c.command.reason : null;
}
