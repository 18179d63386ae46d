import { statusWord } from '../../../src/fetcher/fake/fake-vm.js';
import type { FakeVm } from '../../../src/fetcher/index.js';
import type { PauseStatus, Vm, VmDynamic, VmStatic, VmStatus } from '../../../src/model/index.js';
import { type Facts, textOf } from './case.js';

/** The cases' names of a VM's columns → ours. */
export const dynamicNames: Readonly<Record<string, keyof VmDynamic>> = {
  status: 'status',
  runOn: 'runOnVds',
  migratingTo: 'migratingToVds',
  ip: 'vmIp',
  fqdn: 'fqdn',
  guestUser: 'guestUser',
  consoleUser: 'consoleUser',
  appList: 'appList',
  currentCd: 'currentCd',
  clientIp: 'clientIp',
  exitStatus: 'exitStatus',
  exitMessage: 'exitMessage',
  exitReason: 'exitReason',
  pauseStatus: 'pauseStatus',
  lastWatchdogEvent: 'lastWatchdogEvent',
  lastWatchdogAction: 'lastWatchdogAction',
  guestAgentNicsHash: 'guestAgentNicsHash',
  currentCpuPinning: 'currentCpuPinning',
};
const staticNames: Readonly<Record<string, keyof VmStatic>> = {
  name: 'name',
  ha: 'ha',
  origin: 'origin',
  priority: 'priority',
  lease: 'lease',
  memWithOverheadMb: 'memoryMb',
  minAllocatedMemMb: 'minMemoryMb',
  vcpus: 'vcpus',
  cpuPinningPolicy: 'cpuPinningPolicy',
};

/** The stored VM of a case, laid over what the agent would have reported last time. */
export function storedVm(given: Facts, usual: Vm): Vm {
  const dynamic: Record<string, unknown> = { ...usual.dynamic };
  const statics: Record<string, unknown> = { ...usual.static };
  for (const [key, value] of Object.entries(given)) {
    const name = dynamicNames[key];
    if (name !== undefined) dynamic[name] = value;
    const fact = staticNames[key];
    if (fact !== undefined) statics[fact] = value;
  }
  return { ...usual, static: statics as unknown as VmStatic, dynamic: dynamic as unknown as VmDynamic };
}

/** The agent's word for any status a case may report, those that no agent says included. */
function word(status: string): string {
  try {
    return statusWord(status as VmStatus);
  } catch {
    return status;
  }
}

/** What a fake agent is to say of a VM so that the case's report comes out of it. */
export function reportedVm(reported: Facts, given: Facts): FakeVm {
  const status = reported['status'] === undefined ? undefined : textOf(reported['status']);
  const fields: Record<string, unknown> = {};
  // Known on our side and not sent: the agent says nothing, and a poll then has its default.
  for (const key of ['guestUser', 'appList', 'fqdn', 'clientIp'] as const) {
    if (key in given && !(key in reported)) Object.assign(fields, wire[key]?.(undefined));
  }
  if (!('pauseStatus' in reported)) fields['pauseCode'] = undefined;
  for (const [key, value] of Object.entries(reported)) Object.assign(fields, wire[key]?.(value));
  Object.assign(fields, watchdogOf(reported, given));
  if (status !== undefined && status !== 'Down') {
    fields['status'] = word(status);
    if (status === 'NotResponding') fields['monitorResponse'] = '-1';
  }
  const exit = (key: string) => (reported[key] === undefined ? {} : { [key]: reported[key] });
  return {
    status: status === 'Down' ? 'Down' : 'Up',
    name: textOf(given['name'] ?? reported['name'] ?? 'vm1'),
    guestAgent: false,
    ...(reported['pauseStatus'] === undefined ? {} : { pauseStatus: reported['pauseStatus'] as PauseStatus }),
    ...exit('exitStatus'),
    ...exit('exitReason'),
    ...exit('exitMessage'),
    fields: { ...fields, ...downFields(reported) },
  };
}

/** The agent tells of the last time that the watchdog fired and of what it did then, together. */
function watchdogOf(reported: Facts, given: Facts): Record<string, unknown> {
  const time =
    reported['lastWatchdogEvent'] ?? (reported['lastWatchdogAction'] === undefined ? null : given['lastWatchdogEvent']);
  if (!('lastWatchdogEvent' in reported) && (time === null || time === undefined)) return {};
  if (time === null || time === undefined) return { watchdogEvent: undefined };
  return { watchdogEvent: { time, action: watchdogAction(reported, given) } };
}

export const watchdogAction = (reported: Facts, given: Facts): string =>
  textOf(reported['lastWatchdogAction'] ?? given['lastWatchdogAction'] ?? 'reset');

function downFields(reported: Facts): Record<string, unknown> {
  if (reported['status'] !== 'Down') return {};
  return {
    ...(reported['exitReason'] === undefined ? { exitReason: undefined } : {}),
    ...(reported['exitMessage'] === undefined ? { exitMessage: undefined } : {}),
    ...(reported['exitStatus'] === 'Unknown' ? { exitCode: 2 } : {}),
  };
}

const wire: Readonly<Record<string, (value: unknown) => Record<string, unknown>>> = {
  monitorResponse: (value) => ({ monitorResponse: value === null ? undefined : String(value) }),
  clientIp: (clientIp) => ({ clientIp: clientIp ?? undefined }),
  guestUser: (username) => ({ username: username ?? undefined }),
  appList: (value) => ({ appsList: typeof value === 'string' ? value.split(',') : undefined }),
  guestFQDN: (guestFQDN) => ({ guestFQDN: guestFQDN ?? undefined }),
  fqdn: (guestFQDN) => ({ guestFQDN: guestFQDN ?? undefined }),
  currentCd: (cdrom) => ({ cdrom: cdrom ?? undefined }),
  timestamp: (value) => ({ statusTime: value === null ? undefined : String(value) }),
  pauseStatus: (pauseCode) => ({ pauseCode }),
  migrationProgress: (migrationProgress) => ({ migrationProgress }),
  deviceHash: (hash) => ({ hash }),
  hash: (hash) => ({ hash }),
};
