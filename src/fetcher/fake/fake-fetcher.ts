import { type Clock, CountedIds, type Scheduler, VurtiError } from '../../kernel/index.js';
import { type AgentMethod, agentMethods, type HostEndpoint } from '../../model/index.js';
import { agentError } from '../agent-errors.js';
import { AgentFetcher, type AgentQuestion } from '../agent-fetcher.js';
import type { PushListener, PushSubscription } from '../ports.js';
import { answerOf, resultOf } from '../rpc.js';
import { FakeAgent } from './fake-agent.js';
import { type FakeHost, type FakeHostFacts, hostFacts } from './fake-host.js';
import { type FakeVmFacts, vmFacts } from './fake-vm.js';

export interface FakeFetcherOptions {
  /** Methods that may be asked. Default: all. */
  readonly allowed?: ReadonlySet<AgentMethod>;
  /** true: counters, elapsed times and the event clock move on with the clock. Default: all stands still. */
  readonly advance?: boolean;
  /** true: agents push from the beginning, and what they do without a word is a gap. Default: from their first push. */
  readonly pushes?: boolean;
  /** For slow agents. */
  readonly scheduler?: Scheduler;
  /** For times of calls and the agents' own clocks. */
  readonly clock?: Clock;
}

/**
 * Agents without a network, for unit tests: they build VDSM's own JSON, and it goes through the same decoders as a real
 * answer. They answer in the same turn of the event loop unless they are slow, and say the same until told otherwise.
 */
export class FakeFetcher extends AgentFetcher {
  readonly #agents = new Map<string, FakeAgent>();
  readonly #ids = new CountedIds();
  #scheduler: Scheduler | undefined;
  #clock: Clock | undefined;
  readonly #advance: boolean;
  readonly #pushes: boolean;
  #closed = false;

  constructor(options: FakeFetcherOptions = {}) {
    super(options.allowed ?? new Set(agentMethods));
    this.#advance = options.advance ?? false;
    this.#pushes = options.pushes ?? false;
    this.#scheduler = options.scheduler;
    this.#clock = options.clock;
  }

  /** Time of the test: called by createTestMonitor. */
  bind(scheduler: Scheduler, clock: Clock): this {
    this.#scheduler = scheduler;
    this.#clock = clock;
    return this;
  }

  /** Adds a host; its id is its name. */
  host(name: string, host: FakeHost = {}): this {
    if (this.#agents.has(name))
      throw new VurtiError('BAD_ARGUMENT', `There is a host ${name} already; change it by on()`);
    const setting = () => ({ scheduler: this.#scheduler, clock: this.#clock, advance: this.#advance });
    this.#agents.set(name, new FakeAgent(name, host, setting, this.#pushes));
    return this;
  }

  /** The agent of a host, to be scripted and looked at. @throws BAD_ARGUMENT for an unknown host. */
  on(name: string): FakeAgent {
    const agent = this.#agents.get(name);
    if (agent !== undefined) return agent;
    throw new VurtiError('BAD_ARGUMENT', `There is no host ${name}; there are ${this.hosts().join(', ') || 'none'}`);
  }

  hosts(): readonly string[] {
    return [...this.#agents.keys()];
  }

  /** What a manager would know beforehand of all hosts and VMs. A VM on two hosts is one VM. */
  inventory(): { readonly hosts: readonly FakeHostFacts[]; readonly vms: readonly FakeVmFacts[] } {
    const hosts: FakeHostFacts[] = [];
    const vms = new Map<string, FakeVmFacts>();
    for (const agent of this.#agents.values()) {
      const facts = hostFacts(agent.name, agent.host);
      hosts.push(facts);
      for (const [id, vm] of agent.vms) if (!vms.has(id)) vms.set(id, vmFacts(id, vm, facts.cluster));
    }
    return { hosts, vms: [...vms.values()] };
  }

  /** null for a host that nobody made: it cannot be reached. */
  override listen(host: HostEndpoint, listener: PushListener): PushSubscription | null {
    const agent = this.#agents.get(host.id) ?? this.#agents.get(host.name);
    return this.#closed || agent === undefined ? null : agent.pushes.listen(host, listener);
  }

  override release(hostId: string): void {
    super.release(hostId);
    this.#agents.get(hostId)?.abandon(new VurtiError('AGENT_ABORTED', `The connection to ${hostId} was given up`));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const name of this.#agents.keys()) this.release(name);
  }

  protected async ask(question: AgentQuestion): Promise<unknown> {
    if (this.#closed) throw agentError('AGENT_ABORTED', question, 'is not asked any more: the fetcher was closed');
    const id = this.#ids.uuid();
    const text = await this.#agentOf(question).answer(question, id);
    const body = Buffer.from(text);
    return question.read?.(body, id) ?? resultOf(question, id, answerOf(question, body));
  }

  #agentOf(question: AgentQuestion): FakeAgent {
    const { host }: { host: HostEndpoint } = question;
    const agent = this.#agents.get(host.id) ?? this.#agents.get(host.name);
    if (agent !== undefined) return agent;
    throw agentError(
      'AGENT_UNKNOWN_HOST',
      question,
      'cannot be reached: the name does not resolve (no such fake host)',
    );
  }
}
