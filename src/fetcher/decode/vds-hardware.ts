import type { VdsHardwareReport } from '../../model/index.js';
import { Problems } from './problems.js';
import { type JsonObject, Reader } from './reader.js';

/** Answer of Host.getHardwareInfo: a member that is missing or empty is not known. */
export function decodeVdsHardware(result: JsonObject): VdsHardwareReport {
  const info = new Reader(result, '', new Problems());
  const text = (key: string): string | null => info.text(key, 255)?.trim() || null;
  return {
    dynamic: {
      hwManufacturer: text('systemManufacturer'),
      hwProductName: text('systemProductName'),
      hwVersion: text('systemVersion'),
      hwSerialNumber: text('systemSerialNumber'),
      hwUuid: text('systemUUID'),
      hwFamily: text('systemFamily'),
    },
  };
}
