import { type Random, VurtiError } from '../kernel/index.js';
import type { Machine } from './entities.js';
import { guestChanged } from './notifications.js';
import type { World } from './world.js';

/** Things that change about a running VM while its status stays. */

/** QEMU's monitor stops to answer, or answers again: the agent says monitorResponse -1. */
export function setSilent(world: World, machine: Machine, silent: boolean): void {
  const { domain } = machine;
  if (domain === null) throw new VurtiError('BAD_ARGUMENT', `${machine.name} has no QEMU: it is off`);
  domain.silent = silent;
  domain.touch();
  const what = silent ? 'does not answer its monitor' : 'answers its monitor again';
  world.tell(silent ? 'vm.silent' : 'vm.answers', { host: domain.host, machine }, `${machine.name} ${what}`);
}

/** Something changes in the guest: a user, an address or a package. */
export function changeGuest(world: World, machine: Machine, random: Random): void {
  if (!machine.hasAgent) return;
  const what = machine.guest.change(random);
  world.tell('vm.guest', { machine }, `${machine.name} ${what}`);
  if (machine.domain === null) return;
  machine.domain.touch();
  guestChanged(world, machine.domain);
}

/** False: it does not run, or no guest agent says who is there. */
export function logOn(world: World, machine: Machine, user: string): boolean {
  const { domain, guest } = machine;
  if (domain === null || !domain.guestUp) return false;
  guest.logOn(user);
  domain.touch();
  world.tell('vm.guest', { machine }, `${machine.name}: ${user} logs on`);
  guestChanged(world, domain);
  return true;
}

/** Somebody opens or closes the console; '' = closed. */
export function turnConsole(world: World, machine: Machine, clientIp: string): void {
  machine.clientIp = clientIp;
  machine.domain?.touch();
  const what = clientIp === '' ? 'loses its console client' : `has a console client at ${clientIp}`;
  world.tell('vm.console', { machine }, `${machine.name} ${what}`);
}

export function watchdogFires(world: World, machine: Machine, action: string): void {
  machine.watchdog = { epochSeconds: Math.floor(world.planner.wallAt(world.now)) / 1000, action };
  machine.domain?.touch();
  world.tell('vm.watchdog', { machine }, `${machine.name}: its watchdog fires (${action})`);
}

/** A snapshot of its first disk is merged while it runs: it shows as a job until the end. */
export function startMerge(world: World, machine: Machine, id: string, lasts: number): void {
  const disk = machine.disks[0];
  if (disk === undefined || machine.job !== null || machine.domain === null) return;
  const job = { id, imageId: disk.imageId, from: world.now, until: world.now + lasts, bytes: 4 * 2 ** 30 };
  machine.job = job;
  machine.domain.touch();
  world.tell('vm.job', { machine }, `${machine.name} merges a snapshot`);
  world.planner.after(lasts, () => {
    // The VM may have ended, and with it the job, and another one begun.
    if (machine.job !== job) return;
    machine.job = null;
    machine.domain?.touch();
  });
}
