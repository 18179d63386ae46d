import { type DomainFacts, type ReportedDevice, sameValue, type VmDevice } from '../../model/index.js';
import { matchOne, type Row } from '../row.js';

/** When something was last heard of each device, monotonic ms before the question was sent; null = before this process. */
export interface DeviceTimes {
  readonly list: number | null;
  readonly single: ReadonlyMap<string, number>;
}

/** A device in a word about all of the VM's devices. */
interface ListedCase {
  readonly vmId: string;
  readonly reported: ReportedDevice;
  readonly known: VmDevice | undefined;
  readonly logicalName: string | null;
  /** A word about this device alone is as new as the list, or newer. */
  readonly outdone: boolean;
}

/** A known device that the list leaves out. */
interface MissingCase {
  readonly device: VmDevice;
  readonly outdone: boolean;
}

interface ListDraft {
  readonly devices: VmDevice[];
}

const keep = ({ device }: MissingCase, draft: ListDraft): void => {
  draft.devices.push(device);
};
const addressed = (c: ListedCase): boolean => c.reported.address !== null;

/** What becomes of a device in a list (§4.13). Exactly one row matches. */
export const listedDeviceTransitions: readonly Row<ListedCase, ListDraft>[] = [
  {
    name: 'vm.device.no-address',
    doc: 'libvirt gives no address to it: it is passed over.',
    when: (c) => !addressed(c),
    then: () => undefined,
  },
  {
    name: 'vm.device.outdone',
    doc: 'Something newer is known of this device alone: that holds, were it that the device is gone.',
    when: (c) => addressed(c) && c.outdone,
    then: (c, draft) => {
      if (c.known !== undefined) draft.devices.push(c.known);
    },
  },
  {
    name: 'vm.device.known',
    doc: 'A device that is known is plugged, and sits where the list says.',
    when: (c) => addressed(c) && !c.outdone && c.known !== undefined,
    then: ({ reported, known, logicalName }, draft) => {
      if (known === undefined) return;
      const { address, alias } = reported;
      const next: VmDevice = { ...known, plugged: true, address, alias, logicalName };
      draft.devices.push(sameValue(known, next) ? known : next);
    },
  },
  {
    name: 'vm.device.new',
    doc: 'A device that nobody told us of is taken in as one that the manager does not manage.',
    when: (c) => addressed(c) && !c.outdone && c.known === undefined,
    then: ({ vmId, reported, logicalName }, draft) => {
      const { type, device, address, alias } = reported;
      const id = idOf(reported);
      draft.devices.push({ vmId, id, type, device, address, alias, managed: false, plugged: true, logicalName });
    },
  },
];

/** libvirt never lists an address for these, plugged or not. */
const withoutAddress = (device: VmDevice): boolean =>
  ['graphics', 'console', 'tpm', 'mdev'].some((name) => device.type === name || device.device === name);
const judged = (c: MissingCase): boolean => !c.outdone && !withoutAddress(c.device);

/** What becomes of a known device that the list leaves out (§4.13). Exactly one row matches. */
export const missingDeviceTransitions: readonly Row<MissingCase, ListDraft>[] = [
  {
    name: 'vm.device.missing.outdone',
    doc: 'Something newer is known of this device alone.',
    when: (c) => c.outdone,
    then: keep,
  },
  {
    name: 'vm.device.missing.without-address',
    doc: 'Graphics, consoles, mediated devices and TPMs are never listed with an address.',
    when: (c) => !c.outdone && withoutAddress(c.device),
    then: keep,
  },
  {
    name: 'vm.device.missing.balloon',
    doc: 'A balloon that is switched off stays the VM’s.',
    when: (c) => judged(c) && c.device.managed && c.device.type === 'balloon',
    then: keep,
  },
  {
    name: 'vm.device.missing.unplugged',
    doc: 'A device of the manager’s is unplugged, and sits nowhere.',
    when: (c) => judged(c) && c.device.managed && c.device.type !== 'balloon',
    then: ({ device }, draft) => {
      const same = !device.plugged && device.address === null;
      draft.devices.push(same ? device : { ...device, plugged: false, address: null });
    },
  },
  {
    name: 'vm.device.missing.gone',
    doc: 'A device that nobody manages is gone.',
    when: (c) => judged(c) && !c.device.managed,
    then: () => undefined,
  },
];

