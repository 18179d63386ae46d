import { isIPv4, isIPv6 } from 'node:net';
import { defaultSettings, type GuestInterface, type Vm, type VmReport } from '../../model/index.js';

/** Regular expressions for whole names, as the settings have them. */
export const nicPatterns = (patterns: readonly string[]): readonly RegExp[] =>
  patterns.map((pattern) => new RegExp(`^(?:${pattern})$`));
const usualBlacklist = nicPatterns(defaultSettings.guest.nicBlacklist);

export interface GuestNics {
  readonly interfaces: readonly GuestInterface[];
  /** All IPv4 addresses, then all IPv6 ones; null when there is none. */
  readonly ip: string | null;
}

/**
 * The guest's nics as its agent lists them (§4.11): without those it makes for itself, and, where the inventory knows the
 * VM's nics, without foreign MACs and nics that have no profile. Addresses that are none are left out; an IPv6 zone is cut.
 */
export function guestNics(
  vm: Pick<Vm, 'id' | 'static'>,
  report: VmReport,
  blacklist: readonly RegExp[] = usualBlacklist,
): GuestNics {
  const known = vm.static.nics;
  const usable =
    known === null ? null : new Set(known.filter((nic) => nic.profile !== null).map((nic) => macOf(nic.mac)));
  const interfaces: GuestInterface[] = [];
  for (const nic of report.guestInterfaces() ?? []) {
    if (blacklist.some((pattern) => pattern.test(nic.name))) continue;
    if (usable !== null && (nic.macAddr === null || !usable.has(macOf(nic.macAddr)))) continue;
    interfaces.push({
      vmId: vm.id,
      name: nic.name,
      macAddr: nic.macAddr,
      ipv4Addresses: addresses(nic.ipv4Addresses, isIPv4),
      ipv6Addresses: addresses(nic.ipv6Addresses, isIPv6),
    });
  }
  const all = [
    ...interfaces.flatMap((nic) => nic.ipv4Addresses ?? []),
    ...interfaces.flatMap((nic) => nic.ipv6Addresses ?? []),
  ];
  return { interfaces: interfaces.slice(), ip: all.length === 0 ? null : all.join(' ') };
}

const none: readonly string[] = [];

/** The reported list itself where all in it are addresses: the VM's state and its last report then hold one list, not two. */
function addresses(reported: readonly string[] | null, isAddress: (text: string) => boolean): readonly string[] {
  if (reported === null || reported.length === 0) return none;
  if (reported.every(isAddress)) return reported;
  return reported.map(withoutZone).filter(isAddress).slice();
}

const withoutZone = (address: string): string => address.split('%', 1)[0] as string;
const macOf = (mac: string): string => mac.toLowerCase().replaceAll('-', ':');
