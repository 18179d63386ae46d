import type { EventName } from '../../events/index.js';
import { type PauseStatus, pauseIsError, running, runningOrPaused, type VmStatus } from '../../model/index.js';
import type { Row } from '../row.js';
import type { ReportedCase } from './case.js';
import type { VmDraft } from './draft.js';
import { handOver } from './hand-over.js';
import { takeReport } from './take-report.js';

type HereRow = Row<ReportedCase, VmDraft>;

const stored = (c: ReportedCase): VmStatus => c.vm.dynamic.status;
const said = (c: ReportedCase): VmStatus => c.report.status;
const pauseOf = (c: ReportedCase): PauseStatus => c.report.dynamic.pauseStatus ?? 'NONE';
const incoming = (c: ReportedCase): boolean => said(c) === 'MigratingTo';
const postCopy = (c: ReportedCase): boolean => said(c) === 'Paused' && pauseOf(c) === 'POSTCOPY';
const migrationFailed = (c: ReportedCase): boolean =>
  stored(c) === 'MigratingFrom' && said(c) !== 'MigratingFrom' && !incoming(c) && running.has(said(c));

const pauseEvents: Readonly<Partial<Record<PauseStatus, EventName>>> = {
  ENOSPC: 'VM_PAUSED_ENOSPC',
  EIO: 'VM_PAUSED_EIO',
  EPERM: 'VM_PAUSED_EPERM',
  EOTHER: 'VM_PAUSED_ERROR',
};

function raisePauseError(c: ReportedCase, draft: VmDraft): void {
  const event = pauseEvents[pauseOf(c)];
  if (event !== undefined) draft.event(event);
}

/** Reported on the host that it runs on, and not Down (§4.5): what happens besides, in this order. */
export const hereEffects: readonly HereRow[] = [
  {
    name: 'vm.here.watchdog',
    doc: 'The VM’s watchdog has fired since the last time.',
    when: (c) => {
      const event = c.report.dynamic.lastWatchdogEvent ?? null;
      const known = c.vm.dynamic.lastWatchdogEvent;
      return event !== null && (known === null || known < event);
    },
    then: (c, draft) =>
      draft.event('WATCHDOG_EVENT', {
        wdaction: c.report.dynamic.lastWatchdogAction ?? '',
        wdevent: String(c.report.dynamic.lastWatchdogEvent ?? ''),
      }),
  },
  {
    name: 'vm.here.console',
    doc: 'Somebody has connected to the VM’s console, or left it.',
    when: (c) => {
      const { clientIp } = c.report.dynamic;
      return c.vm.dynamic.clientIp !== null && clientIp !== undefined && clientIp !== c.vm.dynamic.clientIp;
    },
    then: (c, draft) => {
      const UserName = c.vm.dynamic.consoleUser ?? '';
      draft.event(c.report.dynamic.clientIp ? 'VM_CONSOLE_CONNECTED' : 'VM_CONSOLE_DISCONNECTED', { UserName });
    },
  },
  {
    name: 'vm.here.restored',
    doc: 'The VM was Unknown and is reported again: it has survived the silence of its host.',
    when: (c) => stored(c) === 'Unknown' && said(c) !== 'Unknown' && !incoming(c),
    then: (c, draft) => {
      draft.event('VM_STATUS_RESTORED', { VmStatus: said(c) });
      if (said(c) !== 'WaitForLaunch') draft.signal('removeAsync');
    },
  },
  {
    name: 'vm.here.powering-up',
    doc: 'The VM has become Up or PoweringUp.',
    when: (c) => (said(c) === 'Up' || said(c) === 'PoweringUp') && stored(c) !== said(c),
    then: (_, draft) => draft.signal('poweringUp'),
  },
  {
    name: 'vm.here.power-down-failed',
    doc: 'The guest was asked to shut down, and runs on.',
    when: (c) => stored(c) === 'PoweringDown' && said(c) === 'Up',
    then: (_, draft) => draft.event('VM_POWER_DOWN_FAILED'),
  },
  {
    name: 'vm.here.recovered-from-pause',
    doc: 'The VM was paused by an error and runs again.',
    when: (c) => stored(c) === 'Paused' && pauseIsError.has(c.vm.dynamic.pauseStatus) && said(c) === 'Up',
    then: (_, draft) => draft.event('VM_RECOVERED_FROM_PAUSE_ERROR'),
  },
  {
    name: 'vm.here.rebooting',
    doc: 'The guest has begun to reboot.',
    when: (c) => said(c) === 'RebootInProgress' && stored(c) !== 'RebootInProgress',
    then: (_, draft) => {
      draft.signal('clearHotUnplugMarks');
      draft.event('USER_REBOOT_VM', { UserName: 'Guest OS' });
    },
  },
  {
    name: 'vm.here.succeeded-to-run',
    doc: 'A start, or an incoming migration, has come to its good end.',
    when: (c) =>
      (said(c) === 'Up' && stored(c) !== 'Up' && stored(c) !== 'MigratingFrom') ||
      (stored(c) === 'MigratingTo' && runningOrPaused.has(said(c)) && !incoming(c) && !postCopy(c)),
    then: (_, draft) => draft.signal('succeededToRun'),
  },
  {
    name: 'vm.here.not-responding',
    doc: 'The monitor of the VM’s QEMU has fallen silent.',
    when: (c) => said(c) === 'NotResponding' && stored(c) !== 'NotResponding',
    then: (_, draft) => draft.event('VM_NOT_RESPONDING'),
  },
  {
    name: 'vm.here.paused',
    doc: 'The VM has been paused; a pause on error says which one.',
    when: (c) => said(c) === 'Paused' && stored(c) !== 'Paused' && !postCopy(c),
    then: (c, draft) => {
      draft.signal('removeAsync');
      draft.event('VM_PAUSED');
      raisePauseError(c, draft);
    },
  },
  {
    name: 'vm.here.pause-code-changed',
    doc: 'Paused as before, but by another error now (D10).',
    when: (c) =>
      said(c) === 'Paused' && stored(c) === 'Paused' && !postCopy(c) && c.vm.dynamic.pauseStatus !== pauseOf(c),
    then: raisePauseError,
  },
];

