import type { VmStatisticsSample } from '../../model/index.js';
import { OPEN_LIST, OPEN_OBJECT } from './bytes.js';
import { type Members, vmMembers, vmParts } from './members.js';
import type { Tape } from './slots.js';
import { Strange, TapeWriter } from './tape-writer.js';
import { balloonNames, diskNames, type Layout, memoryNames, nicNames, places, usedDiskNames } from './vm-figures.js';

/** More slots of one VM are not made: what lies beyond is compared as it is. */
const MAX_VM_SLOTS = 512;

/** Where a measured member's number goes; -1: nowhere. */
type Target = (name: string) => number;

/**
 * The tape of one VM's entry, which is known to be valid JSON from `start` on; undefined: it is not of a form that can be
 * followed. `sample` is null for a VM of which nothing is measured but the time.
 */
export function makeTape(
  bytes: Buffer,
  start: number,
  sample: VmStatisticsSample | null,
  numbers: Float64Array,
  layout: Layout,
): Tape | undefined {
  try {
    return new VmTapeMaker(bytes, start, sample, numbers, layout).make();
  } catch (error) {
    if (error instanceof Strange) return undefined;
    throw error;
  }
}

class VmTapeMaker {
  readonly #writer: TapeWriter;
  readonly #start: number;
  readonly #sample: VmStatisticsSample | null;
  readonly #numbers: Float64Array;
  readonly #layout: Layout;

  constructor(bytes: Buffer, start: number, sample: VmStatisticsSample | null, numbers: Float64Array, layout: Layout) {
    this.#writer = new TapeWriter(bytes, start, MAX_VM_SLOTS);
    this.#start = start;
    this.#sample = sample;
    this.#numbers = numbers;
    this.#layout = layout;
  }

  make(): Tape {
    const writer = this.#writer;
    writer.object(this.#start, (name, at) => {
      const part = this.#sample === null ? undefined : vmParts.get(name);
      if (vmMembers.state.has(name)) return writer.state(at);
      if (part === undefined) return this.#member(vmMembers, targetInVm, name, at);
      const { members, within } = part;
      if (within === 'list') return this.#listOf(name, members, at);
      if (writer.bytes[at] !== OPEN_OBJECT) return writer.same(at);
      if (within === 'itself') return writer.object(at, (own, from) => this.#member(members, targetInPart, own, from));
      return writer.object(at, (key, from) => this.#entry(name, key, members, from));
    });
    return writer.tape();
  }

  /** One nic or disk. */
  #entry(part: string, key: string, members: Members, at: number): number {
    const writer = this.#writer;
    if (writer.bytes[at] !== OPEN_OBJECT) return writer.same(at);
    const target = part === 'network' ? this.#nicTarget(key) : this.#diskTarget(key);
    return writer.object(at, (name, from) => this.#member(members, target, name, from));
  }

  #nicTarget(key: string): Target {
    const index = this.#sample?.nics?.findIndex((nic) => nic.name === key) ?? -1;
    return targetsFrom(nicNames, index < 0 ? -1 : places.nics + index * nicNames.length);
  }

  #diskTarget(key: string): Target {
    const index = this.#sample?.disks?.findIndex((disk) => disk.device === key) ?? -1;
    return targetsFrom(diskNames, index < 0 ? -1 : this.#layout.disks + index * diskNames.length);
  }

  /** `disksUsage`: followed when each entry of the list is one of the sample. */
  #listOf(name: string, members: Members, at: number): number {
    const writer = this.#writer;
    const count = this.#sample?.disksUsage?.length ?? 0;
    if (writer.bytes[at] !== OPEN_LIST || this.#lengthOf(at) !== count) return writer.same(at);
    let index = 0;
    return writer.list(at, (from) => {
      const target = targetsFrom(usedDiskNames, this.#layout.usedDisks + index * usedDiskNames.length);
      index += 1;
      if (writer.bytes[from] !== OPEN_OBJECT) throw new Strange(name);
      return writer.object(from, (own, place) => this.#member(members, target, own, place));
    });
  }

  #lengthOf(at: number): number {
    let length = 0;
    this.#writer.list(at, (from) => {
      length += 1;
      return this.#writer.same(from);
    });
    return length;
  }

  #member({ measured, state }: Members, target: Target, name: string, at: number): number {
    const kind = measured.get(name);
    if (kind === undefined) return state.has(name) ? this.#writer.same(at) : this.#writer.skipped(at);
    const place = target(name);
    // What a plain reader makes something else of is not followed.
    return this.#writer.measured(kind, at, (value) => (Object.is(value, this.#numbers[place]) ? place : -1));
  }
}

const inVm: ReadonlyMap<string, number> = new Map([
  ['statusTime', places.timestamp],
  ['cpuUser', places.cpuUser],
  ['cpuSys', places.cpuSys],
  ['elapsedTime', places.elapsedTime],
  ['memUsage', places.memUsage],
  ['vcpuCount', places.vcpuCount],
  ['migrationProgress', places.migrationProgress],
]);
const targetInVm: Target = (name) => inVm.get(name) ?? -1;

const inParts: ReadonlyMap<string, number> = new Map([
  ...memoryNames.map((name, i) => [name, places.memory + i] as const),
  ...balloonNames.map((name, i) => [name, places.balloon + i] as const),
]);
const targetInPart: Target = (name) => inParts.get(name) ?? -1;

function targetsFrom(names: readonly string[], first: number): Target {
  if (first < 0) return () => -1;
  return (name) => {
    const index = names.indexOf(name);
    return index < 0 ? -1 : first + index;
  };
}
