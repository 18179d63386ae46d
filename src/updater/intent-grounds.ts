import type { Change, IntentKind } from '../events/index.js';
import type { IntentRow, Vds, VdsStatus, Vm } from '../model/index.js';

/**
 * What an advice rests on. When that is gone the advice is withdrawn: nobody may fence a host that came back, restart a VM
 * that runs, or destroy what is alive, because he hears of it late.
 */
type Ground =
  /** The VM is in the status that it had. */
  | 'vm-status'
  /** The VM was made outside, and nobody has taken it into the inventory. */
  | 'vm-foreign'
  /** The VM is a hosted engine's, and nobody manages it. */
  | 'vm-unmanaged'
  /** The VM is there: what it holds is to be kept. */
  | 'vm'
  /** The host still lists the VM, and the VM does not run there. */
  | 'remains'
  /** The host is in the status that it had. */
  | 'host-status'
  /** Nothing was heard of the host since, not even through a restart of the service. */
  | 'host-silent';

const grounds: Readonly<Record<IntentKind, Ground>> = {
  destroy: 'remains',
  rerun: 'vm-status',
  autoRun: 'vm-status',
  coldReboot: 'vm-status',
  processDownVm: 'vm-status',
  importVm: 'vm-foreign',
  importHostedEngine: 'vm-unmanaged',
  saveExternalData: 'vm',
  fence: 'host-silent',
  restartOnLease: 'host-silent',
  migrateVms: 'host-status',
  activate: 'host-status',
  initVdsOnUp: 'host-status',
  maintenanceNumberOfVdss: 'host-status',
  disconnectStoragePool: 'host-status',
};

export const isIntentKind = (name: string): name is IntentKind => Object.hasOwn(grounds, name);
export const groundOf = (intent: string): Ground => grounds[intent as IntentKind];

/** Whether the advice is followed by its host's changes; all others by their VM's. */
export const isAboutHost = (intent: string): boolean => {
  const ground = groundOf(intent);
  return ground === 'host-status' || ground === 'host-silent' || ground === 'remains';
};

/** Contact is being looked for, or was given up: nothing was heard yet. */
const silent: ReadonlySet<VdsStatus> = new Set<VdsStatus>(['NonResponsive', 'Connecting', 'Unassigned']);

/** Whether the change takes away what the advice rests on. */
export function isWithdrawnBy(row: IntentRow, change: Change): boolean {
  switch (change.name) {
    case 'VmAdded':
    case 'VmUpdated':
    case 'VmStateChanged':
      return byVm(row, change.current);
    case 'VdsStateChanged':
      return byHost(row, change.current);
    case 'VmRemoved':
      return groundOf(row.intent) !== 'remains';
    case 'VdsRemoved':
      return isAboutHost(row.intent);
    default:
      return false;
  }
}

function byVm(row: IntentRow, { dynamic, static: facts }: Vm): boolean {
  switch (groundOf(row.intent)) {
    case 'vm-status':
      return dynamic.statusSince !== row.since;
    case 'vm-foreign':
      return !facts.adopted;
    case 'vm-unmanaged':
      return facts.origin !== 'HOSTED_ENGINE';
    case 'vm':
      return false;
    case 'remains':
      return dynamic.runOnVds === row.hostId && dynamic.status !== 'Down';
    case 'host-silent':
      return dynamic.status !== 'Unknown';
    case 'host-status':
      return false;
  }
}

function byHost(row: IntentRow, { dynamic }: Vds): boolean {
  switch (groundOf(row.intent)) {
    case 'host-status':
      return dynamic.statusSince !== row.since;
    case 'host-silent':
      return !silent.has(dynamic.status);
    default:
      return false;
  }
}
