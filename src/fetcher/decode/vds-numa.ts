import type { NumaNode } from '../../model/index.js';
import type { Reader } from './reader.js';

type Node = Omit<NumaNode, 'hostId'>;

export interface CpuSums {
  user: number;
  sys: number;
  idle: number;
  cpus: number;
}

/** Usage per NUMA node: memory as reported, CPU as the mean over the node's CPUs. In order of their index. */
export function numaNodesOf(stats: Reader): readonly Node[] {
  const cpus = cpuSumsByNode(stats);
  const nodes = new Map<number, Node>();
  for (const [name, memory] of stats.entries('numaNodeMemFree') ?? []) {
    const index = indexOf(name);
    if (index === undefined) {
      stats.problem(`numaNodeMemFree.${name}`, 'not a node number');
      continue;
    }
    nodes.set(index, {
      index,
      memFree: memory.int('memFree') ?? null,
      usageMemPercent: memory.int('memPercent') ?? null,
      ...cpuUsage(cpus.get(index)),
      hugepages: freePagesOf(memory),
    });
  }
  for (const [index, sums] of cpus) {
    if (nodes.has(index)) continue;
    nodes.set(index, { index, memFree: null, usageMemPercent: null, ...cpuUsage(sums), hugepages: null });
  }
  return [...nodes.values()].sort((a, b) => a.index - b.index);
}

function cpuSumsByNode(stats: Reader): ReadonlyMap<number, CpuSums> {
  const byNode = new Map<number, CpuSums>();
  for (const [, cpu] of stats.entries('cpuStatistics') ?? []) {
    const index = cpu.int('nodeIndex');
    const user = cpu.float('cpuUser');
    const sys = cpu.float('cpuSys');
    const idle = cpu.float('cpuIdle');
    if (index === undefined || index < 0 || user === undefined || sys === undefined || idle === undefined) continue;
    const sums = byNode.get(index) ?? { user: 0, sys: 0, idle: 0, cpus: 0 };
    byNode.set(index, { user: sums.user + user, sys: sums.sys + sys, idle: sums.idle + idle, cpus: sums.cpus + 1 });
  }
  return byNode;
}

export function cpuUsage(sums: CpuSums | undefined): Pick<Node, 'cpuUser' | 'cpuSys' | 'cpuIdle' | 'usageCpuPercent'> {
  if (sums === undefined) return { cpuUser: null, cpuSys: null, cpuIdle: null, usageCpuPercent: null };
  const cpuUser = mean(sums.user, sums.cpus);
  const cpuSys = mean(sums.sys, sums.cpus);
  return { cpuUser, cpuSys, cpuIdle: mean(sums.idle, sums.cpus), usageCpuPercent: Math.trunc(cpuUser + cpuSys) };
}

/** Two decimals, as the original stores it. */
function mean(sum: number, count: number): number {
  return Math.round((sum / count) * 100) / 100;
}

function freePagesOf(memory: Reader): Record<string, number | null> | null {
  const sizes = memory.entries('hugepages');
  if (sizes === undefined) return null;
  return Object.fromEntries(sizes.map(([size, pages]) => [size, pages.int('freePages') ?? null]));
}

function indexOf(name: string): number | undefined {
  return /^\d{1,6}$/.test(name) ? Number(name) : undefined;
}
