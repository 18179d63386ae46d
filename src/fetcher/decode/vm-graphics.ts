import type { Graphics } from '../../model/index.js';
import type { Reader } from './reader.js';

const types: Readonly<Record<string, Graphics['type']>> = { vnc: 'vnc', spice: 'spice', qxl: 'spice', qxlnc: 'spice' };

/**
 * Where the VM's consoles listen; undefined when not reported. An address that begins with "0" means "all of the host's":
 * the host's own is given. An entry with neither port is a console that is closed, and is left out.
 */
export function graphicsOf(vm: Reader, hostAddress: string): readonly Graphics[] | undefined {
  const found = vm.has('displayInfo') ? consoles(vm, hostAddress) : legacyConsole(vm, hostAddress);
  // Without the room that a list has after it grew.
  return found?.filter(({ port, tlsPort }) => port !== null || tlsPort !== null).slice();
}

function consoles(vm: Reader, hostAddress: string): Graphics[] | undefined {
  const result: Graphics[] = [];
  const infos = vm.objects('displayInfo');
  for (const info of infos ?? []) {
    const type = typeOf(info.text('type', 40));
    if (type === undefined || result.some((known) => known.type === type)) continue;
    const ip = addressOf(info.text('ipAddress', 255), hostAddress);
    result.push({ type, port: portOf(info, 'port'), tlsPort: portOf(info, 'tlsPort'), ip });
  }
  return infos && result;
}

/** Agents before 3.6 sent members of the VM itself. */
function legacyConsole(vm: Reader, hostAddress: string): Graphics[] | undefined {
  const type = typeOf(vm.text('displayType', 40));
  if (type === undefined) return undefined;
  const ip = addressOf(vm.text('displayIp', 255), hostAddress);
  return [{ type, port: portOf(vm, 'displayPort'), tlsPort: portOf(vm, 'displaySecurePort'), ip }];
}

function typeOf(word: string | undefined): Graphics['type'] | undefined {
  const name = word?.toLowerCase() ?? '';
  return Object.hasOwn(types, name) ? types[name] : undefined;
}

/** "", "-1" and 0 stand for a port that is closed. */
function portOf(info: Reader, key: string): number | null {
  const port = info.int(key);
  return port !== undefined && port > 0 && port < 65_536 ? port : null;
}

function addressOf(address: string | undefined, hostAddress: string): string | null {
  if (address === undefined || address === '') return null;
  return address.startsWith('0') ? hostAddress : address;
}
