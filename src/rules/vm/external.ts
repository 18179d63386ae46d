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
const external = (c: DescribedCase): boolean => foreign(c) && c.vm.static.origin === 'EXTERNAL';
const named = (c: DescribedCase): boolean => c.facts.name !== null && c.facts.name === c.hostedEngineVmName;

/** Static data of a VM that was made outside (§4.10). Exactly one row matches. */
export const describedTransitions: readonly Row<DescribedCase, DescribedDraft>[] = [
  {
    name: 'vm.described.known',
    doc: 'The inventory says what the VM is, not libvirt.',
    when: (c) => !foreign(c),
    then: () => undefined,
  },
  {
    name: 'vm.described.hosted-engine-found',
    doc: 'By its name it is the VM of a hosted engine: it is to be imported as one to manage.',
    when: (c) => external(c) && named(c),
    then: (c, draft) => {
      draft.static = { ...described(c), name: c.facts.name ?? c.vm.static.name, origin: 'HOSTED_ENGINE' };
      draft.intents.push(importHostedEngine(c.vm.id, c.host, c.facts.name));
    },
  },
  {
    name: 'vm.described.hosted-engine',
    doc: 'CPUs and memory of a hosted engine’s VM that waits for its import are those of its description.',
    when: (c) => foreign(c) && !external(c),
    then: (c, draft) => {
      draft.static = described(c);
    },
  },
  {
    name: 'vm.described.external',
    doc: 'CPUs, memory and name of a VM that was made outside are those of its description.',
    when: (c) => external(c) && !named(c),
    then: (c, draft) => {
      const { name } = c.facts;
      draft.static = { ...described(c), name: name === null ? c.vm.static.name : externalName(name) };
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
