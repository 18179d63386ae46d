import { VurtiError } from '../kernel/index.js';
import { type DomainStatus, type Exit, exits, type PauseCode } from './domain-status.js';
import { Domain, type Machine, type Move, type SimHost } from './entities.js';
import { adopted, ended, guestChanged, ioError, migrationProgress, statusChanged } from './notifications.js';
import type { World } from './world.js';

/**
 * The course of a VM's life, as QEMU, libvirt and VDSM make it: each function is one thing that can be done to a VM,
 * with all that follows from it by itself. Who does it, and what he does later, is not known here.
 */

/** The code of an I/O error is known that much later than the stop. */
const PAUSE_CODE_MS = 100;
/** VMs that were started past the agent are looked for so often. */
const LOOK_UP_MS = 60_000;
/** A source tells of its progress so often. */
const PROGRESS_MS = 10_000;

function refuse(machine: Machine, what: string): never {
  const status = machine.domain?.status ?? 'off';
  throw new VurtiError('BAD_ARGUMENT', `${machine.name} cannot ${what}: it is ${status}`);
}

/** The machine's domain if it is in one of these statuses. @throws BAD_ARGUMENT */
function need(machine: Machine, what: string, ...statuses: readonly DomainStatus[]): Domain {
  const { domain } = machine;
  if (domain === null || !statuses.includes(domain.status)) refuse(machine, what);
  return domain;
}

export function start(world: World, machine: Machine, host: SimHost): Domain {
  if (machine.domain !== null) refuse(machine, 'start');
  if (!host.powered) throw new VurtiError('BAD_ARGUMENT', `${machine.name} cannot start on ${host.name}: it is off`);
  const status = machine.saved ? 'Restoring state' : 'WaitForLaunch';
  machine.saved = false;
  remove(world, host.domains.get(machine.id));
  const domain = new Domain(machine, host, status, world.now, { startedAt: world.now, work: 0 });
  host.domains.set(machine.id, domain);
  machine.domain = domain;
  world.tell('vm.starts', { host, machine }, `${machine.name} starts on ${host.name}`);
  statusChanged(world, domain);
  const launch = world.span(machine.random, 2, 8);
  domain.step = world.planner.after(launch, () =>
    status === 'WaitForLaunch' ? powerUp(world, domain, 'launched') : up(world, domain, 'restored'),
  );
  return domain;
}

/** As with virsh: it runs at once, but its host's agent finds it only when it looks for such VMs, within a minute. */
export function startOutside(world: World, machine: Machine, host: SimHost): void {
  if (machine.domain !== null) refuse(machine, 'start');
  if (!host.powered) throw new VurtiError('BAD_ARGUMENT', `${machine.name} cannot start on ${host.name}: it is off`);
  machine.saved = false;
  remove(world, host.domains.get(machine.id));
  const domain = new Domain(machine, host, 'Up', world.now, { startedAt: world.now, work: 0 });
  domain.guestUp = machine.hasAgent;
  host.unseen.add(domain);
  machine.domain = domain;
  world.tell('vm.starts', { host, machine }, `${machine.name} is started on ${host.name} past its agent`);
  world.planner.after(machine.random.next() * LOOK_UP_MS, () => {
    if (!host.unseen.delete(domain)) return;
    host.domains.set(machine.id, domain);
    adopted(world, domain);
  });
}

function powerUp(world: World, domain: Domain, after: 'launched' | 'reboot'): void {
  domain.enter('Powering up', world.now);
  if (after === 'launched') adopted(world, domain);
  else statusChanged(world, domain);
  domain.step = world.planner.after(world.span(domain.machine.random, 12, 45), () => up(world, domain, 'booted'));
}

function up(world: World, domain: Domain, after: 'booted' | 'restored'): void {
  const { machine, host } = domain;
  domain.guestUp = machine.hasAgent;
  domain.enter('Up', world.now);
  world.tell('vm.up', { host, machine }, `${machine.name} is Up on ${host.name}`);
  if (after === 'restored') adopted(world, domain);
  else guestChanged(world, domain);
}

/** Shuts the guest down; it takes a while. */
export function shutdown(world: World, machine: Machine, exit: Exit = exits.userShutdown): void {
  const domain = need(machine, 'shut down', 'Up', 'Powering up', 'RebootInProgress');
  domain.guestUp = false;
  domain.enter('Powering down', world.now);
  world.tell('vm.stops', { host: domain.host, machine }, `${machine.name} shuts down`);
  statusChanged(world, domain);
  domain.step = world.planner.after(world.span(machine.random, 5, 20), () => end(world, domain, exit));
}

