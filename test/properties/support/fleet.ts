import { type FakeAgent, FakeFetcher, type FakeVm } from '../../../src/fetcher/index.js';
import { type AgentMethod, agentMethods, type VmStatus } from '../../../src/model/index.js';
import { type Affected, type Fault, HOSTS, type Saying, type Step, VMS } from './history.js';

const methodsOf: Readonly<Record<Affected, readonly AgentMethod[]>> = {
  everything: agentMethods,
  VMs: ['Host.getAllVmStats', 'Host.dumpxmls'],
  statistics: ['Host.getStats'],
  capabilities: ['Host.getCapabilities', 'Host.getHardwareInfo'],
};
const SLOW_MS = 4000;

/** A start by somebody else's hand: what the VM's guest and devices are then. */
const begun: FakeVm = { exitStatus: 'Normal', exitReason: 'UserShutdown' };

/** What is true of the hosts and VMs, whoever looks. It outlives the monitor, as real hosts do. */
export class Fleet {
  /** The agents as the present process reaches them. */
  agents: FakeFetcher;
  readonly #faults = new Map<string, { kind: Fault; of: Affected }[]>();
  /** Event clock of hosts that have booted; absent: the one that they began with. */
  readonly #bootClocks = new Map<string, number>();
  /** What its agent said of all its VMs, after the number of the answer. */
  readonly #said = new Map<string, string>();
  #counter = 0;

  constructor(vms: Readonly<Record<string, Readonly<Record<string, FakeVm>>>>) {
    this.agents = new FakeFetcher();
    for (const name of HOSTS) this.#host(name, vms[name] ?? {});
  }

