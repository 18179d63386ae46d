import {
  type DiskUsage,
  type InterfaceStatus,
  type NicSample,
  type SampleRow,
  sampleAt,
  type VmDiskSample,
  type VmStatisticsSample,
} from '../../model/index.js';

/** Where in a VM's numbers what stands. NaN: not reported. */
export { sampleAt as places };
/** The agents' names of what stands there one after the other. */
export const memoryNames = ['mem_buffers', 'mem_cached', 'mem_free', 'mem_unused'] as const;
export const balloonNames = ['balloon_cur', 'balloon_max', 'balloon_min', 'balloon_target'] as const;
export const nicNames = ['speed', 'rx', 'tx', 'rxDropped', 'txDropped', 'sampleTime'] as const;
export const diskNames = [
  ...(['readRate', 'writeRate', 'readOps', 'writeOps'] as const),
  ...(['readLatency', 'writeLatency', 'flushLatency', 'truesize'] as const),
] as const;
export const usedDiskNames = ['total', 'used'] as const;

type Numbers = Float64Array;

/** Places of one VM's numbers whose number depends on the VM. */
export interface Layout {
  readonly disks: number;
  readonly usedDisks: number;
  readonly size: number;
}

export function layoutOf({ nics, disks, disksUsage }: VmStatisticsSample): Layout {
  const disksAt = sampleAt.nics + nicNames.length * (nics?.length ?? 0);
  const usedDisks = disksAt + diskNames.length * (disks?.length ?? 0);
  return { disks: disksAt, usedDisks, size: usedDisks + usedDiskNames.length * (disksUsage?.length ?? 0) };
}

function numberAt(numbers: Numbers, place: number): number | null {
  const value = numbers[place] as number;
  return Number.isNaN(value) ? null : value;
}

class NicFigures implements NicSample {
  readonly name: string;
  readonly macAddr: string | null;
  readonly status: InterfaceStatus;
  readonly #numbers: Numbers;
  readonly #at: number;

  constructor({ name, macAddr, status }: NicSample, numbers: Numbers, at: number) {
    this.name = name;
    this.macAddr = macAddr;
    this.status = status;
    this.#numbers = numbers;
    this.#at = at;
  }

