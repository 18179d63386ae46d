import {
  type ExitReason,
  type ExitStatus,
  exitReasonIds,
  type PauseStatus,
  pauseStatusIds,
  type ReportedVmDynamic,
  type VmStatus,
  vmDynamicFields,
} from '../../model/index.js';
import { excerpt } from '../text.js';
import { cleanJson } from './json-value.js';
import { present } from './present.js';
import type { Reader } from './reader.js';
import { graphicsOf } from './vm-graphics.js';

/** What a poll says of fields that it leaves out: the values of a fresh object (monitoring-rules.md §4.1). */
const defaultEntries = Object.entries<unknown>({
  vmHost: null,
  fqdn: null,
  guestUser: null,
  clientIp: null,
  guestOs: null,
  guestCpuCount: null,
  appList: null,
  acpiEnabled: true,
  session: 'Unknown',
  utcDiff: null,
  exitStatus: 'Normal',
  exitMessage: null,
  exitReason: 'Unknown',
  // The code is absent after a resume: a VM must not keep the ENOSPC of an earlier pause.
  pauseStatus: 'NONE',
  guestAgentNicsHash: 0,
  lastWatchdogEvent: null,
  lastWatchdogAction: null,
  graphics: [],
  guestTimezoneName: '',
  guestTimezoneOffset: 0,
  guestOsArch: '',
  guestOsCodename: '',
  guestOsDistribution: '',
  guestOsKernelVersion: '',
  guestOsType: 'Other',
  guestOsVersion: '',
  guestContainers: [],
} satisfies ReportedVmDynamic);

/** Members of an entry that are a text, and all that is known of one field: where nothing but them differs, nothing but them is read. */
const alone: Readonly<Record<string, readonly [keyof ReportedVmDynamic, (vm: Reader) => string | null | undefined]>> = {
  guestName: ['vmHost', (vm) => vm.text('guestName', 255)],
  guestFQDN: ['fqdn', fqdnOf],
  username: ['guestUser', (vm) => textOf(vm, 'username', 'guestUser')],
  clientIp: ['clientIp', (vm) => textOf(vm, 'clientIp', 'clientIp')],
  session: ['session', (vm) => textOf(vm, 'session', 'session')],
  guestOs: ['guestOs', (vm) => textOf(vm, 'guestOs', 'guestOs')],
};
const defaults = new Map(defaultEntries);

/** The state of before with other texts of these members, as `polledDynamic` would read it; undefined: there is more to it. */
export function withTexts(
  before: ReportedVmDynamic,
  vm: Reader,
  members: readonly string[],
): ReportedVmDynamic | undefined {
  const next: { -readonly [K in keyof ReportedVmDynamic]: unknown } = { ...before };
  for (const member of members) {
    const known = Object.hasOwn(alone, member) ? alone[member] : undefined;
    if (known === undefined) return undefined;
    const [field, read] = known;
    const value = read(vm);
    next[field] = value === undefined ? defaults.get(field) : value;
  }
  return next as ReportedVmDynamic;
}

/** What an entry says of each field; undefined where it says nothing readable. */
type Fields = { -readonly [K in keyof Required<ReportedVmDynamic>]: ReportedVmDynamic[K] | undefined };
/** These are never made up: currentCd is no longer sent and guestRequestedMemory never was, so a default would wipe out what is stored. */
type Always = Omit<Fields, 'currentCd' | 'guestRequestedMemory'>;

/** The state of a VM as a poll gives it: every field, and the defaults for those that the entry leaves out. */
export function polledDynamic(
  vm: Reader,
  status: VmStatus,
  guestAgentNicsHash: number | undefined,
  hostAddress: string,
): ReportedVmDynamic {
  // Filled in place: merging two objects of thirty members would cost more than reading them.
  const fields: Record<string, unknown> = readFields(vm, status, guestAgentNicsHash, hostAddress);
  for (const [name, value] of defaultEntries) if (fields[name] === undefined) fields[name] = value;
  return withCurrentCd(vm, fields as ReportedVmDynamic);
}

/** Only the fields that are present and readable; what a push leaves out has not changed. */
export function pushedDynamic(
  vm: Reader,
  status: VmStatus,
  guestAgentNicsHash: number | undefined,
  hostAddress: string,
): ReportedVmDynamic {
  return withCurrentCd(
    vm,
    present<ReportedVmDynamic>(readFields(vm, status, guestAgentNicsHash, hostAddress) as Fields),
  );
}

