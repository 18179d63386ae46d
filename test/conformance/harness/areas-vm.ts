import { seconds } from '../../../src/kernel/index.js';
import {
  exitReasonIds,
  type HostEndpoint,
  initialRow,
  type VdsStatus,
  type Vm,
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
  isFacts,
  listOf,
  textOf,
} from './case.js';
import { checkActions, checkEvents, checkValues, sameOutcome } from './expectations.js';
import { pushStatus } from './pushes.js';
import { dynamicNames, reportedVm, storedVm, watchdogAction } from './vm-facts.js';
import { World } from './world.js';

/** One report of one or more VMs, polled or pushed (areas vm and vm-pass). */
export const runVm: AreaRunner = async (c, failures) => {
  const host = textOf(c.given['monitoredHost'] ?? 'H1');
  const vms = givenVms(c);
  const world = await prepared(c, host);
  try {
    const usual = await usualVms(world, host, vms, reportedList(c).map(factsOf));
    for (const vm of usual) world.part('sets').putVm(vm);
    await commandsOf(world, c, vms);
    const expected = [...world.part('sets').vms.byHost(host)];
    await lastReportOf(world, c, vms);
    world.forget();
    await deliver(world, c, host, vms);
    await world.part('statistics').write();
    await world.settle();
    check(world, c, vms, expected, failures);
  } finally {
    await world.stop();
  }
};

interface GivenVm {
  readonly id: string;
  readonly facts: Facts;
  /** null: the database does not know it. */
  readonly stored: boolean;
}

function givenVms(c: ConformanceCase): readonly GivenVm[] {
  const { given } = c;
  if (Array.isArray(given['vms'])) {
    return listOf(given['vms']).map((vm) =>
      isFacts(vm)
        ? { id: textOf(vm['id'] ?? 'V1'), facts: vm, stored: true }
        : { id: textOf(vm), facts: { id: vm, name: textOf(vm), status: 'Up', runOn: 'H1' }, stored: true },
    );
  }
  if (given['vm'] === null || given['vm'] === undefined) {
    const id = textOf(factsOf(c.reported['vm'])['id'] ?? 'V1');
    return [{ id, facts: {}, stored: 'vm' in given ? false : !('vm' in c.reported) }].filter((vm) => vm.stored || true);
  }
  const facts = factsOf(given['vm']);
  return [{ id: textOf(facts['id'] ?? 'V1'), facts, stored: true }];
}

async function prepared(c: ConformanceCase, host: string): Promise<World> {
  const agents = new FakeFetcher({ advance: false });
  const statuses = factsOf(c.given['hosts']);
  const names = new Set(['H1', 'H2', 'H3', host, ...Object.keys(statuses)]);
  for (const name of names) agents.host(name, { cluster: 'C1' });
  const world = await World.make({
    agents,
    settings: { statistics: { persistIntervalSeconds: 100_000 } },
    options: { hosts: agents.inventory().hosts },
  });
  const sets = world.part('sets');
  for (const name of names) {
    await world.poke(name);
    if (name === host && c.given['hostInitialized'] === false) forgetFirstReport(world, name);
  }
  for (const [name, facts] of Object.entries(statuses)) {
    const vds = sets.hosts.get(name);
    const status = textOf(factsOf(facts)['status'] ?? 'Up') as VdsStatus;
    if (vds !== undefined) sets.putHost({ ...vds, dynamic: { ...vds.dynamic, status } });
  }
  if (c.given['hostBalloonEnabled'] !== undefined) {
    world.monitor.clusters.put({ name: 'C1', ballooning: c.given['hostBalloonEnabled'] === true });
  }
  return world;
}

/** As if no report of the host had been received by this process yet. */
function forgetFirstReport(world: World, host: string): void {
  world.part('vmUpdater').forgetHost(host);
  const set = world.part('sets').setOfHost(host);
  const liveness = set?.vds.liveness(host);
  if (liveness !== undefined) set?.vds.setLiveness(host, { ...liveness, initialized: false, lastVmReport: null });
}

/** The stored VMs: what the agent reports usually, with the case's facts over it. */
async function usualVms(
  world: World,
  host: string,
  vms: readonly GivenVm[],
  reported: readonly Facts[],
): Promise<Vm[]> {
  const result: Vm[] = [];
  for (const { id, facts, stored } of vms) {
    if (!stored) continue;
    const agent = new FakeFetcher().host(host, { vms: { [id]: reportedVm({}, facts) } });
    agent.bind(world.clock, world.clock);
    const report = await agent.getAllVmStats(endpoint(host), { signal: new AbortController().signal });
    const last = report.get(id);
    const usual: Vm = {
      id,
      static: { ...initialRow(vmStaticFields), id, name: 'vm1', clusterId: 'C1', vcpus: 2, memoryMb: 4096 },
      dynamic: { ...initialRow(vmDynamicFields), ...last?.dynamic, id, statusSince: 0, hash: last?.deviceHash ?? null },
      guestInterfaces: [],
      jobs: [],
      devices: [],
    };
    // A text that the case leaves out is stored as it is reported.
    const said = reported.find((vm) => textOf(vm['id'] ?? vms[0]?.id) === id) ?? {};
    const action =
      facts['lastWatchdogEvent'] === null || facts['lastWatchdogEvent'] === undefined
        ? {}
        : { lastWatchdogAction: watchdogAction(said, facts) };
    result.push(storedVm({ runOn: null, ...action, ...facts }, usual));
  }
  return result;
}

