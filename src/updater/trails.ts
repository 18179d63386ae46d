import type { CauseSource } from '../events/index.js';
import type { NotDone } from '../rules/index.js';

/** A decision about one entity, as `explain` tells of it. */
export interface TrailEntry {
  readonly rule: string;
  readonly source: CauseSource;
  /** The status before and after; null: it stayed. */
  readonly becomes: { readonly from: string; readonly to: string } | null;
  /** Hosts that a VM has gone from and to; null: it stayed where it was. */
  readonly moves: { readonly from: string; readonly to: string } | null;
  /** What the evidence said, where the rule does not tell: an error message, a reported status. */
  readonly said: string | null;
  /** Figures of the moment, e.g. how many attempts there were. */
  readonly figures: string | null;
  readonly notDone: readonly NotDone[];
}

/** The same decision, made once or several times in a row. */
export interface TrailStep extends TrailEntry {
  /** When, of the first and the last of them. */
  readonly at: number;
  readonly lastAt: number;
  readonly times: number;
}

interface Trail {
  readonly steps: TrailStep[];
  lookAt: number;
}

const KEPT = 8;
/** A trail without news is looked at again after this, and dropped if nobody needs it. */
const QUIET_MS = 3_600_000;
const MOST = 20_000;

/**
 * The latest decisions about the entities that give reason to ask: a status that changed a short while ago, or a state
 * that is not settled. A VM whose reports do not differ is never decided about and so costs nothing here.
 */
export class Trails {
  readonly #trails = new Map<string, Trail>();
  readonly #isNeeded: (id: string) => boolean;

  constructor(isNeeded: (id: string) => boolean) {
    this.#isNeeded = isNeeded;
  }

  get size(): number {
    return this.#trails.size;
  }

  note(id: string, at: number, entry: TrailEntry): void {
    let trail = this.#trails.get(id);
    if (trail === undefined) trail = { steps: [], lookAt: 0 };
    else this.#trails.delete(id);
    // At the end: the first one is the one that has been quiet for longest.
    trail.lookAt = at + QUIET_MS;
    this.#trails.set(id, trail);
    const last = trail.steps.at(-1);
    if (last !== undefined && isSame(last, entry)) {
      const times = isOneEvidence(last.source, entry.source) ? last.times : last.times + 1;
      trail.steps[trail.steps.length - 1] = stepOf(entry, last.at, at, times);
    } else {
      trail.steps.push(stepOf(entry, at, at, 1));
      if (trail.steps.length > KEPT) trail.steps.shift();
    }
    this.#prune(at);
  }

  /** Oldest first. */
  of(id: string): readonly TrailStep[] {
    return this.#trails.get(id)?.steps ?? [];
  }

  forget(id: string): void {
    this.#trails.delete(id);
  }

  #prune(now: number): void {
    for (const [id, trail] of this.#trails) {
      const full = this.#trails.size > MOST;
      if (trail.lookAt > now && !full) return;
      this.#trails.delete(id);
      if (full || !this.#isNeeded(id)) continue;
      trail.lookAt = now + QUIET_MS;
      this.#trails.set(id, trail);
    }
  }
}

/** One literal, so that all steps are of one shape. */
function stepOf(entry: TrailEntry, at: number, lastAt: number, times: number): TrailStep {
  const { rule, source, becomes, moves, said, figures, notDone } = entry;
  return { rule, source, becomes, moves, said, figures, notDone, at, lastAt, times };
}

function isSame(a: TrailEntry, b: TrailEntry): boolean {
  const stay = a.becomes === null && b.becomes === null && a.moves === null && b.moves === null;
  return stay && a.rule === b.rule && a.said === b.said;
}

/** An open state is judged with every report, and a report that differs once more: that is one thing seen. */
function isOneEvidence(a: CauseSource, b: CauseSource): boolean {
  return 'seq' in a && 'seq' in b && a.host === b.host && a.seq === b.seq;
}
