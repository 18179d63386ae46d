import { type Clock, type Scheduler, VurtiError } from '../../kernel/index.js';
import type { AgentMethod } from '../../model/index.js';
import { agentError } from '../agent-errors.js';
import type { AgentQuestion } from '../agent-fetcher.js';
import { capabilitiesPayload, type FakeHost, hardwarePayload, ipOf, statsPayload } from './fake-host.js';
import { type FakePush, FakePushes, statusOf } from './fake-pushes.js';
import { eventClockOf, type FakeTime, type FakeVm, statusWord, vmListEntry, vmPayload } from './fake-vm.js';

/** One question that the agent was asked, whatever it answered. */
export interface FakeCall {
  readonly method: AgentMethod;
  readonly params: unknown;
  /** Wall-clock ms; null without a clock. */
  readonly at: number | null;
}

/** Calls that are remembered in detail; `count` knows of all. */
const MAX_CALLS = 10_000;
/** The agents' wall clock without a clock: a fixed moment. */
const STANDING_CLOCK = Date.UTC(2026, 0, 1);
const NO_SUCH_VM = 1;
const INTERNAL_ERROR = -32_603;

type Behaviour =
  | { readonly kind: 'hang' | 'refuse' | 'garbage' }
  | { readonly kind: 'code'; readonly code: number; readonly message: string };

type Answer = { readonly result: unknown } | { readonly error: { readonly code: number; readonly message: string } };

export interface FakeSetting {
  readonly scheduler: Scheduler | undefined;
  readonly clock: Clock | undefined;
  /** Whether counters and times move on with the clock. */
  readonly advance: boolean;
}

/**
 * One agent and its host, to be scripted. All methods may be chained. Those that make it misbehave hold until `recover`;
 * given methods, they hold for these alone.
 */
export class FakeAgent {
  readonly name: string;
  readonly #setting: () => FakeSetting;
  readonly #vms: Map<string, FakeVm>;
  #host: FakeHost;
  readonly #behaviours = new Map<AgentMethod | 'all', Behaviour>();
  readonly #delays = new Map<AgentMethod | 'all', number>();
  readonly #counts = new Map<AgentMethod, number>();
  readonly #calls: FakeCall[] = [];
  readonly #waiting = new Set<(error: unknown) => void>();
  #startedAt: { wall: number; monotonic: number } | undefined;
  /** What it says unasked. For the fetcher. */
  readonly pushes: FakePushes;
  #cutByRefusal = false;

