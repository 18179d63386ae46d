import { hashOf, type SeededRandom } from '../kernel/index.js';
import { Curve, stream, uuidFrom } from './chance.js';
import { type Condition, healthy } from './condition.js';
import { busy, type DomainStatus, type Exit, type PauseCode } from './domain-status.js';
import { Guest } from './guest.js';
import { type BlockJob, fingerprint, type MachineDisk, type MachineNic, macOf, makeDisks } from './machine-parts.js';
import type { Planned } from './planner.js';
import type { Role } from './roles.js';
import { json } from './text.js';

/*
 * The three kinds of things that the world is made of. They know each other, so they stand in one file: a machine runs
 * as a domain on a host. They hold state and answer for it; what happens to them is decided in lifecycle and host-course.
 */

/** A VM as its owner knows it: who it is and how it is made. Where it runs, if it does, is its Domain. */
export class Machine {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly cluster: string;
  readonly role: Role;
  readonly disks: readonly MachineDisk[];
  readonly nics: readonly MachineNic[];
  /** Whether a guest agent is installed. */
  readonly hasAgent: boolean;
  readonly ioTune: boolean;
  readonly guest: Guest;
  readonly curve: Curve;
  /** The machine's own chance: how long it boots, when it ends to migrate. */
  readonly random: SeededRandom;
  /** Members of its stats that never change, as JSON text without braces. */
  readonly identity: string;
  /** What runs: the source while it migrates. null = it is off. */
  domain: Domain | null = null;
  /** Where it is going, while it migrates. */
  incoming: Domain | null = null;
  /** What its operator will do with it later, if nobody is faster. */
  followUp: Planned | null = null;
  /** Its memory is saved: the next start restores it. */
  saved = false;
  clientIp = '';
  watchdog: { readonly epochSeconds: number; readonly action: string } | null = null;
  job: BlockJob | null = null;
  /** Fingerprint of its devices. */
  hash: string;
  devices = 0;

  constructor(seed: number, index: number, name: string, cluster: string, role: Role) {
    const random = stream(seed, 'vm', index);
    this.index = index;
    this.id = uuidFrom(random);
    this.name = name;
    this.cluster = cluster;
    this.role = role;
    this.disks = makeDisks(random, role);
    this.nics = Array.from({ length: random.next() < 0.2 ? 2 : 1 }, (_, nic) => ({ mac: macOf(index, nic) }));
    this.hasAgent = random.next() < 0.95;
    this.ioTune = role.name === 'db' && random.next() < 0.4;
    this.curve = new Curve(random);
    const macs = this.nics.map((nic) => nic.mac);
    this.guest = new Guest(random, name, index, role, macs);
    this.random = stream(seed, 'vm', index, 'life');
    this.hash = fingerprint(random);
    const identity = { vmId: this.id, vmName: name, vmType: 'kvm', kvmEnable: 'true', acpiEnable: 'true' };
    this.identity = json(identity).slice(1, -1);
  }

  /** A disk or a nic was plugged or taken out: agents report another fingerprint from now on. */
  changeDevices(): void {
    this.devices += 1;
    this.hash = fingerprint(this.random);
  }
}

/** A migration as both its ends see it. */
export interface Move {
  readonly source: Domain;
  readonly target: Domain;
  readonly from: number;
  readonly until: number;
}

/** A machine on a host, as that host's agent lists it: one QEMU process, and what is told of it after its end. */
export class Domain {
  readonly machine: Machine;
  readonly host: SimHost;
  /** Position in the host's list; grows, so that a page can say where the next one begins. */
  readonly order: number;
  /** Start of the run; kept when the machine migrates. */
  readonly startedAt: number;
  /** Sample of the host during which it came: it is measured from the next one on. */
  readonly bornAt: number;
  /** Numbers of its first tap device and of its display. */
  readonly tap: number;
  readonly display: number;
  pauseCode: PauseCode | null = 'NOERR';
  /** QEMU's monitor does not answer. */
  silent = false;
  exit: Exit | null = null;
  move: Move | null = null;
  /** The guest has come up, so its agent talks. */
  guestUp = false;
  /** Its next step in the course of things. */
  step: Planned | null = null;
  /** The part of its stats that depends on state and sample, and for which of them it was made. */
  text = '';
  textSample = Number.NaN;
  #status: DomainStatus;
  #work: number;
  #busySince: number | null = null;

  constructor(
    machine: Machine,
    host: SimHost,
    status: DomainStatus,
    now: number,
    run: { startedAt: number; work: number },
  ) {
    this.machine = machine;
    this.host = host;
    this.order = host.nextOrder();
    this.startedAt = run.startedAt;
    this.bornAt = host.still ? Number.NEGATIVE_INFINITY : host.sampleIndex(now);
    this.tap = host.takeTaps(machine.nics.length);
    this.display = this.order % 1000;
    this.#status = status;
    this.#work = run.work;
    if (busy.has(status)) this.#busySince = now;
  }

  get status(): DomainStatus {
    return this.#status;
  }

  get live(): boolean {
    return this.#status !== 'Down';
  }

