import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hours, seconds, VurtiError } from '../../src/kernel/index.js';
import type { Fleet } from '../../src/simulator/index.js';
import { hostStats, makeFleet, vmStats } from './support.js';

/** These take seconds on a quiet machine. */
const slow = 120_000;

/** Looks at a fleet again and again, and finds what no fleet does. */
class Inspector {
  readonly #fleet: Fleet;
  readonly #names = new Map<string, string>();
  readonly #counters = new Map<string, bigint>();

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    for (const { id, name } of fleet.vms()) this.#names.set(id, name);
  }

  look(): void {
    const places = new Map<string, string[]>();
    for (const { name: host } of this.#fleet.hosts()) {
      // An agent in trouble says nothing; its host goes on.
      if (this.#fleet.host(host).condition.kind === 'error') continue;
      const [stats, entries] = [hostStats(this.#fleet, host), vmStats(this.#fleet, host)];
      const live = entries.filter((entry) => entry.status !== 'Down');
      expect(stats.vmCount).toBe(entries.length);
      expect(stats.vmActive).toBe(entries.filter((entry) => entry.status === 'Up').length);
      expect(Number(stats.cpuUser) + Number(stats.cpuSys)).toBeLessThan(95);
      expect(new Set(entries.map((entry) => entry.vmId)).size).toBe(entries.length);
      for (const entry of live) {
        expect(entry.vmName).toBe(this.#names.get(entry.vmId));
        places.set(entry.vmId, [...(places.get(entry.vmId) ?? []), entry.status]);
      }
      // An agent that has just started does not say when its host did.
      if (stats.bootTime === undefined) continue;
      for (const entry of entries) this.#count(host, stats.bootTime, entry);
    }
    for (const [id, statuses] of places) {
      const where = `${this.#names.get(id)}: ${statuses.join()}`;
      if (statuses.length > 1) expect(statuses.sort(), where).toEqual(['Migration Destination', 'Migration Source']);
    }
  }

  /** Counters of one process: it is known by its host's boot and its first tap device there. */
  #count(host: string, boot: string, entry: ReturnType<typeof vmStats>[number]): void {
    this.#grows(`${host} ${boot} ${entry.vmId} statusTime`, entry.statusTime);
    const [tap] = Object.keys(entry.network ?? {});
    if (tap === undefined) return;
    const process = `${host} ${boot} ${entry.vmId} ${tap}`;
    this.#grows(`${process} cpuUsage`, entry.cpuUsage);
    this.#grows(`${process} elapsedTime`, entry.elapsedTime);
    for (const [name, nic] of Object.entries(entry.network ?? {})) {
      this.#grows(`${process} ${name} rx`, nic.rx);
      this.#grows(`${process} ${name} tx`, nic.tx);
    }
    for (const [name, disk] of Object.entries(entry.disks ?? {})) {
      for (const counter of ['readOps', 'writeOps', 'readBytes', 'writtenBytes', 'truesize']) {
        this.#grows(`${process} ${name} ${counter}`, disk[counter]);
      }
    }
  }

  #grows(counter: string, text: string | undefined): void {
    if (text === undefined) return;
    const [before, now] = [this.#counters.get(counter) ?? 0n, BigInt(text)];
    if (now < before) expect(`${counter} fell from ${before} to ${now}`).toBe('never');
    this.#counters.set(counter, now);
  }
}

it('holds in a storm', { timeout: slow }, async () => {
  const { time, fleet } = makeFleet({ hosts: 6, vms: 60, life: 'demo', faults: 'storm', downDomains: 'linger' });
  const inspector = new Inspector(fleet);
  for (let i = 0; i < 1000; i++) {
    await time.runFor(seconds(7));
    inspector.look();
  }
  expect(fleet.count().vms).toBe(60);
});

const commands: readonly ((fleet: Fleet, vm: string, host: string) => void)[] = [
  (fleet, vm) => fleet.vm(vm).start(),
  (fleet, vm, host) => fleet.vm(vm).start(host),
  (fleet, vm) => fleet.vm(vm).shutdown(),
  (fleet, vm) => fleet.vm(vm).reboot(),
  (fleet, vm) => fleet.vm(vm).suspend(),
  (fleet, vm) => fleet.vm(vm).pause('EIO'),
  (fleet, vm) => fleet.vm(vm).resume(),
  (fleet, vm, host) => fleet.vm(vm).migrate(host),
  (fleet, vm, host) => fleet.vm(vm).migrate(host, { fails: true }),
  (fleet, vm) => fleet.vm(vm).crash(),
  (fleet, vm) => fleet.vm(vm).vanish(),
  (fleet, vm) => fleet.vm(vm).stick(),
  (fleet, vm) => fleet.vm(vm).merge(),
  (fleet, _, host) => fleet.host(host).restartAgent(),
  (fleet, _, host) => fleet.host(host).powerOff(),
  (fleet, _, host) => fleet.host(host).recover(),
  (fleet, vm, host) => void fleet.host(host).ask('VM.destroy', { vmID: fleet.vm(vm).id }),
];

it('holds whatever is commanded: a command is done or refused, and then nothing has changed', {
  timeout: slow,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 1000 }),
      fc.constantFrom('engine', 'linger', 'keep'),
      fc.array(fc.tuple(fc.nat(commands.length - 1), fc.nat(5), fc.nat(2), fc.nat(40)), { maxLength: 60 }),
      async (seed, downDomains, script) => {
        const { time, fleet } = makeFleet({ hosts: 3, vms: 6, seed, downDomains });
        const inspector = new Inspector(fleet);
        const [vms, hosts] = [fleet.vms(), fleet.hosts()];
        for (const [command, vm, host, wait] of script) {
          try {
            commands[command]?.(fleet, vms[vm]?.name ?? '', hosts[host]?.name ?? '');
          } catch (error) {
            if (!(error instanceof VurtiError)) throw error;
            expect(['BAD_ARGUMENT', 'NOT_FOUND']).toContain(error.code);
          }
          inspector.look();
          await time.runFor(seconds(wait));
          inspector.look();
        }
      },
    ),
    { numRuns: 60 },
  );
});

it('a day of the demo leaves the fleet as large, as well and as small in memory as it was', {
  timeout: slow,
}, async () => {
  const { time, fleet } = makeFleet({ hosts: 20, vms: 400, life: 'demo', faults: 'demo' });
  let happenings = 0;
  let [worst, fewest, most, planned] = [0, 400, 0, 0];
  fleet.subscribe(() => {
    happenings += 1;
  });
  fleet.start();
  for (let i = 0; i < 24 * 60; i++) {
    await time.runFor(seconds(60));
    const count = fleet.count();
    worst = Math.max(worst, count.troubled);
    fewest = Math.min(fewest, count.running);
    most = Math.max(most, count.listed);
    planned = Math.max(planned, fleet.planned);
  }
  expect(happenings / 24 / 60, 'happenings a minute').toBeGreaterThan(4);
  expect(happenings / 24 / 60, 'happenings a minute').toBeLessThan(30);
  expect(worst).toBeGreaterThan(0);
  expect(worst).toBeLessThanOrEqual(2);
  // A host that loses its power takes its VMs with it for a while.
  expect(fewest).toBeGreaterThan(340);
  expect(most).toBeLessThan(440);
  expect(planned).toBeLessThan(600);
  expect(time.waiting().get('simulator')).toBe(1);
  const loads = fleet.hosts().map(({ name }) => fleet.host(name).vms().length);
  expect(Math.max(...loads)).toBeLessThan(40);
  await time.runFor(hours(1));
  fleet.stop();
  expect(time.waiting().size).toBe(0);
});
