import type { Row } from '../row.js';
import { endedByMigrating, type ReportedCase, reportedExit } from './case.js';
import type { VmDraft } from './draft.js';
import { handOver } from './hand-over.js';

type DownRow = Row<ReportedCase, VmDraft>;

const here = (c: ReportedCase): boolean => c.vm.dynamic.runOnVds === c.host.id;
const migrated = (c: ReportedCase): boolean => endedByMigrating(c.report);
const stored = (c: ReportedCase) => c.vm.dynamic.status;
/** Destroyed now, it would take TPM and NVRAM data with it that could not be saved. */
const unkept = (c: ReportedCase): boolean => here(c) && !migrated(c) && !c.externalDataKept;
/** Not suspending, not migrating away, and not Up with a migration that succeeded. */
const plain = (c: ReportedCase): boolean =>
  here(c) &&
  !unkept(c) &&
  stored(c) !== 'SavingState' &&
  stored(c) !== 'MigratingFrom' &&
  !(stored(c) === 'Up' && migrated(c));

export const exitText = (message: string | null): string =>
  message === null || message === '' ? '' : `Exit message: ${message}`;

/** Due with every report of a Down VM: what is left of it on the host is to be cleared away (§4.8, common part). */
export const downEffects: readonly DownRow[] = [
  {
    name: 'vm.down.destroy-leftover',
    doc: 'The agent lists a Down VM until somebody destroys it there; its TPM and NVRAM data are kept before.',
    when: (c) => !unkept(c),
    then: (c, draft) => {
      if (here(c) && !migrated(c)) draft.signal('saveExternalData');
      draft.intent('destroy', c.host.id, { reported: 'Down', ...reportedExit(c.report) });
      if (c.vm.dynamic.currentCpuPinning !== null) draft.signal('freeCpuPins');
    },
  },
];

/** Reported Down (§4.8). Exactly one row matches. */
export const downTransitions: readonly DownRow[] = [
  {
    name: 'vm.down.elsewhere',
    doc: 'Down on a host that it does not run on: only remains.',
    when: (c) => !here(c),
    then: (c, draft) => draft.skip('Down', `it does not run on ${c.host.static.name}`),
  },
  {
    name: 'vm.down.data-not-kept',
    doc: 'Its TPM and NVRAM data could not be saved: the VM is left as it is until the next report.',
    when: unkept,
    then: (c, draft) => {
      draft.unsettled = { reason: 'awaitingData', since: c.now };
      draft.skip('Down', 'its external data could not be saved yet');
    },
  },
  {
    name: 'vm.down.suspended',
    doc: 'It was saving its state, and has ended well: Suspended.',
    when: (c) => here(c) && !unkept(c) && stored(c) === 'SavingState' && reportedExit(c.report).exitStatus === 'Normal',
    then: (c, draft) => {
      draft.status('Suspended', reportedExit(c.report));
      draft.wentDown();
      draft.signal('removeAsync');
      draft.event('USER_SUSPEND_VM_OK');
    },
  },
  {
    name: 'vm.down.suspend-failed',
    doc: 'It was saving its state, and has ended with an error: Down, not Suspended (D8).',
    when: (c) => here(c) && !unkept(c) && stored(c) === 'SavingState' && reportedExit(c.report).exitStatus !== 'Normal',
    then: (c, draft) => {
      draft.status('Down', { ...reportedExit(c.report), exitStatus: 'Error' });
      draft.wentDown();
      draft.signal('removeAsync');
      draft.event('USER_FAILED_SUSPEND_VM');
    },
  },
  {
    name: 'vm.down.handed-over',
    doc: 'The source of a migration has ended because the migration succeeded: the VM is the destination’s.',
    when: (c) => here(c) && stored(c) === 'MigratingFrom' && migrated(c),
    then: handOver,
  },
  {
    name: 'vm.down.migration-aborted',
    doc: 'The VM ended on its way: Down, and what has arrived at the destination is to be destroyed.',
    when: (c) => here(c) && !unkept(c) && stored(c) === 'MigratingFrom' && !migrated(c),
    then: (c, draft) => {
      const exit = reportedExit(c.report);
      abortMigration(c, draft, exit);
      if (exit.exitStatus === 'Error' && c.vm.static.ha === true) draft.autoRun({ ...exit });
    },
  },
  {
    name: 'vm.down.migrated-before',
    doc: 'It is Up already where it migrated to; the source only says that it is done. The next host that reports it alive has it (D11).',
    when: (c) => here(c) && stored(c) === 'Up' && migrated(c),
    then: (_, draft) => draft.skip('Down', 'the migration succeeded'),
  },
  {
    name: 'vm.down.error',
    doc: 'The VM ended with an error, or nobody knows how (D20): Down, and restarted by whoever is responsible. A highly available VM is started again only where an error is known.',
    when: (c) => plain(c) && reportedExit(c.report).exitStatus !== 'Normal',
    then: (c, draft) => {
      const exit = reportedExit(c.report);
      draft.event('VM_DOWN_ERROR', { ExitMessage: exitText(exit.exitMessage) });
      draft.clear(exit);
      if (c.commands.asyncRunning) draft.intent('rerun', c.host.id, { ...exit });
      else if (exit.exitStatus === 'Error' && c.vm.static.ha === true) draft.autoRun({ ...exit });
    },
  },
  {
    name: 'vm.down.normal',
    doc: 'The VM ended as it was meant to.',
    when: (c) => plain(c) && reportedExit(c.report).exitStatus === 'Normal',
    then: (c, draft) => {
      const exit = reportedExit(c.report);
      const off = c.commands.inPowerOffWindow;
      draft.event('VM_DOWN', { ExitMessage: (off ? '' : exitText(exit.exitMessage)) || ' ' });
      draft.signal('removeAsync');
      draft.clear(off ? { ...exit, exitMessage: `VM ${c.vm.static.name} power off complete` } : exit);
      if (c.commands.coldReboot || exit.exitReason === 'DestroyedOnReboot') draft.coldReboot({ ...exit });
    },
  },
];

/** A VM that ended while migrating away: shared with absence (§4.8, §4.9). */
export function abortMigration(
  c: Pick<ReportedCase, 'vm'>,
  draft: VmDraft,
  exit: ReturnType<typeof reportedExit>,
): void {
  const destination = c.vm.dynamic.migratingToVds;
  if (destination !== null) draft.intent('destroy', destination, { because: 'migration aborted' });
  draft.status('Down', exit);
  draft.event('VM_MIGRATION_ABORT', { MigrationError: exit.exitMessage ?? '' });
  draft.signal('removeAsync');
  draft.wentDown();
}
