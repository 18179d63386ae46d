import type { ChangeSet, Evidence, LogRecord } from '../../../src/events/index.js';
import type { FakeVm, FakeVmFacts } from '../../../src/fetcher/index.js';
import { seconds, VirtualTime, VurtiError } from '../../../src/kernel/index.js';
import type { VmSpec } from '../../../src/model/index.js';
import { MemoryStore } from '../../../src/store/index.js';
import { Fleet } from './fleet.js';
import { FOREIGN, type History, HOSTS, inWords, type Moment, type Step, VMS } from './history.js';
import { Process } from './process.js';

/**
 * What holds in every history. A law looks on and never acts; what it finds goes to `world.broken`. All of it is optional.
 */
export interface Law {
  readonly name: string;
  /** A process, the first or the next one, is about to start; its stored state is as it finds it. */
  starting?(world: World): Promise<void> | void;
  started?(world: World): void;
  evidence?(world: World, evidence: Evidence): void;
  committed?(world: World, changes: ChangeSet): void;
  flushed?(world: World, records: readonly LogRecord[]): void;
  /** Nothing is under way at this moment. */
  looked?(world: World): void;
  /** All faults are mended, and some reports have come since. */
  settled?(world: World): Promise<void>;
  /** The last process has stopped; everything is written. */
  ended?(world: World): Promise<void> | void;
}

/** VMs and where they are before anything happens. */
const beginnings: Readonly<Record<string, FakeVm>> = {
  v0: { ha: true, priority: 2 },
  v1: { ha: true, lease: true },
  v2: { ha: true },
  v5: { status: 'WaitForLaunch' },
};
const STEP_SECONDS = 7;

/** A history as it goes on: what is true of the fleet, the monitor that looks at it, and the laws that look at the monitor. */
export class World {
  readonly history: History;
  readonly fleet: Fleet;
  readonly broken: string[] = [];
  process!: Process;
  store: MemoryStore;
  /** Counts the lives of the monitor. */
  life = 0;
  /** When somebody last told the monitor something: the time of causes that are nobody's report. */
  toldAt = 0;
  #settledAt = 0;
  readonly #laws: readonly Law[];
  readonly #past: string[] = [];
  #clock = new VirtualTime();
  readonly #hosts = new Set<string>(HOSTS);
  readonly #vms: Map<string, VmSpec>;

  constructor(history: History, laws: readonly Law[]) {
    this.history = history;
    this.#laws = laws;
    const vms: Record<string, Record<string, FakeVm>> = { h0: {}, h1: {}, h2: {} };
    for (const [i, id] of VMS.entries()) {
      const host = vms[HOSTS[i % HOSTS.length] ?? 'h0'];
      // Some VMs are down, and nobody's agent knows them.
      if (host !== undefined && id !== 'v7' && id !== 'v9') host[id] = beginnings[id] ?? {};
    }
    this.fleet = new Fleet(vms);
    const facts = this.fleet.agents.inventory().vms;
    this.#vms = new Map(facts.filter(({ id }) => !FOREIGN.has(id)).map((vm: FakeVmFacts) => [vm.id, vm]));
    this.#vms.set('v7', { id: 'v7', name: 'v7', ha: true });
    this.store = this.#open();
  }

  get clock(): VirtualTime {
    return this.#clock;
  }

  get now(): number {
    return this.#clock.now();
  }

