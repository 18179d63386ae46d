import type { ClusterNetwork, InterfaceStatus, VdsInterface } from '../../model/index.js';

/** The nic that a vlan lies on; any other nic itself. */
const baseOf = (nic: VdsInterface): string => (nic.vlanId === null ? nic.name : (nic.baseInterface ?? nic.name));

/**
 * Nics that are not up although they carry a required, operational network of the cluster (oVirt
 * NetworkMonitoringHelper, §2.5): base nic → its networks. A nic whose state was not reported at all is not judged; one
 * reported without a state counts as down. A vlan whose base is not listed is not judged either.
 */
export function problematicNics(
  interfaces: readonly VdsInterface[],
  stateOf: (nic: string) => InterfaceStatus | undefined,
  networks: ReadonlyMap<string, ClusterNetwork>,
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  const listed = new Set(interfaces.map((nic) => nic.name));
  for (const nic of interfaces) {
    const network = nic.network === null ? undefined : networks.get(nic.network);
    if (network === undefined || !network.required || network.status !== 'OPERATIONAL') continue;
    const base = baseOf(nic);
    const state = stateOf(base);
    if (!listed.has(base) || state === undefined || state === 'UP') continue;
    const carried = found.get(base);
    if (carried === undefined) found.set(base, [network.name]);
    else if (!carried.includes(network.name)) carried.push(network.name);
  }
  return found;
}

/** "eth0 (red, blue), eth1 (green)". */
export function nicsWithNetworks(nics: ReadonlyMap<string, readonly string[]>): string {
  return [...nics].map(([nic, networks]) => `${nic} (${networks.join(', ')})`).join(', ');
}

export interface NicChange {
  readonly nic: VdsInterface;
  readonly up: boolean;
}

/**
 * Monitored nics whose state is another one than in the report before. Monitored are nics that carry a network (of a vlan:
 * the nic below it), and the slaves of a bond that is. Of a state that was not known before, nothing is said.
 */
export function nicChanges(
  interfaces: readonly VdsInterface[],
  before: (nic: string) => InterfaceStatus | undefined,
  now: (nic: string) => InterfaceStatus | undefined,
): NicChange[] {
  const monitored = new Set(interfaces.filter((nic) => nic.network !== null).map(baseOf));
  const changes: NicChange[] = [];
  for (const nic of interfaces) {
    if (!monitored.has(nic.name) && (nic.bondName === null || !monitored.has(nic.bondName))) continue;
    const was = before(nic.name);
    const is = now(nic.name);
    if (was === undefined || was === 'NONE' || is === undefined || is === was) continue;
    changes.push({ nic, up: is === 'UP' });
  }
  return changes;
}
