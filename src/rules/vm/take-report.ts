import { hashOf } from '../../kernel/index.js';
import { saysOtherData } from '../../model/index.js';
import type { Row } from '../row.js';
import type { VmCase } from './case.js';
import type { VmDraft } from './draft.js';
import { guestNics } from './guest.js';
import { nextJobs } from './jobs.js';
import { resizedLuns } from './luns.js';
import { copyReported } from './state.js';

type TakeRow = Row<TakeCase, VmDraft>;
type TakeCase = Pick<VmCase, 'vm' | 'host' | 'mode' | 'stamp' | 'data'> & {
  readonly report: NonNullable<VmCase['report']>;
  readonly draft: VmDraft;
};

/** What is taken over beside the state, in this order (§4.11, §4.12). */
export const takeEffects: readonly TakeRow[] = [
  {
    name: 'vm.data.guest-nics',
    doc: 'The list of the guest’s nics has another fingerprint: it is taken in anew, with the VM’s addresses.',
    when: ({ draft, vm }) => draft.state.guestAgentNicsHash !== (vm?.dynamic.guestAgentNicsHash ?? null),
    then: (c, draft) => {
      const known = draft.static ?? c.vm?.static;
      if (known === undefined) return;
      const nics = guestNics({ id: known.id, static: known }, c.report, c.data.nicBlacklist);
      draft.guestInterfaces = nics.interfaces;
      draft.set({ vmIp: nics.ip });
    },
  },
  {
    name: 'vm.data.jobs',
    doc: 'A list of block jobs: those known to us move on or end.',
    when: ({ report }) => report.jobs() !== null,
    then: (c, draft) => {
      draft.jobs = nextJobs(c.report.vmId, draft.jobs, {
        mode: c.mode,
        listed: c.report.jobs() ?? [],
        askedAt: c.stamp.requestedAt,
        startedAt: c.data.jobStartedAt,
      });
    },
  },
  {
    name: 'vm.data.lun-sizes',
    doc: 'The VM powers up: the sizes of its LUNs are looked at.',
    when: ({ draft, vm }) => vm !== undefined && draft.signals.includes('poweringUp'),
    then: (c, draft) => {
      if (c.vm === undefined) return;
      const disks = resizedLuns(c.vm.static.disks, c.report.statistics()?.disks ?? null);
      if (disks !== c.vm.static.disks) draft.static = { ...c.vm.static, disks };
    },
  },
  {
    name: 'vm.data.external',
    doc: 'The TPM’s or the NVRAM’s data have another fingerprint: they are to be saved, lest they are lost with the VM. Beside an engine it is the engine that saves them.',
    when: ({ report, draft }) => saysOtherData(report, draft.state),
    then: (c, draft) => {
      const { tpmHash, nvramHash } = c.report;
      draft.set({ ...(tpmHash === null ? {} : { tpmHash }), ...(nvramHash === null ? {} : { nvramHash }) });
      if (c.mode === 'observer') return;
      const known = draft.state;
      draft.intents.push({
        intent: 'saveExternalData',
        vmId: c.report.vmId,
        hostId: c.host.id,
        round: hashOf(`${known.tpmHash ?? ''} ${known.nvramHash ?? ''}`),
        evidence: { tpmHash: known.tpmHash, nvramHash: known.nvramHash },
      });
    },
  },
];

/**
 * The report is this VM's own, from the host that runs it: state, guest nics and jobs are taken over, and its statistics
 * are to be.
 */
export function takeReport(c: VmCase, draft: VmDraft): void {
  const { report } = c;
  if (report === null) return;
  draft.dynamic = copyReported(draft.state, report, c.host.id, c.now);
  draft.takeStatistics = true;
  const { vm, host, mode, stamp, data } = c;
  const taken: TakeCase = { vm, host, mode, stamp, data, report, draft };
  for (const row of takeEffects) if (row.when(taken)) row.then(taken, draft);
}
