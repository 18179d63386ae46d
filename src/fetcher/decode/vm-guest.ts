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

/** Lists are this short but for a guest that has something to hide: then a Set is worth its garbage. */
const FEW = 16;

function joined(
  known: readonly string[] | null | undefined,
  texts: readonly string[] | undefined,
  isAddress: (text: string) => boolean,
): readonly string[] | null {
  if (texts === undefined || texts.length === 0) return known ?? null;
  // Most have one address, and a list that is begun empty makes room for 17.
  let all: string[] | null = known === undefined || known === null ? null : [...known];
  const seen = (all?.length ?? 0) + texts.length > FEW ? new Set(all) : null;
  for (const text of texts) {
    const trimmed = text.trim();
    const zone = trimmed.indexOf('%');
    const address = zone < 0 ? trimmed : trimmed.slice(0, zone);
    if (!isAddress(address) || (seen === null ? all?.includes(address) : seen.has(address))) continue;
    if (all === null) all = [address];
    else all.push(address);
    seen?.add(address);
  }
  // A list that grew has room for more; kept for as long as the VM runs, that is most of it.
  return all === null || all.length < 2 ? all : all.slice();
}

/**
 * A number that changes when the list does, whatever the order in which the guest gives it; 0 when there is no list.
 * Signed 32 bits, as oVirt's column holds.
 */
export function guestNicsHash(nics: readonly GuestNic[] | null): number {
  if (nics === null) return 0;
  const lines = nics.map(({ name, macAddr, ipv4Addresses, ipv6Addresses }) =>
    JSON.stringify([name, macAddr, sorted(ipv4Addresses ?? []), sorted(ipv6Addresses ?? [])]),
  );
  return hashOf(sorted(lines).join('\n')) | 0 || 1;
}

function sorted(texts: readonly string[]): readonly string[] {
  if (texts.length > FEW) return [...texts].sort();
  // Array.sort takes more memory for two than all else here.
  const list = texts.slice();
  for (let i = 1; i < list.length; i++) {
    const text = list[i] as string;
    let place = i;
    for (; place > 0 && (list[place - 1] as string) > text; place--) list[place] = list[place - 1] as string;
    list[place] = text;
  }
  return list;
}