function readFields(vm: Reader, status: VmStatus, guestAgentNicsHash: number | undefined, hostAddress: string): Always {
  const guest = vm.object('guestOsInfo');
  const zone = vm.object('guestTimezone');
  const watchdog = vm.object('watchdogEvent');
  return {
    status,
    vmHost: vm.text('guestName', 255),
    fqdn: fqdnOf(vm),
    guestUser: textOf(vm, 'username', 'guestUser'),
    clientIp: textOf(vm, 'clientIp', 'clientIp'),
    guestOs: textOf(vm, 'guestOs', 'guestOs'),
    guestCpuCount: guestCpuCountOf(vm),
    appList: vm.texts('appsList', 1024)?.join(','),
    acpiEnabled: vm.bool('acpiEnable'),
    session: textOf(vm, 'session', 'session'),
    utcDiff: vm.int('timeOffset'),
    exitStatus: exitStatusOf(vm),
    exitMessage: textOf(vm, 'exitMessage', 'exitMessage'),
    exitReason: exitReasonOf(vm),
    pauseStatus: pauseStatusOf(vm),
    guestAgentNicsHash,
    lastWatchdogEvent: watchdog?.float('time'),
    lastWatchdogAction: watchdog && textOf(watchdog, 'action', 'lastWatchdogAction'),
    graphics: graphicsOf(vm, hostAddress),
    guestTimezoneName: zone && textOf(zone, 'zone', 'guestTimezoneName'),
    guestTimezoneOffset: zone?.int('offset'),
    guestOsArch: guest && textOf(guest, 'arch', 'guestOsArch'),
    guestOsCodename: guest && textOf(guest, 'codename', 'guestOsCodename'),
    guestOsDistribution: guest && textOf(guest, 'distribution', 'guestOsDistribution'),
    guestOsKernelVersion: guest && textOf(guest, 'kernel', 'guestOsKernelVersion'),
    guestOsType: guest && textOf(guest, 'type', 'guestOsType'),
    guestOsVersion: guest && textOf(guest, 'version', 'guestOsVersion'),
    guestContainers: containersOf(vm),
  };
}

function textOf(reader: Reader, key: string, field: keyof typeof vmDynamicFields): string | undefined {
  return reader.text(key, vmDynamicFields[field].max);
}

/** A guest without a name of its own calls itself localhost. */
function fqdnOf(vm: Reader): string | null | undefined {
  const name = textOf(vm, 'guestFQDN', 'fqdn')?.trim();
  if (name === undefined) return undefined;
  return name === '' || /^localhost(?:\.localdomain)?$/i.test(name) ? null : name;
}

/** -1: the guest agent does not know. */
function guestCpuCountOf(vm: Reader): number | null | undefined {
  const count = vm.int('guestCPUCount');
  return count !== undefined && count < 0 ? null : count;
}

function exitStatusOf(vm: Reader): ExitStatus | undefined {
  const code = vm.int('exitCode');
  if (code === undefined) return undefined;
  if (code === 0) return 'Normal';
  if (code !== 1) vm.problem('exitCode', `not 0 or 1: ${code}`);
  return code === 1 ? 'Error' : 'Unknown';
}

const reasonById = new Map<number, ExitReason>(
  Object.entries(exitReasonIds).map(([name, id]) => [id, name as ExitReason]),
);

function exitReasonOf(vm: Reader): ExitReason | undefined {
  const id = vm.int('exitReason');
  if (id === undefined) return undefined;
  const reason = reasonById.get(id);
  if (reason === undefined) vm.problem('exitReason', `not known: ${id}`);
  return reason ?? 'Unknown';
}

function pauseStatusOf(vm: Reader): PauseStatus | undefined {
  const word = vm.text('pauseCode', 64);
  if (word === undefined || word === '') return undefined;
  if (Object.hasOwn(pauseStatusIds, word)) return word as PauseStatus;
  vm.problem('pauseCode', `not known: ${excerpt(word)}`);
  return undefined;
}

/** Of the path of the image only the name of the file is kept. */
function withCurrentCd(vm: Reader, dynamic: ReportedVmDynamic): ReportedVmDynamic {
  const file = textOf(vm, 'cdrom', 'currentCd')
    ?.split('/')
    .findLast((part) => part !== '');
  return file === undefined ? dynamic : { ...dynamic, currentCd: file };
}

function containersOf(vm: Reader): readonly unknown[] | undefined {
  const list = vm.list('guestContainers');
  if (list === undefined) return undefined;
  const cleaned = cleanJson(list);
  if (cleaned === undefined) vm.problem('guestContainers', 'too large');
  return cleaned as readonly unknown[] | undefined;
}
