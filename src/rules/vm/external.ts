import type { DomainFacts, Vm, VmStatic } from '../../model/index.js';
import { matchOne, type Row } from '../row.js';
import type { IntentDraft } from '../verdict.js';

/** libvirt's description of a VM, where the VM may be one that nobody told us of. */
export interface DescribedCase {
  readonly mode: 'observer' | 'manager';
  readonly vm: Vm;
  readonly host: string;
  readonly facts: DomainFacts;
  readonly hostedEngineVmName: string | null;
}

export interface DescribedDraft {
  static: VmStatic;
  readonly intents: IntentDraft[];
}

/** Taken in by us, as one that was made outside: what it is, only libvirt can say. */
const foreign = ({ mode, vm }: DescribedCase): boolean =>
  mode === 'manager' && vm.static.adopted && (vm.static.origin === 'EXTERNAL' || vm.static.origin === 'HOSTED_ENGINE');
const hostedEngine = (c: DescribedCase): boolean =>
  c.vm.static.origin === 'EXTERNAL' && c.facts.name !== null && c.facts.name === c.hostedEngineVmName;

/** Static data of a VM that was made outside (§4.10). Exactly one row matches. */
export const describedTransitions: readonly Row<DescribedCase, DescribedDraft>[] = [
  {
    name: 'vm.described.known',
    doc: 'The inventory says what the VM is, not libvirt.',
    when: (c) => !foreign(c),
    then: () => undefined,
  },
  {
    name: 'vm.described.hosted-engine',
    doc: 'By its name it is the VM of a hosted engine: it is to be imported as one to manage.',
    when: (c) => foreign(c) && hostedEngine(c),
    then: (c, draft) => {
      draft.static = { ...described(c), name: c.facts.name ?? c.vm.static.name, origin: 'HOSTED_ENGINE' };
      draft.intents.push(importHostedEngine(c.vm.id, c.host, c.facts.name));
    },
  },
  {
    name: 'vm.described.external',
    doc: 'CPUs, memory and name of a VM that was made outside are those of its description.',
    when: (c) => foreign(c) && !hostedEngine(c),
    then: (c, draft) => {
      const { name, origin } = c.vm.static;
      const own = c.facts.name === null || origin === 'HOSTED_ENGINE' ? name : externalName(c.facts.name);
      draft.static = { ...described(c), name: own };
    },
  },
];

/** What the description makes of the VM's static data; the same object when it changes nothing. */
export function describedVm(c: DescribedCase): { readonly rule: string } & DescribedDraft {
  const draft: DescribedDraft = { static: c.vm.static, intents: [] };
  const row = matchOne(describedTransitions, c);
  row.then(c, draft);
  return { rule: row.name, ...draft };
}

export const externalName = (name: string): string => `external-${name}`;

export function importHostedEngine(vmId: string, hostId: string, name: string | null): IntentDraft {
  return { intent: 'importHostedEngine', vmId, hostId, evidence: { name } };
}

function described({ vm, facts }: DescribedCase): VmStatic {
  return { ...vm.static, vcpus: facts.vcpus ?? vm.static.vcpus, memoryMb: facts.memoryMb ?? vm.static.memoryMb };
}
