import { type Random, randomInt } from '../kernel/index.js';
import { nextArrival, pick, stream, uuidFrom } from './chance.js';
import type { Condition } from './condition.js';
import { type DomainStatus, exits } from './domain-status.js';
import type { Machine, SimHost } from './entities.js';
import * as course from './host-course.js';
import * as lifecycle from './lifecycle.js';
import type { FaultKind, LifeKind, Rates } from './rates.js';
import { changeGuest, setSilent, startMerge, turnConsole, watchdogFires } from './vm-facts.js';
import type { World } from './world.js';

export interface AmbientOptions {
  readonly life: Rates<LifeKind>;
  readonly faults: Rates<FaultKind>;
  readonly maxTroubledHosts: number;
}

type Act = (world: World, random: Random) => void;

/**
 * Chance in the fleet: per kind one stream of happenings (a Poisson process over the whole fleet), which picks its
 * victim when it fires. So the heap holds one entry per kind, however many VMs there are. What chance broke, chance
 * also mends: an operator restarts, resumes and extends storage, which keeps the fleet at its size in the long run.
 */
export function startAmbient(world: World, options: AmbientOptions): void {
  const troubled = (): boolean =>
    world.hosts.filter((host) => host.condition.kind !== 'ok').length >= options.maxTroubledHosts;
  const hostActs = hostFaults(troubled);
  for (const [kind, act] of Object.entries(lifeActs)) run(world, kind, options.life[kind as LifeKind], 'life', act);
  for (const [kind, act] of Object.entries({ ...vmFaults, ...hostActs })) {
    run(world, kind, options.faults[kind as FaultKind], 'fault', act);
  }
}

function run(world: World, kind: string, perHour: number | undefined, cause: 'life' | 'fault', act: Act): void {
  if (perHour === undefined || perHour <= 0) return;
  const random = stream(world.seed, 'ambient', kind);
  const fire = (): void => {
    world.planner.after(nextArrival(random, perHour), fire);
    world.as(cause, () => act(world, random));
  };
  world.planner.after(nextArrival(random, perHour), fire);
}

/** A VM by chance that is in one of the statuses and has nothing planned for it; null when few are. */
function someVm(world: World, random: Random, ...statuses: readonly DomainStatus[]): Machine | null {
  for (let tries = 0; tries < 12 && world.machines.length > 0; tries++) {
    const machine = pick(random, world.machines);
    const { domain } = machine;
    if (machine.followUp === null && domain !== null && !domain.silent && statuses.includes(domain.status))
      return machine;
  }
  return null;
}

/** The emptier of two hosts of the cluster that an operator would use now. */
function goodHost(world: World, random: Random, cluster: string, except: SimHost | null): SimHost | null {
  const usable = world.hosts.filter(
    (host) => host.cluster === cluster && host !== except && host.powered && host.condition.kind === 'ok',
  );
  if (usable.length === 0) return null;
  const [a, b] = [pick(random, usable), pick(random, usable)];
  return a.domains.size <= b.domains.size ? a : b;
}

/** What the machine's operator does after a while, unless somebody else did something to it first. */
function later(world: World, machine: Machine, delay: number, act: () => void): void {
  machine.followUp?.cancel();
  machine.followUp = world.planner.after(delay, () => {
    machine.followUp = null;
    world.as('life', act);
  });
}

/** Starts it again after a while; tried again for as long as its cluster has no good host. */
function restartLater(world: World, random: Random, machine: Machine, from: number, to: number): void {
  later(world, machine, world.span(random, from, to), () => {
    if (machine.domain !== null && machine.domain.status !== 'Powering down') return;
    const host = machine.domain === null ? goodHost(world, random, machine.cluster, null) : null;
    if (host === null) restartLater(world, random, machine, 10, 30);
    else lifecycle.start(world, machine, host);
  });
}

function resumeLater(world: World, random: Random, machine: Machine, from: number, to: number): void {
  later(world, machine, world.span(random, from, to), () => {
    if (machine.domain?.status === 'Paused') lifecycle.resume(world, machine);
  });
}

const forSome =
  (statuses: readonly DomainStatus[], act: (world: World, random: Random, machine: Machine) => void): Act =>
  (world, random) => {
    const machine = someVm(world, random, ...statuses);
    if (machine !== null) act(world, random, machine);
  };

const moveTo = (world: World, random: Random, machine: Machine, fails: boolean): void => {
  const host = goodHost(world, random, machine.cluster, machine.domain?.host ?? null);
  if (host !== null) lifecycle.migrate(world, machine, host, { fails, seconds: null });
};

