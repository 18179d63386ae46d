import type { Cause } from '../events/index.js';
import {
  absentTransitions,
  capabilitiesTransitions,
  commandTransitions,
  downTransitions,
  elsewhereTransitions,
  failureTransitions,
  hereTransitions,
  recoveringTransitions,
  statsTransitions,
  unknownTransitions,
} from '../rules/index.js';
import type { Explanation } from './api.js';

/** Rules that are no rows of a table. */
const others: Readonly<Record<string, string>> = {
  'host.lost.vms-unknown':
    'Its host is NonResponsive. A VM on an unreachable host may still run: it is Unknown, not Down.',
  'host.off.vms-down': 'Its host is proven to have been off: whatever was known of the VM, it does not run.',
  'host.start': 'The service was started anew: what was going on before is not known, contact is made again.',
  inventory: 'The inventory says so; no report has changed it yet.',
};

const docs: ReadonlyMap<string, string> = new Map([
  ...[
    ...absentTransitions,
    ...downTransitions,
    ...elsewhereTransitions,
    ...hereTransitions,
    ...unknownTransitions,
    ...capabilitiesTransitions,
    ...commandTransitions,
    ...failureTransitions,
    ...recoveringTransitions,
    ...statsTransitions,
  ].map(({ name, doc }): [string, string] => [name, doc]),
  ...Object.entries(others),
]);

/** Why an entity has its present status, as far as this process knows. */
export function explanation(
  kind: Explanation['kind'],
  entity: { readonly id: string; readonly name: string; readonly status: string; readonly since: number | null },
  cause: Cause | undefined,
): Explanation {
  const rule = cause?.rule ?? null;
  return {
    kind,
    ...entity,
    rule,
    why:
      rule === null
        ? 'It was in this status when the service started; no report has changed it since.'
        : (docs.get(rule) ?? rule),
  };
}