  get speedMbps(): number | null {
    return numberAt(this.#numbers, this.#at);
  }

  get rxBytes(): number | null {
    return numberAt(this.#numbers, this.#at + 1);
  }

  get txBytes(): number | null {
    return numberAt(this.#numbers, this.#at + 2);
  }

  get rxDropped(): number | null {
    return numberAt(this.#numbers, this.#at + 3);
  }

  get txDropped(): number | null {
    return numberAt(this.#numbers, this.#at + 4);
  }

  get sampleTime(): number | null {
    return numberAt(this.#numbers, this.#at + 5);
  }
}

class DiskFigures implements VmDiskSample {
  readonly device: string;
  readonly imageId: string | null;
  readonly lunGuid: string | null;
  readonly #numbers: Numbers;
  readonly #at: number;

  constructor({ device, imageId, lunGuid }: VmDiskSample, numbers: Numbers, at: number) {
    this.device = device;
    this.imageId = imageId;
    this.lunGuid = lunGuid;
    this.#numbers = numbers;
    this.#at = at;
  }

  get readRate(): number | null {
    return numberAt(this.#numbers, this.#at);
  }

  get writeRate(): number | null {
    return numberAt(this.#numbers, this.#at + 1);
  }

  get readOps(): number | null {
    return numberAt(this.#numbers, this.#at + 2);
  }

  get writeOps(): number | null {
    return numberAt(this.#numbers, this.#at + 3);
  }

  get readLatencyNs(): number | null {
    return numberAt(this.#numbers, this.#at + 4);
  }

  get writeLatencyNs(): number | null {
    return numberAt(this.#numbers, this.#at + 5);
  }

  get flushLatencyNs(): number | null {
    return numberAt(this.#numbers, this.#at + 6);
  }

  get trueSize(): number | null {
    return numberAt(this.#numbers, this.#at + 7);
  }
}

class MemoryFigures {
  readonly #numbers: Numbers;

  constructor(numbers: Numbers) {
    this.#numbers = numbers;
  }

  get buffered(): number | null {
    return numberAt(this.#numbers, sampleAt.memory);
  }

  get cached(): number | null {
    return numberAt(this.#numbers, sampleAt.memory + 1);
  }

  get free(): number | null {
    return numberAt(this.#numbers, sampleAt.memory + 2);
  }

  get unused(): number | null {
    return numberAt(this.#numbers, sampleAt.memory + 3);
  }
}

/** Only of a VM that has a balloon: then none of the four is missing. */
class BalloonFigures {
  readonly #numbers: Numbers;

  constructor(numbers: Numbers) {
    this.#numbers = numbers;
  }

  get current(): number {
    return this.#numbers[sampleAt.balloon] as number;
  }

  get max(): number {
    return this.#numbers[sampleAt.balloon + 1] as number;
  }

  get min(): number {
    return this.#numbers[sampleAt.balloon + 2] as number;
  }

  get target(): number {
    return this.#numbers[sampleAt.balloon + 3] as number;
  }
}

/** What was measured of one VM, read from its numbers of the newest answer. */
export class VmFigures implements VmStatisticsSample {
  readonly nics: readonly NicSample[] | null;
  readonly disks: readonly VmDiskSample[] | null;
  readonly memory: VmStatisticsSample['memory'];
  readonly balloon: VmStatisticsSample['balloon'];
  readonly row: SampleRow;
  readonly #numbers: Numbers;
  readonly #usedDisksAt: number;
  #disksUsage: readonly DiskUsage[] | null;
  #disksUsageIsOld = false;

  /** `sample`: the same, as a plain reader gives it. `numbers` holds its numbers already. */
  constructor(sample: VmStatisticsSample, numbers: Numbers, layout: Layout) {
    this.#numbers = numbers;
    const { disks, usedDisks } = layout;
    this.row = { values: numbers, hasNics: sample.nics !== null, disks, usedDisks, usedDiskList: sample.disksUsage };
    this.nics = sample.nics?.map((nic, i) => new NicFigures(nic, numbers, sampleAt.nics + i * nicNames.length)) ?? null;
    this.disks =
      sample.disks?.map((disk, i) => new DiskFigures(disk, numbers, layout.disks + i * diskNames.length)) ?? null;
    this.memory = sample.memory === null ? null : new MemoryFigures(numbers);
    this.balloon = sample.balloon === null ? null : new BalloonFigures(numbers);
    this.#usedDisksAt = layout.usedDisks;
    this.#disksUsage = sample.disksUsage;
  }

  get cpuUser(): number | null {
    return numberAt(this.#numbers, sampleAt.cpuUser);
  }

  get cpuSys(): number | null {
    return numberAt(this.#numbers, sampleAt.cpuSys);
  }

  get elapsedSeconds(): number | null {
    return numberAt(this.#numbers, sampleAt.elapsedTime);
  }

  get memUsagePercent(): number | null {
    return numberAt(this.#numbers, sampleAt.memUsage);
  }

  get vcpuCount(): number | null {
    return numberAt(this.#numbers, sampleAt.vcpuCount);
  }

  get migrationProgress(): number | null {
    return numberAt(this.#numbers, sampleAt.migrationProgress);
  }

  /** Made when somebody asks, and the same list until a number in it differs. */
  get disksUsage(): readonly DiskUsage[] | null {
    if (!this.#disksUsageIsOld || this.#disksUsage === null) return this.#disksUsage;
    const text = (place: number): string | null =>
      numberAt(this.#numbers, this.#usedDisksAt + place)?.toString() ?? null;
    this.#disksUsage = this.#disksUsage.map(({ path, fs }, i) => {
      const at = i * usedDiskNames.length;
      return { path, fs, total: text(at), used: text(at + 1) };
    });
    this.#disksUsageIsOld = false;
    return this.#disksUsage;
  }

  /** A number of `disksUsage` differs. */
  outdateDisksUsage(): void {
    this.#disksUsageIsOld = true;
  }
}

/** The numbers of a plain sample at their places; undefined: one of them is beyond what a number holds. */
export function numbersOf(sample: VmStatisticsSample, timestamp: number | null, layout: Layout): Numbers | undefined {
  const numbers = new Float64Array(layout.size).fill(Number.NaN);
  let at = 0;
  let exact = true;
  const put = (...values: (number | bigint | string | null)[]): void => {
    for (const value of values) {
      if (typeof value === 'bigint') exact = false;
      else if (value !== null) numbers[at] = Number(value);
      if (typeof value === 'string' && !Number.isSafeInteger(Number(value))) exact = false;
      at += 1;
    }
  };
  const { memory, balloon } = sample;
  put(timestamp, sample.cpuUser, sample.cpuSys, sample.elapsedSeconds, sample.memUsagePercent, sample.vcpuCount);
  put(sample.migrationProgress);
  put(...(memory === null ? [null, null, null, null] : [memory.buffered, memory.cached, memory.free, memory.unused]));
  put(...(balloon === null ? [null, null, null, null] : [balloon.current, balloon.max, balloon.min, balloon.target]));
  for (const nic of sample.nics ?? [])
    put(nic.speedMbps, nic.rxBytes, nic.txBytes, nic.rxDropped, nic.txDropped, nic.sampleTime);
  for (const disk of sample.disks ?? []) {
    put(disk.readRate, disk.writeRate, disk.readOps, disk.writeOps);
    put(disk.readLatencyNs, disk.writeLatencyNs, disk.flushLatencyNs, disk.trueSize);
  }
  for (const { total, used } of sample.disksUsage ?? []) put(total, used);
  return exact ? numbers : undefined;
}