  /** Enters a status; whatever was to come next is off. */
  enter(status: DomainStatus, now: number): void {
    this.step?.cancel();
    this.step = null;
    const runs = busy.has(status);
    if (!runs && this.#busySince !== null) {
      this.#work = this.workAt(now);
      this.#busySince = null;
    } else if (runs && this.#busySince === null) this.#busySince = now;
    this.#status = status;
    this.touch();
  }

  /** Its text is out of date. */
  touch(): void {
    this.textSample = Number.NaN;
  }

  /** Work that the process has done: ms of its average load. All its counters are made of it. */
  workAt(time: number): number {
    if (this.#busySince === null) return this.#work;
    const { curve } = this.machine;
    // The last sample may be older than the last change of status.
    return this.#work + Math.max(0, curve.work(time) - curve.work(this.#busySince));
  }

  /** How busy it is, 1 on average; 0 when its CPUs stand still. */
  levelAt(time: number): number {
    return this.#busySince === null ? 0 : this.machine.curve.level(time);
  }
}

export interface HostSize {
  readonly sockets: number;
  readonly threads: number;
  readonly memoryMb: number;
}

/** A storage job that a host works on (Host.getJobs). */
export interface HostJob {
  readonly id: string;
  readonly description: string;
  readonly from: number;
  readonly until: number;
  status: 'pending' | 'running' | 'done' | 'failed';
}

export interface HostNic {
  readonly name: string;
  readonly mac: string;
  readonly speedMbps: number;
  up: boolean;
}

const DAY = 86_400_000;

/** A host of the world and what its agent has counted. */
export class SimHost {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly cluster: string;
  /** Its address in the management network; where its agent is reached is the server's affair. */
  readonly address: string;
  readonly size: HostSize;
  readonly nics: readonly HostNic[];
  readonly serial: string;
  /** What its agent lists, in the order of coming. */
  readonly domains = new Map<string, Domain>();
  /** What runs on it, but was not started by its agent and not found by it yet. */
  readonly unseen = new Set<Domain>();
  readonly jobs = new Map<string, HostJob>();
  /** How long methods take, ms; 0 when not named. */
  readonly durations = new Map<string, number>();
  /** A request without id kills its agent, as it does VDSM. */
  mortal = true;
  /** Its agent tells nothing by itself, though it answers. */
  mute = false;
  /** Key of its noise. */
  readonly key: number;
  condition: Condition = healthy;
  powered = true;
  /** What happens to it next: the end of a fault, a step of a restart. */
  step: Planned | null = null;
  bootedAt: number;
  agentStartedAt: number;
  bootId: string;
  readonly #random;
  readonly #sampleMs: number;
  readonly #phase: number;
  #order = 0;
  #tap = 0;

  /** `sampleMs` 0: the statistics stand still. */
  constructor(seed: number, index: number, name: string, cluster: string, size: HostSize, sampleMs: number) {
    const random = stream(seed, 'host', index);
    this.index = index;
    this.id = uuidFrom(random);
    this.name = name;
    this.cluster = cluster;
    this.address = `10.0.${4 + ((index + 10) >> 8)}.${(index + 10) & 255}`;
    this.size = size;
    const mac = (nic: number): string =>
      `52:54:00:${[index >> 8, index, nic].map((n) => (n & 255).toString(16).padStart(2, '0')).join(':')}`;
    this.nics = ['eno1', 'eno2'].map((nic, n) => ({ name: nic, mac: mac(n), speedMbps: 10_000, up: true }));
    this.serial = `EX${String(hashOf(this.id) % 1_000_000).padStart(6, '0')}`;
    this.key = hashOf(this.id) | 0;
    this.bootId = uuidFrom(random);
    this.bootedAt = -(5 * DAY + random.next() * 200 * DAY);
    this.agentStartedAt = this.bootedAt + 60_000;
    this.#sampleMs = sampleMs;
    this.#phase = random.next() * sampleMs;
    this.#random = random;
  }

  /** The statistics stand still. */
  get still(): boolean {
    return this.#sampleMs === 0;
  }

  /** Number of the agent's last sample. */
  sampleIndex(now: number): number {
    return this.still ? 0 : Math.floor((now - this.#phase) / this.#sampleMs);
  }

  /** When the agent took its last sample. */
  sampleTime(now: number): number {
    return this.still ? 0 : this.sampleIndex(now) * this.#sampleMs + this.#phase;
  }

  /** The agent's event clock: whole ms since the boot, plus 2^31 - 1. */
  statusTime(now: number): number {
    return Math.floor(this.#steady(now) - this.bootedAt) + 2_147_483_647;
  }

  /** Whole seconds since `start`, as the agent says them. */
  secondsSince(start: number, now: number): number {
    return Math.max(0, Math.floor((this.#steady(now) - start) / 1000));
  }

  /** After a boot all that its agent knew is gone. */
  boot(now: number): void {
    this.powered = true;
    this.bootedAt = now;
    this.agentStartedAt = now;
    this.bootId = uuidFrom(this.#random);
    this.#tap = 0;
    this.domains.clear();
    this.unseen.clear();
    this.jobs.clear();
  }

  nextOrder(): number {
    this.#order += 1;
    return this.#order;
  }

  takeTaps(count: number): number {
    const first = this.#tap;
    this.#tap += count;
    return first;
  }

  liveCount(): number {
    let count = 0;
    for (const domain of this.domains.values()) if (domain.live) count += 1;
    return count;
  }

  /** With standing statistics not even the clocks in an answer move, so that it is the same to the byte. */
  #steady(now: number): number {
    return this.still ? Math.max(0, this.bootedAt) : now;
  }
}
