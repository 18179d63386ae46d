import { isIPv4, isIPv6 } from 'node:net';
import type { GuestInterface, Vm, VmReport } from '../../model/index.js';

/** Names of interfaces that a guest makes for itself (oVirt GuestNicNamesBlacklist). */
export const defaultNicBlacklist: readonly RegExp[] = [/^lo[0-9]*$/, /^Loopback.*$/, /^tun[0-9]*$/, /^veth[0-9a-f]*$/];

export interface GuestNics {
  readonly interfaces: readonly GuestInterface[];
  /** All IPv4 addresses, then all IPv6 ones; null when there is none. */
  readonly ip: string | null;
}

/**
 * The guest's nics as its agent lists them (§4.11): without those it makes for itself, and, where the inventory knows the
 * VM's nics, without foreign MACs and nics that have no profile. Addresses that are none are left out; an IPv6 zone is cut.
 */
export function guestNics(vm: Vm, report: VmReport, blacklist: readonly RegExp[] = defaultNicBlacklist): GuestNics {
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
      ipv4Addresses: (nic.ipv4Addresses ?? []).filter((address) => isIPv4(address)),
      ipv6Addresses: (nic.ipv6Addresses ?? []).map(withoutZone).filter((address) => isIPv6(address)),
    });
  }
  const all = [
    ...interfaces.flatMap((nic) => nic.ipv4Addresses ?? []),
    ...interfaces.flatMap((nic) => nic.ipv6Addresses ?? []),
  ];
  return { interfaces, ip: all.length === 0 ? null : all.join(' ') };
}

const withoutZone = (address: string): string => address.split('%', 1)[0] as string;
const macOf = (mac: string): string => mac.toLowerCase().replaceAll('-', ':');
