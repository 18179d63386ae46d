import { silentTelemetry, type Telemetry, VurtiError } from '../kernel/index.js';
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
import { ReadVdsStats, VdsStatsReader } from './differential/vds-stats-reader.js';
import { ReadPage } from './differential/vm-memory.js';
import { type AnswerReader, type VmPass, VmStatsReader } from './differential/vm-stats-reader.js';
import type { AgentParams, CallOptions, Fetcher, PushListener, PushSubscription } from './ports.js';
import { listOf, objectOf } from './rpc.js';

/** One call on its way: what is asked of whom, and the signal that gives it up. */
export interface AgentQuestion extends Question {
  readonly method: AgentMethod;
  readonly params: AgentParams;
  readonly signal: AbortSignal;
  /** Reads an answer at once, without parsing it, where it can. */
  readonly read?: AnswerReader;
}

/** What all fetchers have in common: the allowlist before the wire, the decoders after it. They differ in `ask`. */
export abstract class AgentFetcher implements Fetcher {
  readonly #allowed: ReadonlySet<AgentMethod>;
  readonly #vmStats: VmStatsReader;
  readonly #vdsStats: VdsStatsReader;

  protected constructor(allowed: ReadonlySet<AgentMethod>, telemetry: Telemetry = silentTelemetry) {
    this.#allowed = allowed;
    const recycle = (bytes: Buffer): void => this.recycle(bytes);
    this.#vmStats = new VmStatsReader(telemetry, recycle);
    this.#vdsStats = new VdsStatsReader(telemetry, recycle);
  }

  /** What is remembered of the host's answers goes with its connection. */
  release(hostId: string): void {
    this.#vmStats.release(hostId);
    this.#vdsStats.release(hostId);
  }

  abstract close(): Promise<void>;

  /** Unless a protocol says otherwise, agents speak when they are asked. */
  listen(_host: HostEndpoint, _listener: PushListener): PushSubscription | null {
    return null;
  }

  /** Asks and gives the `result` as parsed, or what `question.read` made of the answer. May throw anything. */
  protected abstract ask(question: AgentQuestion): Promise<unknown>;

  /** Bytes of an answer that nobody looks at any more: to be read into again, where a protocol does that. */
  protected recycle(_bytes: Buffer): void {
    // They are garbage.
  }

  /** Asks for the whole VM list: all pages, where a protocol has pages. */
  protected async askVms(question: AgentQuestion, pass: VmPass): Promise<void> {
    const result = await this.ask({ ...question, read: pass.reader(false) });
    if (!(result instanceof ReadPage)) pass.add(listOf(question, result));
  }

  call(host: HostEndpoint, method: AgentMethod, params: AgentParams, options: CallOptions): Promise<unknown> {
    return this.#run({ host, method, params, ...options }, (question) => this.ask(question));
  }

  getStats(host: HostEndpoint, options: CallOptions): Promise<VdsStatsReport> {
    const read: AnswerReader = (body, id) => this.#vdsStats.read(host.id, body, id);
    return this.#run({ host, method: 'Host.getStats', params: {}, read, ...options }, async (question) => {
      const result = await this.ask(question);
      return result instanceof ReadVdsStats ? result.report : decodeVdsStats(objectOf(question, result));
    });
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
    return this.#run({ host, method: 'Host.getAllVmStats', params: {}, ...options }, (question) =>
      this.#vmStats.read(host, (pass) => this.askVms(question, pass)),
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
