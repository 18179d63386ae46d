import type { Change, IntentKind } from '../events/index.js';
import type { IntentRow, Vds, VdsStatus, Vm } from '../model/index.js';

/**
 * What an advice rests on. When that is gone the advice is withdrawn: nobody may fence a host that came back, restart a VM
 * that runs, or destroy what is alive, because he hears of it late.
 */
export const groundDocs = {
  'vm-status': 'the VM has another status, or is removed',
  'vm-foreign': 'the VM is taken into the inventory, or removed',
  'vm-unmanaged': 'the VM is managed, or removed',
  vm: 'the VM is removed',
  remains: 'the host does not list the VM any more, or the VM runs there',
  'host-status': 'the host has another status, or is removed',
  'host-silent': 'the host is heard of, or somebody takes it out; a restart of the service changes nothing',
} as const;
type Ground = keyof typeof groundDocs;

interface IntentDoc {
  readonly ground: Ground;
  /** What is advised. */
  readonly doc: string;
  /** Its rounds are counted, from one again in another process; others tell contents apart. */
  readonly counted?: true;
}

/** All kinds of advice. */
export const intentDocs: Readonly<Record<IntentKind, IntentDoc>> = {
  destroy: {
    ground: 'remains',
    doc: 'What is left of the VM on the host is to be destroyed there. If it is still listed 5 minutes after it was acknowledged, that is advised anew.',
  },
  rerun: { ground: 'vm-status', doc: 'A start or a migration that somebody waits for has failed: try another host.' },
  autoRun: { ground: 'vm-status', doc: 'The highly available VM has failed: start it, anywhere.', counted: true },
  coldReboot: { ground: 'vm-status', doc: 'The VM went down to be started with its new configuration: start it.' },
  processDownVm: { ground: 'vm-status', doc: 'The VM is down: clear up after it.' },
  importVm: { ground: 'vm-foreign', doc: 'The VM was made outside: take it into the inventory.' },
  importHostedEngine: { ground: 'vm-unmanaged', doc: 'The VM of a hosted engine was found: manage it.' },
  saveExternalData: { ground: 'vm', doc: 'The VM’s TPM or NVRAM data have changed: read and keep them.' },
  fence: { ground: 'host-silent', doc: 'The host is lost: fence it, by the steps that are named.' },
  restartOnLease: {
    ground: 'host-silent',
    doc: 'The host is lost, and the VM has a lease: try to start it elsewhere; if it still lives, its lease prevents that.',
    counted: true,
  },
  migrateVms: { ground: 'host-status', doc: 'The host breaks a rule of its cluster: move these VMs away.' },
  activate: { ground: 'host-status', doc: 'Nothing speaks against the host any more: activate it.' },
  initVdsOnUp: { ground: 'host-status', doc: 'The host has come up: do what is to be done to it then.' },
  maintenanceNumberOfVdss: {
    ground: 'host-status',
    doc: 'The host is to go into Maintenance: move its VMs away, and let none come.',
    counted: true,
  },
  disconnectStoragePool: { ground: 'host-status', doc: 'The host is in Maintenance: disconnect it from storage.' },
};

export const intentKinds = Object.keys(intentDocs) as readonly IntentKind[];
/** What is advised, in a sentence. */
export const intentText = (intent: IntentKind): string => intentDocs[intent].doc;
export const isIntentKind = (name: string): name is IntentKind => Object.hasOwn(intentDocs, name);
const groundOf = (intent: string): Ground => intentDocs[intent as IntentKind].ground;
export const isAboutRemains = (intent: string): boolean => groundOf(intent) === 'remains';
export const isCounted = (intent: string): boolean => intentDocs[intent as IntentKind].counted === true;

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
      return byVm(row, change.current);
    // Two hosts' reports may change a status twice within the millisecond that `since` knows.
    case 'VmStateChanged':
      return groundOf(row.intent) === 'vm-status' || byVm(row, change.current);
    case 'VdsStateChanged':
      return groundOf(row.intent) === 'host-status' || byHost(row, change.current);
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
    case 'host-silent':
      return !silent.has(dynamic.status);
    default:
      return false;
  }
}
