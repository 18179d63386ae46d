import type { VmStatisticsSample } from '../../model/index.js';
import {
  BACKSLASH,
  CLOSE_LIST,
  CLOSE_OBJECT,
  COMMA,
  endOfPlainText,
  MINUS,
  NINE,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
  skipSpace,
  ZERO,
} from './bytes.js';
import { type Members, vmMembers, vmParts } from './members.js';
import { type Kind, kinds, MAX_SLOTS, MAX_TARGETS, PER_SLOT, slotAt, slotCode, type Tape } from './slots.js';
import { balloonNames, diskNames, type Layout, memoryNames, nicNames, places, usedDiskNames } from './vm-figures.js';

/** Longer texts that nobody reads are compared as they are. */
const LONGEST_SKIPPED = 4096;

/** Where a measured member's number goes; -1: nowhere. */
type Target = (name: string) => number;
/** Handles the value at this position, and gives where it ends. */
type OnMember = (name: string, at: number) => number;

/** The entry says something in a way that only a plain reader understands. */
class Strange extends Error {}

/**
 * The tape of one VM's entry, which is known to be valid JSON from `start` to `end`; undefined: it is not of a form that
 * can be followed. `sample` is null for a VM of which nothing is measured but the time.
 */
export function makeTape(
  bytes: Buffer,
  start: number,
  sample: VmStatisticsSample | null,
  numbers: Float64Array,
  layout: Layout,
): Tape | undefined {
  try {
    return new TapeMaker(bytes, start, sample, numbers, layout).make();
  } catch (error) {
    if (error instanceof Strange) return undefined;
    throw error;
  }
}

class TapeMaker {
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #sample: VmStatisticsSample | null;
  readonly #numbers: Float64Array;
  readonly #layout: Layout;
  readonly #tape: number[] = [];
  readonly #targets = new Set<number>();
  #lastEnd: number;

  constructor(bytes: Buffer, start: number, sample: VmStatisticsSample | null, numbers: Float64Array, layout: Layout) {
    this.#bytes = bytes;
    this.#start = start;
    this.#sample = sample;
    this.#numbers = numbers;
    this.#layout = layout;
    this.#lastEnd = start;
  }

  make(): Tape {
    this.#object(this.#start, (name, at) => {
      const part = this.#sample === null ? undefined : vmParts.get(name);
      if (part === undefined) return this.#member(vmMembers, targetInVm, name, at);
      const { members, within } = part;
      if (within === 'list') return this.#listOf(name, members, at);
      if (this.#bytes[at] !== OPEN_OBJECT) return this.#same(at);
      if (within === 'itself') return this.#object(at, (own, from) => this.#member(members, targetInPart, own, from));
      return this.#object(at, (key, from) => this.#entry(name, key, members, from));
    });
    return Int32Array.from(this.#tape);
  }

