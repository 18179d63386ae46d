import { VurtiError } from '../kernel/index.js';
import type { ReportedDevice, Vm, VmDevice } from '../model/index.js';
import type { HostSets } from '../repository/index.js';
import type { VmDevices } from '../updater/index.js';
import type { DeviceSpec, DeviceWord } from './api.js';

/** What a command of the manager has learned of a VM's devices. Its time is that of its making. */
export class CommandDeviceWord implements DeviceWord {
  readonly #sets: HostSets;
  readonly #devices: VmDevices;
  readonly #vmId: string;
  readonly #askedAt: number;

  constructor(sets: HostSets, devices: VmDevices, vmId: string) {
    this.#sets = sets;
    this.#devices = devices;
    this.#vmId = vmId;
    this.#askedAt = devices.now();
  }

  list(devices: readonly ReportedDevice[]): boolean {
    return this.#devices.putList(this.#vm(), devices, this.#askedAt);
  }

  put(spec: DeviceSpec): boolean {
    const usual = { device: null, address: null, alias: null, managed: true, plugged: true, logicalName: null };
    const device: VmDevice = { ...usual, ...spec, vmId: this.#vmId };
    return this.#devices.putOne(this.#vm(), spec.id, device, this.#askedAt);
  }

  remove(deviceId: string): boolean {
    return this.#devices.putOne(this.#vm(), deviceId, null, this.#askedAt);
  }

  #vm(): Vm {
    const vm = this.#sets.vms.get(this.#vmId);
    if (vm === undefined) throw new VurtiError('NOT_FOUND', `There is no VM "${this.#vmId}" any more`);
    return vm;
  }
}
