import type { ReportedDevice } from '../../../src/model/index.js';
import { type Facts, textOf } from './case.js';

/** libvirt's element of each kind of device, where it is not called as the kind is. */
const elements: Readonly<Record<string, string>> = { balloon: 'memballoon', redir: 'redirdev' };
/** Where an element says which one of its kind it is. */
const attributes: Readonly<Record<string, string>> = {
  disk: 'device',
  rng: 'model',
  watchdog: 'model',
  sound: 'model',
};

/** A device of a case: with what it leaves out as it is known. */
export function listedDevice(facts: Facts, typeOf: (id: string) => string | undefined, round: number): ReportedDevice {
  const id = facts['id'] === undefined || facts['id'] === null ? null : textOf(facts['id']);
  const type = textOf(facts['type'] ?? (id === null ? undefined : typeOf(id)) ?? 'disk');
  const device = facts['device'] === undefined ? null : textOf(facts['device']);
  const { address } = facts;
  return {
    ...{ id, type, device, path: null },
    alias: id === null ? `${device ?? type}0` : `ua-${id}`,
    // Another one each time: only whether there is one matters to a case, and what is said anew is to be seen.
    address: address === null || address === undefined ? null : `${textOf(address)}-${round}`,
  };
}

/** What Host.dumpxmls says of a VM with these devices. */
export function domainXml(name: string, devices: readonly ReportedDevice[], guestDisks: Facts): string {
  const disks = Object.entries(guestDisks).map(
    ([serial, disk]) =>
      `<ovirt-vm:device devtype="disk"><ovirt-vm:imageID>${serial}</ovirt-vm:imageID>` +
      `<ovirt-vm:guestName>${textOf((disk as Facts)['name'])}</ovirt-vm:guestName></ovirt-vm:device>`,
  );
  const metadata = `<ovirt-vm:vm xmlns:ovirt-vm="http://ovirt.org/vm/1.0">${disks.join('')}</ovirt-vm:vm>`;
  return (
    `<domain type='kvm'><name>${name}</name><metadata>${metadata}</metadata>` +
    `<memory unit='KiB'>4194304</memory><vcpu>2</vcpu><devices>${devices.map(element).join('')}</devices></domain>`
  );
}

function element({ type, device, alias, address }: ReportedDevice): string {
  const name = elements[type] ?? type;
  const which = device === null ? '' : ` ${attributes[type] ?? 'type'}='${device}'`;
  const model = type === 'video' && device !== null ? `<model type='${device}'/>` : '';
  const at = address === null ? '' : `<address type='pci' slot='${address}'/>`;
  return `<${name}${which}>${model}<alias name='${alias ?? ''}'/>${at}</${name}>`;
}