  /** One nic or disk. */
  #entry(part: string, key: string, members: Members, at: number): number {
    if (this.#bytes[at] !== OPEN_OBJECT) return this.#same(at);
    const target = part === 'network' ? this.#nicTarget(key) : this.#diskTarget(key);
    return this.#object(at, (name, from) => this.#member(members, target, name, from));
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
    const count = this.#sample?.disksUsage?.length ?? 0;
    if (this.#bytes[at] !== OPEN_LIST || this.#lengthOf(at) !== count) return this.#same(at);
    let index = 0;
    return this.#list(at, (from) => {
      const target = targetsFrom(usedDiskNames, this.#layout.usedDisks + index * usedDiskNames.length);
      index += 1;
      if (this.#bytes[from] !== OPEN_OBJECT) throw new Strange(name);
      return this.#object(from, (own, place) => this.#member(members, target, own, place));
    });
  }

  #lengthOf(at: number): number {
    let length = 0;
    this.#list(at, (from) => {
      length += 1;
      return this.#same(from);
    });
    return length;
  }

  #member({ measured, state }: Members, target: Target, name: string, at: number): number {
    const kind = measured.get(name);
    if (kind !== undefined) return this.#measured(kind, target(name), at);
    return state.has(name) ? this.#same(at) : this.#skipped(at);
  }

  #measured(kind: Kind, target: number, at: number): number {
    const quoted = this.#bytes[at] === QUOTE;
    const from = quoted ? at + 1 : at;
    const code = slotCode(kind, quoted, target);
    const slot = target < 0 || target >= MAX_TARGETS ? undefined : slotAt(this.#bytes, from, code);
    // What a plain reader makes something else of is not followed.
    if (slot === undefined || !Object.is(slot.value, this.#numbers[target])) return this.#same(at);
    if (this.#targets.has(target)) throw new Strange('twice');
    this.#targets.add(target);
    this.#slot(from, slot.end, code);
    return quoted ? slot.end + 1 : slot.end;
  }

  /** A value that nobody reads, whatever it is: all plain texts and numbers in it may differ. */
  #skipped(at: number): number {
    const byte = this.#bytes[at] as number;
    if (byte === OPEN_OBJECT) return this.#object(at, (_, from) => this.#skipped(from), false);
    if (byte === OPEN_LIST) return this.#list(at, (from) => this.#skipped(from));
    if (byte === QUOTE) {
      const end = endOfPlainText(this.#bytes, at + 1);
      if (end < 0 || end - at > LONGEST_SKIPPED) return this.#same(at);
      this.#slot(at + 1, end, slotCode(kinds.skipped, true, 0));
      return end + 1;
    }
    if (byte !== MINUS && (byte < ZERO || byte > NINE)) return this.#same(at);
    const code = slotCode(kinds.skipped, false, 0);
    const slot = slotAt(this.#bytes, at, code);
    if (slot === undefined) return this.#same(at);
    this.#slot(at, slot.end, code);
    return slot.end;
  }

  #slot(from: number, end: number, code: number): void {
    if (this.#tape.length >= MAX_SLOTS * PER_SLOT) return;
    this.#tape.push(from - this.#lastEnd, end - from, code);
    this.#lastEnd = end;
  }

  /** A value that is part of the state. */
  #same(at: number): number {
    const byte = this.#bytes[at];
    if (byte === OPEN_OBJECT) return this.#object(at, (_, from) => this.#same(from), false);
    if (byte === OPEN_LIST) return this.#list(at, (from) => this.#same(from));
    if (byte === QUOTE) return this.#endOfText(at + 1) + 1;
    let end = at;
    // A number or a word: valid as it is, it ends where something else begins.
    while (!endsWord(this.#bytes[end])) end += 1;
    return end;
  }

  /** Position of the closing quote. */
  #endOfText(from: number): number {
    let i = from;
    while (this.#bytes[i] !== QUOTE) {
      if (i >= this.#bytes.length) throw new Strange('no end');
      i += this.#bytes[i] === BACKSLASH ? 2 : 1;
    }
    return i;
  }

  /** `named`: its names are of interest, and none may stand in it twice. */
  #object(at: number, onMember: OnMember, named = true): number {
    const bytes = this.#bytes;
    const names = new Set<string>();
    let i = skipSpace(bytes, at + 1);
    if (bytes[i] === CLOSE_OBJECT) return i + 1;
    for (;;) {
      const end = this.#endOfText(i + 1);
      let name = '';
      if (named) {
        // A name with an escape in it may be any.
        if (endOfPlainText(bytes, i + 1) !== end) throw new Strange('escape');
        name = bytes.toString('utf8', i + 1, end);
        if (names.has(name)) throw new Strange('twice');
        names.add(name);
      }
      i = skipSpace(bytes, onMember(name, skipSpace(bytes, skipSpace(bytes, end + 1) + 1)));
      if (bytes[i] !== COMMA) return i + 1;
      i = skipSpace(bytes, i + 1);
    }
  }

  #list(at: number, onItem: (at: number) => number): number {
    const bytes = this.#bytes;
    let i = skipSpace(bytes, at + 1);
    if (bytes[i] === CLOSE_LIST) return i + 1;
    for (;;) {
      i = skipSpace(bytes, onItem(i));
      if (bytes[i] !== COMMA) return i + 1;
      i = skipSpace(bytes, i + 1);
    }
  }
}

function endsWord(byte: number | undefined): boolean {
  return byte === undefined || byte <= 0x20 || byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_LIST;
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