export function reboot(world: World, machine: Machine): void {
  const domain = need(machine, 'reboot', 'Up', 'Powering up');
  domain.guestUp = false;
  domain.enter('RebootInProgress', world.now);
  world.tell('vm.reboots', { host: domain.host, machine }, `${machine.name} reboots`);
  statusChanged(world, domain);
  domain.step = world.planner.after(world.span(machine.random, 4, 10), () => powerUp(world, domain, 'reboot'));
}

/** Saves the memory and ends; the next start restores it. */
export function save(world: World, machine: Machine): void {
  const domain = need(machine, 'be saved', 'Up');
  domain.enter('Saving State', world.now);
  world.tell('vm.saves', { host: domain.host, machine }, `${machine.name} saves its state`);
  statusChanged(world, domain);
  domain.step = world.planner.after(world.span(machine.random, 6, 25), () => {
    machine.saved = true;
    end(world, domain, exits.saved);
  });
}

/** How it is done: by the agent, which tells of it, or past it. */
export type Means = 'agent' | 'outside';

export function pause(world: World, machine: Machine, code: PauseCode, by: Means = 'agent'): void {
  const domain = need(machine, 'pause', 'Up', 'Powering up');
  domain.pauseCode = code;
  domain.enter('Paused', world.now);
  const why = code === 'NOERR' ? '' : ` (${code})`;
  world.tell('vm.paused', { host: domain.host, machine }, `${machine.name} is paused on ${domain.host.name}${why}`);
  if (by === 'outside') return;
  statusChanged(world, domain);
  if (code === 'NOERR') return;
  domain.step = world.planner.after(PAUSE_CODE_MS, () => ioError(world, domain));
}

export function resume(world: World, machine: Machine, by: Means = 'agent'): void {
  const domain = need(machine, 'resume', 'Paused');
  // VDSM forgets the code when it lets a VM go on (vdsm-protocol.md §4.2).
  domain.pauseCode = null;
  domain.guestUp = machine.hasAgent;
  domain.enter('Up', world.now);
  world.tell('vm.resumed', { host: domain.host, machine }, `${machine.name} goes on`);
  if (by === 'agent') statusChanged(world, domain);
}

/** The process dies: no shutting down, no warning. */
export function crash(world: World, machine: Machine, exit: Exit = exits.lostQemu): void {
  const { domain } = machine;
  if (domain === null) refuse(machine, 'crash');
  if (domain.move !== null) dropTarget(domain);
  const { host } = domain;
  world.tell('vm.crashed', { host, machine }, `${machine.name} crashes on ${host.name}: ${exit.message}`);
  end(world, domain, exit);
}

/** The domain is gone from its host's list without a word. */
export function vanish(world: World, machine: Machine): void {
  const { domain } = machine;
  if (domain === null) refuse(machine, 'vanish');
  if (domain.move !== null) dropTarget(domain);
  forget(domain);
  world.tell(
    'vm.vanished',
    { host: domain.host, machine },
    `${machine.name} is gone from ${domain.host.name} without a word`,
  );
}

/** VM.destroy: a running VM is killed, a Down one taken from the list. False: the host has no such VM. */
export function destroy(world: World, host: SimHost, vmId: string): boolean {
  const domain = host.domains.get(vmId);
  if (domain === undefined) return false;
  const { machine } = domain;
  if (domain === machine.incoming && machine.domain !== null) failMigration(world, machine.domain);
  else if (domain.move !== null) dropTarget(domain);
  if (domain.live) {
    domain.exit = exits.adminShutdown;
    domain.enter('Down', world.now);
    ended(world, domain);
    ended(world, domain, true);
  }
  forget(domain);
  world.tell('vm.removed', { host, machine }, `${machine.name} is destroyed on ${host.name}`);
  return true;
}

/** The domain is Down from now on; how long it stays listed is the world's rule. */
function end(world: World, domain: Domain, exit: Exit): void {
  const { machine, host } = domain;
  if (machine.domain === domain) detach(machine);
  domain.exit = exit;
  domain.move = null;
  domain.enter('Down', world.now);
  // What the agent has not found yet ends without its knowing.
  if (host.unseen.delete(domain)) return;
  ended(world, domain);
  if (exit.reason !== exits.migrated.reason) {
    world.tell('vm.down', { host, machine }, `${machine.name} is Down on ${host.name}: ${exit.message}`);
  }
  if (world.downDomains === 'keep') return;
  const [from, to] = world.downDomains === 'engine' ? ([0.5, 3] as const) : ([90, 150] as const);
  domain.step = world.planner.after(world.span(machine.random, from, to), () => remove(world, domain));
}

