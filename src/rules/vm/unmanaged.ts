import { initialRow, type VmDynamic, type VmStatic, vmDynamicFields, vmStaticFields } from '../../model/index.js';
import type { Row } from '../row.js';
import type { ReportedCase, UnknownVmCase, VmCase } from './case.js';
import type { VmDraft } from './draft.js';
import { externalName, importHostedEngine } from './external.js';
import { takeReport } from './take-report.js';

type UnknownRow = Row<UnknownVmCase, VmDraft>;
type HostedEngineRow = Row<ReportedCase, VmDraft>;

const foreign = (c: VmCase): boolean => c.mode === 'manager' && c.managedInventory;
const broken = (c: UnknownVmCase | ReportedCase): boolean =>
  c.report.status === 'Down' || (c.report.status === 'Paused' && c.report.dynamic.pauseStatus === 'EIO');
const left = (c: UnknownVmCase): boolean => c.report.status === 'Paused' && c.report.dynamic.pauseStatus === 'POSTCOPY';
/** A push leaves out what has not changed, the name with it; a report says all. Of a foreign VM its description will. */
const unnamed = (c: UnknownVmCase): boolean =>
  !foreign(c) && c.stamp.kind === 'push' && c.report.vmName === null && c.report.status !== 'Down' && !left(c);
const hostedEngine = (c: UnknownVmCase): boolean =>
  c.report.vmName !== null && c.report.vmName === c.data.hostedEngineVmName;

/** Reported by a host, but nobody told us of it (§4.10, D26). Exactly one row matches. */
export const unknownTransitions: readonly UnknownRow[] = [
  {
    name: 'vm.unknown.leftover',
    doc: 'The manager, which knows its VMs, does not know this one, and it is down or broken: a leftover, to be destroyed.',
    when: (c) => foreign(c) && broken(c),
    then: (c, draft) => draft.intent('destroy', c.host.id, { reported: c.report.status }),
  },
  {
    name: 'vm.unknown.hosted-engine',
    doc: 'By its name it is the VM of a hosted engine: it is to be imported as one to manage.',
    when: (c) => foreign(c) && !broken(c) && hostedEngine(c),
    then: (c, draft) => {
      adopt(c, draft, 'HOSTED_ENGINE');
      askDescription(c, draft, 'vm.unknown.hosted-engine');
      draft.intents.push(importHostedEngine(c.report.vmId, c.host.id, c.report.vmName));
    },
  },
  {
    name: 'vm.unknown.import',
    doc: 'The manager does not know this VM: it was made outside, and is to be imported. What it is, its description will say.',
    when: (c) => foreign(c) && !broken(c) && !hostedEngine(c),
    then: (c, draft) => {
      adopt(c, draft, 'EXTERNAL');
      askDescription(c, draft, 'vm.unknown.import');
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
    name: 'vm.unknown.leaving',
    doc: 'Nobody told us of it, and it is the source of a post-copy migration: it lives at its destination already, whose report will say so.',
    when: (c) => !foreign(c) && left(c),
    then: (_, draft) => draft.skip('adoption', 'it has left in a post-copy migration'),
  },
  {
    name: 'vm.unknown.adopt',
    doc: 'Nobody told us of it, and it runs: it is taken in under its own name (D26).',
    when: (c) => !foreign(c) && c.report.status !== 'Down' && !left(c) && !unnamed(c),
    then: (c, draft) => adopt(c, draft, 'OVIRT'),
  },
  {
    name: 'vm.unknown.pushed',
    doc: 'A push about a running VM that nobody told us of, which does not say its name: the host is asked for all its VMs, and the VM is taken in with that report.',
    when: unnamed,
    then: (c, draft) =>
      draft.requests.push({ host: c.host.id, method: 'Host.getAllVmStats', reason: 'vm.unknown.pushed' }),
  },
];

/** Known, but as the VM of a hosted engine that the manager has not taken over yet: as if it were not known (§4.4). */
export const isUnmanaged = (c: VmCase): boolean => foreign(c) && c.vm?.static.origin === 'HOSTED_ENGINE';

/** A hosted engine's VM that is stored and not managed yet is reported (§4.10). Exactly one row matches. */
export const hostedEngineTransitions: readonly HostedEngineRow[] = [
  {
    name: 'vm.hosted-engine.leftover',
    doc: 'Down or broken on this host: what is left of it is to be destroyed here. Nothing is stored.',
    when: broken,
    then: (c, draft) => draft.intent('destroy', c.host.id, { reported: c.report.status }),
  },
  {
    name: 'vm.hosted-engine.import',
    doc: 'It runs on this host, and is to be imported as a VM to manage.',
    when: (c) => !broken(c),
    then: (c, draft) => {
      takeReport(c, draft);
      draft.intents.push(importHostedEngine(c.vm.id, c.host.id, c.vm.static.name));
    },
  },
];

/** With an inventory the name says that the VM is none of the manager's. */
function adopt(c: UnknownVmCase, draft: VmDraft, origin: VmStatic['origin']): void {
  const { report, host } = c;
  const name = report.vmName ?? report.vmId;
  const fresh: VmDynamic = { ...initialRow(vmDynamicFields), id: report.vmId, statusSince: c.now };
  draft.static = {
    ...initialRow(vmStaticFields),
    id: report.vmId,
    name: origin === 'EXTERNAL' ? externalName(name) : name,
    clusterId: host.static.clusterId,
    origin,
    adopted: true,
  };
  draft.dynamic = fresh;
  takeReport(c, draft);
}

function askDescription(c: UnknownVmCase, draft: VmDraft, reason: string): void {
  draft.requests.push({ host: c.host.id, method: 'Host.dumpxmls', vmIds: [c.report.vmId], reason });
}
