import type { NicSample, NumaNode, StorageDomainHealth, VdsStatsReport } from '../../model/index.js';
import { Problems } from '../decode/problems.js';
import { type JsonObject, Reader } from '../decode/reader.js';
import { type CpuSums, cpuUsage } from '../decode/vds-numa.js';
import { loadPercent } from '../decode/vds-stats.js';
import { type PlaceOf, parts } from './vds-places.js';

type Statistics = VdsStatsReport['statistics'];
type Node = Omit<NumaNode, 'hostId'>;

type SingleName = keyof typeof singles;
/** Members of the report that are one number of the answer each, and where that is. */
type Single = readonly [name: SingleName, place: number];

interface NicPlaces {
  readonly plain: NicSample;
  /** As `nicNames`; -1: not followed, it is as in `plain`. */
  readonly places: readonly number[];
}

interface NodePlaces {
  readonly plain: Node;
  readonly memFree: number;
  readonly memPercent: number;
  readonly freePages: readonly (readonly [size: string, place: number])[];
}

const singles = {
  cpuUser: 'cpuUser',
  cpuSys: 'cpuSys',
  cpuIdle: 'cpuIdle',
  memFree: 'memFree',
  memShared: 'memShared',
  swapFree: 'swapFree',
  swapTotal: 'swapTotal',
  ksmCpuPercent: 'ksmCpu',
  ksmPages: 'ksmPages',
  anonymousHugepages: 'anonHugePages',
} as const satisfies Partial<Record<keyof Statistics, string>>;

const nicNames = ['speed', 'rx', 'tx', 'rxDropped', 'txDropped', 'sampleTime'] as const;

/**
 * Makes the report of an answer of its numbers, and of a plain report in which all that is no number is the same. Each
 * report is an object of its own; parts of it of which no number differs are those of the report before.
 */
export class VdsFigures {
  readonly #numbers: Float64Array;
  readonly #singles: readonly Single[];
  readonly #load: number;
  readonly #time: number;
  readonly #nics: readonly NicPlaces[];
  readonly #domains: readonly (readonly [name: string, plain: StorageDomainHealth, check: number, delay: number])[];
  readonly #disks: readonly (readonly [name: string, place: number])[];
  readonly #nodes: readonly NodePlaces[];
  /** Per CPU that counts: its node, and the places of user, sys and idle. */
  readonly #cpus: Int32Array;
  #report: VdsStatsReport;