/** … and which state follows. Exactly one row matches. */
export const hereTransitions: readonly HereRow[] = [
  {
    name: 'vm.here.incoming',
    doc: 'A migration is still coming in; its destination’s view counts only when it is over.',
    when: incoming,
    then: (_, draft) => draft.skip('status', 'the host reports MigratingTo; it counts when the migration is over'),
  },
  {
    name: 'vm.here.post-copy',
    doc: 'The source of a post-copy migration is paused for good: the VM lives at its destination now.',
    when: postCopy,
    then: handOver,
  },
  {
    name: 'vm.here.migration-failed',
    doc: 'The VM was migrating away and runs here again: the migration has failed and may be tried elsewhere.',
    when: migrationFailed,
    then: (c, draft) => {
      copyHere(c, draft);
      draft.set({ migratingToVds: null });
      draft.migrationFailed = true;
      if (c.commands.asyncRunning) draft.intent('rerun', c.host.id, { reported: said(c) });
    },
  },
  {
    name: 'vm.here.status-changed',
    doc: 'The host that runs it reports another status than the stored one: what is reported counts.',
    when: (c) => !incoming(c) && !postCopy(c) && !migrationFailed(c) && said(c) !== stored(c),
    then: copyHere,
  },
  {
    name: 'vm.here.same-status',
    doc: 'The status is as stored; other fields of the agent are taken over where they differ.',
    when: (c) => !incoming(c) && !postCopy(c) && said(c) === stored(c),
    then: copyHere,
  },
];

function copyHere(c: ReportedCase, draft: VmDraft): void {
  const before = draft.state.appList;
  takeReport(c, draft);
  if (draft.state.appList !== before) draft.signal('refreshIsoCache');
  if (!c.hostInitialized) draft.signal('confirmRunning');
}
