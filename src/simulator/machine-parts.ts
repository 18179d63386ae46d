import type { SeededRandom } from '../kernel/index.js';
import { uuidFrom } from './chance.js';
import type { Role } from './roles.js';

export interface MachineDisk {
  /** Target in the guest. */
  readonly device: string;
  readonly imageId: string;
  readonly sizeGiB: number;
  readonly path: string;
}

export interface MachineNic {
  readonly mac: string;
}

/** A live merge (block commit) of one disk. */
export interface BlockJob {
  readonly id: string;
  readonly imageId: string;
  readonly from: number;
  readonly until: number;
  readonly bytes: number;
}

export function makeDisks(random: SeededRandom, role: Role): MachineDisk[] {
  const sizes = role.dataGiB > 0 ? [role.diskGiB, role.dataGiB] : [role.diskGiB];
  return sizes.map((sizeGiB, n) => {
    const imageId = uuidFrom(random);
    const path = `/rhev/data-center/mnt/blockSD/${storageDomains[n % 2]}/images/${imageId}/${uuidFrom(random)}`;
    return { device: `sd${'ab'.charAt(n)}`, imageId, sizeGiB, path };
  });
}

/** The two storage domains that all hosts see. */
export const storageDomains = ['5d5b1d0e-7a11-4c3c-9a6c-0f0f0f0f0f01', '5d5b1d0e-7a11-4c3c-9a6c-0f0f0f0f0f02'] as const;

export function macOf(index: number, nic: number): string {
  const hex = (n: number): string => (n & 255).toString(16).padStart(2, '0');
  return `56:6f:${hex(index >> 16)}:${hex(index >> 8)}:${hex(index)}:${hex(nic)}`;
}

/** 64 bits, signed, in decimal: as VDSM's Python prints a hash. */
export function fingerprint(random: SeededRandom): string {
  const high = BigInt(Math.floor(random.next() * 2 ** 32));
  const low = BigInt(Math.floor(random.next() * 2 ** 32));
  return BigInt.asIntN(64, (high << 32n) | low).toString();
}