async function commandsOf(world: World, c: ConformanceCase, vms: readonly GivenVm[]): Promise<void> {
  const commands = world.part('commands');
  for (const { id, facts } of vms) {
    const ago = facts['secondsSinceForcedDestroy'];
    if (typeof ago === 'number') {
      commands.begin(id, 'destroy');
      commands.end(id, 'destroy');
      await world.clock.runFor(seconds(ago));
    }
    if (facts['asyncRunning'] === true) commands.begin(id, 'start');
    if (facts['coldReboot'] === true) commands.expectColdReboot(id);
    if (c.given['vmLockBusy'] === true) commands.begin(id, 'command');
    if (c.given['saveExternalDataFails'] === true) commands.noteExternalData(id, false);
  }
  const failing = new Set(listOf(c.given['analysisFailsFor']).map(textOf));
  if (failing.size > 0) {
    const of = commands.of.bind(commands);
    commands.of = (id) => {
      if (failing.has(id)) throw new Error(`judging ${id} fails in this case`);
      return of(id);
    };
  }
}

/** The report before this one, as the case tells of it. */
async function lastReportOf(world: World, c: ConformanceCase, vms: readonly GivenVm[]): Promise<void> {
  const last = factsOf(c.given['lastReport']);
  const [vm] = vms;
  if (last['host'] === undefined || vm === undefined) return;
  const host = textOf(last['host']);
  const stored = world.part('sets').vms.get(vm.id);
  if (stored === undefined) return;
  world.part('sets').putVm({ ...stored, dynamic: { ...stored.dynamic, runOnVds: host } });
  push(world, host, vm.id, { status: stored.dynamic.status }, Number(last['timestamp']), world.clock.monotonic());
  world.part('sets').putVm(stored);
  if (c.given['hostJustCameUp'] === true) world.part('vmUpdater').hostCameUp(host);
}

async function deliver(world: World, c: ConformanceCase, host: string, vms: readonly GivenVm[]): Promise<void> {
  const { reported } = c;
  if (reported['mode'] === 'event') {
    for (const one of reportedList(c)) {
      const facts = factsOf(one);
      await timed(world, c, async (requestedAt) => {
        push(
          world,
          host,
          textOf(facts['id'] ?? 'V1'),
          facts,
          Number(facts['timestamp'] ?? reported['timestamp'] ?? 0),
          requestedAt,
        );
        await world.settle();
      });
    }
    return;
  }
  const agent = world.agents.on(host);
  for (const one of reportedList(c)) {
    const facts = factsOf(one);
    const id = textOf(facts['id'] ?? vms[0]?.id ?? 'V1');
    const given = vms.find((vm) => vm.id === id)?.facts ?? {};
    agent.with(id, reportedVm(facts, { name: 'vm1', ...given }));
  }
  if (reported['failure'] !== undefined) failing(agent, textOf(reported['failure']));
  await timed(world, c, async () => {
    world.monitor.poke(host);
    await world.clock.runFor(seconds(1));
  });
}

function failing(agent: ReturnType<FakeFetcher['on']>, failure: string): void {
  if (failure === 'network') agent.refuse('Host.getAllVmStats');
  else agent.code(17, 'Host.getAllVmStats');
}

function reportedList(c: ConformanceCase): readonly unknown[] {
  const { reported } = c;
  if (Array.isArray(reported['vms'])) {
    return listOf(reported['vms']).map((vm) => (isFacts(vm) ? vm : { id: vm, status: 'Up' }));
  }
  if (reported['allChanged'] === true) return givenVms(c).map((vm) => ({ id: vm.id, status: 'Paused' }));
  return isFacts(reported['vm']) ? [reported['vm']] : [];
}

