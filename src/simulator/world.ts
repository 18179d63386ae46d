import { type Clock, type Scheduler, VurtiError } from '../kernel/index.js';
import type { Condition } from './condition.js';
import type { Machine, SimHost } from './entities.js';
import type { Cause, HappeningKind, HappeningListener } from './happening.js';
import { Planner } from './planner.js';

/** What becomes of a domain that is Down. */
export type DownDomains =
  /** An engine destroys it within seconds. */
  | 'engine'
  /** It stays listed for two minutes or so. */
  | 'linger'
  /** It stays until VM.destroy, or until its VM is started on that host again. */
  | 'keep';

export interface WorldOptions {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly seed: number;
  readonly downDomains: DownDomains;
  /** Factor of all durations: 0.1 = ten times as fast. */
  readonly pace: number;
}

/** The state that all rules of the simulated world work on. Fleet is its face to the outside. */
export class World {
  readonly planner: Planner;
  readonly clock: Clock;
  readonly seed: number;
  readonly downDomains: DownDomains;
  readonly pace: number;
  readonly hosts: SimHost[] = [];
  readonly machines: Machine[] = [];
  readonly #hostsByRef = new Map<string, SimHost>();
  readonly #machinesByRef = new Map<string, Machine>();
  readonly #listeners = new Set<HappeningListener>();
  readonly #conditionListeners = new Set<(host: SimHost, previous: Condition) => void>();
  #cause: Cause = 'course';

  constructor(options: WorldOptions) {
    this.planner = new Planner(options.clock, options.scheduler);
    this.clock = options.clock;
    this.seed = options.seed;
    this.downDomains = options.downDomains;
    this.pace = options.pace;
  }

  get now(): number {
    return this.planner.now;
  }

  addHost(host: SimHost): void {
    this.#claim(this.#hostsByRef, host.name, host.id);
    this.hosts.push(host);
    this.#hostsByRef.set(host.name, host).set(host.id, host);
  }

  addMachine(machine: Machine): void {
    this.#claim(this.#machinesByRef, machine.name, machine.id);
    this.machines.push(machine);
    this.#machinesByRef.set(machine.name, machine).set(machine.id, machine);
  }

  /** By name or id. @throws NOT_FOUND */
  host(ref: string): SimHost {
    const host = this.#hostsByRef.get(ref);
    if (host === undefined) throw new VurtiError('NOT_FOUND', `The simulated fleet has no host "${ref}"`);
    return host;
  }

  /** By name or id. @throws NOT_FOUND */
  machine(ref: string): Machine {
    const machine = this.#machinesByRef.get(ref);
    if (machine === undefined) throw new VurtiError('NOT_FOUND', `The simulated fleet has no VM "${ref}"`);
    return machine;
  }

  /** A duration in [from, to] seconds at the world's pace, ms. */
  span(chance: { next(): number }, from: number, to: number): number {
    return (from + chance.next() * (to - from)) * 1000 * this.pace;
  }

  /** Runs `act`; what happens in it is told with this cause. */
  as<T>(cause: Cause, act: () => T): T {
    const before = this.#cause;
    this.#cause = cause;
    try {
      return act();
    } finally {
      this.#cause = before;
    }
  }

  tell(kind: HappeningKind, about: { host?: SimHost; machine?: Machine }, text: string): void {
    if (this.#listeners.size === 0) return;
    const happening = {
      at: Math.floor(this.planner.wallAt(this.now)),
      kind,
      cause: this.#cause,
      host: about.host?.name ?? null,
      vm: about.machine?.name ?? null,
      text,
    };
    for (const listener of this.#listeners) listener(happening);
  }

  subscribe(listener: HappeningListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Sets how a host's agent behaves; those who serve it are told at once. */
  setCondition(host: SimHost, condition: Condition): void {
    const previous = host.condition;
    host.condition = condition;
    for (const listener of this.#conditionListeners) listener(host, previous);
  }

  onCondition(listener: (host: SimHost, previous: Condition) => void): () => void {
    this.#conditionListeners.add(listener);
    return () => this.#conditionListeners.delete(listener);
  }

  #claim(refs: ReadonlyMap<string, unknown>, ...names: readonly string[]): void {
    for (const name of names) {
      if (refs.has(name)) throw new VurtiError('ALREADY_EXISTS', `The simulated fleet has "${name}" already`);
    }
  }
}
