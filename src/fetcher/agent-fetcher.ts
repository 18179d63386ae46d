import { VurtiError } from '../kernel/index.js';
import {
  type AgentMethod,
  agentMethods,
  type DomainReport,
  type HostEndpoint,
  type VdsCapabilitiesReport,
  type VdsHardwareReport,
  type VdsStatsReport,
  type VmListReport,
  type VmStatsReport,
} from '../model/index.js';
import { aborted, asAgentError, type Question } from './agent-errors.js';
import { decodeVdsCapabilities } from './decode/vds-capabilities.js';
import { decodeVdsHardware } from './decode/vds-hardware.js';
import { decodeVdsStats } from './decode/vds-stats.js';
import { decodeDomains, decodeVmList } from './decode/vm-lists.js';
import { ParsedVmStatsReport } from './decode/vm-stats-report.js';
import type { AgentParams, CallOptions, Fetcher, PushListener, PushSubscription } from './ports.js';
import { listOf, objectOf } from './rpc.js';

/** One call on its way: what is asked of whom, and the signal that gives it up. */
export interface AgentQuestion extends Question {
  readonly method: AgentMethod;
  readonly params: AgentParams;
  readonly signal: AbortSignal;
}

/** What all fetchers have in common: the allowlist before the wire, the decoders after it. They differ in `ask`. */
export abstract class AgentFetcher implements Fetcher {
  readonly #allowed: ReadonlySet<AgentMethod>;

  protected constructor(allowed: ReadonlySet<AgentMethod>) {
    this.#allowed = allowed;
  }

  abstract release(hostId: string): void;
  abstract close(): Promise<void>;

  /** Unless a protocol says otherwise, agents speak when they are asked. */
  listen(_host: HostEndpoint, _listener: PushListener): PushSubscription | null {
    return null;
  }

  /** Asks and gives the `result` as parsed. May throw anything. */
  protected abstract ask(question: AgentQuestion): Promise<unknown>;

  /** The entries of the whole VM list: of all pages, where a protocol has pages. */
  protected async vmEntries(question: AgentQuestion): Promise<readonly unknown[]> {
    return listOf(question, await this.ask(question));
  }

  call(host: HostEndpoint, method: AgentMethod, params: AgentParams, options: CallOptions): Promise<unknown> {
    return this.#run({ host, method, params, ...options }, (question) => this.ask(question));
  }

  getStats(host: HostEndpoint, options: CallOptions): Promise<VdsStatsReport> {
    return this.#run({ host, method: 'Host.getStats', params: {}, ...options }, async (question) =>
      decodeVdsStats(objectOf(question, await this.ask(question))),
    );
  }

  getCapabilities(host: HostEndpoint, options: CallOptions): Promise<VdsCapabilitiesReport> {
    return this.#run({ host, method: 'Host.getCapabilities', params: {}, ...options }, async (question) =>
      decodeVdsCapabilities(objectOf(question, await this.ask(question))),
    );
  }

  getHardwareInfo(host: HostEndpoint, options: CallOptions): Promise<VdsHardwareReport> {
    return this.#run({ host, method: 'Host.getHardwareInfo', params: {}, ...options }, async (question) =>
      decodeVdsHardware(objectOf(question, await this.ask(question))),
    );
  }

  getAllVmStats(host: HostEndpoint, options: CallOptions): Promise<VmStatsReport> {
    return this.#run(
      { host, method: 'Host.getAllVmStats', params: {}, ...options },
      async (question) => new ParsedVmStatsReport(host, await this.vmEntries(question)),
    );
  }

  getVmList(host: HostEndpoint, options: CallOptions): Promise<VmListReport> {
    return this.#run({ host, method: 'Host.getVMList', params: {}, ...options }, async (question) =>
      decodeVmList(listOf(question, await this.ask(question))),
    );
  }

  dumpXmls(
    host: HostEndpoint,
    vmIds: readonly string[],
    options: CallOptions,
  ): Promise<ReadonlyMap<string, DomainReport>> {
    return this.#run({ host, method: 'Host.dumpxmls', params: { vmList: vmIds }, ...options }, async (question) =>
      decodeDomains(objectOf(question, await this.ask(question)), vmIds),
    );
  }

  async #run<T>(question: AgentQuestion, answer: (question: AgentQuestion) => Promise<T>): Promise<T> {
    // Before anything else: a method that is not allowed never reaches the code that could send it.
    if (!this.#allowed.has(question.method)) throw refused(question);
    if (question.signal.aborted) throw aborted(question, question.signal);
    try {
      return await answer(question);
    } catch (error) {
      throw question.signal.aborted ? aborted(question, question.signal) : asAgentError(error, question);
    }
  }
}

function refused({ host, method }: AgentQuestion): VurtiError {
  const known = (agentMethods as readonly string[]).includes(method);
  const why = known ? 'vurti observes beside an engine and never acts (mode: observer)' : 'vurti never sends it';
  return new VurtiError('OBSERVER_MODE', `${method} refused on ${host.name}: ${why}`, {
    details: { host: host.id, method },
  });
}