/** The host loses its power: nothing of it is left. Moves from it fail; those to it go back. */
export function loseAll(world: World, host: SimHost): Machine[] {
  const lost: Machine[] = [];
  for (const domain of [...host.domains.values(), ...host.unseen]) {
    const { machine } = domain;
    if (domain === machine.incoming && machine.domain !== null) failMigration(world, machine.domain);
    else if (domain.live) lost.push(machine);
    if (domain.move !== null) dropTarget(domain);
    forget(domain);
  }
  return lost;
}

function remove(world: World, domain: Domain | undefined): void {
  if (domain === undefined) return;
  forget(domain);
  world.tell(
    'vm.removed',
    { host: domain.host, machine: domain.machine },
    `${domain.machine.name} leaves the list of ${domain.host.name}`,
  );
}

/** Sends the machine to another host; it takes `seconds`, at the end of which it runs there or, if it fails, here. */
export function migrate(
  world: World,
  machine: Machine,
  host: SimHost,
  plan: { fails: boolean; seconds: number | null },
): void {
  const source = need(machine, 'migrate', 'Up');
  if (host === source.host) throw new VurtiError('BAD_ARGUMENT', `${machine.name} is on ${host.name} already`);
  if (!host.powered) throw new VurtiError('BAD_ARGUMENT', `${machine.name} cannot migrate to ${host.name}: it is off`);
  remove(world, host.domains.get(machine.id));
  const { now } = world;
  // The new process counts from 0 and the guest from its start, as with QEMU.
  const target = new Domain(machine, host, 'Migration Destination', now, { startedAt: source.startedAt, work: 0 });
  host.domains.set(machine.id, target);
  machine.incoming = target;
  source.enter('Migration Source', now);
  const full = plan.seconds === null ? world.span(machine.random, 8, 40) : plan.seconds * 1000;
  source.move = { source, target, from: now, until: now + full };
  target.move = source.move;
  world.tell(
    'vm.migrates',
    { host: source.host, machine },
    `${machine.name} migrates from ${source.host.name} to ${host.name}`,
  );
  const lasts = plan.fails ? full * (0.3 + machine.random.next() * 0.6) : full;
  statusChanged(world, source);
  tellProgress(world, source, source.move);
  source.step = world.planner.after(lasts, () =>
    plan.fails ? failMigration(world, source) : handOver(world, source, target),
  );
}

/** Every few seconds while this move lasts; its end has a message of its own. */
function tellProgress(world: World, source: Domain, move: Move): void {
  world.planner.after(PROGRESS_MS, () => {
    if (source.move !== move) return;
    const percent = Math.floor((100 * (world.now - move.from)) / (move.until - move.from));
    migrationProgress(world, source, Math.min(99, percent), null);
    tellProgress(world, source, move);
  });
}

function handOver(world: World, source: Domain, target: Domain): void {
  const { machine } = source;
  target.move = null;
  target.guestUp = source.guestUp;
  machine.domain = target;
  machine.incoming = null;
  target.enter('Up', world.now);
  migrationProgress(world, source, 100, 40 + Math.floor(machine.random.next() * 400));
  adopted(world, target);
  end(world, source, exits.migrated);
  world.tell('vm.migrated', { host: target.host, machine }, `${machine.name} runs on ${target.host.name} now`);
}

function failMigration(world: World, source: Domain): void {
  const { machine, host } = source;
  dropTarget(source);
  source.move = null;
  source.enter('Up', world.now);
  statusChanged(world, source);
  world.tell('vm.migration-failed', { host, machine }, `${machine.name} fails to migrate and stays on ${host.name}`);
}

/** Whatever the migration has made on the other side is undone. */
function dropTarget(source: Domain): void {
  const { machine } = source;
  if (machine.incoming === null) return;
  const target = machine.incoming;
  machine.incoming = null;
  target.move = null;
  forget(target);
}

function forget(domain: Domain): void {
  const { machine, host } = domain;
  domain.step?.cancel();
  domain.step = null;
  domain.move = null;
  if (host.domains.get(machine.id) === domain) host.domains.delete(machine.id);
  host.unseen.delete(domain);
  if (machine.domain === domain) detach(machine);
}

/** The machine is off. */
function detach(machine: Machine): void {
  machine.domain = null;
  machine.clientIp = '';
  machine.watchdog = null;
  machine.job = null;
}
