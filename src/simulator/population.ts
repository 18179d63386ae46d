import { VurtiError } from '../kernel/index.js';
import { shuffled, stream } from './chance.js';
import { Domain, type HostSize, Machine, SimHost } from './entities.js';
import { type Role, roleFor } from './roles.js';
import type { World } from './world.js';

export interface ClusterShare {
  readonly name: string;
  /** Part of the hosts; shares are taken in proportion. */
  readonly share: number;
}

export interface PopulationOptions {
  readonly hosts: number;
  readonly vms: number;
  readonly clusters: readonly ClusterShare[];
  /** Interval of the agents' samples; 0 = the statistics stand still. */
  readonly sampleMs: number;
}

const DAY = 86_400_000;
const threadSizes = [16, 32, 48, 64, 96, 128, 192, 256, 384];
const memorySizesGb = [64, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096];

/** Fills the world: hosts kvm-01 …, VMs dealt out evenly among them, all Up and some days old. */
export function populate(world: World, options: PopulationOptions): void {
  const { seed } = world;
  for (const [name, n] of Object.entries({ hosts: options.hosts, vms: options.vms })) {
    if (!Number.isSafeInteger(n) || n < 0)
      throw new VurtiError('BAD_ARGUMENT', `${name} is ${n}, not a number of them`);
  }
  if (options.hosts === 0 && options.vms > 0) throw new VurtiError('BAD_ARGUMENT', 'VMs need a host to run on');
  const clusters = clusterOfEachHost(options);
  const places = dealOut(world, options);
  const plans = planRoles(places.map((host) => clusters[host] as string));

  const byHost = new Map<number, Role[]>();
  places.forEach((host, vm) => {
    const roles = byHost.get(host) ?? [];
    roles.push((plans[vm] as Plan).role);
    byHost.set(host, roles);
  });
  const sizes = sizeByCluster(clusters, byHost);
  const digits = Math.max(2, String(options.hosts).length);
  clusters.forEach((cluster, index) => {
    const name = `kvm-${String(index + 1).padStart(digits, '0')}`;
    world.addHost(new SimHost(seed, index, name, cluster, sizes.get(cluster) as HostSize, options.sampleMs));
  });
  places.forEach((place, index) => {
    const { name, role } = plans[index] as Plan;
    const host = world.hosts[place] as SimHost;
    const machine = new Machine(seed, index, name, host.cluster, role);
    world.addMachine(machine);
    const age = Math.min(-host.bootedAt, (0.1 + machine.random.next() * 120) * DAY);
    const domain = new Domain(machine, host, 'Up', -age, { startedAt: -age, work: 0 });
    domain.guestUp = machine.hasAgent;
    host.domains.set(machine.id, domain);
    machine.domain = domain;
  });
}

/** Host by host in blocks, the last cluster takes what rounding leaves. */
function clusterOfEachHost({ hosts, clusters }: PopulationOptions): string[] {
  const total = clusters.reduce((sum, { share }) => sum + share, 0);
  if (clusters.length === 0 || !(total > 0)) throw new VurtiError('BAD_ARGUMENT', 'The fleet needs a cluster');
  const names: string[] = [];
  let before = 0;
  for (const { name, share } of clusters) {
    before += share;
    const upTo = Math.round((hosts * before) / total);
    while (names.length < upTo) names.push(name);
  }
  return names;
}

/** Host of each VM: rounds over all hosts, each in an order of its own, so that roles mix. */
function dealOut(world: World, { hosts, vms }: PopulationOptions): number[] {
  const random = stream(world.seed, 'places');
  const all = Array.from({ length: hosts }, (_, host) => host);
  const places: number[] = [];
  while (places.length < vms) places.push(...shuffled(random, all).slice(0, vms - places.length));
  return places;
}

interface Plan {
  readonly name: string;
  readonly role: Role;
}

function planRoles(clusterOfVm: readonly string[]): Plan[] {
  const inCluster = new Map<string, number>();
  const ofRole = new Map<string, number>();
  return clusterOfVm.map((cluster) => {
    const n = inCluster.get(cluster) ?? 0;
    inCluster.set(cluster, n + 1);
    const role = roleFor(cluster, n);
    const number = (ofRole.get(role.name) ?? 0) + 1;
    ofRole.set(role.name, number);
    return { role, name: `${role.name}-${String(number).padStart(2, '0')}` };
  });
}

/** The hosts of a cluster are alike, with room for their fullest one, some guests of a neighbour, and growth. */
function sizeByCluster(
  clusters: readonly string[],
  roles: ReadonlyMap<number, readonly Role[]>,
): Map<string, HostSize> {
  const sizes = new Map<string, HostSize>();
  clusters.forEach((cluster, host) => {
    let threads = 8;
    let memory = 16;
    for (const role of roles.get(host) ?? []) {
      threads += role.vcpus / 2;
      memory += (role.memoryMb / 1024) * 1.4;
    }
    const size = sizes.get(cluster);
    sizes.set(cluster, {
      sockets: 2,
      threads: Math.max(size?.threads ?? 0, atLeast(threadSizes, threads)),
      memoryMb: Math.max(size?.memoryMb ?? 0, atLeast(memorySizesGb, memory) * 1024),
    });
  });
  return sizes;
}

function atLeast(sizes: readonly number[], need: number): number {
  return sizes.find((size) => size >= need) ?? (sizes.at(-1) as number);
}
