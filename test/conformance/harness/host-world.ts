import { seconds } from '../../../src/kernel/index.js';
import {
  type AgentMethod,
  type DeepPartial,
  initialRow,
  type MonitorSettings,
  type Vds,
  type VdsDynamic,
  type VdsLiveness,
  type VdsStatistics,
  type VdsStatus,
  type Vm,
  vdsStatisticsFields,
  vmDynamicFields,
  vmStaticFields,
} from '../../../src/model/index.js';
import { FakeFetcher, type FakeHost } from '../../../src/testing/index.js';
import { type Facts, factsOf, isFacts, listOf, textOf } from './case.js';
import { storedVm } from './vm-facts.js';
import { World } from './world.js';

export const H1 = 'H1';

/** oVirt's names of settings (monitoring-rules.md §6) → ours. */
export function settingsOf(config: Facts): DeepPartial<MonitorSettings> {
  const ticks = config['NumberVmRefreshesBeforeSave'];
  return {
    ...(typeof ticks === 'number'
      ? { poll: { intervalSeconds: 3 * ticks, deadlineSeconds: 2, ticksPerInterval: ticks } }
      : {}),
    statistics: { persistIntervalSeconds: 100_000 },
  };
}

export interface HostWorldOptions {
  readonly given: Facts;
  readonly h1?: FakeHost;
  readonly others?: Readonly<Record<string, FakeHost>>;
  readonly settings?: DeepPartial<MonitorSettings>;
}

/** H1 has been Up and heard, everything about it is well; then the case's facts are laid over it. */
export async function hostWorld({ given, h1, others, settings }: HostWorldOptions): Promise<World> {
  const agents = new FakeFetcher({ advance: false });
  const facts = hostFacts(given);
  agents.host(H1, {
    cluster: 'C1',
    pmEnabled: facts['pmEnabled'] === true,
    spmStatus: (facts['spm'] ?? 'None') as NonNullable<FakeHost['spmStatus']>,
    ...h1,
  });
  for (const [name, host] of Object.entries(others ?? {})) agents.host(name, { cluster: 'C1', ...host });
  const world = await World.make({
    agents,
    settings: { ...settingsOf(factsOf(given['config'])), ...settings },
    options: { hosts: agents.inventory().hosts },
  });
  for (const name of agents.hosts()) await world.poke(name);
  return world;
}

/** `host` of a case: its facts, or only its name. */
export const hostFacts = (given: Facts): Facts => factsOf(given['host']);

const dynamicNames: Readonly<Record<string, keyof VdsDynamic>> = {
  status: 'status',
  vmCount: 'vmCount',
  pendingVcpus: 'pendingVcpusCount',
  pendingMemoryMb: 'pendingVmemSize',
  nonOperationalReason: 'nonOperationalReason',
  physicalMemMb: 'physicalMemMb',
  guestOverhead: 'guestOverhead',
  memCommited: 'memCommited',
  vmsCoresCount: 'vmsCoresCount',
  cpuFlags: 'cpuFlags',
  incomingMigrations: 'incomingMigrations',
  outgoingMigrations: 'outgoingMigrations',
};

/** Lays the case's facts over the host: its row, its usage and what the process knows of it. */
export function layOver(world: World, name: string, facts: Facts): void {
  const sets = world.part('sets');
  const set = sets.setOfHost(name);
  const host = sets.hosts.get(name);
  if (set === undefined || host === undefined) throw new Error(`there is no host ${name}`);
  const now = world.clock.now();
  const since = typeof facts['secondsInStatus'] === 'number' ? now - seconds(facts['secondsInStatus']) : now;
  const dynamic: Record<string, unknown> = { ...host.dynamic, statusSince: since };
  const statistics: Record<string, unknown> = {
    ...(sets.hosts.usage(name)?.statistics ?? { ...initialRow(vdsStatisticsFields), id: name }),
  };
  for (const [key, value] of Object.entries(facts)) {
    const column = dynamicNames[key];
    if (column !== undefined) dynamic[column] = value;
    else if (key in vdsStatisticsFields) statistics[key] = value;
  }
  const after: Vds = { ...host, dynamic: dynamic as unknown as VdsDynamic };
  sets.putHost(after);
  const usage = sets.hosts.usage(name);
  set.vds.setUsage(name, {
    interfaces: usage?.interfaces ?? [],
    numaNodes: usage?.numaNodes ?? [],
    statistics: statistics as unknown as VdsStatistics,
  });
  const liveness = set.vds.liveness(name) as VdsLiveness;
  const ago = facts['secondsSinceLastUpdate'];
  set.vds.setLiveness(name, {
    ...liveness,
    attempts: Number(facts['attemptsBefore'] ?? 0),
    ...(typeof ago === 'number' ? { lastAnswerAt: now - seconds(ago), heardAt: now - seconds(ago) } : {}),
  });
}

/** VMs of the case that run on the host: ids, or facts of each. */
export function putVms(world: World, vms: unknown, host: string): void {
  for (const entry of listOf(vms)) {
    const facts = isFacts(entry) ? entry : { id: entry };
    const id = textOf(facts['id']);
    const usual: Vm = {
      id,
      static: {
        ...initialRow(vmStaticFields),
        id,
        name: id,
        clusterId: 'C1',
        origin: facts['external'] === true ? 'EXTERNAL' : 'OVIRT',
      },
      dynamic: { ...initialRow(vmDynamicFields), id, status: 'Up', runOnVds: host, statusSince: world.clock.now() },
      guestInterfaces: [],
      jobs: [],
      devices: [],
    };
    world.part('sets').putVm(storedVm(facts, usual));
    if (facts['asyncRunning'] === true) world.part('commands').begin(id, 'start');
  }
}

/** Values of the host by the cases' names. */
export function readHost(world: World, name: string): (key: string) => unknown {
  const sets = world.part('sets');
  return (key) => {
    const host = sets.hosts.get(name);
    const liveness = sets.hosts.liveness(name);
    const column = dynamicNames[key];
    if (column !== undefined) return host?.dynamic[column] ?? null;
    if (key === 'attempts') return liveness?.attempts;
    if (key === 'secondsSinceLastUpdate') return ((liveness?.lastAnswerAt ?? 0) - world.clock.now()) / -1000;
    return (sets.hosts.usage(name)?.statistics as Record<string, unknown> | undefined)?.[key] ?? null;
  };
}

/** Calls of the host cycle so far, by the cases' names; the VM poll is a cycle of its own there. */
export function callsOf(world: World, name: string): { readonly method: string; readonly at: number }[] {
  return world.agents
    .on(name)
    .calls()
    .map(({ method, at }) => ({ method: shortOf(method), at: at ?? 0 }));
}

const shortOf = (method: AgentMethod): string => method.replace(/^Host\./, '');

export const statusOf = (facts: Facts): VdsStatus => (facts['status'] ?? 'Up') as VdsStatus;
