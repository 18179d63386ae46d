import type { AgentCaller } from '../fetcher/index.js';
import { type Scheduler, VurtiError, withDeadline } from '../kernel/index.js';
import { type AgentMethod, type HostEndpoint, observerMethods } from '../model/index.js';

export interface RawAnswersOptions {
  readonly caller: AgentCaller;
  readonly endpointOf: (hostId: string) => HostEndpoint | undefined;
  readonly deadlineMsOf: (hostId: string) => number;
  readonly scheduler: Scheduler;
}

/** Questions that wait for the one under way. */
const MOST_WAITING = 16;
/** Keys under which an agent may give away what is nobody's business. */
const secretKeys = /passw(or)?d|passphrase|secret|ticket|credential|private_?key/i;
const secretAttributes = /\b(passwd|password)\s*=\s*("[^"]*"|'[^']*')/gi;

/**
 * What an agent really says, for people who look into a problem. It only reads, in manager mode as well; one question is
 * under way at a time, so that nobody keeps agents busy by asking.
 */
export class RawAnswers {
  readonly #o: RawAnswersOptions;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(options: RawAnswersOptions) {
    this.#o = options;
  }

  /** `vmId`: only about this VM. @throws OBSERVER_MODE, BAD_ARGUMENT, NOT_FOUND, AGENT_… */
  async ask(hostId: string, method: string, vmId: string | null): Promise<unknown> {
    if (!isReading(method)) {
      const all = [...observerMethods].join(', ');
      throw new VurtiError('OBSERVER_MODE', `${method} refused: only what reads may be asked for: ${all}`);
    }
    if (method === 'Host.dumpxmls' && vmId === null)
      throw new VurtiError('BAD_ARGUMENT', 'Host.dumpxmls needs a VM', { hint: 'Name one: --vm NAME' });
    if (this.#waiting >= MOST_WAITING)
      throw new VurtiError('AGENT_QUEUE_FULL', `${MOST_WAITING} questions wait already`);
    const turn = this.#last;
    this.#waiting += 1;
    const answer = turn.then(() => this.#call(hostId, method, vmId));
    this.#last = answer.catch(() => undefined);
    try {
      return withoutSecretFields(about(method, await answer, vmId));
    } finally {
      this.#waiting -= 1;
    }
  }

  #call(hostId: string, method: AgentMethod, vmId: string | null): Promise<unknown> {
    const { caller, endpointOf, deadlineMsOf, scheduler } = this.#o;
    const endpoint = endpointOf(hostId);
    if (endpoint === undefined) throw new VurtiError('NOT_FOUND', 'The host has no address');
    const params = method === 'Host.dumpxmls' ? { vmList: [vmId] } : {};
    const ms = deadlineMsOf(hostId);
    const message = `${endpoint.name}: no answer to ${method} within ${ms / 1000}s (${endpoint.address}:${endpoint.port})`;
    return withDeadline(scheduler, { ms, code: 'AGENT_TIMEOUT', message, label: 'raw' }, (signal) =>
      caller.call(endpoint, method, params, { signal }),
    );
  }
}

const isReading = (method: string): method is AgentMethod => observerMethods.has(method as AgentMethod);

function about(method: AgentMethod, result: unknown, vmId: string | null): unknown {
  if (method !== 'Host.getAllVmStats' || vmId === null || !Array.isArray(result)) return result;
  return result.filter((one: unknown) => typeof one === 'object' && one !== null && 'vmId' in one && one.vmId === vmId);
}

function withoutSecretFields(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(secretAttributes, '$1="(secret)"');
  if (Array.isArray(value)) return value.map(withoutSecretFields);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      secretKeys.test(key) && typeof member === 'string' && member !== '' ? '(secret)' : withoutSecretFields(member),
    ]),
  );
}
