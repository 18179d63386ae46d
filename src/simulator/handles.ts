import { VurtiError } from '../kernel/index.js';
import { type AgentAnswer, ask } from './agent.js';
import { stream, uuidFrom } from './chance.js';
import type { Condition } from './condition.js';
import { type DomainStatus, type Exit, exits, type PauseCode } from './domain-status.js';
import type { Machine, SimHost } from './entities.js';
import * as course from './host-course.js';
import { startJob } from './host-jobs.js';
import * as lifecycle from './lifecycle.js';
import { changeGuest, logOn, setSilent, startMerge, turnConsole, watchdogFires } from './vm-facts.js';
import type { World } from './world.js';

/** Why a VM crashes; what the agent says of it follows from it. */
export type CrashReason = 'lostQemu' | 'generic' | 'onHost';

export interface MigrateOptions {
  /** Default: 8 to 40, as chance and the fleet's pace have it. */
  readonly seconds?: number;
  readonly fails?: boolean;
}

/** One host of the fleet, for scripts. What a command sets stays until the next command. */
export class HostHandle {
  readonly #world: World;
  readonly #host: SimHost;

  constructor(world: World, host: SimHost) {
    this.#world = world;
    this.#host = host;
  }

  get id(): string {
    return this.#host.id;
  }

  get name(): string {
    return this.#host.name;
  }

  get cluster(): string {
    return this.#host.cluster;
  }

  get condition(): Condition {
    this.#world.planner.settle();
    return this.#host.condition;
  }

  get powered(): boolean {
    this.#world.planner.settle();
    return this.#host.powered;
  }

  /** Names of the VMs that it lists, Down ones included. */
  vms(): string[] {
    this.#world.planner.settle();
    return [...this.#host.domains.values()].map((domain) => domain.machine.name);
  }

  /** Accepts connections and never answers. */
  hang(): void {
    this.#befall({ kind: 'hang' });
  }

  /** Closes its port. */
  refuse(): void {
    this.#befall({ kind: 'refuse' });
  }

  /** Answers what is no answer: noise, a web page, half a document, somebody else's reply. */
  garbage(): void {
    this.#befall({ kind: 'garbage' });
  }

  /** Breaks the connection in the middle of each body. */
  cut(): void {
    this.#befall({ kind: 'cut' });
  }

  /** Sends each body byte by byte. */
  loris(): void {
    this.#befall({ kind: 'loris' });
  }

  /** Sends half of an answer, and nothing any more on that connection. */
  stall(): void {
    this.#befall({ kind: 'stall' });
  }

  /** Says another length than that of the body. */
  wrongLength(): void {
    this.#befall({ kind: 'length' });
  }

  /** Closes every connection soon after it is made: callers come again and again. */
  drop(): void {
    this.#befall({ kind: 'drop' });
  }

  /** Shows an expired certificate from now on (TLS); connections that there are end. */
  expire(): void {
    this.#befall({ kind: 'expired' });
  }

  /** Breaks the connections that there are, once: at once, or when so many more bytes went out on each of them. */
  disconnect(afterBytes = 0): void {
    this.#act(() => this.#world.disturb(this.#host, { kind: 'disconnect', afterBytes }));
  }

  /** How long a method takes from now on, ms: its answer is that of the beginning. Default 0. VDSM's protocol alone. */
  takes(method: string, ms: number): void {
    this.#host.durations.set(method, ms);
  }

  duration(method: string): number {
    return this.#host.durations.get(method) ?? 0;
  }

  /** Whether a request without id (a notification) kills its agent until it is started anew, as it does VDSM. */
  get mortal(): boolean {
    return this.#host.mortal;
  }

  set mortal(mortal: boolean) {
    this.#host.mortal = mortal;
  }

  /** Whether its agent loses its events: it answers, and tells nothing. */
  get mute(): boolean {
    return this.#host.mute;
  }

  set mute(mute: boolean) {
    this.#host.mute = mute;
  }

  slow(delayMs: number): void {
    this.#befall({ kind: 'slow', delayMs });
  }

  /** Answers every call with this error. */
  fail(code: number, message = 'Simulated failure'): void {
    this.#befall({ kind: 'error', code, message });
  }

  /** Port closed for a moment, then code 99 for `recoverMs` (default 10 to 60 s), then well. */
  restartAgent(recoverMs?: number): void {
    this.#act(() => course.restartAgent(this.#world, this.#host, recoverMs ?? null));
  }

  /** All its VMs are lost. `recover()` boots it, empty and with a new clock. */
  powerOff(): void {
    this.#act(() => course.powerOff(this.#world, this.#host));
  }

  recover(): void {
    this.#act(() => course.recover(this.#world, this.#host));
  }

  /** @throws NOT_FOUND */
  nic(name: string, state: 'up' | 'down'): void {
    this.#act(() => {
      const nic = this.#host.nics.find((one) => one.name === name);
      if (nic === undefined) throw new VurtiError('NOT_FOUND', `${this.#host.name} has no nic "${name}"`);
      course.turnNic(this.#world, this.#host, nic, state === 'up');
    });
  }

