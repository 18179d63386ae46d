import type { ClusterNetwork } from '../../../src/model/index.js';
import type { FakeHost } from '../../../src/testing/index.js';
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
import { checkActions, checkEvents, checkValues } from './expectations.js';
import { callsOf, H1, hostFacts, hostWorld, layOver, readHost } from './host-world.js';
import type { World } from './world.js';

/** A flag that no host has: asked for by the cluster, it shows whether the CPU was looked at. */
const PROBE = 'flag-that-no-host-has';

/** One cycle with a host's capabilities against its cluster (area host-rules). */
export const runHostRules: AreaRunner = async (c, failures) => {
  const world = await judged(c, []);
  try {
    checkValues('host', c.expect['host'], readHost(world, H1), failures);
    checkEvents(c.expect, world.events(), failures);
    checkActions(c.expect, world.actions(), failures);
    const calls = new Set(
      callsOf(world, H1)
        .slice(beforeTheCase)
        .map((call) => call.method),
    );
    for (const call of listOf(c.expect['agentCallsNot'])) {
      if (calls.has(textOf(call))) failures.push(`${textOf(call)} must not be called`);
    }
  } finally {
    await world.stop();
  }
  if ('cpuCheck' in c.expect) await checkCpuCheck(c, failures);
};

let beforeTheCase = 0;

async function judged(c: ConformanceCase, moreFlags: readonly string[]): Promise<World> {
  const h2Os = c.given['firstUpHostOs'];
  const world = await hostWorld({
    given: c.given,
    h1: { capabilities: { networks: {}, bridges: {} } },
    others: typeof h2Os === 'string' ? { H2: { capabilities: { operatingSystem: systemOf(h2Os) } } } : {},
  });
  const cluster = factsOf(c.given['cluster']);
  const flags = Array.isArray(cluster['cpuFlags']) ? listOf(cluster['cpuFlags']).map(textOf) : [];
  world.monitor.clusters.put({
    name: 'C1',
    additionalRngSources: listOf(cluster['additionalRng']).map(textOf),
    upgradeMode: cluster['upgradeMode'] === true,
    gluster: cluster['gluster'] === true,
    ...(typeof cluster['emulatedMachine'] === 'string' ? { emulatedMachine: cluster['emulatedMachine'] } : {}),
    ...(typeof cluster['level'] === 'string' ? { compatibilityVersion: cluster['level'] } : {}),
    ...(flags.length + moreFlags.length > 0 ? { cpuFlags: [...flags, ...moreFlags] } : {}),
    networks: listOf(c.given['clusterNetworks']).map((network) => clusterNetwork(factsOf(network))),
  });
  layOver(world, H1, { status: 'Connecting', ...hostFacts(c.given) });
  // The check of a host that is Up belongs to the refresh of its capabilities.
  if (hostFacts(c.given)['status'] === 'Up') unread(world);
  world.agents.on(H1).answers({ capabilities: capabilitiesOf(c.reported) });
  world.forget();
  beforeTheCase = callsOf(world, H1).length;
  await world.poke(H1);
  return world;
}

function unread(world: World): void {
  const set = world.part('sets').setOfHost(H1);
  const liveness = set?.vds.liveness(H1);
  if (liveness !== undefined) set?.vds.setLiveness(H1, { ...liveness, capabilitiesRead: false });
}

async function checkCpuCheck(c: ConformanceCase, failures: Failures): Promise<void> {
  const world = await judged(c, [PROBE]);
  try {
    const looked =
      world.part('sets').hosts.get(H1)?.dynamic.nonOperationalReason === 'CPU_TYPE_INCOMPATIBLE_WITH_CLUSTER';
    if (looked !== c.expect['cpuCheck']) failures.push(`cpuCheck: expected ${String(c.expect['cpuCheck'])}`);
  } finally {
    await world.stop();
  }
}

function clusterNetwork(facts: Facts): Partial<ClusterNetwork> & { name: string } {
  return {
    name: textOf(facts['name']),
    required: facts['required'] === true,
    vmNetwork: facts['vm'] === true,
    status: (facts['status'] ?? 'OPERATIONAL') as ClusterNetwork['status'],
  };
}

/** "RHEL - 7Server - 1.el7" as the agent's three fields. */
function systemOf(text: string): Record<string, string> {
  const [name = '', version = '', release = ''] = text.split(' - ');
  return { name, version, release };
}

const selinux: Readonly<Record<string, string>> = { ENFORCING: '1', PERMISSIVE: '0', DISABLED: '-1' };

function capabilitiesOf(reported: Facts): NonNullable<FakeHost['capabilities']> {
  const fields: Record<string, unknown> = {};
  const take: Readonly<Record<string, (value: unknown) => void>> = {
    clusterLevels: (value) => Object.assign(fields, { clusterLevels: value }),
    cpuFlags: (value) => Object.assign(fields, { cpuFlags: value ?? undefined }),
    emulatedMachines: (value) => Object.assign(fields, { emulatedMachines: value ?? undefined }),
    hostOs: (value) => Object.assign(fields, { operatingSystem: systemOf(textOf(value)) }),
    kvmEnabled: (value) => Object.assign(fields, { kvmEnabled: value === null ? undefined : String(value) }),
    rngSources: (value) => Object.assign(fields, { rngSources: value ?? undefined }),
    selinuxMode: (value) =>
      Object.assign(fields, { selinux: value === null ? undefined : { mode: selinux[textOf(value)] } }),
    networks: (value) => Object.assign(fields, { networks: networksOf(listOf(value)) }),
  };
  for (const [key, value] of Object.entries(reported)) take[key]?.(value);
  return fields;
}

function networksOf(list: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(
    list.map((network) => {
      const name = isFacts(network) ? textOf(network['name']) : textOf(network);
      const bridged = !isFacts(network) || network['bridged'] !== false;
      return [name, { iface: bridged ? name : 'eth0', bridged, addr: '', mtu: '1500' }];
    }),
  );
}
