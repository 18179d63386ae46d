import fc from 'fast-check';
import { VirtualTime, VurtiError } from '../../../src/kernel/index.js';
import { MemoryStore } from '../../../src/store/index.js';
import { Fleet } from './fleet.js';
import { HOSTS, type Step, stepOf, VMS } from './history.js';
import { Process, type Witness } from './process.js';

/**
 * A history for the law of order: in each round some things happen, then every host is asked once. Two lives of it differ in
 * nothing but the order in which the hosts' answers come in and how finely their evidence interleaves.
 */
export interface Rounds {
  readonly mode: 'observer' | 'manager';
  readonly inventory: boolean;
  readonly rounds: readonly (readonly Step[])[];
}

/** How the answers of one life come in. */
export interface Delivery {
  /** Of each round, over and over; numbers of hosts. */
  readonly orders: readonly (readonly number[])[];
  /** Between two hosts; 0: all are asked at once, and their evidence stands in the queue together. */
  readonly gapMs: number;
  readonly sliceSize: number;
}

/** No tick of the monitor's own gets in between. */
const SELDOM_SECONDS = 100_000;
const ROUND_MS = 15_000;
const LAST_ROUNDS = 8;

/**
 * What may happen here, so that the evidence is that of one truth: a VM runs on one host, or is on its way between two. Where
 * two hosts claim a VM the last one that reports it owns it, by decision (D11): there the order counts.
 */
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: stepOf.start },
  { weight: 4, arbitrary: stepOf.become },
  { weight: 1, arbitrary: stepOf.pause },
  { weight: 3, arbitrary: stepOf.end },
  { weight: 2, arbitrary: stepOf.vanish },
  { weight: 5, arbitrary: stepOf.migrate },
  { weight: 5, arbitrary: stepOf.arrive },
  { weight: 1, arbitrary: stepOf.failToMigrate },
  { weight: 2, arbitrary: stepOf.say },
  { weight: 2, arbitrary: stepOf.fault },
  { weight: 3, arbitrary: stepOf.recover },
);

export const rounds: fc.Arbitrary<Rounds> = fc.record({
  mode: fc.constantFrom('observer', 'manager'),
  inventory: fc.boolean(),
  rounds: fc.array(fc.array(step, { maxLength: 4 }), { minLength: 1, maxLength: 12, size: 'max' }),
});

export const deliveries: fc.Arbitrary<Delivery> = fc.record({
  orders: fc.array(fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), { minLength: 1, maxLength: 3 }),
  gapMs: fc.constantFrom(0, 300),
  sliceSize: fc.constantFrom(1, 2, 500),
});

/** The state at the end, without the moments at which it came to be. */
export async function endOf({ mode, inventory, rounds: all }: Rounds, delivery: Delivery): Promise<object> {
  const fleet = new Fleet(Object.fromEntries(HOSTS.map((name, h) => [name, vmsOf(h)])));
  const clock = new VirtualTime();
  const store = new MemoryStore({ clock, scheduler: clock });
  const { hosts, vms } = fleet.agents.inventory();
  const process = Process.make({
    ...{ mode, hosts, clock, store, witness: nobody, agents: fleet.agents, sliceSize: delivery.sliceSize },
    vms: inventory ? vms : undefined,
    settings: {
      poll: { intervalSeconds: SELDOM_SECONDS },
      statistics: { persistIntervalSeconds: 0 },
      // How often something is said in between is no part of the state.
      autoRecovery: { hosts: false },
    },
  });
  await process.start();
  let n = 0;
  const round = async (steps: readonly Step[]): Promise<void> => {
    for (const s of steps) happen(fleet, process, s);
    // A report that was asked for at the instant of a manager's command counts as one from before it. Whom that meets would
    // depend on the delivery, and the evidence of two lives would not be the same.
    await clock.runFor(1);
    const order = delivery.orders[n % delivery.orders.length] ?? [];
    n += 1;
    for (const h of order) {
      process.monitor.poke(HOSTS[h] ?? 'h0');
      if (delivery.gapMs > 0) await clock.runFor(delivery.gapMs);
    }
    await clock.runFor(n * ROUND_MS - clock.monotonic());
  };
  for (let i = 0; i < 3; i++) await round([]);
  for (const steps of all) await round(steps);
  for (const name of HOSTS) fleet.recover(name);
  for (let i = 0; i < LAST_ROUNDS; i++) await round([]);
  const end = stateOf(process);
  await process.stop();
  return { ...end, errors: [...process.errors, ...clock.takeErrors().map(({ error }) => String(error))] };
}

