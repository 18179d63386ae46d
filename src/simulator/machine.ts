import type { SeededRandom } from '../kernel/index.js';
import { Curve, stream, uuidFrom } from './chance.js';
import type { Domain } from './domain.js';
import { Guest } from './guest.js';
import type { Planned } from './planner.js';
import type { Role } from './roles.js';
import { json } from './text.js';

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

/** A VM as its owner knows it: who it is and how it is made. Where it runs, if it does, is its Domain. */
export class Machine {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly cluster: string;
  readonly role: Role;
  readonly disks: readonly MachineDisk[];
  readonly nics: readonly MachineNic[];
  /** Whether a guest agent is installed. */
  readonly hasAgent: boolean;
  readonly ioTune: boolean;
  readonly guest: Guest;
  readonly curve: Curve;
  /** The machine's own chance: how long it boots, when it ends to migrate. */
  readonly random: SeededRandom;
  /** Members of its stats that never change, as JSON text without braces. */
  readonly identity: string;
  /** What runs: the source while it migrates. null = it is off. */
  domain: Domain | null = null;
  /** Where it is going, while it migrates. */
  incoming: Domain | null = null;
  /** What its operator will do with it later, if nobody is faster. */
  followUp: Planned | null = null;
  /** Its memory is saved: the next start restores it. */
  saved = false;
  clientIp = '';
  watchdog: { readonly epochSeconds: number; readonly action: string } | null = null;
  job: BlockJob | null = null;
  /** Fingerprint of its devices. */
  hash: string;
  devices = 0;

  constructor(seed: number, index: number, name: string, cluster: string, role: Role) {
    const random = stream(seed, 'vm', index);
    this.index = index;
    this.id = uuidFrom(random);
    this.name = name;
    this.cluster = cluster;
    this.role = role;
    this.disks = makeDisks(random, role);
    this.nics = Array.from({ length: random.next() < 0.2 ? 2 : 1 }, (_, nic) => ({ mac: macOf(index, nic) }));
    this.hasAgent = random.next() < 0.95;
    this.ioTune = role.name === 'db' && random.next() < 0.4;
    this.curve = new Curve(random);
    const macs = this.nics.map((nic) => nic.mac);
    this.guest = new Guest(random, name, index, role, macs);
    this.random = stream(seed, 'vm', index, 'life');
    this.hash = fingerprint(random);
    const identity = { vmId: this.id, vmName: name, vmType: 'kvm', kvmEnable: 'true', acpiEnable: 'true' };
    this.identity = json(identity).slice(1, -1);
  }

  /** A disk or a nic was plugged or taken out: agents report another fingerprint from now on. */
  changeDevices(): void {
    this.devices += 1;
    this.hash = fingerprint(this.random);
  }
}

function makeDisks(random: SeededRandom, role: Role): MachineDisk[] {
  const sizes = role.dataGiB > 0 ? [role.diskGiB, role.dataGiB] : [role.diskGiB];
  return sizes.map((sizeGiB, n) => {
    const imageId = uuidFrom(random);
    const path = `/rhev/data-center/mnt/blockSD/${storageDomains[n % 2]}/images/${imageId}/${uuidFrom(random)}`;
    return { device: `sd${'ab'.charAt(n)}`, imageId, sizeGiB, path };
  });
}

/** The two storage domains that all hosts see. */
export const storageDomains = ['5d5b1d0e-7a11-4c3c-9a6c-0f0f0f0f0f01', '5d5b1d0e-7a11-4c3c-9a6c-0f0f0f0f0f02'] as const;

function macOf(index: number, nic: number): string {
  const hex = (n: number): string => (n & 255).toString(16).padStart(2, '0');
  return `56:6f:${hex(index >> 16)}:${hex(index >> 8)}:${hex(index)}:${hex(nic)}`;
}

/** 64 bits, signed, in decimal: as VDSM's Python prints a hash. */
function fingerprint(random: SeededRandom): string {
  const high = BigInt(Math.floor(random.next() * 2 ** 32));
  const low = BigInt(Math.floor(random.next() * 2 ** 32));
  return BigInt.asIntN(64, (high << 32n) | low).toString();
}
