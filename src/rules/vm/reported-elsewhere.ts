import { runningOrPaused, type VmStatus } from '../../model/index.js';
import type { Row } from '../row.js';
import type { ReportedCase } from './case.js';
import type { VmDraft } from './draft.js';
import { takeReport } from './take-report.js';

type ElsewhereRow = Row<ReportedCase, VmDraft>;

const said = (c: ReportedCase): VmStatus => c.report.status;
const postCopy = (c: ReportedCase): boolean => said(c) === 'Paused' && c.report.dynamic.pauseStatus === 'POSTCOPY';
const migratingHere = (c: ReportedCase): boolean =>
  c.vm.dynamic.status === 'MigratingFrom' && c.vm.dynamic.migratingToVds === c.host.id;
const secondCopy = (c: ReportedCase): boolean =>
  said(c) === 'Paused' &&
  !postCopy(c) &&
  c.vm.dynamic.runOnVds !== null &&
  c.vm.dynamic.status !== 'Unknown' &&
  !migratingHere(c);
/** Still reported by the host that another one's report took it from (D11). */
const stillThere = (c: ReportedCase): boolean => c.formerOwner?.host === c.host.id && c.vm.dynamic.runOnVds !== null;
/** … in all that it lists, and asked for after that: the host had its time to let the VM go. */
const stillListed = (c: ReportedCase): boolean =>
  stillThere(c) && c.stamp.kind === 'poll' && c.stamp.complete && c.stamp.requestedAt > (c.formerOwner?.since ?? 0);
/**
 * The owner's last complete report did not have it, and it is too early to call it gone; or the owner says that it has migrated
 * away. Either way nobody claims it but this host.
 */
const ownerGaveItUp = (c: ReportedCase): boolean => c.unsettled?.reason === 'missing' || c.ownerLeftIt;
const onTwoHosts = (c: ReportedCase): boolean => stillListed(c) && !ownerGaveItUp(c);
const isBack = (c: ReportedCase): boolean => stillListed(c) && ownerGaveItUp(c);
const ignored = (c: ReportedCase): boolean =>
  (said(c) === 'MigratingTo' && c.vm.dynamic.runOnVds !== null) ||
  said(c) === 'MigratingFrom' ||
  postCopy(c) ||
  (said(c) === 'WaitForLaunch' && c.vm.dynamic.status === 'Unknown');

/** Reported, not Down, on another host than the one it is stored on (§4.7). Exactly one row matches. */
export const elsewhereTransitions: readonly ElsewhereRow[] = [
  {
    name: 'vm.elsewhere.migration-under-way',
    doc: 'One end of a migration, or a start on a host while the old one is unreachable: it says nothing about where the VM lives.',
    when: ignored,
    then: (c, draft) =>
      draft.skip('ownership', `${said(c)} on ${c.host.static.name} says nothing about where the VM lives`),
  },
  {
    name: 'vm.elsewhere.second-copy',
    doc: 'Paused here while it runs on another host: a leftover of a migration, to be destroyed here. The VM itself is untouched.',
    when: (c) => !ignored(c) && secondCopy(c),
    then: (c, draft) => draft.intent('destroy', c.host.id, { reported: 'Paused', runsOn: c.vm.dynamic.runOnVds }),
  },
  {
    name: 'vm.elsewhere.on-two-hosts',
    doc: 'The host that lost the VM to another one still reports it alive: two copies may run. One alert; the owner stays until one of them stops reporting it (D11).',
    when: (c) => !ignored(c) && !secondCopy(c) && onTwoHosts(c),
    then: (c, draft) => {
      if (c.formerOwner?.alerted === true) return;
      draft.event('VM_RUNNING_ON_TWO_HOSTS', { OtherHost: c.vm.dynamic.runOnVds ?? '' });
      draft.formerOwner = { host: c.host.id, alerted: true };
    },
  },
  {
    name: 'vm.elsewhere.left-just-now',
    doc: 'The host that lost the VM to another one names it once more, in a push, in half a report, or in one that was asked for before: that does not bring the VM back. Only its next complete report says whether two copies run (D11).',
    when: (c) => !ignored(c) && !secondCopy(c) && stillThere(c) && !stillListed(c),
    then: (c, draft) => draft.skip('ownership', `${c.host.static.name} had it before; its next complete report counts`),
  },
  {
    name: 'vm.elsewhere.adopt',
    doc: 'A host that it was not known to run on reports it as its own, at the end of a migration or after a start: it runs there now. Of two hosts the one that reported it last counts. So does the host that lost it, once the other one has stopped reporting it (D11).',
    when: (c) => !ignored(c) && !secondCopy(c) && (!stillThere(c) || isBack(c)),
    then: adopt,
  },
];

function adopt(c: ReportedCase, draft: VmDraft): void {
  const { vm, report } = c;
  const arrived = migratingHere(c) && runningOrPaused.has(report.status);
  const formerOwner = vm.dynamic.runOnVds;
  takeReport(c, draft);
  // After a migration the source goes on reporting the VM for a while, as the source; that is no second copy.
  draft.formerOwner =
    formerOwner === null || migratingHere(c) ? null : { host: formerOwner, alerted: false, gaveUp: ownerGaveItUp(c) };
  if (report.status === 'Up' || arrived) draft.signal('succeededToRun');
  if (!c.hostInitialized) draft.signal('confirmRunning');
}