  /** Since the laws were asked about the end. */
  get settledSeconds(): number {
    return (this.now - this.#settledAt) / 1000;
  }

  break(law: Law, message: string): void {
    // The first findings say it; what follows from them is noise.
    if (this.broken.length < 5) this.broken.push(`law ${law.name}: ${message} (at ${this.#time()})`);
  }

  /** Lives the history; gives what broke, and what had happened until then. */
  async live(): Promise<readonly string[]> {
    await this.#begin();
    await this.pass(20);
    for (const moment of this.history.moments) {
      if (this.broken.length > 0) break;
      this.#past.push(`${this.#time()} ${inWords(moment)}`);
      await this.#apply(moment);
    }
    if (this.broken.length === 0) await this.#settle();
    await this.process.stop();
    this.#look();
    if (this.broken.length === 0) for (const law of this.#laws) await law.ended?.(this);
    return this.broken.length === 0 ? [] : [...this.broken, 'after', ...this.#past];
  }

  /** Time passes; the laws look now and then. */
  async pass(forSeconds: number): Promise<void> {
    let left = forSeconds;
    do {
      const some = Math.min(left, STEP_SECONDS);
      await this.#clock.runFor(seconds(some));
      this.#look();
      left -= some;
    } while (left > 0 && this.broken.length === 0);
  }

  #look(): void {
    for (const law of this.#laws) law.looked?.(this);
    const errors = [...this.process.errors.splice(0), ...this.#clock.takeErrors().map(({ error }) => String(error))];
    for (const error of errors) this.broken.push(`an error was logged or thrown: ${error}`);
  }

  #time(): string {
    return `life ${this.life}, ${Math.round(this.#clock.monotonic() / 100) / 10} s`;
  }

  #open(previous?: MemoryStore): MemoryStore {
    const clock = this.#clock;
    const { lingerMs } = this.history;
    return new MemoryStore({ clock, scheduler: clock, lingerMs, ...(previous === undefined ? {} : { previous }) });
  }

  async #begin(): Promise<void> {
    this.life += 1;
    this.toldAt = this.now;
    const { mode, inventory, sliceSize } = this.history;
    const facts = this.fleet.agents.inventory().hosts.filter(({ id }) => this.#hosts.has(id));
    this.process = Process.make({
      ...{ mode, sliceSize, hosts: facts, vms: inventory ? [...this.#vms.values()] : undefined },
      ...{ agents: this.fleet.agents, clock: this.#clock, store: this.store },
      witness: {
        evidence: (evidence) => {
          for (const law of this.#laws) law.evidence?.(this, evidence);
        },
        committed: (changes) => {
          for (const law of this.#laws) law.committed?.(this, changes);
        },
        flushed: (records) => {
          for (const law of this.#laws) law.flushed?.(this, records);
        },
      },
    });
    for (const law of this.#laws) await law.starting?.(this);
    await this.process.start();
    for (const law of this.#laws) law.started?.(this);
  }

  async #restart(how: 'stop' | 'crash'): Promise<void> {
    if (how === 'stop') {
      this.store.setOutage(null);
      await this.process.stop();
      this.#look();
    }
    // A clock of its own: nothing of the old process ever runs again.
    this.#clock = new VirtualTime({ startAt: this.now + 1 });
    this.fleet.reconnect();
    this.store = this.#open(this.store);
    await this.#begin();
  }

  /** Whatever is wrong is mended, and reports come that say so. */
  async #settle(): Promise<void> {
    this.#past.push(`${this.#time()} the dust settles`);
    this.store.setOutage(null);
    for (const host of HOSTS) this.fleet.recover(host);
    for (const vm of VMS) {
      for (const command of ['snapshot', 'destroy', 'start', 'migrate']) this.process.monitor.commands.end(vm, command);
      this.process.monitor.commands.noteExternalData(vm, true);
    }
    await this.pass(45);
    this.#settledAt = this.now;
    for (const law of this.#laws) {
      if (this.broken.length === 0) await law.settled?.(this);
    }
  }

  async #apply({ step, seconds: after }: Moment): Promise<void> {
    this.toldAt = this.now;
    try {
      await this.#do(step);
    } catch (error) {
      // What does not fit the moment is refused, as it should be.
      if (!(error instanceof VurtiError) || error.code === 'INTERNAL') throw error;
    }
    await this.pass(after);
  }

  async #do(step: Step): Promise<void> {
    const { monitor } = this.process;
    const vm = 'vm' in step ? (VMS[step.vm] ?? 'v0') : 'v0';
    const host = 'host' in step ? (HOSTS[step.host] ?? 'h0') : 'h0';
    if (this.fleet.happen(step)) return;
    switch (step.does) {
      case 'migrate':
        if (this.fleet.migrate(vm, HOSTS[step.to] ?? 'h0') && step.told) {
          monitor.commands.migrating(vm, HOSTS[step.to] ?? 'h0');
        }
        return;
      case 'boot':
        return this.#boot(host, step.recovering);
      case 'begin':
        return monitor.commands.begin(vm, step.command, { ttlSeconds: 120 });
      case 'finish':
        return monitor.commands.end(vm, step.command);
      case 'expectColdReboot':
        return monitor.commands.expectColdReboot(vm);
      case 'noteExternalData':
        return monitor.commands.noteExternalData(vm, step.kept);
      case 'maintenance':
        return void monitor.hosts.maintenance(host, 'because');
      case 'activate':
        return void monitor.hosts.activate(host);
      case 'rebooting':
        return void monitor.hosts.rebooting(host, 60);
      case 'confirmRebooted':
        return void monitor.hosts.confirmRebooted(host);
      case 'refresh':
        return monitor.hosts.refresh(host);
      case 'removeHost':
        this.#hosts.delete(host);
        return monitor.hosts.remove(host);
      case 'addHost':
        this.#hosts.add(host);
        for (const facts of this.fleet.agents.inventory().hosts) if (facts.id === host) monitor.hosts.put(facts);
        return;
      case 'removeVm':
        this.#vms.delete(vm);
        return monitor.vms.remove(vm);
      case 'putVm': {
        const spec = { ...this.#vms.get(vm), id: vm, name: vm, ha: step.ha, memoryMb: step.memoryMb };
        this.#vms.set(vm, spec);
        return void monitor.vms.put(spec);
      }
      case 'putCluster': {
        const networks = step.networks.map((name) => ({ name, required: name === 'ovirtmgmt' }));
        return void monitor.clusters.put({ name: 'Default', cpuName: step.cpuName, networks });
      }
      case 'acknowledge':
        return this.#acknowledge(step.nth);
      case 'restartFailed':
        return monitor.vms.restartFailed(vm);
      case 'poke':
        return monitor.poke(host);
      case 'loseDatabase':
        return this.store.setOutage('it is away');
      case 'findDatabase':
        return this.store.setOutage(null);
      case 'restart':
        return this.#restart(step.how);
      default:
        // The fleet knows of it.
        return;
    }
  }

  async #boot(host: string, recovering: boolean): Promise<void> {
    this.fleet.fault(host, 'refuse', 'everything');
    await this.pass(20);
    this.fleet.recover(host);
    this.fleet.boot(host);
    if (recovering) this.fleet.fault(host, 'recovering', 'everything');
  }

  /** Somebody did as he was advised, or says so at least. */
  #acknowledge(nth: number): void {
    const waiting = this.process.monitor.intents.pending();
    const intent = waiting[nth % Math.max(1, waiting.length)];
    if (intent === undefined) return;
    const { key, hostId, vmId } = intent;
    if (intent.intent === 'destroy' && nth % 2 === 0 && hostId !== null && vmId !== null) this.fleet.drop(vmId, hostId);
    this.process.monitor.intents.acknowledge(key);
  }
}