const lifeActs: Readonly<Record<LifeKind, Act>> = {
  stop: forSome(['Up'], (world, random, machine) => {
    lifecycle.shutdown(world, machine, random.next() < 0.5 ? exits.userShutdown : exits.adminShutdown);
    restartLater(world, random, machine, 40, 240);
  }),
  reboot: forSome(['Up'], (world, _, machine) => lifecycle.reboot(world, machine)),
  migrate: forSome(['Up'], (world, random, machine) => moveTo(world, random, machine, false)),
  suspend: forSome(['Up'], (world, random, machine) => {
    lifecycle.save(world, machine);
    restartLater(world, random, machine, 60, 240);
  }),
  pause: forSome(['Up'], (world, random, machine) => {
    lifecycle.pause(world, machine, 'NOERR');
    resumeLater(world, random, machine, 20, 120);
  }),
  guest: forSome(['Up'], (world, random, machine) => changeGuest(world, machine, random)),
  console: forSome(['Up'], (world, random, machine) => {
    turnConsole(world, machine, machine.clientIp === '' ? `10.0.2.${randomInt(random, 2, 250)}` : '');
  }),
  merge: forSome(['Up'], (world, random, machine) => {
    startMerge(world, machine, uuidFrom(random), world.span(random, 40, 180));
  }),
  devices: forSome(['Up'], (world, _, machine) => {
    machine.changeDevices();
    machine.domain?.touch();
    world.tell('vm.devices', { machine }, `${machine.name} gets another set of devices`);
  }),
};

const crashes = [exits.lostQemu, exits.generic, exits.onHost] as const;

const vmFaults: Readonly<Record<string, Act>> = {
  crash: forSome(['Up', 'Powering up'], (world, random, machine) => {
    lifecycle.crash(world, machine, pick(random, crashes));
    restartLater(world, random, machine, 30, 180);
  }),
  enospc: forSome(['Up'], (world, random, machine) => {
    lifecycle.pause(world, machine, 'ENOSPC');
    resumeLater(world, random, machine, 60, 400);
  }),
  eio: forSome(['Up'], (world, random, machine) => {
    lifecycle.pause(world, machine, 'EIO');
    resumeLater(world, random, machine, 60, 300);
  }),
  vanish: forSome(['Up'], (world, random, machine) => {
    lifecycle.vanish(world, machine);
    restartLater(world, random, machine, 60, 240);
  }),
  stuck: forSome(['Up'], (world, random, machine) => {
    setSilent(world, machine, true);
    later(world, machine, world.span(random, 40, 200), () => {
      if (machine.domain?.silent === true) setSilent(world, machine, false);
    });
  }),
  migration: forSome(['Up'], (world, random, machine) => moveTo(world, random, machine, true)),
  watchdog: forSome(['Up'], (world, _, machine) => watchdogFires(world, machine, 'reset')),
};

function hostFaults(troubled: () => boolean): Readonly<Record<string, Act>> {
  const onSome =
    (act: (world: World, random: Random, host: SimHost) => void): Act =>
    (world, random) => {
      if (world.hosts.length === 0) return;
      const host = pick(random, world.hosts);
      if (host.condition.kind === 'ok' && !troubled()) act(world, random, host);
    };
  const brief = (condition: (random: Random) => Condition, from: number, to: number): Act =>
    onSome((world, random, host) => course.befall(world, host, condition(random), world.span(random, from, to)));
  return {
    // Some end within the time of grace, some do not: both are worth seeing.
    hang: brief(() => ({ kind: 'hang' }), 25, 200),
    refuse: brief(() => ({ kind: 'refuse' }), 20, 200),
    garbage: brief(() => ({ kind: 'garbage' }), 15, 90),
    cut: brief(() => ({ kind: 'cut' }), 15, 90),
    loris: brief(() => ({ kind: 'loris' }), 20, 90),
    stall: brief(() => ({ kind: 'stall' }), 20, 90),
    length: brief(() => ({ kind: 'length' }), 15, 90),
    drop: brief(() => ({ kind: 'drop' }), 15, 60),
    expired: brief(() => ({ kind: 'expired' }), 30, 120),
    slow: brief((random) => ({ kind: 'slow', delayMs: randomInt(random, 2000, 12_000) }), 30, 150),
    restart: onSome((world, _, host) => course.restartAgent(world, host, null)),
    nic: onSome((world, random, host) => {
      const nic = host.nics[1];
      if (nic === undefined || !nic.up) return;
      course.turnNic(world, host, nic, false);
      world.planner.after(world.span(random, 10, 90), () => course.turnNic(world, host, nic, true));
    }),
    power: onSome((world, random, host) => {
      for (const machine of course.powerOff(world, host)) restartLater(world, random, machine, 60, 200);
      host.step = world.planner.after(world.span(random, 120, 300), () => course.recover(world, host));
    }),
  };
}
