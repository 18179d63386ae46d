import type { AgentRequest } from '../events/index.js';
import type { CallPurpose, PolledMethod } from '../rules/index.js';

/** One question for an agent. */
export interface Ask {
  readonly method: PolledMethod | 'Host.dumpxmls';
  readonly purpose: CallPurpose | 'request';
  /** For dumpxmls. */
  readonly vmIds: readonly string[];
}

/** The XML of a VM has some 10 KB: what one answer may hold stays far below the limit for answers. */
const IDS_PER_CALL = 100;
const none: readonly string[] = [];

/** What the rules have asked of one host and was not sent yet. A method waits once, ids of dumpxmls are merged. */
export class RequestQueue {
  readonly #methods = new Set<PolledMethod>();
  readonly #vmIds = new Set<string>();

  get isEmpty(): boolean {
    return this.#methods.size === 0 && this.#vmIds.size === 0;
  }

  add(request: AgentRequest): void {
    if (request.method === 'Host.dumpxmls') for (const id of request.vmIds) this.#vmIds.add(id);
    else this.#methods.add(request.method);
  }

  /** Takes out the next one whose method is free. */
  take(isFree: (method: Ask['method']) => boolean): Ask | undefined {
    for (const method of this.#methods) {
      if (!isFree(method)) continue;
      this.#methods.delete(method);
      return { method, purpose: 'request', vmIds: none };
    }
    if (this.#vmIds.size === 0 || !isFree('Host.dumpxmls')) return undefined;
    const vmIds = [...this.#vmIds].slice(0, IDS_PER_CALL);
    for (const id of vmIds) this.#vmIds.delete(id);
    return { method: 'Host.dumpxmls', purpose: 'request', vmIds };
  }

  clear(): void {
    this.#methods.clear();
    this.#vmIds.clear();
  }
}