  /** Connections of a new process to the same agents, in the state in which they are. */
  reconnect(): FakeFetcher {
    const before = this.agents;
    this.agents = new FakeFetcher();
    for (const name of HOSTS) {
      this.#host(name, Object.fromEntries(before.on(name).vms));
      for (const fault of this.#faults.get(name) ?? []) this.#misbehave(name, fault);
    }
    return this.agents;
  }

  /** Hosts that list the VM. */
  hostsOf(vm: string): readonly string[] {
    return HOSTS.filter((name) => this.agents.on(name).vms.has(vm));
  }

  statusOn(vm: string, host: string): VmStatus | undefined {
    const found = this.agents.on(host).vms.get(vm);
    return found === undefined ? undefined : (found.status ?? 'Up');
  }

  /** What happens to VMs and agents, whoever looks. False: the step is about something else. */
  happen(step: Step): boolean {
    const vm = 'vm' in step ? (VMS[step.vm] ?? 'v0') : 'v0';
    const host = 'host' in step ? (HOSTS[step.host] ?? 'h0') : 'h0';
    switch (step.does) {
      case 'start':
        this.put(vm, host, { status: step.as });
        return true;
      case 'become':
        return this.#where(vm, (at) => this.put(vm, at, { status: step.status }));
      case 'pause':
        return this.#where(vm, (at) => this.put(vm, at, { status: 'Paused', pauseStatus: step.code }));
      case 'end':
        return this.#where(vm, (at) => {
          this.put(vm, at, { status: 'Down', exitStatus: step.error ? 'Error' : 'Normal', exitReason: step.reason });
        });
      case 'vanish':
        return this.#where(vm, (at) => this.drop(vm, at));
      case 'arrive':
        this.#arrive(vm, step.source);
        return true;
      case 'failToMigrate':
        for (const at of this.hostsOf(vm)) {
          if (this.statusOn(vm, at) === 'MigratingTo') this.drop(vm, at);
          else if (this.statusOn(vm, at) === 'MigratingFrom') this.put(vm, at, { status: 'Up' });
        }
        return true;
      case 'say':
        return this.#where(vm, (at) => this.say(vm, at, step.what));
      case 'fault':
        this.fault(host, step.kind, step.of);
        return true;
      case 'recover':
        this.recover(host);
        return true;
      default:
        return false;
    }
  }

  /** Both ends say so from now on. False: it cannot. */
  migrate(vm: string, to: string): boolean {
    const [from] = this.hostsOf(vm);
    if (from === undefined || from === to) return false;
    this.put(vm, from, { status: 'MigratingFrom' });
    this.put(vm, to, { status: 'MigratingTo' });
    return true;
  }

  /** The VM is listed there from now on, or as another one than before. */
  put(vm: string, host: string, change: FakeVm): void {
    const clock = this.#bootClocks.get(host);
    const known = this.agents.on(host).vms.get(vm);
    const fields = {
      ...known?.fields,
      ...change.fields,
      ...(clock === undefined ? {} : { statusTime: String(clock) }),
    };
    this.agents.on(host).with(vm, { ...begun, ...change, fields });
    this.#said.delete(host);
  }

  drop(vm: string, host: string): void {
    this.agents.on(host).without(vm);
    this.#said.delete(host);
  }

  fault(host: string, kind: Fault, of: Affected): void {
    const fault = { kind, of };
    this.#faults.set(host, [...(this.#faults.get(host) ?? []), fault]);
    this.#misbehave(host, fault);
  }

  recover(host: string): void {
    this.#faults.delete(host);
    this.agents.on(host).recover();
  }

  /** All that ran there is gone, and time stamps of what runs there next begin anew. */
  boot(host: string): void {
    this.#bootClocks.set(host, 1000);
    for (const vm of [...this.agents.on(host).vms.keys()]) this.drop(vm, host);
  }

  /** The agent says something that it did not say before. */
  say(vm: string, host: string, what: Saying): void {
    this.#counter += 1;
    const n = this.#counter;
    const field = (fields: Record<string, unknown>): void => this.put(vm, host, { fields });
    const known = this.agents.on(host).vms.get(vm) ?? {};
    const keep = (change: FakeVm): void => this.put(vm, host, { ...known, ...change });
    switch (what) {
      case 'fqdn':
        return field({ guestFQDN: `${vm}-${n}.example.test` });
      case 'user':
        return field({ username: `user${n}` });
      case 'client':
        return field({ clientIp: n % 2 === 0 ? '' : `10.9.8.${n % 250}` });
      case 'watchdog':
        return field({ watchdogEvent: { time: String(n), action: 'reset' } });
      case 'tpm':
        return field({ tpmHash: `tpm-${n}` });
      case 'apps':
        return field({ appsList: [`app-${n}`] });
      case 'cd':
        return field({ cdrom: `/images/${n}.iso` });
      case 'ip':
        return field({
          netIfaces: [{ name: 'eth0', inet: [`10.1.2.${n % 250}`], inet6: [], hw: '56:6f:00:00:00:01' }],
        });
      case 'hash':
        return keep({ deviceHash: `devices-${n}` });
      case 'silence':
        return keep({ guestAgent: n % 2 === 0 });
    }
  }

  #host(name: string, vms: Readonly<Record<string, FakeVm>>): void {
    this.#said.delete(name);
    this.#repeatItself(this.agents.host(name, { vms }).on(name));
  }

  /** A well agent's word about its VMs is made once for as long as nothing happens to them: a tenth of a history's time. */
  #repeatItself(agent: FakeAgent): void {
    const { name } = agent;
    const answer = agent.answer.bind(agent);
    const beginning = (id: string): string => `{"jsonrpc":"2.0","id":"${id}",`;
    agent.answer = async (question, id) => {
      if (question.method === 'VM.destroy') this.#said.delete(name);
      if (question.method !== 'Host.getAllVmStats' || this.#faults.has(name)) return answer(question, id);
      const known = this.#said.get(name);
      if (known !== undefined) return beginning(id) + known;
      const text = await answer(question, id);
      if (text.startsWith(beginning(id))) this.#said.set(name, text.slice(beginning(id).length));
      return text;
    };
  }

  #where(vm: string, act: (host: string) => void): true {
    const [host] = this.hostsOf(vm);
    if (host !== undefined) act(host);
    return true;
  }

  #arrive(vm: string, source: 'down' | 'gone' | 'still there'): void {
    for (const at of this.hostsOf(vm)) {
      const status = this.statusOn(vm, at);
      if (status === 'MigratingTo') this.put(vm, at, { status: 'Up' });
      if (status !== 'MigratingFrom' || source === 'still there') continue;
      if (source === 'gone') this.drop(vm, at);
      else this.put(vm, at, { status: 'Down', exitStatus: 'Normal', exitReason: 'MigrationSucceeded' });
    }
  }

  #misbehave(host: string, { kind, of }: { kind: Fault; of: Affected }): void {
    const agent = this.agents.on(host);
    const methods = of === 'everything' ? [] : methodsOf[of];
    switch (kind) {
      case 'hang':
        return void agent.hang(...methods);
      case 'refuse':
        return void agent.refuse(...methods);
      case 'garbage':
        return void agent.garbage(...methods);
      case 'recovering':
        return void agent.code(99, ...methods);
      case 'busy':
        return void agent.code(1100, ...methods);
      case 'error':
        return void agent.code(16, ...methods);
      case 'slow':
        return void agent.slow(SLOW_MS, ...methods);
    }
  }
}
