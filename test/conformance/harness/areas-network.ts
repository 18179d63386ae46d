import { seconds } from '../../../src/kernel/index.js';
import { initialRow, type VdsInterface, vdsInterfaceFields } from '../../../src/model/index.js';
import { missingNetworks, problematicNics } from '../../../src/rules/index.js';
import { type AreaRunner, type Facts, type Failures, factsOf, listOf, show, textOf } from './case.js';
import { checkActions, checkEvents, checkValues, sameOutcome } from './expectations.js';
import { H1, hostFacts, hostWorld, layOver, readHost } from './host-world.js';
import type { World } from './world.js';

const usualNics: readonly Facts[] = [{ name: 'eth1', status: 'DOWN', network: 'req' }];
const usualNetworks: readonly Facts[] = [
  { name: 'req', required: true },
  { name: 'opt', required: false },
];

/** Nics, their networks and what follows when they go down (area network). */
export const runNetwork: AreaRunner = async (c, failures) => {
  const nics = c.given['interfaces'] === undefined ? usualNics : listOf(c.given['interfaces']).map(factsOf);
  // A VM runs on the host, so that there is one to be moved away.
  const world = await hostWorld({ given: c.given, h1: { stats: { network: {} }, vms: { V1: { status: 'Up' } } } });
  try {
    const networks =
      c.given['clusterNetworks'] === undefined ? usualNetworks : listOf(c.given['clusterNetworks']).map(factsOf);
    world.monitor.clusters.put({
      name: 'C1',
      networks: networks.map((network) => ({
        name: textOf(network['name']),
        required: network['required'] === true,
        status: network['status'] === 'NON_OPERATIONAL' ? 'NON_OPERATIONAL' : 'OPERATIONAL',
      })),
    });
    layOver(world, H1, hostFacts(c.given));
    setNics(world, nics);
    const previous = factsOf(c.given['previous']);
    // The report before: states as told, else as now.
    await reports(world, nics, (nic) => textOf(previous[textOf(nic['name'])] ?? nic['status']));
    world.forget();
    laySince(world, c.given['problematicSinceSec']);
    layOver(world, H1, { status: 'Up', nonOperationalReason: 'NONE', ...hostFacts(c.given) });
    if (Array.isArray(c.given['sequence'])) await sequence(world, nics, listOf(c.given['sequence']));
    else if (!('problematicNics' in c.expect) && !('missing' in c.expect))
      await reports(world, nics, (nic) => textOf(nic['status']));
    checkValues('host', c.expect['host'], readHost(world, H1), failures);
    checkEvents(c.expect, world.events(), failures);
    checkActions(c.expect, world.actions(), failures);
    checkFound(world, nics, c.given, c.expect, failures);
  } finally {
    await world.stop();
  }
};

function setNics(world: World, nics: readonly Facts[]): void {
  const host = world.part('sets').hosts.get(H1);
  if (host === undefined) return;
  const interfaces = nics.map(
    (nic): VdsInterface => ({
      ...initialRow(vdsInterfaceFields),
      hostId: H1,
      name: textOf(nic['name']),
      network: nic['network'] === null || nic['network'] === undefined ? null : textOf(nic['network']),
      bridged: true,
      vlanId: typeof nic['vlanId'] === 'number' ? nic['vlanId'] : null,
      baseInterface: typeof nic['base'] === 'string' ? nic['base'] : null,
      bondName: typeof nic['bond'] === 'string' ? nic['bond'] : null,
    }),
  );
  world.part('sets').putHost({ ...host, interfaces });
}

const states: Readonly<Record<string, string | undefined>> = { UP: 'up', DOWN: 'down', NONE: undefined };

async function reports(world: World, nics: readonly Facts[], stateOf: (nic: Facts) => string): Promise<void> {
  const network = nics.map((nic) => [
    textOf(nic['name']),
    { name: nic['name'], state: states[stateOf(nic)], speed: '1000', rx: '0', tx: '0', sampleTime: 1 },
  ]);
  world.agents.on(H1).answers({ stats: { network: Object.fromEntries(network) } });
  await world.poke(H1);
}

function laySince(world: World, ago: unknown): void {
  const set = world.part('sets').setOfHost(H1);
  const liveness = set?.vds.liveness(H1);
  if (liveness === undefined) return;
  const nicsDownSince = typeof ago === 'number' ? world.clock.now() - seconds(ago) : null;
  set?.vds.setLiveness(H1, { ...liveness, nicsDownSince });
}

/** [state of the nic, second] of successive answers. */
async function sequence(world: World, nics: readonly Facts[], steps: readonly unknown[]): Promise<void> {
  const start = world.clock.now();
  for (const step of steps) {
    const [state, at] = listOf(step);
    const wait = start + seconds(Number(at)) - world.clock.now();
    if (wait > 0) await world.clock.runFor(wait);
    await reports(world, nics, () => textOf(state).toUpperCase());
  }
}

function checkFound(world: World, nics: readonly Facts[], given: Facts, expect: Facts, failures: Failures): void {
  const cluster = world.part('inventory').find('C1');
  const networks = world.part('inventory').networks(cluster?.id ?? '');
  if ('problematicNics' in expect) {
    const host = world.part('sets').hosts.get(H1);
    const stateOf = (name: string) => {
      const nic = nics.find((one) => one['name'] === name);
      return nic === undefined ? undefined : (textOf(nic['status']) as 'UP' | 'DOWN' | 'NONE');
    };
    const got = Object.fromEntries(problematicNics(host?.interfaces ?? [], stateOf, networks));
    if (!sameOutcome(expect['problematicNics'], got))
      failures.push(`problematicNics: expected ${show(expect['problematicNics'])}, got ${show(got)}`);
  }
  if ('missing' in expect) {
    const onHost = listOf(given['hostNetworks']).map((name) => ({ name: textOf(name) }));
    const got = missingNetworks(networks.values(), onHost);
    const wanted = Array.isArray(expect['missing'])
      ? expect['missing']
      : expect['missing'] === null
        ? null
        : textOf(expect['missing'])
            .split(/, ?/)
            .filter((name) => name !== '');
    if (!sameOutcome(wanted, got)) failures.push(`missing: expected ${show(expect['missing'])}, got ${show(got)}`);
  }
}