const vmsOf = (host: number): Record<string, { ha?: boolean }> =>
  Object.fromEntries(
    VMS.filter((_, i) => i % HOSTS.length === host).map((id) => [id, id === 'v1' ? { ha: true } : {}]),
  );

/** Only what keeps to one truth. */
function happen(fleet: Fleet, process: Process, step: Step): void {
  const vm = 'vm' in step ? (VMS[step.vm] ?? 'v0') : 'v0';
  const hosts = fleet.hostsOf(vm);
  const migrating = hosts.length > 1;
  const status = hosts[0] === undefined ? undefined : fleet.statusOn(vm, hosts[0]);
  switch (step.does) {
    case 'start':
      // Where it ended it may be started again, and anywhere when it is nowhere.
      if (hosts.length === 0 || (hosts[0] === HOSTS[step.host] && status === 'Down')) fleet.happen(step);
      return;
    case 'migrate':
      if (migrating || hosts.length === 0 || status !== 'Up') return;
      if (fleet.migrate(vm, HOSTS[step.to] ?? 'h0') && step.told) tell(process, vm, HOSTS[step.to] ?? 'h0');
      return;
    case 'become':
      if (!migrating && !step.status.startsWith('Migrating') && status !== 'Down') fleet.happen(step);
      return;
    case 'pause':
      if (!migrating && step.code !== 'POSTCOPY' && status === 'Up') fleet.happen(step);
      return;
    case 'end':
      if (!migrating && step.reason !== 'MigrationSucceeded') fleet.happen(step);
      return;
    case 'arrive':
      if (migrating && step.source !== 'still there') fleet.happen(step);
      return;
    case 'vanish':
    case 'say':
      if (!migrating) fleet.happen(step);
      return;
    default:
      fleet.happen(step);
  }
}

function tell(process: Process, vm: string, to: string): void {
  try {
    process.monitor.commands.migrating(vm, to);
  } catch (error) {
    if (!(error instanceof VurtiError)) throw error;
  }
}

/** Of the way on which a VM came to its state: whether it counted as Down for a moment before its other host was heard. */
const traces = ['statusSince', 'lastStartTime', 'lastStopTime', 'bootTime', 'downtime'];

function stateOf({ sets, monitor }: Process): object {
  const without = (row: object, ...names: readonly string[]): object =>
    Object.fromEntries(Object.entries(row).filter(([name]) => !names.includes(name)));
  const hosts = HOSTS.flatMap((id) => {
    const host = sets.hosts.get(id);
    if (host === undefined) return [];
    return [{ ...without(host.dynamic, 'statusSince', 'previousStatus'), interfaces: host.interfaces.length }];
  });
  const vms = [...sets.vms.ids()].sort().map((id) => {
    const vm = sets.vms.get(id);
    if (vm === undefined) return id;
    const { guestInterfaces, jobs, devices } = vm;
    const dynamic = without(vm.dynamic, ...traces);
    return { static: vm.static, dynamic, guestInterfaces, jobs, devices, unsettled: sets.vms.unsettled(id) ?? null };
  });
  const intents = monitor.intents.pending().map(({ intent, vmId, hostId }) => `${intent} ${vmId} ${hostId}`);
  return { hosts, vms, intents: intents.sort() };
}

const nobody: Witness = { evidence: () => undefined, committed: () => undefined, flushed: () => undefined };
