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
  /** Parts of a question that was refused as a whole. */
  readonly #parts: (readonly string[])[] = [];

  get isEmpty(): boolean {
    return this.#methods.size === 0 && this.#vmIds.size === 0 && this.#parts.length === 0;
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
    if (!isFree('Host.dumpxmls')) return undefined;
    const part = this.#parts.shift();
    if (part !== undefined) return { method: 'Host.dumpxmls', purpose: 'request', vmIds: part };
    if (this.#vmIds.size === 0) return undefined;
    const vmIds = [...this.#vmIds].slice(0, IDS_PER_CALL);
    for (const id of vmIds) this.#vmIds.delete(id);
    return { method: 'Host.dumpxmls', purpose: 'request', vmIds };
  }

  /**
   * The agent refused the question: of dumpxmls one id that it does not know is enough for that. Each half is asked by
   * itself, until the one at fault stands alone; it is let go.
   */
  refused({ vmIds }: Ask): void {
    if (vmIds.length < 2) return;
    const half = Math.ceil(vmIds.length / 2);
    this.#parts.push(vmIds.slice(0, half), vmIds.slice(half));
  }

  clear(): void {
    this.#methods.clear();
    this.#vmIds.clear();
    this.#parts.length = 0;
  }
}
