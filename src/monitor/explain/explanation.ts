import type { Freshness } from '../../model/index.js';
import type { HostPushFigures } from '../../push-adapter/index.js';

/** What was seen, and what followed. The same thing several times in a row is one entry. */
export interface ExplanationEvidence {
  readonly at: number;
  readonly lastAt: number;
  readonly times: number;
  /** The rule that decided; null: it was only seen. */
  readonly rule: string | null;
  readonly text: string;
  readonly becomes: readonly { readonly name: string; readonly from: string; readonly to: string }[];
}

/** Why something is as it is: what is wrong, since when, why, how sure that is, what comes next. */
export interface Explanation {
  readonly kind: 'vm' | 'host';
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly since: number | null;
  /** The status before it, as far as this process knows. */
  readonly previous: string | null;
  /** Of a VM: the name of the host that runs it, or ran it last as far as known. */
  readonly host: string | null;
  readonly freshness: Freshness;
  readonly heardAt: number | null;
  /** Name of the rule that gave the present status; null when it was loaded from the database. */
  readonly rule: string | null;
  /** Where that rule is documented. */
  readonly doc: string | null;
  readonly why: string;
  /** The latest, in order of time. Kept while there is reason to ask, and lost with the process. */
  readonly evidence: readonly ExplanationEvidence[];
  /** Of a host: its last calls, oldest first. */
  readonly calls: readonly {
    readonly at: number;
    readonly method: string;
    readonly outcome: string;
    readonly durationMs: number;
    readonly code: string | null;
  }[];
  /** Of a host that pushes: how far that is believed; else null. */
  readonly pushes: (HostPushFigures & { readonly pollSeconds: number }) | null;
  /** What one might expect, and why it was not done. */
  readonly notDone: readonly { readonly what: string; readonly why: string }[];
  /** What would end this state, and what it would become. */
  readonly endsWhen: readonly string[];
  /** at null: no time is known; a command to run, or a thing that may happen at any time. */
  readonly next: readonly { readonly text: string; readonly at: number | null }[];
  /** Rules that are off for it because a fact is not known. */
  readonly rulesOff: readonly { readonly rule: string; readonly because: string }[];
}
