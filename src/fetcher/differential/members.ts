import { type Kind, kinds } from './slots.js';

/**
 * What of a VM's entry is read, and as what. A member that is not named here is looked at by nobody: its value may be
 * another each time. A test holds this against what the decoders ask for.
 */
export interface Members {
  readonly measured: ReadonlyMap<string, Kind>;
  /** Read as state: another value is another state. */
  readonly state: ReadonlySet<string>;
}

const { float, int, count, latency, time } = kinds;

const nic: Members = {
  measured: new Map([
    ...[['speed', int] as const, ['sampleTime', float] as const],
    ...(['rx', 'tx', 'rxDropped', 'txDropped'] as const).map((name) => [name, count] as const),
  ]),
  state: new Set(['macAddr', 'state']),
};

const disk: Members = {
  measured: new Map([
    ...(['readRate', 'writeRate'] as const).map((name) => [name, float] as const),
    ...(['readOps', 'writeOps', 'truesize'] as const).map((name) => [name, count] as const),
    ...(['readLatency', 'writeLatency', 'flushLatency'] as const).map((name) => [name, latency] as const),
  ]),
  state: new Set(['imageID', 'lunGUID']),
};

const balloon: Members = {
  measured: new Map(
    ['balloon_cur', 'balloon_max', 'balloon_min', 'balloon_target'].map((name) => [name, int] as const),
  ),
  state: new Set(),
};

const memory: Members = {
  measured: new Map(['mem_buffers', 'mem_cached', 'mem_free', 'mem_unused'].map((name) => [name, int] as const)),
  state: new Set(),
};

const usedDisk: Members = {
  measured: new Map([['total', count] as const, ['used', count] as const]),
  state: new Set(['path', 'fs']),
};

export const vmMembers: Members = {
  measured: new Map([
    ...(['statusTime', 'cpuUser', 'cpuSys'] as const).map((name) => [name, float] as const),
    ...(['elapsedTime', 'memUsage', 'vcpuCount', 'migrationProgress'] as const).map((name) => [name, int] as const),
  ]),
  state: new Set([
    ...['vmId', 'vmName', 'status', 'monitorResponse', 'cpuActual', 'hash', 'tpmHash', 'nvramHash', 'vmJobs'],
    ...['guestName', 'guestFQDN', 'username', 'clientIp', 'guestOs', 'guestCPUCount', 'appsList', 'acpiEnable'],
    ...['session', 'timeOffset', 'exitCode', 'exitMessage', 'exitReason', 'pauseCode', 'netIfaces', 'watchdogEvent'],
    ...['displayInfo', 'displayType', 'displayIp', 'displayPort', 'displaySecurePort', 'guestOsInfo'],
    ...['guestTimezone', 'guestContainers', 'cdrom'],
  ]),
};

/** Members of the entry that hold measured ones: in themselves, or one level below by name or in order. */
export const vmParts: ReadonlyMap<string, { readonly members: Members; readonly within: 'itself' | 'map' | 'list' }> =
  new Map([
    ['network', { members: nic, within: 'map' }],
    ['disks', { members: disk, within: 'map' }],
    ['balloonInfo', { members: balloon, within: 'itself' }],
    ['memoryStats', { members: memory, within: 'itself' }],
    ['disksUsage', { members: usedDisk, within: 'list' }],
  ]);

const numaNode: Members = {
  measured: new Map([['memFree', int] as const, ['memPercent', int] as const]),
  state: new Set(),
};

/** Free pages of one size on one NUMA node. */
export const freePages: Members = { measured: new Map([['freePages', int] as const]), state: new Set() };

const cpu: Members = {
  measured: new Map((['cpuUser', 'cpuSys', 'cpuIdle'] as const).map((name) => [name, float] as const)),
  state: new Set(['nodeIndex']),
};

const storageDomain: Members = {
  measured: new Map((['lastCheck', 'delay'] as const).map((name) => [name, float] as const)),
  state: new Set(['code', 'valid', 'actual', 'acquired']),
};

const freeDisk: Members = { measured: new Map([['free', int] as const]), state: new Set() };

/** What of an answer to Host.getStats is read. */
export const vdsMembers: Members = {
  measured: new Map([
    ...(['cpuUser', 'cpuSys', 'cpuIdle', 'cpuLoad'] as const).map((name) => [name, float] as const),
    ...(['memFree', 'memShared', 'swapFree', 'swapTotal'] as const).map((name) => [name, int] as const),
    ...(['ksmCpu', 'ksmPages', 'anonHugePages'] as const).map((name) => [name, int] as const),
    ['dateTime', time] as const,
  ]),
  state: new Set([
    ...['vmCount', 'vmActive', 'vmMigrating', 'incomingVmMigrations', 'outgoingVmMigrations', 'netConfigDirty'],
    ...['thpState', 'haStats', 'haScore', 'ksmState', 'bootTime', 'hugepages', 'multipathHealth'],
  ]),
};

/** Maps in it by name of the entries. What `numaNodeMemFree` holds of free pages is a map within each entry. */
export const vdsMaps: ReadonlyMap<string, Members> = new Map([
  ['network', nic],
  ['storageDomains', storageDomain],
  ['diskStats', freeDisk],
  ['numaNodeMemFree', numaNode],
  ['cpuStatistics', cpu],
]);
