import { hashOf, type Telemetry } from '../../kernel/index.js';
import type { VdsStatsReport } from '../../model/index.js';
import { isObject, type JsonObject } from '../decode/reader.js';
import { decodeVdsStats } from '../decode/vds-stats.js';
import { MAX_DEPTH, maxContainersOf, parseJson } from '../json.js';
import { type Body, bodyOf, extentOf, OPEN_OBJECT } from './bytes.js';
import { difference } from './difference.js';
import { Envelope } from './envelope.js';
import { ownBytes } from './own-bytes.js';
import { type Tape, takeFoundParts, walk } from './slots.js';
import { VdsFigures } from './vds-figures.js';
import { type VdsPlaces, vdsPlaces } from './vds-places.js';

/** One of so many answers of a host is read in both ways. */
const CHECKED = 1000;
/** Levels of nesting around the result. */
const DEPTH = 1;
/** All parts of a report. */
const EVERYTHING = -1;

/** An answer that was read without being parsed as a whole. */
export class ReadVdsStats {
  readonly report: VdsStatsReport;

  constructor(report: VdsStatsReport) {
    this.report = report;
  }
}

/** The last answer that is followed, and what it takes to do so. */
class Followed {
  body: Body;
  start: number;
  size: number;
  readonly tape: Tape;
  readonly values: Float64Array;
  readonly containers: number;
  readonly #partOf: Uint8Array;
  readonly #figures: VdsFigures;

  constructor(body: Body, start: number, size: number, containers: number, places: VdsPlaces, figures: VdsFigures) {
    this.body = body;
    this.start = start;
    this.size = size;
    this.containers = containers;
    this.tape = places.tape;
    this.values = places.numbers;
    this.#partOf = places.partOf;
    this.#figures = figures;
  }

  get report(): VdsStatsReport {
    return this.#figures.report(0);
  }

  /** Takes what the last walk found over; the new result stands here. */
  take(body: Body, start: number, size: number): VdsStatsReport {
    this.body = body;
    this.start = start;
    this.size = size;
    return this.#figures.report(takeFoundParts(this, this.#partOf));
  }
}

/**
 * What is remembered of one host's answers to Host.getStats: the bytes of the last one, and where in them its numbers
 * stand. A new answer is walked beside it; when anything else differs, it is decoded as a plain reader does.
 */
export class VdsStatsMemory {
  #followed: Followed | undefined;

  /**
   * undefined: not of a form that is known here, and what is wrong with it is for a plain reader to say. `freed` is given
   * bytes that are no longer referred to; those of the answer are kept.
   */
  take(bytes: Buffer, id: string, freed: (bytes: Buffer) => void): VdsStatsReport | undefined {
    const envelope = new Envelope(bytes);
    const start = envelope.toResult();
    if (start < 0 || bytes[start] !== OPEN_OBJECT) return undefined;
    const body = bodyOf(bytes);
    const known = this.#followed;
    const end = known === undefined ? -1 : walk(known, body, start);
    const good = (to: number): boolean => envelope.close(to) && envelope.id === id && (envelope.error ?? null) === null;
    if (known === undefined || end < 0) return this.#meet(body, start, good, freed);
    if (!good(end) || known.containers + DEPTH > maxContainersOf(bytes.length)) return undefined;
    freed(known.body.bytes);
    return known.take(body, start, end - start);
  }

  forget(): void {
    this.#followed = undefined;
  }

  #meet(
    body: Body,
    start: number,
    good: (end: number) => boolean,
    freed: (bytes: Buffer) => void,
  ): VdsStatsReport | undefined {
    const { bytes } = body;
    const { end, depth, containers } = extentOf(bytes, start);
    if (end < 0 || depth + DEPTH > MAX_DEPTH || containers + DEPTH > maxContainersOf(bytes.length)) return undefined;
    if (!good(end)) return undefined;
    const result = parsed(bytes.subarray(start, end));
    if (!isObject(result)) return undefined;
    if (this.#followed !== undefined) freed(this.#followed.body.bytes);
    this.#followed = undefined;
    const plain = decodeVdsStats(result);
    const followed = follow(plain, result, body, start, end - start, containers);
    if (followed === undefined) freed(bytes);
    this.#followed = followed;
    return followed?.report ?? plain;
  }
}

/** undefined: the answer is not of a form that can be followed. */
function follow(
  plain: VdsStatsReport,
  result: JsonObject,
  body: Body,
  start: number,
  size: number,
  containers: number,
): Followed | undefined {
  // What is wrong with an answer has a place in it, which is for a plain reader to name each time.
  const places = plain.problems.length > 0 ? undefined : vdsPlaces(body.bytes, start);
  if (places === undefined) return undefined;
  const figures = new VdsFigures(plain, result, places.placeOf, places.numbers);
  const known = places.allTaken() && difference('', figures.report(EVERYTHING), plain) === null;
  return known ? new Followed(body, start, size, containers, places, figures) : undefined;
}

interface Known {
  readonly memory: VdsStatsMemory;
  /** Both ways of reading gave different things: this host is read plainly from now on. */
  distrusted: boolean;
  answers: number;
}

/** Answers to Host.getStats, with a memory per host. */
export class VdsStatsReader {
  readonly #telemetry: Telemetry;
  readonly #recycle: (bytes: Buffer) => void;
  readonly #hosts = new Map<string, Known>();

  /** `recycle`: where bytes go that are no longer needed, to be read into again. */
  constructor(telemetry: Telemetry, recycle: (bytes: Buffer) => void) {
    this.#telemetry = telemetry;
    this.#recycle = recycle;
  }

  /** undefined: the answer is to be parsed. */
  read(hostId: string, body: Buffer, id: string): ReadVdsStats | undefined {
    const known = this.#knownOf(hostId);
    if (known.distrusted) return undefined;
    const bytes = ownBytes(body);
    const freed: Buffer[] = [];
    const report = known.memory.take(bytes, id, (old) => void freed.push(old));
    known.answers += 1;
    if (report === undefined) {
      this.#telemetry.count('vurti_host_answers_parsed_total');
      return undefined;
    }
    const trusted = known.answers % CHECKED !== 0 || this.#check(hostId, known, bytes, report);
    for (const old of freed) this.#recycle(old);
    return trusted ? new ReadVdsStats(report) : undefined;
  }

  release(hostId: string): void {
    this.#hosts.delete(hostId);
  }

  #knownOf(hostId: string): Known {
    let known = this.#hosts.get(hostId);
    if (known === undefined) {
      // Not all hosts in one second.
      known = { memory: new VdsStatsMemory(), distrusted: false, answers: (hashOf(hostId) >>> 0) % CHECKED };
      this.#hosts.set(hostId, known);
    }
    return known;
  }

  #check(hostId: string, known: Known, body: Buffer, report: VdsStatsReport): boolean {
    const answer = parsed(body);
    const result = isObject(answer) ? answer['result'] : undefined;
    const at = isObject(result) ? difference('', report, decodeVdsStats(result)) : 'result';
    if (at === null) return true;
    known.distrusted = true;
    known.memory.forget();
    this.#telemetry.count('vurti_host_answer_differences_total');
    const message =
      'an answer read beside the last one differs from the same answer parsed: this host is parsed from now on';
    this.#telemetry.log('error', message, { host: hostId, at });
    return false;
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return parseJson(bytes);
  } catch {
    // What is wrong with it shows when a plain reader reads it.
    return undefined;
  }
}