  /** `result`: what `plain` was decoded of; `numbers`: what was found in it at the places that `placeOf` knows. */
  constructor(plain: VdsStatsReport, result: JsonObject, placeOf: PlaceOf, numbers: Float64Array) {
    this.#numbers = numbers;
    this.#report = plain;
    const names = Object.entries(singles) as [SingleName, string][];
    this.#singles = names
      .map(([name, member]): Single => [name, placeOf(member)])
      .filter(([name, place]) => place >= 0 && plain.statistics[name] !== undefined);
    this.#load = placeOf('cpuLoad');
    this.#time = placeOf('dateTime');
    this.#nics = plain.nics.map((nic) => ({
      plain: nic,
      places: nicNames.map((name) => placeOf('network', nic.name, name)),
    }));
    this.#domains = Object.entries(plain.storageDomains ?? {}).map(([name, health]) => {
      const place = (member: string): number => placeOf('storageDomains', name, member);
      return [name, health, place('lastCheck'), place('delay')];
    });
    this.#disks = Object.keys(plain.diskFreeMb ?? {}).map((name) => [name, placeOf('diskStats', name, 'free')]);
    this.#nodes = plain.numaNodes.map((node) => {
      const key = String(node.index);
      const place = (...path: readonly string[]): number => placeOf('numaNodeMemFree', key, ...path);
      return {
        plain: node,
        memFree: place('memFree'),
        memPercent: place('memPercent'),
        freePages: Object.keys(node.hugepages ?? {}).map((size) => [size, place('hugepages', size, 'freePages')]),
      };
    });
    this.#cpus = cpusOf(result, placeOf);
  }

  /** `differing`: the parts of which a number is another one, one bit each. */
  report(differing: number): VdsStatsReport {
    if (differing === 0) return this.#report;
    const last = this.#report;
    const differs = (part: number): boolean => (differing & (1 << part)) !== 0;
    const storageDomains = differs(parts.storageDomains) ? this.#storageDomains() : last.storageDomains;
    const diskFreeMb = differs(parts.diskStats) ? this.#diskFree() : last.diskFreeMb;
    this.#report = {
      dynamic: last.dynamic,
      statistics:
        differs(parts.figures) || storageDomains !== last.storageDomains || diskFreeMb !== last.diskFreeMb
          ? this.#statistics(last.statistics, storageDomains, diskFreeMb)
          : last.statistics,
      nics: differs(parts.nics) ? this.#nicSamples() : last.nics,
      numaNodes: differs(parts.numa) ? this.#numaNodes() : last.numaNodes,
      agentTime: this.#time < 0 ? last.agentTime : (this.#numbers[this.#time] as number),
      storageDomains,
      diskFreeMb,
      multipath: last.multipath,
      problems: last.problems,
    };
    return this.#report;
  }

  #statistics(
    last: Statistics,
    storageDomains: VdsStatsReport['storageDomains'],
    diskFreeMb: VdsStatsReport['diskFreeMb'],
  ): Statistics {
    const next: { -readonly [K in keyof Statistics]: Statistics[K] } = { ...last };
    for (const [name, place] of this.#singles) next[name] = this.#numbers[place] as number;
    if (this.#load >= 0) next.cpuLoad = loadPercent(this.#numbers[this.#load] as number);
    const { cpuUser, cpuSys } = next;
    if (typeof cpuUser === 'number' && typeof cpuSys === 'number') next.usageCpuPercent = Math.trunc(cpuUser + cpuSys);
    if (storageDomains !== null) next.storageDomains = storageDomains;
    if (diskFreeMb !== null) next.diskFreeMb = diskFreeMb;
    return next;
  }

  #nicSamples(): NicSample[] {
    return this.#nics.map(({ plain, places: [speed, rx, tx, rxDropped, txDropped, time] }) => ({
      name: plain.name,
      macAddr: plain.macAddr,
      status: plain.status,
      speedMbps: this.#numberAt(speed, plain.speedMbps),
      rxBytes: this.#numberAt(rx, plain.rxBytes),
      txBytes: this.#numberAt(tx, plain.txBytes),
      rxDropped: this.#numberAt(rxDropped, plain.rxDropped),
      txDropped: this.#numberAt(txDropped, plain.txDropped),
      sampleTime: this.#numberAt(time, plain.sampleTime),
    }));
  }

  #storageDomains(): VdsStatsReport['storageDomains'] {
    if (this.#report.storageDomains === null) return null;
    const domains: Record<string, StorageDomainHealth> = {};
    for (const [name, plain, check, delay] of this.#domains) {
      domains[name] = {
        code: plain.code,
        lastCheckSeconds: this.#numberAt(check, plain.lastCheckSeconds),
        delaySeconds: this.#numberAt(delay, plain.delaySeconds),
        valid: plain.valid,
        actual: plain.actual,
        acquired: plain.acquired,
      };
    }
    return domains;
  }

  #diskFree(): VdsStatsReport['diskFreeMb'] {
    const last = this.#report.diskFreeMb;
    if (last === null) return null;
    const free: Record<string, number | null> = {};
    for (const [name, place] of this.#disks) free[name] = this.#numberAt(place, last[name] ?? null);
    return free;
  }

  #numaNodes(): Node[] {
    const sums = this.#cpuSums();
    return this.#nodes.map(({ plain, memFree, memPercent, freePages }) => {
      const { cpuUser, cpuSys, cpuIdle, usageCpuPercent } = cpuUsage(sums.get(plain.index));
      return {
        index: plain.index,
        memFree: this.#numberAt(memFree, plain.memFree),
        usageMemPercent: this.#numberAt(memPercent, plain.usageMemPercent),
        cpuUser,
        cpuSys,
        cpuIdle,
        usageCpuPercent,
        hugepages: plain.hugepages === null ? null : this.#freePages(plain.hugepages, freePages),
      };
    });
  }

  #freePages(plain: NonNullable<Node['hugepages']>, places: NodePlaces['freePages']): Record<string, number | null> {
    const free: Record<string, number | null> = {};
    for (const [size, place] of places) free[size] = this.#numberAt(place, plain[size] ?? null);
    return free;
  }

  #cpuSums(): ReadonlyMap<number, CpuSums> {
    const byNode = new Map<number, CpuSums>();
    const cpus = this.#cpus;
    for (let i = 0; i < cpus.length; i += 4) {
      const index = cpus[i] as number;
      let sums = byNode.get(index);
      if (sums === undefined) {
        sums = { user: 0, sys: 0, idle: 0, cpus: 0 };
        byNode.set(index, sums);
      }
      sums.user += this.#numbers[cpus[i + 1] as number] as number;
      sums.sys += this.#numbers[cpus[i + 2] as number] as number;
      sums.idle += this.#numbers[cpus[i + 3] as number] as number;
      sums.cpus += 1;
    }
    return byNode;
  }

  #numberAt<T>(place: number | undefined, otherwise: T): number | null | T {
    if (place === undefined || place < 0) return otherwise;
    const value = this.#numbers[place] as number;
    return Number.isNaN(value) ? null : value;
  }
}

/** CPUs in the order of a plain reader. One whose numbers are not all followed does not count, as where one is missing. */
function cpusOf(result: JsonObject, placeOf: PlaceOf): Int32Array {
  const cpus: number[] = [];
  for (const [name, cpu] of new Reader(result, '', new Problems()).entries('cpuStatistics') ?? []) {
    const node = cpu.int('nodeIndex');
    const places = (['cpuUser', 'cpuSys', 'cpuIdle'] as const).map((member) => placeOf('cpuStatistics', name, member));
    if (node !== undefined && places.every((place) => place >= 0)) cpus.push(node, ...places);
  }
  return Int32Array.from(cpus);
}
