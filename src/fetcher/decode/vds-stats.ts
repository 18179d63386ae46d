import type { HugepagesOfSize, StorageDomainHealth, VdsStatsReport } from '../../model/index.js';
import { parseAgentTime } from './agent-time.js';
import { nicSamples } from './nic-samples.js';
import { present } from './present.js';
import { Problems } from './problems.js';
import { type JsonObject, Reader } from './reader.js';
import { numaNodesOf } from './vds-numa.js';

/** Answer of Host.getStats (monitoring-rules.md §8.1). What was not reported is absent from it: no default is put in. */
export function decodeVdsStats(result: JsonObject): VdsStatsReport {
  const problems = new Problems();
  const stats = new Reader(result, '', problems);
  const storageDomains = storageDomainsOf(stats);
  const diskFreeMb = diskFreeOf(stats);
  const multipath = multipathOf(stats);
  const report = {
    dynamic: present<VdsStatsReport['dynamic']>({
      vmCount: stats.int('vmCount'),
      vmActive: stats.int('vmActive'),
      vmMigrating: stats.int('vmMigrating'),
      incomingMigrations: stats.int('incomingVmMigrations'),
      outgoingMigrations: stats.int('outgoingVmMigrations'),
      netConfigDirty: stats.bool('netConfigDirty'),
      transparentHugepagesState: stats.text('thpState', 64),
    }),
    statistics: present<VdsStatsReport['statistics']>({
      ...loadOf(stats),
      ...hostedEngineOf(stats),
      memFree: stats.int('memFree'),
      memShared: stats.int('memShared'),
      swapFree: stats.int('swapFree'),
      swapTotal: stats.int('swapTotal'),
      ksmCpuPercent: stats.int('ksmCpu'),
      ksmPages: stats.int('ksmPages'),
      ksmState: stats.bool('ksmState'),
      anonymousHugepages: stats.int('anonHugePages'),
      hugepages: hugepagesOf(stats),
      bootTime: milliseconds(stats.int('bootTime')),
      diskFreeMb,
      storageDomains,
      multipathHealth: multipath,
    }),
    nics: nicSamples(stats) ?? [],
    numaNodes: numaNodesOf(stats),
    agentTime: agentTimeOf(stats),
    storageDomains: storageDomains ?? null,
    diskFreeMb: diskFreeMb ?? null,
    multipath: multipath ?? null,
  };
  return { ...report, problems: problems.list() };
}

type Loads = Pick<VdsStatsReport['statistics'], 'cpuUser' | 'cpuSys' | 'cpuIdle' | 'cpuLoad' | 'usageCpuPercent'>;

function loadOf(stats: Reader): { [K in keyof Loads]: Loads[K] | undefined } {
  const cpuUser = stats.float('cpuUser');
  const cpuSys = stats.float('cpuSys');
  const load = stats.float('cpuLoad');
  return {
    cpuUser,
    cpuSys,
    cpuIdle: stats.float('cpuIdle'),
    cpuLoad: load === undefined ? undefined : loadPercent(load),
    usageCpuPercent: cpuUser === undefined || cpuSys === undefined ? undefined : Math.trunc(cpuUser + cpuSys),
  };
}

/** Rounded, or "2.37" would become 237.00000000000003. */
export function loadPercent(load: number): number {
  return Math.round(load * 1e8) / 1e6;
}

/** Agents before 3.4 sent the score alone: it means "configured", and above zero "active". */
function hostedEngineOf(stats: Reader) {
  const ha = stats.object('haStats');
  const score = ha?.int('score') ?? stats.int('haScore');
  const legacy = ha === undefined && score !== undefined;
  return {
    haScore: score,
    haConfigured: legacy ? true : ha?.bool('configured'),
    haActive: legacy ? score > 0 : ha?.bool('active'),
    haGlobalMaintenance: ha?.bool('globalMaintenance'),
    haLocalMaintenance: ha?.bool('localMaintenance'),
  };
}

/** One map of objects, by name. Undefined: not reported. */
function mapped<T>(
  stats: Reader,
  key: string,
  decode: (entry: Reader) => T | undefined,
): Record<string, T> | undefined {
  const entries = stats.entries(key);
  if (entries === undefined) return undefined;
  const result: Record<string, T> = {};
  for (const [name, entry] of entries) {
    const value = decode(entry);
    if (value !== undefined) result[name] = value;
  }
  return result;
}

function hugepagesOf(stats: Reader): Record<string, HugepagesOfSize> | undefined {
  return mapped(stats, 'hugepages', (size) => ({
    nr: size.int('nr_hugepages') ?? null,
    // A member whose name holds a dot: what is left of the free pages after the host's reserve.
    free: size.int('vm.free_hugepages') ?? null,
  }));
}

function storageDomainsOf(stats: Reader): Record<string, StorageDomainHealth> | undefined {
  return mapped(stats, 'storageDomains', (domain) => ({
    code: domain.int('code') ?? null,
    lastCheckSeconds: domain.float('lastCheck') ?? null,
    delaySeconds: domain.float('delay') ?? null,
    valid: domain.bool('valid') ?? false,
    actual: domain.bool('actual') ?? true,
    acquired: domain.bool('acquired') ?? false,
  }));
}

function diskFreeOf(stats: Reader): Record<string, number | null> | undefined {
  return mapped(stats, 'diskStats', (disk) => disk.int('free') ?? null);
}

/** An empty map means "all paths are well": it must not come of entries that could not be read. */
function multipathOf(stats: Reader): Record<string, number> | undefined {
  const paths = mapped(stats, 'multipathHealth', (device) => device.int('valid_paths'));
  const reported = stats.object('multipathHealth')?.size ?? 0;
  return paths !== undefined && Object.keys(paths).length === 0 && reported > 0 ? undefined : paths;
}

function agentTimeOf(stats: Reader): number | null {
  const text = stats.text('dateTime', 64);
  const time = text === undefined ? undefined : parseAgentTime(text);
  if (text !== undefined && time === undefined) stats.problem('dateTime', 'not of the form YYYY-MM-DDTHH:MM:SS GMT');
  return time ?? null;
}

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined || seconds > Number.MAX_SAFE_INTEGER / 1000 ? undefined : seconds * 1000;
}
