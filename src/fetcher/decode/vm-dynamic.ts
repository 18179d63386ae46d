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
import { type GuestNic, guestNicsHash } from './vm-guest.js';

/** What a poll says of fields that it leaves out: the values of a fresh object (monitoring-rules.md §4.1). */
const defaults: ReportedVmDynamic = {
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
};

/**
 * The state of a VM as a poll gives it: all fields but two. currentCd (no longer sent) and guestRequestedMemory (never
 * sent) are present only if reported, else each poll would wipe out what is stored.
 */
export function polledDynamic(
  vm: Reader,
  status: VmStatus,
  guestNics: readonly GuestNic[] | null,
  hostAddress: string,
): ReportedVmDynamic {
  return { ...defaults, ...pushedDynamic(vm, status, guestNics, hostAddress) };
}

/** Only the fields that are present and readable; what a push leaves out has not changed. */
export function pushedDynamic(
  vm: Reader,
  status: VmStatus,
  guestNics: readonly GuestNic[] | null,
  hostAddress: string,
): ReportedVmDynamic {
  const guest = vm.object('guestOsInfo');
  const zone = vm.object('guestTimezone');
  const watchdog = vm.object('watchdogEvent');
  return present<ReportedVmDynamic>({
    status,
    vmHost: vm.text('guestName', 255),
    fqdn: fqdnOf(vm),
    guestUser: textOf(vm, 'username', 'guestUser'),
    clientIp: textOf(vm, 'clientIp', 'clientIp'),
    guestOs: textOf(vm, 'guestOs', 'guestOs'),
    guestCpuCount: guestCpuCountOf(vm),
    guestRequestedMemory: undefined,
    appList: vm.texts('appsList', 1024)?.join(','),
    acpiEnabled: vm.bool('acpiEnable'),
    session: textOf(vm, 'session', 'session'),
    utcDiff: vm.int('timeOffset'),
    exitStatus: exitStatusOf(vm),
    exitMessage: textOf(vm, 'exitMessage', 'exitMessage'),
    exitReason: exitReasonOf(vm),
    pauseStatus: pauseStatusOf(vm),
    guestAgentNicsHash: guestNics === null ? undefined : guestNicsHash(guestNics),
    lastWatchdogEvent: watchdog?.float('time'),
    lastWatchdogAction: watchdog && textOf(watchdog, 'action', 'lastWatchdogAction'),
    currentCd: currentCdOf(vm),
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
  });
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
function currentCdOf(vm: Reader): string | undefined {
  return textOf(vm, 'cdrom', 'currentCd')
    ?.split('/')
    .findLast((part) => part !== '');
}

function containersOf(vm: Reader): readonly unknown[] | undefined {
  const list = vm.list('guestContainers');
  if (list === undefined) return undefined;
  const cleaned = cleanJson(list);
  if (cleaned === undefined) vm.problem('guestContainers', 'too large');
  return cleaned as readonly unknown[] | undefined;
}
