import type { Row } from '../row.js';
import type { AbsentCase, ExitData } from './case.js';
import type { VmDraft } from './draft.js';
import { handOver } from './hand-over.js';
import { abortMigration, exitText } from './reported-down.js';

type AbsentRow = Row<AbsentCase, VmDraft>;

/** Complete reports of the host without the VM, this one included (D23). A report counts once, however often it is judged. */
function missesSoFar(c: AbsentCase): number {
  if (c.unsettled?.reason !== 'missing') return 1;
  return c.unsettled.lastSeq === c.stamp.seq ? c.unsettled.misses : c.unsettled.misses + 1;
}

const stored = (c: AbsentCase) => c.vm.dynamic.status;
const enough = (c: AbsentCase): boolean => missesSoFar(c) >= c.missesNeeded;
const poweredOff = (c: AbsentCase): boolean => enough(c) && c.commands.inPowerOffWindow && !c.commands.coldReboot;
const leaving = (c: AbsentCase): boolean => enough(c) && !poweredOff(c) && stored(c) === 'MigratingFrom';
const ending = (c: AbsentCase): boolean =>
  enough(c) && !poweredOff(c) && (stored(c) === 'PoweringDown' || stored(c) === 'RebootInProgress');
const gone = (c: AbsentCase): boolean => enough(c) && !poweredOff(c) && !leaving(c) && !ending(c);
const text = (c: AbsentCase, what: string): string => `VM ${c.vm.static.name} ${what}`;
const notFound = (c: AbsentCase): ExitData => ({
  exitStatus: 'Error',
  exitMessage: `Could not find VM ${c.vm.static.name} on host, assuming it went down unexpectedly`,
  exitReason: 'GenericError',
});

/** Not in a complete report of the host that it runs on (§4.9, D9, D23, D30). Exactly one row matches. */
export const absentTransitions: readonly AbsentRow[] = [
  {
    name: 'vm.absent.missed',
    doc: 'Missing, but not often enough yet: one report may have been made at a bad moment (D23).',
    when: (c) => !enough(c),
    then: (c, draft) => {
      draft.unsettled = {
        reason: 'missing',
        misses: missesSoFar(c),
        since: c.unsettled?.reason === 'missing' ? c.unsettled.since : c.now,
        lastSeq: c.stamp.seq,
      };
      draft.skip('Down by absence', `miss ${missesSoFar(c)} of ${c.missesNeeded}`);
    },
  },
  {
    name: 'vm.absent.powered-off',
    doc: 'A forced power-off was sent just before: it has worked.',
    when: poweredOff,
    then: (c, draft) => {
      draft.event('VM_DOWN', { ExitMessage: ' ' });
      draft.signal('removeAsync');
      draft.clear({ exitStatus: 'Normal', exitMessage: text(c, 'power off complete'), exitReason: 'Success' });
    },
  },
  {
    name: 'vm.absent.handed-over',
    doc: 'It was migrating to a known host and has left this one: the VM is the destination’s.',
    when: (c) => leaving(c) && c.vm.dynamic.migratingToVds !== null,
    then: handOver,
  },
  {
    name: 'vm.absent.migration-lost',
    doc: 'It was migrating away, nobody knows where to, and is gone.',
    when: (c) => leaving(c) && c.vm.dynamic.migratingToVds === null,
    then: (c, draft) => abortMigration(c, draft, notFound(c)),
  },
  {
    name: 'vm.absent.shut-down',
    doc: 'It was shutting down or rebooting: its end was expected (D9).',
    when: ending,
    then: (c, draft) => {
      const exit: ExitData = { exitStatus: 'Normal', exitMessage: text(c, 'shutdown complete'), exitReason: 'Success' };
      draft.event('VM_DOWN', { ExitMessage: exitText(exit.exitMessage) });
      if (c.commands.coldReboot) {
        draft.coldReboot({ ...exit });
        draft.signal('removeAsync');
      }
      draft.clear(exit);
    },
  },
  {
    name: 'vm.absent.collected-by-engine',
    doc: 'Beside an engine, which clears ended VMs away before we see them: an end without evidence of an error (D30). A warning where pushes were missed, since then nobody saw how it ended.',
    when: (c) => gone(c) && c.mode === 'observer',
    then: (c, draft) => {
      const exit: ExitData = {
        exitStatus: 'Unknown',
        exitMessage: 'ended; its exit was collected by the engine',
        exitReason: 'Unknown',
      };
      draft.event(c.pushesHealthy ? 'VM_DOWN' : 'VM_DOWN_UNOBSERVED', { ExitMessage: exitText(exit.exitMessage) });
      draft.clear(exit);
    },
  },
  {
    name: 'vm.absent.vanished',
    doc: 'It is gone without a word: Down with an error, and restarted by whoever is responsible (D9).',
    when: (c) => gone(c) && c.mode === 'manager',
    then: (c, draft) => {
      const exit = notFound(c);
      draft.event('VM_DOWN_ERROR', { ExitMessage: exitText(exit.exitMessage) });
      draft.clear(exit);
      if (c.commands.asyncRunning) draft.intent('rerun', c.host.id, { ...exit });
      else if (c.commands.coldReboot) draft.coldReboot({ ...exit });
      else if (c.vm.static.ha === true) draft.autoRun({ ...exit });
    },
  },
];
