import { OPEN_OBJECT } from './bytes.js';
import { freePages, type Members, vdsMaps, vdsMembers } from './members.js';
import type { Tape } from './slots.js';
import { Strange, TapeWriter } from './tape-writer.js';

/** Parts of a host's statistics that are made anew when a number in them differs. */
export const parts = { figures: 0, nics: 1, storageDomains: 2, diskStats: 3, numa: 4, time: 5 } as const;

const partOfMap: Readonly<Record<string, number>> = {
  network: parts.nics,
  storageDomains: parts.storageDomains,
  diskStats: parts.diskStats,
  numaNodeMemFree: parts.numa,
  cpuStatistics: parts.numa,
};

/** Where in the numbers that of a member is, by its names from the outside to the inside; -1: it is not followed. */
export type PlaceOf = (...path: readonly string[]) => number;

/** Where in one answer to Host.getStats its numbers stand, and what they are. */
export interface VdsPlaces {
  readonly tape: Tape;
  readonly numbers: Float64Array;
  /** By place of a number. */
  readonly partOf: Uint8Array;
  readonly placeOf: PlaceOf;
  /** Whether somebody has asked for every place: a number that nobody takes over would stay as it was. */
  readonly allTaken: () => boolean;
}

/** Of the result that is known to be valid JSON from `start` on; undefined: not of a form that can be followed. */
export function vdsPlaces(bytes: Buffer, start: number): VdsPlaces | undefined {
  const writer = new TapeWriter(bytes, start);
  const numbers: number[] = [];
  const partOf: number[] = [];
  const places = new Map<string, number>();
  const member = ({ measured, state }: Members, part: number, path: string, name: string, at: number): number => {
    const kind = measured.get(name);
    if (kind === undefined) return state.has(name) ? writer.same(at) : writer.skipped(at);
    return writer.measured(kind, at, (value) => {
      places.set(path + name, numbers.length);
      partOf.push(name === 'dateTime' ? parts.time : part);
      return numbers.push(value) - 1;
    });
  };
  /** A map of objects that have these members. */
  const map = (members: Members, part: number, path: string, at: number): number => {
    if (bytes[at] !== OPEN_OBJECT) return writer.same(at);
    return writer.object(at, (key, entryAt) => {
      const own = `${path}${key}\0`;
      if (bytes[entryAt] !== OPEN_OBJECT) return writer.same(entryAt);
      return writer.object(entryAt, (name, from) =>
        name === 'hugepages' && part === parts.numa
          ? map(freePages, part, `${own}hugepages\0`, from)
          : member(members, part, own, name, from),
      );
    });
  };
  try {
    writer.object(start, (name, at) => {
      const members = vdsMaps.get(name);
      if (members === undefined) return member(vdsMembers, parts.figures, '', name, at);
      return map(members, partOfMap[name] as number, `${name}\0`, at);
    });
  } catch (error) {
    if (error instanceof Strange) return undefined;
    throw error;
  }
  const taken = new Set<number>();
  const placeOf: PlaceOf = (...path) => {
    const place = places.get(path.join('\0')) ?? -1;
    if (place >= 0) taken.add(place);
    return place;
  };
  return {
    tape: writer.tape(),
    numbers: Float64Array.from(numbers),
    partOf: Uint8Array.from(partOf),
    placeOf,
    allTaken: () => taken.size === numbers.length,
  };
}
