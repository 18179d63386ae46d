import type { ReportProblem } from '../../model/index.js';
import { excerpt } from '../text.js';

/** A hostile answer could hold millions of faults; the first ones are enough to see what is wrong. */
const MAX_PROBLEMS = 100;
const LONGEST_PATH = 300;

/** What could not be read in one answer. */
export class Problems {
  readonly #list: ReportProblem[] = [];
  #leftOut = 0;

  add(path: string, message: string, vmId: string | null = null): void {
    // A path holds names that the agent, or even a guest, has chosen; problems go to logs.
    if (this.#list.length < MAX_PROBLEMS) this.#list.push({ path: excerpt(path, LONGEST_PATH), message, vmId });
    else this.#leftOut += 1;
  }

  list(): readonly ReportProblem[] {
    if (this.#leftOut === 0) return [...this.#list];
    return [...this.#list, { path: '', message: `and ${this.#leftOut} more`, vmId: null }];
  }
}
