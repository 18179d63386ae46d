import type { DomainFacts, DomainReport, ReportedDevice } from '../../model/index.js';
import { cleanText, isCleanKey } from '../text.js';
import { childOf, childrenOf, parseXml, type XmlElement } from './xml.js';

/** More than any machine type has slots for. */
const MAX_DEVICES = 2048;
const LONGEST_VALUE = 255;
const LONGEST_PATH = 4096;
/** libvirt leaves names alone that begin so; what follows is the manager's id of the device. */
const OWN_ALIAS = 'ua-';

/** libvirt's description of one VM, as it came. */
export class DomainXml implements DomainReport {
  readonly vmId: string;
  readonly #xml: string;

  constructor(vmId: string, xml: string) {
    this.vmId = vmId;
    this.#xml = xml;
  }

  get size(): number {
    return this.#xml.length;
  }

  read(): DomainFacts {
    const domain = parseXml(this.#xml);
    if (domain.name !== 'domain') throw new SyntaxError('the XML does not describe a VM');
    const devices: ReportedDevice[] = [];
    for (const element of childOf(domain, 'devices')?.children ?? []) {
      const device = deviceOf(element);
      if (device !== undefined && devices.length < MAX_DEVICES) devices.push(device);
    }
    return {
      name: textOf(childOf(domain, 'name')),
      vcpus: vcpusOf(childOf(domain, 'vcpu')),
      memoryMb: memoryMbOf(childOf(domain, 'memory')),
      devices,
      guestDisks: guestDisksOf(domain),
    };
  }
}

/** How a device's kind, and which one of it, follow from its element; other elements are of no interest to a manager. */
const kinds: Readonly<
  Record<string, { readonly type: string; readonly device: (element: XmlElement) => string | null }>
> = {
  disk: { type: 'disk', device: (disk) => attribute(disk, 'device') ?? 'disk' },
  interface: { type: 'interface', device: (nic) => attribute(nic, 'type') },
  controller: {
    type: 'controller',
    device: (controller) => {
      const model = attribute(controller, 'model');
      return model === 'virtio-scsi' ? model : attribute(controller, 'type');
    },
  },
  video: { type: 'video', device: (video) => attribute(childOf(video, 'model'), 'type') },
  graphics: { type: 'graphics', device: (graphics) => attribute(graphics, 'type') },
  sound: { type: 'sound', device: (sound) => attribute(sound, 'model') },
  console: { type: 'console', device: (console) => attribute(console, 'type') },
  channel: { type: 'channel', device: (channel) => attribute(channel, 'type') },
  memballoon: { type: 'balloon', device: () => 'memballoon' },
  rng: { type: 'rng', device: (rng) => attribute(rng, 'model') },
  watchdog: { type: 'watchdog', device: (watchdog) => attribute(watchdog, 'model') },
  smartcard: { type: 'smartcard', device: (smartcard) => attribute(smartcard, 'mode') },
  redirdev: { type: 'redir', device: (redir) => attribute(redir, 'type') },
  memory: { type: 'memory', device: () => 'memory' },
  hostdev: { type: 'hostdev', device: (hostdev) => attribute(hostdev, 'type') },
  tpm: { type: 'tpm', device: () => 'tpm' },
};

function deviceOf(element: XmlElement): ReportedDevice | undefined {
  const kind = Object.hasOwn(kinds, element.name) ? kinds[element.name] : undefined;
  if (kind === undefined) return undefined;
  const alias = attribute(childOf(element, 'alias'), 'name');
  return {
    id: idOf(element, alias),
    type: kind.type,
    device: kind.device(element),
    address: addressOf(childOf(element, 'address')),
    alias,
    path: element.name === 'disk' ? pathOf(childOf(element, 'source')) : null,
  };
}

/** The alias bears the id that a manager gave; the serial of a disk is its id as well. */
function idOf(element: XmlElement, alias: string | null): string | null {
  if (alias?.startsWith(OWN_ALIAS)) return key(alias.slice(OWN_ALIAS.length));
  return element.name === 'disk' ? key(textOf(childOf(element, 'serial'))) : null;
}

/** Machines of a kind have the same addresses: each is held once. */
const addresses = new Map<string, string>();
const MOST_ADDRESSES = 4096;

function shared(address: string): string {
  const known = addresses.get(address);
  if (known !== undefined) return known;
  if (addresses.size < MOST_ADDRESSES) addresses.set(address, address);
  return address;
}

/** `{type=pci, domain=0x0000, …}`, as the manager's own columns have it. */
function addressOf(address: XmlElement | undefined): string | null {
  if (address === undefined || address.attributes.size === 0) return null;
  const parts = [...address.attributes].map(([name, value]) => `${name}=${value}`);
  return shared(cleanText(`{${parts.join(', ')}}`, LONGEST_VALUE));
}

function pathOf(source: XmlElement | undefined): string | null {
  const path = ['file', 'dev', 'name', 'volume'].map((name) => source?.attributes.get(name)).find((value) => value);
  return path === undefined ? null : cleanText(path, LONGEST_PATH);
}

function vcpusOf(vcpu: XmlElement | undefined): number | null {
  return countOf(attribute(vcpu, 'current') ?? textOf(vcpu));
}

const unitsInBytes: Readonly<Record<string, number>> = {
  b: 1,
  bytes: 1,
  KB: 1e3,
  k: 1024,
  KiB: 1024,
  MB: 1e6,
  M: 1024 ** 2,
  MiB: 1024 ** 2,
  GB: 1e9,
  G: 1024 ** 3,
  GiB: 1024 ** 3,
  TB: 1e12,
  T: 1024 ** 4,
  TiB: 1024 ** 4,
};

function memoryMbOf(memory: XmlElement | undefined): number | null {
  const amount = countOf(textOf(memory));
  const unit = attribute(memory, 'unit') ?? 'KiB';
  const factor = Object.hasOwn(unitsInBytes, unit) ? unitsInBytes[unit] : undefined;
  if (amount === null || factor === undefined) return null;
  const mb = Math.trunc((amount * factor) / 1024 ** 2);
  return Number.isSafeInteger(mb) ? mb : null;
}

/** The agent notes with each disk what the guest calls it. */
function guestDisksOf(domain: XmlElement): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const vm = childOf(childOf(domain, 'metadata'), 'vm');
  for (const device of childrenOf(vm, 'device')) {
    if (device.attributes.get('devtype') !== 'disk') continue;
    const serial = key(textOf(childOf(device, 'imageID')) ?? textOf(childOf(device, 'GUID')));
    const name = textOf(childOf(device, 'guestName'));
    if (serial !== null && name !== null && names.size < MAX_DEVICES) names.set(serial, name);
  }
  return names;
}

function attribute(element: XmlElement | undefined, name: string): string | null {
  const value = element?.attributes.get(name);
  return value === undefined || value === '' ? null : cleanText(value, LONGEST_VALUE);
}

function textOf(element: XmlElement | undefined): string | null {
  const text = element?.text.trim() ?? '';
  return text === '' ? null : cleanText(text, LONGEST_VALUE);
}

function countOf(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** A text that becomes part of a key: used as it is, or not at all. */
const key = (text: string | null): string | null => (text !== null && isCleanKey(text) ? text : null);
