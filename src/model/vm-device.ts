import { boolOr, label, type RowOf, text } from './field.js';

const ours = { owner: 'vurti' } as const;

/** A device of a VM, as it was last heard of. Key: vmId, id. */
export const vmDeviceFields = {
  vmId: label('vm_id', ours),
  /** The manager's id; of a device that it does not know, one made of what the device is called and where it sits. */
  id: label('device_id', ours),
  /** Kind: disk, interface, controller, video … */
  type: label('type', ours),
  /** Which one of its kind: cdrom, virtio-serial … */
  device: text('device', ours),
  /** Where the guest sees it; null while it is not plugged. */
  address: text('address', ours),
  alias: text('alias', ours),
  /** The manager knows it: unplugged, it is kept. */
  managed: boolOr('is_managed', false, ours),
  plugged: boolOr('is_plugged', true, ours),
  /** Name of a disk in the guest (/dev/vda). */
  logicalName: text('logical_name', ours),
} as const;
export type VmDevice = RowOf<typeof vmDeviceFields>;

/** Stands for the fingerprint of devices that were handed in whole: the next one reported is theirs. */
export const UPDATE_HASH = 'UPDATE_HASH';
