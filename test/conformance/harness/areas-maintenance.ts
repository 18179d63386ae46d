import { seconds, VurtiError } from '../../../src/kernel/index.js';
import { defaultSettings } from '../../../src/model/index.js';
import { checkWrites } from './areas-host-failure.js';
import { type AreaRunner, type ConformanceCase, factsOf, listOf, textOf } from './case.js';
import { checkActions, checkEvents, checkValues } from './expectations.js';
import { H1, hostFacts, hostWorld, layOver, putVms, readHost } from './host-world.js';
import type { World } from './world.js';

/** One tick of a host that is being emptied, with a good answer (area maintenance). */
export const runMaintenance: AreaRunner = async (c, failures) => {
  const config = factsOf(c.given['config']);
  const world = await hostWorld({
    given: c.given,
    settings: { maintenance: { ignoreExternalVms: config['MaintenanceVdsIgnoreExternalVms'] === true } },
  });
  try {
    const facts = hostFacts(c.given);
    putVms(world, c.given['vmsOnHost'], H1);
    if (Array.isArray(c.given['imageTransfers'])) {
      world.monitor.hosts.imageTransfers(H1, listOf(c.given['imageTransfers']).map(textOf));
    }
    world.agents.on(H1).answers({ stats: { vmCount: String(facts['vmCount'] ?? 0) } });
    layOver(world, H1, { secondsInStatus: 0, ...facts });
    await world.part('statistics').write();
    await world.settle();
    world.forget();
    await happen(world, c);
    await world.part('statistics').write();
    await world.settle();
    checkValues('host', c.expect['host'], readHost(world, H1), failures);
    checkEvents(c.expect, world.events(), failures);
    checkActions(c.expect, world.actions(), failures);
    checkWrites(world, c.expect, failures);
    if ('nextRetryInSec' in c.expect) {
      const at = retryAt(world);
      const left = at === null ? null : Math.round((at - world.clock.now()) / 1000);
      if (left !== c.expect['nextRetryInSec'])
        failures.push(`nextRetryInSec: expected ${String(c.expect['nextRetryInSec'])}, got ${left}`);
    }
  } finally {
    await world.stop();
  }
};

/** Set when it was retried; before that it counts from the entry. */
function retryAt(world: World): number | null {
  const { hosts } = world.part('sets');
  const host = hosts.get(H1);
  if (host?.dynamic.status !== 'PreparingForMaintenance') return null;
  const since = host.dynamic.statusSince ?? world.clock.now();
  return hosts.liveness(H1)?.maintenanceRetryAt ?? since + seconds(defaultSettings.maintenance.retrySeconds);
}

async function happen(world: World, c: ConformanceCase): Promise<void> {
  if (c.given['setStatus'] === 'NonResponsive') {
    const now = world.clock.now();
    layOver(world, H1, { ...hostFacts(c.given), attemptsBefore: 10, secondsSinceLastUpdate: 1000 });
    world.part('streams').evidence.publish({
      name: 'VdsUnreachable',
      host: H1,
      error: new VurtiError('AGENT_UNREACHABLE', `${H1} cannot be reached`),
      stamp: {
        host: H1,
        session: 1,
        kind: 'poll',
        seq: 1_000_000,
        requestedAt: world.clock.monotonic(),
        receivedAt: now,
        complete: false,
      },
    });
    await world.clock.runFor(seconds(1));
    return;
  }
  // The reply of the agent about VMs is not part of the case: its VMs are those of the database.
  world.agents.on(H1).code(17, 'Host.getAllVmStats');
  await world.poke(H1);
}