/** Plain ordered numbers of a case, as ms of the virtual clock: when the question was asked and when a command ended. */
async function timed(world: World, c: ConformanceCase, ask: (requestedAt: number) => Promise<void>): Promise<void> {
  const fetchTime = c.given['fetchTime'] ?? c.reported['fetchTime'];
  const changedAt = c.given['vmChangedAt'];
  if (typeof fetchTime !== 'number' || typeof changedAt !== 'number') return ask(world.clock.monotonic());
  const commands = world.part('commands');
  const host = textOf(c.given['monitoredHost'] ?? 'H1');
  const ids = givenVms(c).map((vm) => vm.id);
  const change = (): void => {
    for (const id of ids) {
      commands.begin(id, 'command');
      commands.end(id, 'command');
    }
  };
  if (changedAt < fetchTime) {
    change();
    await world.clock.runFor(fetchTime - changedAt);
    return ask(world.clock.monotonic());
  }
  const asked = world.clock.monotonic();
  if (c.reported['mode'] === 'event') {
    await world.clock.runFor(changedAt - fetchTime);
    change();
    return ask(asked);
  }
  world.agents.on(host).slow(changedAt - fetchTime + 1, 'Host.getAllVmStats');
  world.clock.after(changedAt - fetchTime, change, 'case');
  return ask(asked);
}

function push(world: World, host: string, vmId: string, facts: Facts, timestamp: number, requestedAt: number): void {
  const fake = reportedVm(facts, {});
  const agent: Record<string, unknown> = { ...fake.fields };
  if (fake.status === 'Down') agent['status'] = 'Down';
  if (fake.exitStatus !== undefined) agent['exitCode'] = fake.exitStatus === 'Normal' ? 0 : 1;
  if (facts['exitReason'] !== undefined) agent['exitReason'] = exitCode(textOf(facts['exitReason']));
  if (facts['exitMessage'] !== undefined) agent['exitMessage'] = facts['exitMessage'];
  delete agent['statusTime'];
  pushStatus(world, { host, vmId, requestedAt, timestamp }, agent);
}

function exitCode(reason: string): number {
  return exitReasonIds[reason as keyof typeof exitReasonIds] ?? -1;
}

const endpoint = (id: string): HostEndpoint => ({
  id,
  name: id,
  address: id,
  port: 54321,
  protocol: 'http',
  tls: null,
});

function check(
  world: World,
  c: ConformanceCase,
  vms: readonly GivenVm[],
  expected: readonly string[],
  failures: Failures,
): void {
  const { expect } = c;
  const sets = world.part('sets');
  const read = (id: string) => (key: string) => {
    const vm = sets.vms.get(id);
    const name = dynamicNames[key];
    if (name !== undefined) return vm?.dynamic[name] ?? null;
    return (vm?.static as Record<string, unknown> | undefined)?.[key] ?? null;
  };
  const first = vms[0]?.id ?? 'V1';
  checkValues('vm', expect['vm'], read(first), failures);
  for (const [id, facts] of Object.entries(factsOf(expect['vms']))) checkValues(id, facts, read(id), failures);
  if (typeof expect['saved'] === 'boolean' && world.wrote('vm_dynamic', first) !== expect['saved']) {
    failures.push(`saved: expected ${expect['saved']}`);
  }
  checkEvents(expect, world.events(), failures);
  checkActions(expect, world.actions(), failures);
  checkRest(world, c, first, expected, failures);
}

function checkRest(
  world: World,
  c: ConformanceCase,
  vm: string,
  expected: readonly string[],
  failures: Failures,
): void {
  const { expect } = c;
  const sets = world.part('sets');
  const usage = sets.vms.usage(vm);
  const facts: Record<string, () => unknown> = {
    statisticsSaved: () => world.wrote('vm_statistics', vm),
    statisticsReset: () => usage?.statistics.usageMemPercent === null && usage.interfaces.length === 0,
    migrationProgress: () => usage?.migrationProgress ?? null,
    lastStopTimeSet: () => sets.vms.get(vm)?.dynamic.lastStopTime === world.clock.now() || recent(world, vm),
    coldRebootFlagCleared: () => !world.part('commands').of(vm).coldReboot,
    hostInitialized: () => sets.hosts.liveness(textOf(c.given['monitoredHost'] ?? 'H1'))?.initialized,
    processDown: () =>
      world
        .intents()
        .filter((intent) => intent.intent === 'processDownVm' && intent.vmId !== null && expected.includes(intent.vmId))
        .map((intent) => intent.vmId),
  };
  for (const [key, read] of Object.entries(facts)) {
    if (key in expect && !sameOutcome(expect[key], read()))
      failures.push(`${key}: expected ${JSON.stringify(expect[key])}, got ${JSON.stringify(read())}`);
  }
  for (const entry of listOf(expect['dbWrites'])) {
    const { table, batchOrder } = factsOf(entry);
    if (table !== 'vm_dynamic') continue;
    const ids = world.spy.rows.flatMap((write) =>
      write.kind === 'vm_dynamic' && 'row' in write ? [write.row.id] : [],
    );
    if (!sameOutcome(batchOrder, [...new Set(ids)].sort())) failures.push(`batchOrder: got ${JSON.stringify(ids)}`);
  }
}

const recent = (world: World, vm: string): boolean => {
  const at = world.part('sets').vms.get(vm)?.dynamic.lastStopTime ?? null;
  return at !== null && world.clock.now() - at <= seconds(2);
};