  constructor(name: string, host: FakeHost, setting: () => FakeSetting, pushes: boolean) {
    this.name = name;
    this.#host = host;
    this.#setting = setting;
    this.pushes = new FakePushes(pushes, () => eventClockOf(this.#time()));
    this.#vms = new Map(Object.entries(host.vms ?? {}));
    for (const vm of this.#vms.values()) statusWord(vm.status ?? 'Up');
  }

  /** Takes questions and never answers. Calls that hang already do not come back by `recover`. */
  hang(...methods: AgentMethod[]): this {
    return this.#behave({ kind: 'hang' }, methods);
  }

  /** Nothing listens at its address: its connection for pushes is gone as well. */
  refuse(...methods: AgentMethod[]): this {
    return this.#behave({ kind: 'refuse' }, methods);
  }

  /** Answers with something that is not JSON. */
  garbage(...methods: AgentMethod[]): this {
    return this.#behave({ kind: 'garbage' }, methods);
  }

  /** Answers with this error: 99 recovering, 1100 out of workers, 5022 network. */
  code(code: number, ...methods: AgentMethod[]): this {
    return this.#behave({ kind: 'code', code, message: `scripted error ${code}` }, methods);
  }

  /** Takes this long for an answer. Needs a scheduler. */
  slow(ms: number, ...methods: AgentMethod[]): this {
    for (const method of forAll(methods)) this.#delays.set(method, ms);
    return this;
  }

  /** Answers well and at once again. */
  recover(...methods: AgentMethod[]): this {
    if (methods.length === 0) {
      this.#behaviours.clear();
      this.#delays.clear();
      if (this.#cutByRefusal) this.reconnect();
    }
    for (const method of methods) {
      this.#behaviours.delete(method);
      this.#delays.delete(method);
    }
    return this;
  }

  /** Adds the VM, or changes what it says of it. */
  with(vmId: string, vm: FakeVm = {}): this {
    statusWord(vm.status ?? 'Up');
    this.#vms.set(vmId, { ...this.#vms.get(vmId), ...vm });
    return this;
  }

  /** Changes what it says of a VM that it has. @throws BAD_ARGUMENT if it has none of this id. */
  vm(vmId: string, change: FakeVm): this {
    if (this.#vms.has(vmId)) return this.with(vmId, change);
    throw new VurtiError(
      'BAD_ARGUMENT',
      `${this.name} has no VM ${vmId}; it has ${[...this.#vms.keys()].join(', ') || 'none'}`,
    );
  }

  /** Forgets the VMs: they are in no list any more. */
  without(...vmIds: string[]): this {
    for (const vmId of vmIds) this.#vms.delete(vmId);
    return this;
  }

  /**
   * Sends a message as it is, and changes nothing of what it answers. It is lost while the connection is down, and while
   * the agent recovers (code 99), which drops its events. An agent of a FakeFetcher without `pushes` begins to push now.
   */
  push(event: FakePush): this {
    const behaviour = this.#behaviours.get('all');
    const recovers = behaviour?.kind === 'code' && behaviour.code === 99;
    if (!recovers) this.pushes.push(event);
    return this;
  }

  /** Pushes fields of one VM, in the agent's own words: `{ status: 'Down', exitCode: 0, exitReason: 7 }`. */
  pushStatus(vmId: string, fields: Readonly<Record<string, unknown>>, notifyTime?: number): this {
    const time = notifyTime === undefined ? {} : { notify_time: notifyTime };
    return this.push({ method: `|virt|VM_status|${vmId}`, params: { [vmId]: fields, ...time } });
  }

  /** How far a migration from this host is. */
  pushMigration(vmId: string, fields: { progress?: number; postcopy?: boolean; downtime?: number }): this {
    return this.push({ method: `|virt|VM_migration_status|${vmId}`, params: { [vmId]: fields } });
  }

  /** Changes the VM as `with` does and pushes its state, as a real agent does both. */
  announce(vmId: string, change: FakeVm = {}): this {
    this.with(vmId, change);
    return this.pushStatus(vmId, statusOf(vmId, this.#vms.get(vmId) ?? {}));
  }

  /** Cuts the connection: what is pushed until `reconnect` is lost. Questions are answered all the same. */
  disconnect(): this {
    this.pushes.cut();
    return this;
  }

  /** The connection stands again, and the agent pushes. */
  reconnect(): this {
    this.#cutByRefusal = false;
    this.pushes.open();
    return this;
  }

  /** Until when its certificates are valid, ms since the epoch; said at the next connection. */
  certificates(session: { agentCertificateExpiresAt?: number; clientCertificateExpiresAt?: number }): this {
    this.pushes.session = { ...this.pushes.session, ...session };
    return this;
  }

  /** Lays the agent's own fields over its answers, beside those laid over before; undefined takes one away. */
  answers(fields: Pick<FakeHost, 'stats' | 'capabilities' | 'hardware'>): this {
    const { stats, capabilities, hardware } = this.#host;
    this.#host = {
      ...this.#host,
      stats: { ...stats, ...fields.stats },
      capabilities: { ...capabilities, ...fields.capabilities },
      hardware: { ...hardware, ...fields.hardware },
    };
    return this;
  }

  get vms(): ReadonlyMap<string, FakeVm> {
    return this.#vms;
  }

  get host(): FakeHost {
    return this.#host;
  }

  /** What it was asked, oldest first: the last 10,000. */
  calls(method?: AgentMethod): readonly FakeCall[] {
    return method === undefined ? [...this.#calls] : this.#calls.filter((call) => call.method === method);
  }

  /** How often it was asked, ever. */
  count(method?: AgentMethod): number {
    if (method !== undefined) return this.#counts.get(method) ?? 0;
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The text that goes over the wire as the answer to one question. For the fetcher. */
  async answer(question: AgentQuestion, id: string): Promise<string> {
    const { method } = question;
    this.#remember(question);
    const delay = this.#delays.get(method) ?? this.#delays.get('all') ?? 0;
    if (delay > 0) await this.#wait(question, delay);
    const behaviour = this.#behaviours.get(method) ?? this.#behaviours.get('all');
    switch (behaviour?.kind) {
      case 'hang':
        await this.#wait(question, null);
        throw new VurtiError('INTERNAL', 'A wait without end has ended');
      case 'refuse':
        throw agentError('AGENT_UNREACHABLE', question, 'refuses the connection (ECONNREFUSED)');
      case 'garbage':
        return '<html><body>502 Bad Gateway</body></html>';
      case 'code':
        return JSON.stringify({ jsonrpc: '2.0', id, error: { code: behaviour.code, message: behaviour.message } });
      default:
        return JSON.stringify({ jsonrpc: '2.0', id, ...this.#answerTo(question) });
    }
  }

  /** Ends all calls that wait. For the fetcher. */
  abandon(reason: unknown): void {
    for (const stop of [...this.#waiting]) stop(reason);
  }

  #behave(behaviour: Behaviour, methods: readonly AgentMethod[]): this {
    for (const method of forAll(methods)) this.#behaviours.set(method, behaviour);
    if (behaviour.kind === 'refuse' && methods.length === 0 && this.pushes.isOpen) {
      this.#cutByRefusal = true;
      this.disconnect();
    }
    return this;
  }

  #remember({ method, params }: AgentQuestion): void {
    this.#counts.set(method, (this.#counts.get(method) ?? 0) + 1);
    this.#calls.push({ method, params, at: this.#setting().clock?.now() ?? null });
    if (this.#calls.length > MAX_CALLS) this.#calls.shift();
  }

  #answerTo({ method, params }: AgentQuestion): Answer {
    const time = this.#time();
    switch (method) {
      case 'Host.getStats':
        return { result: statsPayload(this.#host, this.#vms, time, this.#started().wall) };
      case 'Host.getCapabilities':
        return { result: capabilitiesPayload(this.name, this.#host) };
      case 'Host.getHardwareInfo':
        return { result: hardwarePayload(this.name, this.#host) };
      case 'Host.getAllVmStats':
        return { result: [...this.#vms].map(([id, vm]) => vmPayload(id, vm, ipOf(this.name), time)) };
      case 'Host.getVMList':
        return { result: [...this.#vms].map(([id, vm]) => vmListEntry(id, vm, time)) };
      case 'Host.dumpxmls':
        return this.#xmls(params['vmList']);
      case 'VM.destroy':
        return this.#vms.delete(String(params['vmID']))
          ? { result: true }
          : { error: { code: NO_SUCH_VM, message: 'Virtual machine does not exist' } };
      case 'Host.ping2':
        return { result: true };
      case 'Host.getJobs':
      case 'Host.getAllVmIoTunePolicies':
        return { result: {} };
    }
  }

  #xmls(vmIds: unknown): Answer {
    const xmls: Record<string, string> = {};
    for (const vmId of Array.isArray(vmIds) ? vmIds.map(String) : []) {
      const vm = this.#vms.get(vmId);
      if (vm === undefined) return { error: { code: INTERNAL_ERROR, message: `VM ${vmId} does not exist` } };
      xmls[vmId] =
        vm.xml ??
        `<domain type='kvm'><name>${vm.name ?? vmId}</name><uuid>${vmId}</uuid>` +
          `<memory unit='KiB'>${(vm.memoryMb ?? 4096) * 1024}</memory><vcpu>${vm.vcpus ?? 2}</vcpu><devices/></domain>`;
    }
    return { result: xmls };
  }

  #started(): { wall: number; monotonic: number } {
    const { clock } = this.#setting();
    if (clock === undefined) return { wall: STANDING_CLOCK, monotonic: 0 };
    this.#startedAt ??= { wall: clock.now(), monotonic: clock.monotonic() };
    return this.#startedAt;
  }

  /** The wall clock always moves: one that stood still would be a host whose clock is wrong. */
  #time(): FakeTime {
    const { clock, advance } = this.#setting();
    const started = this.#started();
    if (clock === undefined) return { seconds: 0, now: started.wall };
    return { seconds: advance ? (clock.monotonic() - started.monotonic) / 1000 : 0, now: clock.now() };
  }

  /** Waits that long, or for ever, unless the call is given up. */
  #wait({ signal }: AgentQuestion, ms: number | null): Promise<void> {
    const { scheduler } = this.#setting();
    if (ms !== null && scheduler === undefined) {
      throw new VurtiError('BAD_ARGUMENT', `slow() of ${this.name} needs a scheduler: bind(scheduler, clock)`);
    }
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        timer?.cancel();
        signal.removeEventListener('abort', onAbort);
        this.#waiting.delete(stop);
        act();
      };
      const stop = (error: unknown): void => settle(() => reject(error));
      const onAbort = (): void => stop(signal.reason);
      const timer = ms === null ? undefined : scheduler?.after(ms, () => settle(resolve), 'fake-agent');
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(stop);
    });
  }
}

function forAll(methods: readonly AgentMethod[]): readonly (AgentMethod | 'all')[] {
  return methods.length === 0 ? ['all'] : methods;
}
