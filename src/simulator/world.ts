import { type Clock, type Scheduler, VurtiError } from '../kernel/index.js';
import type { Condition, Disturbance } from './condition.js';
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

/** Told of an event; calls `message` for its JSON text if somebody is to have it, at once or never. */
export type NotificationListener = (message: () => string) => void;

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
  readonly #disturbanceListeners = new Set<(host: SimHost, disturbance: Disturbance) => void>();
  readonly #notified = new Map<SimHost, NotificationListener>();
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

  /**
   * A host's agent tells something to those who listen to it. While it re-adopts its VMs (code 99) it tells nothing; the
   * members of `params` (JSON text without braces) are put together only if somebody listens.
   */
  notify(host: SimHost, method: string, params: () => string): void {
    const listener = this.#notified.get(host);
    if (listener === undefined || !host.powered || host.mute) return;
    if (host.condition.kind === 'error' && host.condition.code === 99) return;
    const at = host.statusTime(this.now);
    listener(() => {
      const members = params();
      const told = `${members}${members === '' ? '' : ','}"notify_time":${at}`;
      return `{"jsonrpc":"2.0","method":"${method}","params":{${told}}}`;
    });
  }

  /** One listener per host: what serves its agent. */
  onNotification(host: SimHost, listener: NotificationListener): () => void {
    this.#notified.set(host, listener);
    return () => {
      if (this.#notified.get(host) === listener) this.#notified.delete(host);
    };
  }

  /** Something happens to the connections of a host's agent, once. */
  disturb(host: SimHost, disturbance: Disturbance): void {
    for (const listener of this.#disturbanceListeners) listener(host, disturbance);
  }

  onDisturbance(listener: (host: SimHost, disturbance: Disturbance) => void): () => void {
    this.#disturbanceListeners.add(listener);
    return () => this.#disturbanceListeners.delete(listener);
  }

  #claim(refs: ReadonlyMap<string, unknown>, ...names: readonly string[]): void {
    for (const name of names) {
      if (refs.has(name)) throw new VurtiError('ALREADY_EXISTS', `The simulated fleet has "${name}" already`);
    }
  }
}