  /** Starts a storage job (Host.getJobs); returns its id. */
  job(options: { readonly seconds?: number; readonly fails?: boolean } = {}): string {
    const id = uuidFrom(stream(this.#world.seed, 'job', this.#host.id, this.#host.jobs.size));
    const { seconds = 10, fails = false } = options;
    this.#act(() => startJob(this.#world, this.#host, { id, description: 'copy_data', seconds, fails }));
    return id;
  }

  /** What its agent answers now, without a wire in between. */
  ask(method: string, params: Readonly<Record<string, unknown>> = {}, maxPage?: number): AgentAnswer {
    this.#world.planner.settle();
    return ask(this.#world, this.#host, method, params, maxPage === undefined ? {} : { maxPage });
  }

  #befall(condition: Condition): void {
    this.#act(() => course.befall(this.#world, this.#host, condition, null));
  }

  #act(act: () => void): void {
    this.#world.planner.settle();
    this.#world.as('script', act);
  }
}

/** One VM of the fleet, for scripts. A command that its status does not allow throws BAD_ARGUMENT. */
export class VmHandle {
  readonly #world: World;
  readonly #machine: Machine;

  constructor(world: World, machine: Machine) {
    this.#world = world;
    this.#machine = machine;
  }

  get id(): string {
    return this.#machine.id;
  }

  get name(): string {
    return this.#machine.name;
  }

  get cluster(): string {
    return this.#machine.cluster;
  }

  /** In the agent's words; null = it is off. */
  get status(): DomainStatus | null {
    this.#world.planner.settle();
    return this.#machine.domain?.status ?? null;
  }

  /** Name of the host that it runs on; while it migrates, where it comes from. */
  get host(): string | null {
    this.#world.planner.settle();
    return this.#machine.domain?.host.name ?? null;
  }

  /** Default: the host of its cluster with the fewest VMs. */
  start(host?: string): void {
    this.#act(() =>
      lifecycle.start(this.#world, this.#machine, host === undefined ? this.#emptiest() : this.#world.host(host)),
    );
  }

  /** As if by virsh: it runs at once, and the agent finds it within a minute. */
  startOutside(host?: string): void {
    this.#act(() =>
      lifecycle.startOutside(
        this.#world,
        this.#machine,
        host === undefined ? this.#emptiest() : this.#world.host(host),
      ),
    );
  }

  shutdown(by: 'user' | 'admin' = 'user'): void {
    this.#act(() =>
      lifecycle.shutdown(this.#world, this.#machine, by === 'user' ? exits.userShutdown : exits.adminShutdown),
    );
  }

  reboot(): void {
    this.#act(() => lifecycle.reboot(this.#world, this.#machine));
  }

  /** Saves its memory and ends; the next start restores it. */
  suspend(): void {
    this.#act(() => lifecycle.save(this.#world, this.#machine));
  }

  pause(code: PauseCode = 'NOERR'): void {
    this.#act(() => lifecycle.pause(this.#world, this.#machine, code));
  }

  resume(): void {
    this.#act(() => lifecycle.resume(this.#world, this.#machine));
  }

  /** As if by virsh suspend and resume: the agent says nothing of it until it is asked. */
  pauseOutside(): void {
    this.#act(() => lifecycle.pause(this.#world, this.#machine, 'NOERR', 'outside'));
  }

  resumeOutside(): void {
    this.#act(() => lifecycle.resume(this.#world, this.#machine, 'outside'));
  }

  migrate(host: string, options: MigrateOptions = {}): void {
    const plan = { fails: options.fails ?? false, seconds: options.seconds ?? null };
    this.#act(() => lifecycle.migrate(this.#world, this.#machine, this.#world.host(host), plan));
  }

  crash(reason: CrashReason = 'lostQemu'): void {
    const exit: Exit = exits[reason];
    this.#act(() => lifecycle.crash(this.#world, this.#machine, exit));
  }

  /** Gone from its host's list without a word. */
  vanish(): void {
    this.#act(() => lifecycle.vanish(this.#world, this.#machine));
  }

  /** QEMU's monitor stops to answer (monitorResponse -1). */
  stick(): void {
    this.#act(() => setSilent(this.#world, this.#machine, true));
  }

  unstick(): void {
    this.#act(() => setSilent(this.#world, this.#machine, false));
  }

  /** Something changes in the guest: a user, an address or a package. */
  changeGuest(): void {
    this.#act(() => changeGuest(this.#world, this.#machine, this.#machine.random));
  }

  /** This user logs on. False: nobody says so, for want of a guest agent. */
  logOn(user: string): boolean {
    let told = false;
    this.#act(() => {
      told = logOn(this.#world, this.#machine, user);
    });
    return told;
  }

  /** Opens its console from an address; null closes it. */
  console(clientIp: string | null): void {
    this.#act(() => turnConsole(this.#world, this.#machine, clientIp ?? ''));
  }

  watchdog(action = 'reset'): void {
    this.#act(() => watchdogFires(this.#world, this.#machine, action));
  }

  /** Merges a snapshot while it runs. */
  merge(seconds = 60): void {
    this.#act(() => startMerge(this.#world, this.#machine, uuidFrom(this.#machine.random), seconds * 1000));
  }

  /** A device is plugged or taken out: its fingerprint is another one. */
  changeDevices(): void {
    this.#act(() => {
      this.#machine.changeDevices();
      this.#machine.domain?.touch();
      this.#world.tell('vm.devices', { machine: this.#machine }, `${this.#machine.name} gets another set of devices`);
    });
  }

  #emptiest(): SimHost {
    const hosts = this.#world.hosts.filter((host) => host.cluster === this.#machine.cluster && host.powered);
    const [first, ...rest] = hosts;
    if (first === undefined) throw new VurtiError('NOT_FOUND', `No host of cluster ${this.#machine.cluster} has power`);
    return rest.reduce((best, host) => (host.domains.size < best.domains.size ? host : best), first);
  }

  /** What its operator had in mind is off: the script decides from here on. */
  #act(act: () => void): void {
    this.#world.planner.settle();
    this.#machine.followUp?.cancel();
    this.#machine.followUp = null;
    this.#world.as('script', act);
  }
}
