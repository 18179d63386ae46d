import { hours, seconds } from '../../../src/kernel/index.js';
import {
  initialRow,
  type VdsInterface,
  type Vm,
  vdsInterfaceFields,
  vmDynamicFields,
  vmStaticFields,
} from '../../../src/model/index.js';
import { FakeFetcher } from '../../../src/testing/index.js';
import {
  type AreaRunner,
  type ConformanceCase,
  type Facts,
  type Failures,
  factsOf,
  listOf,
  show,
  textOf,
} from './case.js';
import { checkActions, sameOutcome } from './expectations.js';
import { layOver } from './host-world.js';
import { storedVm } from './vm-facts.js';
import { World } from './world.js';

/** Automatic recovery of hosts, restart of highly available VMs (area recovery). */
export const runRecovery: AreaRunner = async (c, failures) => {
  const agents = new FakeFetcher({ advance: false });
  const hosts = listOf(c.given['hosts']).map(factsOf);
  for (const i of hosts.keys()) agents.host(`H${i + 1}`, { cluster: 'C1' });
  const allowed = factsOf(factsOf(c.given['config'])['AutoRecoveryAllowedTypes'])['hosts'];
  const world = await World.make({
    agents,
    rows:
      c.reported['engineStart'] === true
        ? vmsOf(c).flatMap((vm) => [
            { kind: 'vm_static', row: vm.static } as const,
            { kind: 'vm_dynamic', row: vm.dynamic } as const,
          ])
        : [],
    settings: { autoRecovery: { hosts: allowed !== false } },
    options: {
      hosts: agents
        .inventory()
        .hosts.map((host, i) => ({ ...host, autoRecoverable: hosts[i]?.['recoverable'] !== false })),
    },
  });
  try {
    if (c.given['runVm'] === 'fails') await tries(world, c, failures);
    else if (c.reported['run'] === 'autoRecovery') await recovery(world, hosts);
    else if (c.reported['run'] === 'haRunner') restarts(world, c, failures);
    checkActions(c.expect, world.actions(), failures);
    if ('queue' in c.expect) {
      const got = [...world.part('haRestarts').queued].sort();
      if (!sameOutcome(listOf(c.expect['queue']).map(textOf).sort(), got)) failures.push(`queue: got ${show(got)}`);
    }
  } finally {
    await world.stop();
  }
};

function vmsOf(c: ConformanceCase): Vm[] {
  const list = Array.isArray(c.given['vms']) ? listOf(c.given['vms']) : [factsOf(c.given['vm'])];
  return list.map((entry) => {
    const facts: Facts = { ha: true, status: 'Down', exitStatus: 'Error', ...factsOf(entry) };
    const id = textOf(facts['id'] ?? 'V1');
    const usual: Vm = {
      id,
      static: { ...initialRow(vmStaticFields), id, name: id, clusterId: 'C1' },
      dynamic: { ...initialRow(vmDynamicFields), id, statusSince: 0 },
      guestInterfaces: [],
      devices: [],
      jobs: [],
    };
    return storedVm(facts, usual);
  });
}

async function recovery(world: World, hosts: readonly Facts[]): Promise<void> {
  for (const [i, facts] of hosts.entries()) {
    const name = `H${i + 1}`;
    await world.poke(name);
    layOver(world, name, facts);
    if (facts['problematicNic'] === true) breakNic(world, name);
  }
  world.forget();
  world.part('hostRounds').recover();
  await world.settle();
}

/** A required network on a nic that is down. */
function breakNic(world: World, name: string): void {
  world.monitor.clusters.put({ name: 'C1', networks: [{ name: 'req', required: true }] });
  const sets = world.part('sets');
  const host = sets.hosts.get(name);
  const usage = sets.hosts.usage(name);
  if (host === undefined || usage === undefined) return;
  const [first] = usage.interfaces;
  const nic: VdsInterface = {
    ...initialRow(vdsInterfaceFields),
    hostId: name,
    name: first?.name ?? 'eth0',
    network: 'req',
    bridged: true,
  };
  sets.putHost({ ...host, interfaces: [nic] });
  const interfaces = usage.interfaces.map((one) => (one.name === nic.name ? { ...one, status: 'DOWN' as const } : one));
  sets.setOfHost(name)?.vds.setUsage(name, { ...usage, interfaces });
}

/** One round over VMs that are all queued. */
function restarts(world: World, c: ConformanceCase, failures: Failures): void {
  const runner = world.part('haRestarts');
  for (const vm of vmsOf(c)) {
    world.part('sets').putVm(vm);
    runner.queue(vm.id);
  }
  world.forget();
  const round = runner.round();
  const started = round.start.map(({ vm }) => vm.id);
  if ('startOrder' in c.expect && !sameOutcome(c.expect['startOrder'], started))
    failures.push(`startOrder: got ${show(started)}`);
  const blocked = runner.queued.filter((id) => !started.includes(id));
  if ('blocked' in c.expect && !sameOutcome(listOf(c.expect['blocked']).map(textOf).sort(), [...blocked].sort())) {
    failures.push(`blocked: got ${show(blocked)}`);
  }
}

/** Each of n tries fails; the wait after each, and what is raised. */
async function tries(world: World, c: ConformanceCase, failures: Failures): Promise<void> {
  const runner = world.part('haRestarts');
  const [vm] = vmsOf(c);
  if (vm === undefined) return;
  world.part('sets').putVm(vm);
  runner.queue(vm.id);
  const count = Number(c.reported['failedTries'] ?? 1);
  const startedAt: number[] = [];
  const waits: number[] = [];
  const names: string[] = [];
  for (let n = 0; n <= count; n++) {
    const known = world.intents().filter((intent) => intent.intent === 'autoRun').length;
    await world.clock
      .runUntil(() => world.intents().filter((intent) => intent.intent === 'autoRun').length > known, {
        within: hours(2),
      })
      .catch(() => undefined);
    startedAt.push(world.clock.now());
    const last = startedAt.at(-2);
    if (last !== undefined) waits.push(Math.round((world.clock.now() - last) / seconds(1)));
    if (n === count) break;
    const before = world.events().length;
    runner.tryFailed(vm.id);
    await world.clock.runFor(1);
    names.push(
      ...world
        .events()
        .slice(before)
        .map((event) => event.name),
    );
  }
  if ('delaysSec' in c.expect && !sameOutcome(c.expect['delaysSec'], waits))
    failures.push(`delaysSec: got ${show(waits)}`);
  const each = c.expect['eventsEach'];
  if (typeof each === 'string' && (names.length !== count || names.some((name) => name !== each)))
    failures.push(`eventsEach: got ${show(names)}`);
}
