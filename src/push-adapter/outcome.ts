import type { ErrorCode, VurtiError } from '../kernel/index.js';

/**
 * How one call ended:
 *   answered    a good answer
 *   silent      no answer that deserves the name: not reached, timed out, refused by TLS, garbage, 5022
 *   refused     the agent answered with an error; also what is our own fault: a bug of ours never makes a host lost
 *   busy        the agent is out of workers (1100)
 *   recovering  the agent does not know its VMs yet (99)
 *   aborted     given up by us: the host is gone, or we stop
 */
export type Outcome = 'answered' | 'silent' | 'refused' | 'busy' | 'recovering' | 'aborted';

const byCode: Partial<Record<ErrorCode, Outcome>> = {
  AGENT_UNREACHABLE: 'silent',
  AGENT_UNKNOWN_HOST: 'silent',
  AGENT_TIMEOUT: 'silent',
  AGENT_BAD_ANSWER: 'silent',
  AGENT_ANSWER_TOO_LARGE: 'silent',
  AGENT_REDIRECTED: 'silent',
  AGENT_TLS: 'silent',
  AGENT_CERT_REFUSED: 'silent',
  AGENT_NETWORK: 'silent',
  AGENT_ERROR: 'refused',
  AGENT_BUSY: 'busy',
  AGENT_RECOVERING: 'recovering',
  AGENT_ABORTED: 'aborted',
};

export function outcomeOf(error: VurtiError): Outcome {
  return byCode[error.code] ?? 'refused';
}

/** Whether somebody is there, whatever was said. */
export function isHeard(outcome: Outcome): boolean {
  return outcome === 'answered' || outcome === 'refused' || outcome === 'busy' || outcome === 'recovering';
}

/** Adds up how the calls of one cycle ended. */
export class Tally {
  #answered = false;
  #refused = false;
  #busy = false;
  #recovering = false;
  #firstSilent: VurtiError | null = null;
  #silentVmStats: VurtiError | null = null;

  add(method: string, outcome: Outcome, error: VurtiError | null): void {
    if (outcome === 'answered') this.#answered = true;
    if (outcome === 'refused') this.#refused = true;
    if (outcome === 'busy') this.#busy = true;
    if (outcome === 'recovering') this.#recovering = true;
    if (outcome !== 'silent') return;
    this.#firstSilent ??= error;
    if (method === 'Host.getAllVmStats') this.#silentVmStats = error;
  }

  /** The agent was out of workers. */
  get busy(): boolean {
    return this.#busy;
  }

  get recovering(): boolean {
    return this.#recovering;
  }

  /** Nothing came of it, and that is a failure. */
  get failed(): boolean {
    return !this.#answered && (this.#refused || this.#firstSilent !== null);
  }

  /** The failed attempt that this cycle was (principle 8), told by its first failure; null = it was none. */
  get attempt(): VurtiError | null {
    return this.#answered ? null : this.#firstSilent;
  }

  /** getAllVmStats got no answer while the host is not to blame (D29). */
  get vmStatsFailure(): VurtiError | null {
    return this.#answered ? this.#silentVmStats : null;
  }
}
