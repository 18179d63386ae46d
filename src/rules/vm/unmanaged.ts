import { initialRow, type VmDynamic, type VmStatic, vmDynamicFields, vmStaticFields } from '../../model/index.js';
import type { Row } from '../row.js';
import type { UnknownVmCase } from './case.js';
import type { VmDraft } from './draft.js';
import { takeReport } from './take-report.js';

type UnknownRow = Row<UnknownVmCase, VmDraft>;

const foreign = (c: UnknownVmCase): boolean => c.mode === 'manager' && c.managedInventory;
const broken = (c: UnknownVmCase): boolean =>
  c.report.status === 'Down' || (c.report.status === 'Paused' && c.report.dynamic.pauseStatus === 'EIO');

/** Reported by a host, but nobody told us of it (§4.10, D26). Exactly one row matches. */
export const unknownTransitions: readonly UnknownRow[] = [
  {
    name: 'vm.unknown.leftover',
    doc: 'The manager, which knows its VMs, does not know this one, and it is down or broken: a leftover, to be destroyed.',
    when: (c) => foreign(c) && broken(c),
    then: (c, draft) => draft.intent('destroy', c.host.id, { reported: c.report.status }),
  },
  {
    name: 'vm.unknown.import',
    doc: 'The manager does not know this VM: it was made outside, and is to be imported.',
    when: (c) => foreign(c) && !broken(c),
    then: (c, draft) => {
      adopt(c, draft, 'EXTERNAL');
      draft.intent('importVm', c.host.id, { name: c.report.vmName });
    },
  },
  {
    name: 'vm.unknown.down',
    doc: 'Nobody told us of it, and it does not run: nothing to keep, and never a reason to destroy anything.',
    when: (c) => !foreign(c) && c.report.status === 'Down',
    then: (_, draft) => draft.skip('adoption', 'it is Down and nobody told us of it'),
  },
  {
    name: 'vm.unknown.adopt',
    doc: 'Nobody told us of it, and it runs: it is taken in under its own name (D26).',
    when: (c) => !foreign(c) && c.report.status !== 'Down',
    then: (c, draft) => adopt(c, draft, 'OVIRT'),
  },
];

function adopt(c: UnknownVmCase, draft: VmDraft, origin: VmStatic['origin']): void {
  const { report, host } = c;
  const name = report.vmName ?? report.vmId;
  const fresh: VmDynamic = { ...initialRow(vmDynamicFields), id: report.vmId, statusSince: c.now };
  draft.static = {
    ...initialRow(vmStaticFields),
    id: report.vmId,
    name: origin === 'EXTERNAL' ? `external-${name}` : name,
    clusterId: host.static.clusterId,
    origin,
    adopted: true,
  };
  draft.dynamic = fresh;
  takeReport(c, draft);
}
