import type { DiskUsage, VmDiskSample, VmStatisticsSample } from '../../model/index.js';
import { nicSamples } from './nic-samples.js';
import type { Reader } from './reader.js';

/** What was measured of a running VM (monitoring-rules.md §8.3). */
export function statisticsOf(vm: Reader): VmStatisticsSample {
  // The agent sends "0.00" before it has measured anything, and says so: a 0 % would be a lie.
  const measured = vm.bool('cpuActual') ?? true;
  return {
    cpuUser: measured ? (vm.float('cpuUser') ?? null) : null,
    cpuSys: measured ? (vm.float('cpuSys') ?? null) : null,
    elapsedSeconds: vm.int('elapsedTime') ?? null,
    memUsagePercent: vm.int('memUsage') ?? null,
    vcpuCount: vm.int('vcpuCount') ?? null,
    disksUsage: disksUsageOf(vm),
    memory: memoryOf(vm),
    balloon: balloonOf(vm),
    nics: nicSamples(vm),
    disks: disksOf(vm),
    migrationProgress: vm.int('migrationProgress') ?? null,
  };
}

function disksUsageOf(vm: Reader): readonly DiskUsage[] | null {
  const disks = vm.objects('disksUsage');
  if (disks === undefined) return null;
  const result: DiskUsage[] = [];
  for (const disk of disks) {
    const path = disk.text('path', 4096);
    if (path === undefined) continue;
    const total = disk.count('total')?.toString() ?? null;
    result.push({ path, fs: disk.text('fs', 64) ?? null, total, used: disk.count('used')?.toString() ?? null });
  }
  return result;
}

function memoryOf(vm: Reader): VmStatisticsSample['memory'] {
  const memory = vm.object('memoryStats');
  if (memory === undefined) return null;
  return {
    buffered: memory.int('mem_buffers') ?? null,
    cached: memory.int('mem_cached') ?? null,
    free: memory.int('mem_free') ?? null,
    unused: memory.int('mem_unused') ?? null,
  };
}

/** Fewer than four members: the VM has no balloon device (agents before 3.3 sent two of them in any case). */
function balloonOf(vm: Reader): VmStatisticsSample['balloon'] {
  const balloon = vm.object('balloonInfo');
  if (balloon === undefined || balloon.size < 4) return null;
  const current = balloon.int('balloon_cur');
  const max = balloon.int('balloon_max');
  const min = balloon.int('balloon_min');
  const target = balloon.int('balloon_target');
  if (current === undefined || max === undefined || min === undefined || target === undefined) return null;
  return { current, max, min, target };
}

function disksOf(vm: Reader): VmDiskSample[] | null {
  const disks = vm.entries('disks');
  if (disks === undefined) return null;
  return disks.map(([device, disk]) => ({
    device,
    imageId: disk.key('imageID') ?? null,
    lunGuid: disk.key('lunGUID') ?? null,
    readRate: disk.float('readRate') ?? null,
    writeRate: disk.float('writeRate') ?? null,
    readOps: disk.count('readOps') ?? null,
    writeOps: disk.count('writeOps') ?? null,
    readLatencyNs: latencyOf(disk, 'readLatency'),
    writeLatencyNs: latencyOf(disk, 'writeLatency'),
    flushLatencyNs: latencyOf(disk, 'flushLatency'),
    trueSize: disk.count('truesize') ?? null,
  }));
}

/** Nanoseconds; thirty years of them. */
const LONGEST_LATENCY = 1e18;

/** Not sent: not known. Sent as null: nothing was read or written, so nothing took time. */
function latencyOf(disk: Reader, key: string): number | null {
  return disk.float(key, LONGEST_LATENCY) ?? (disk.isNull(key) ? 0 : null);
}
