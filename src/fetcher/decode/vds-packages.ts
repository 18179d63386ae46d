import type { VdsDynamic } from '../../model/index.js';
import type { Reader } from './reader.js';

type Versions = Pick<
  VdsDynamic,
  | 'rpmVersion'
  | 'kvmVersion'
  | 'libvirtVersion'
  | 'spiceVersion'
  | 'kernelVersion'
  | 'glusterVersion'
  | 'librbd1Version'
  | 'glusterfsCliVersion'
  | 'openvswitchVersion'
  | 'nmstateVersion'
>;
type Reported = { [K in keyof Versions]: Versions[K] | undefined };

/** Versions of the packages that matter, in the two forms that oVirt's columns hold. Undefined: not reported. */
export function packageVersionsOf(caps: Reader): Reported {
  const packages = caps.object('packages2');
  return {
    rpmVersion: rpmOf(packages, 'vdsm'),
    kvmVersion: plainOf(packages, 'qemu-kvm'),
    libvirtVersion: rpmOf(packages, 'libvirt'),
    spiceVersion: plainOf(packages, 'spice-server'),
    kernelVersion: plainOf(packages, 'kernel'),
    glusterVersion: rpmOf(packages, 'glusterfs'),
    librbd1Version: rpmOf(packages, 'librbd1'),
    glusterfsCliVersion: rpmOf(packages, 'glusterfs-cli'),
    openvswitchVersion: rpmOf(packages, 'openvswitch'),
    nmstateVersion: rpmOf(packages, 'nmstate'),
  };
}

/** "RHEL - 9.4 - 1.el9": name, version and release as far as there are any. */
export function hostOsOf(caps: Reader): string | undefined {
  const os = caps.object('operatingSystem');
  return os && (parts(os, ['name', 'version', 'release']).join(' - ') || undefined);
}

/** "6.18.44 - 1.el9". */
function plainOf(packages: Reader | undefined, name: string): string | undefined {
  const found = packages?.object(name);
  return found && (parts(found, ['version', 'release']).join(' - ') || undefined);
}

/** "libvirt-9.0.0-4". */
function rpmOf(packages: Reader | undefined, name: string): string | undefined {
  const found = packages?.object(name);
  return found && [name, ...parts(found, ['version', 'release'])].join('-');
}

function parts(reader: Reader, keys: readonly string[]): string[] {
  return keys.map((key) => reader.text(key, 255)?.trim() ?? '').filter((part) => part !== '');
}
