import type { VdsPushesMissed } from '../../events/index.js';
import type { Row } from '../row.js';
import type { HostCase } from './case.js';
import type { HostDraft } from './draft.js';

export type MissedCase = HostCase & { readonly missed: Pick<VdsPushesMissed, 'because' | 'vms' | 'until'> };

const SHOWN = 5;
const why: Readonly<Record<VdsPushesMissed['because'], string>> = {
  silent: 'the connection stood',
  disconnected: 'the connection was down',
  overflow: 'more came than could be kept',
};

/** "web-03 Down, db-12 Paused and 4 more". */
function named(c: MissedCase): string {
  const { vms } = c.missed;
  if (vms.length === 0) return 'of which VMs is not known';
  const names = new Map([...c.vms()].map((vm) => [vm.id, vm.static.name]));
  const shown = vms.slice(0, SHOWN).map(({ vmId, status }) => `${names.get(vmId) ?? vmId} ${status}`);
  return `${shown.join(', ')}${vms.length > SHOWN ? ` and ${vms.length - SHOWN} more` : ''}`;
}

/** Pushes that should have come did not (docs/adr/0009). */
export const missedEffects: readonly Row<MissedCase, HostDraft>[] = [
  {
    name: 'host.pushes.missed',
    doc: 'A poll shows changes that the agent should have pushed. The host is polled at full pace again, and for ten minutes an absence without a word is not taken for an ordinary end (D30).',
    when: () => true,
    then: (c, draft) => draft.event('VDS_PUSHES_MISSED', { Why: why[c.missed.because], Vms: named(c) }),
  },
];
