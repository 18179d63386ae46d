import { missingNetworks } from './capability-checks.js';
import type { HostCase } from './case.js';
import { problematicNics } from './nics.js';
import { stateIn } from './statistics.js';

/**
 * Why a host is not activated by itself (oVirt AutoRecoveryManager, §2.12), from what is stored of it; null: it is. A host
 * that still breaks another rule becomes NonOperational again at once.
 */
export function recoverableNow(c: HostCase): string | null {
  const { dynamic, interfaces } = c.host;
  if (!c.general.autoRecovery.hosts) return 'autoRecovery.hosts is off';
  if (dynamic.status !== 'NonOperational') return `it is ${dynamic.status}`;
  if (!c.host.static.autoRecoverable) return 'it may not recover by itself';
  if (dynamic.nonOperationalReason === 'HE_HOST_IN_NON_HE_CLUSTER') return 'it runs the engine of another cluster';
  const down = problematicNics(interfaces, stateIn(c.usage), c.networks);
  if (down.size > 0) return `nics are down: ${[...down.keys()].join(', ')}`;
  const carried = interfaces.flatMap((nic) =>
    nic.network === null ? [] : [{ name: nic.network, bridged: nic.bridged }],
  );
  const missing = missingNetworks(c.networks.values(), carried);
  if (missing.length > 0) return `networks are missing: ${missing.join(', ')}`;
  const bare = carried.filter(({ name, bridged }) => bridged === false && c.networks.get(name)?.vmNetwork === true);
  return bare.length > 0 ? `VM networks have no bridge: ${bare.map(({ name }) => name).join(', ')}` : null;
}
