import { isIPv4, isIPv6 } from 'node:net';
import { hashOf } from '../../kernel/index.js';
import type { GuestInterface } from '../../model/index.js';
import type { Reader } from './reader.js';

export type GuestNic = Omit<GuestInterface, 'vmId'>;

/**
 * The guest's own list of nics, as it says: which of them count is for the rules to decide. Text that is no address is
 * dropped, a zone ("fe80::1%eth0") is cut. Two entries of one name become one. Null: not reported.
 */
export function guestNicsOf(vm: Reader): readonly GuestNic[] | null {
  const reported = vm.objects('netIfaces');
  if (reported === undefined) return null;
  const byName = new Map<string, GuestNic>();
  for (const nic of reported) {
    const name = nic.key('name');
    if (name === undefined) continue;
    const known = byName.get(name);
    byName.set(name, {
      name,
      macAddr: known?.macAddr ?? (nic.text('hw', 64)?.replaceAll('-', ':').toLowerCase() || null),
      ipv4Addresses: joined(known?.ipv4Addresses, nic.texts('inet', 64), isIPv4),
      ipv6Addresses: joined(known?.ipv6Addresses, nic.texts('inet6', 128), isIPv6),
    });
  }
  return [...byName.values()];
}

function joined(
  known: readonly string[] | null | undefined,
  texts: readonly string[] | undefined,
  isAddress: (text: string) => boolean,
): readonly string[] | null {
  const addresses = (texts ?? []).map((text) => text.trim().split('%', 1)[0] as string).filter(isAddress);
  const all = [...new Set([...(known ?? []), ...addresses])];
  return all.length === 0 ? null : all;
}

/**
 * A number that changes when the list does, whatever the order in which the guest gives it; 0 when there is no list.
 * Signed 32 bits, as oVirt's column holds.
 */
export function guestNicsHash(nics: readonly GuestNic[] | null): number {
  if (nics === null) return 0;
  const lines = nics.map(({ name, macAddr, ipv4Addresses, ipv6Addresses }) =>
    JSON.stringify([name, macAddr, [...(ipv4Addresses ?? [])].sort(), [...(ipv6Addresses ?? [])].sort()]),
  );
  return hashOf(lines.sort().join('\n')) | 0 || 1;
}
