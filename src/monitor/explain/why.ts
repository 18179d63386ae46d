import type { Cause } from '../../events/index.js';
import { ruleAnchor, ruleDoc } from '../../rules/index.js';
import type { Explanation } from './explanation.js';

/** Why the present status, in the words of its rule. `detail`: what the rule does not say, a reason or an exit message. */
export function because(cause: Cause | undefined, detail: string | null): Pick<Explanation, 'rule' | 'doc' | 'why'> {
  const more = detail === null ? '' : ` (${detail})`;
  if (cause === undefined) {
    const why = `It was in this status when the service started, or when it was added${more}; nothing has changed it since.`;
    return { rule: null, doc: null, why };
  }
  const { rule } = cause;
  const doc = ruleDoc(rule);
  return {
    rule,
    doc: doc === undefined ? null : `docs/rules.md#${ruleAnchor(rule)}`,
    why: `${doc ?? rule}${more}`,
  };
}
