import type { VdsInterface } from '../../model/index.js';
import type { Reader } from './reader.js';

type Interface = Omit<VdsInterface, 'hostId'>;
type HostNetwork = { readonly name: string; readonly bridged: boolean };

export interface HostNetworks {
  readonly interfaces: readonly Interface[];
  readonly networks: readonly HostNetwork[];
}

/**
 * The host's nics, vlans and bonds, each with the logical network that it carries. A network names its interface, or a
 * bridge: then the bridge's ports carry it. Bridges themselves are no interfaces here, as in the original.
 */
export function hostNetworksOf(caps: Reader): HostNetworks {
  const interfaces = new Map<string, Interface>();
  const add = (entry: Interface): void => {
    if (!interfaces.has(entry.name)) interfaces.set(entry.name, entry);
  };
  for (const [name, nic] of caps.entries('nics') ?? []) {
    add({ ...common(name, nic), macAddr: macOf(nic, 'permhwaddr') ?? macOf(nic, 'hwaddr') ?? null });
  }
  for (const [name, vlan] of caps.entries('vlans') ?? []) add({ ...common(name, vlan), ...vlanOf(name, vlan) });
  for (const [name, bond] of caps.entries('bondings') ?? []) {
    add({ ...common(name, bond), macAddr: macOf(bond, 'hwaddr') ?? null });
    for (const slave of bond.texts('slaves', 255) ?? []) change(interfaces, slave, { bondName: name });
  }
  return { networks: carryNetworks(caps, interfaces), interfaces: [...interfaces.values()] };
}

function carryNetworks(caps: Reader, interfaces: Map<string, Interface>): HostNetwork[] {
  const bridges = new Map(caps.entries('bridges') ?? []);
  const networks: HostNetwork[] = [];
  for (const [name, network] of caps.entries('networks') ?? []) {
    // Agents that do not say it are older than networks without a bridge.
    const bridged = network.bool('bridged') ?? true;
    networks.push({ name, bridged });
    const carrier = network.text('iface', 255) ?? network.text('interface', 255);
    if (carrier === undefined) continue;
    const bridge = bridges.get(carrier);
    const ipv4Address = addressOf(bridged && bridge !== undefined ? bridge : network);
    const carriers = interfaces.has(carrier) ? [carrier] : (bridge?.texts('ports', 255) ?? []);
    for (const port of carriers) change(interfaces, port, { network: name, bridged, ipv4Address });
  }
  return networks;
}

function common(name: string, entry: Reader): Interface {
  return {
    name,
    network: null,
    bridged: null,
    baseInterface: null,
    vlanId: null,
    bondName: null,
    macAddr: null,
    mtu: entry.int('mtu') ?? null,
    ipv4Address: addressOf(entry),
  };
}

/** Older agents said the id and the nic below by the name alone: "eth0.100". */
function vlanOf(name: string, vlan: Reader): Pick<Interface, 'vlanId' | 'baseInterface'> {
  const vlanId = vlan.int('vlanid');
  const baseInterface = vlan.text('iface', 255);
  if (vlanId !== undefined && baseInterface !== undefined) return { vlanId, baseInterface };
  const match = /^(.+)\.(\d{1,4})$/.exec(name);
  return { vlanId: vlanId ?? (match ? Number(match[2]) : null), baseInterface: baseInterface ?? match?.[1] ?? null };
}

function change(interfaces: Map<string, Interface>, name: string, to: Partial<Interface>): void {
  const known = interfaces.get(name);
  if (known !== undefined) interfaces.set(name, { ...known, ...to });
}

function macOf(entry: Reader, key: string): string | undefined {
  return entry.text(key, 64)?.toLowerCase() || undefined;
}

function addressOf(entry: Reader): string | null {
  return entry.text('addr', 64) || null;
}