/** The VM's devices after a word about all of them; the same list when nothing changed. */
export function listedDevices(
  vmId: string,
  known: readonly VmDevice[],
  said: Pick<DomainFacts, 'devices' | 'guestDisks'>,
  askedAt: number,
  times: DeviceTimes,
): readonly VmDevice[] {
  const outdone = (id: string): boolean => (times.single.get(id) ?? Number.NEGATIVE_INFINITY) >= askedAt;
  const left = new Map(known.map((device) => [device.id, device]));
  const listed: ListDraft = { devices: [] };
  const taken = new Set<string>();
  for (const reported of said.devices) {
    const match = matchOf(reported, left);
    const id = match?.id ?? idOf(reported);
    // Two entries for one device: the first counts.
    if (taken.has(id)) continue;
    const logicalName = reported.type === 'disk' ? logicalNameOf(id, said.guestDisks) : null;
    const c: ListedCase = { vmId, reported, known: match, logicalName, outdone: outdone(id) };
    matchOne(listedDeviceTransitions, c).then(c, listed);
    if (reported.address === null) continue;
    taken.add(id);
    left.delete(id);
  }
  for (const device of left.values()) {
    const c: MissingCase = { device, outdone: outdone(device.id) };
    matchOne(missingDeviceTransitions, c).then(c, listed);
  }
  return inOrder(known, listed.devices);
}

/** A word about one device alone. `device` null: it was removed. */
export interface SingleDeviceCase {
  readonly id: string;
  readonly device: VmDevice | null;
  readonly askedAt: number;
  readonly known: readonly VmDevice[];
  readonly times: DeviceTimes;
}

interface SingleDraft {
  devices: readonly VmDevice[];
  counts: boolean;
}

const stale = ({ id, askedAt, times }: SingleDeviceCase): boolean => {
  const at = times.single.get(id) ?? times.list;
  return at !== null && askedAt <= at;
};

/** What a word about one device does (§4.13). Exactly one row matches. */
export const singleDeviceTransitions: readonly Row<SingleDeviceCase, SingleDraft>[] = [
  {
    name: 'vm.device.single.older',
    doc: 'Something newer is known of the device, or of all devices of the VM.',
    when: stale,
    then: (_, draft) => {
      draft.counts = false;
    },
  },
  {
    name: 'vm.device.single.put',
    doc: 'The device is as it is said to be, whether it was known or not.',
    when: (c) => !stale(c) && c.device !== null,
    then: ({ id, device, known }, draft) => {
      const before = known.find((other) => other.id === id);
      if (device === null || (before !== undefined && sameValue(before, device))) return;
      draft.devices =
        before === undefined ? [...known, device] : known.map((each) => (each === before ? device : each));
    },
  },
  {
    name: 'vm.device.single.removed',
    doc: 'The device is gone, managed or not: somebody has removed it.',
    when: (c) => !stale(c) && c.device === null,
    then: ({ id, known }, draft) => {
      if (known.some((device) => device.id === id)) draft.devices = known.filter((device) => device.id !== id);
    },
  },
];

/** The VM's devices after a word about one of them, and whether the word counts: an older one later loses to it. */
export function singleDevice(c: SingleDeviceCase): { readonly rule: string } & Readonly<SingleDraft> {
  const draft: SingleDraft = { devices: c.known, counts: true };
  const row = matchOne(singleDeviceTransitions, c);
  row.then(c, draft);
  return { rule: row.name, ...draft };
}

/** By its id; a disk also by the path that it lies in; virtio-serial, of which a VM has one, by what it is. */
function matchOf(reported: ReportedDevice, known: ReadonlyMap<string, VmDevice>): VmDevice | undefined {
  const byId = known.get(idOf(reported));
  if (byId !== undefined) return byId;
  for (const device of known.values()) {
    if (reported.device === 'virtio-serial' && device.device === 'virtio-serial') return device;
    if (reported.type === 'disk' && device.type === 'disk' && reported.path?.includes(device.id)) return device;
  }
  return undefined;
}

/** A device without an id of its own is told by what it is and what it is called, so that the next list finds it again. */
function idOf({ id, type, device, alias, address }: ReportedDevice): string {
  return id ?? `${type}/${device ?? ''}/${alias ?? address ?? ''}`;
}

/** The guest sees the beginning of a disk's id as its serial; agents of old gave more around it. */
function logicalNameOf(id: string, guestDisks: ReadonlyMap<string, string>): string | null {
  for (const [serial, name] of guestDisks) if (id.startsWith(serial) || serial.includes(id.slice(0, 20))) return name;
  return null;
}

/** In the order in which they are known, new ones last, so that an agent that reorders its list changes nothing. */
function inOrder(known: readonly VmDevice[], next: readonly VmDevice[]): readonly VmDevice[] {
  const byId = new Map(next.map((device) => [device.id, device]));
  const ordered: VmDevice[] = [];
  for (const { id } of known) {
    const device = byId.get(id);
    if (device !== undefined) ordered.push(device);
    byId.delete(id);
  }
  ordered.push(...byId.values());
  return ordered.length === known.length && ordered.every((device, i) => device === known[i]) ? known : ordered.slice();
}
