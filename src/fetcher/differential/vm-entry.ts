import type {
  HostEndpoint,
  ReportedVmDynamic,
  ReportProblem,
  VmJob,
  VmReport,
  VmStatisticsSample,
  VmStatus,
} from '../../model/index.js';
import { Problems } from '../decode/problems.js';
import { type JsonObject, Reader } from '../decode/reader.js';
import type { GuestNic } from '../decode/vm-guest.js';
import { decodeVm } from '../decode/vm-report.js';
import type { Body } from './bytes.js';
import { makeTape } from './make-tape.js';
import { retaped, type Tape, takeFound, walk } from './slots.js';
import { type Layout, layoutOf, numbersOf, places, VmFigures } from './vm-figures.js';

/** A VM that is in the reader's memory: its state as a plain reader gave it, its figures those of the newest answer. */
class FollowedVmReport implements VmReport {
  readonly vmId: string;
  readonly vmName: string | null;
  readonly status: VmStatus;
  readonly dynamic: ReportedVmDynamic;
  readonly deviceHash: string | null;
  readonly tpmHash: string | null;
  readonly nvramHash: string | null;
  readonly #guestNics: readonly GuestNic[] | null;
  readonly #jobs: readonly Omit<VmJob, 'vmId'>[] | null;
  readonly #numbers: Float64Array;
  readonly #figures: VmFigures | null;
  #figuresVersion = 0;

  constructor(plain: VmReport, numbers: Float64Array, figures: VmFigures | null) {
    this.vmId = plain.vmId;
    this.vmName = plain.vmName;
    this.status = plain.status;
    this.dynamic = plain.dynamic;
    this.deviceHash = plain.deviceHash;
    this.tpmHash = plain.tpmHash;
    this.nvramHash = plain.nvramHash;
    this.#guestNics = plain.guestInterfaces();
    this.#jobs = plain.jobs();
    this.#numbers = numbers;
    this.#figures = figures;
  }

  get timestamp(): number | null {
    const value = this.#numbers[places.timestamp] as number;
    return Number.isNaN(value) ? null : value;
  }

  get figuresVersion(): number {
    return this.#figuresVersion;
  }

  statistics(): VmStatisticsSample | null {
    return this.#figures;
  }

  guestInterfaces(): readonly GuestNic[] | null {
    return this.#guestNics;
  }

  jobs(): readonly Omit<VmJob, 'vmId'>[] | null {
    return this.#jobs;
  }

  /** `ofDisksUsage`: also those of the disks that the guest sees. */
  figuresDiffer(ofDisksUsage: boolean): void {
    this.#figuresVersion += 1;
    if (ofDisksUsage) this.#figures?.outdateDisksUsage();
  }
}

/** An entry with what it takes to follow it. */
interface Followed {
  readonly report: FollowedVmReport;
  readonly tape: Tape;
  readonly numbers: Float64Array;
  readonly usedDisksAt: number;
  /** Whether more than the time is measured of it. */
  readonly measured: boolean;
}

/** One VM's entry as it was last read. */
export class VmEntry {
  readonly vmId: string;
  readonly index: number;
  readonly depth: number;
  readonly containers: number;
  readonly report: VmReport | undefined;
  /** In state and jobs first, then in what is measured: as a plain reader finds them. */
  readonly stateProblems: readonly ReportProblem[];
  readonly figureProblems: readonly ReportProblem[];
  body: Body;
  start: number;
  size: number;
  readonly tape: Tape;
  readonly values: Float64Array;
  /** The number of the pass that saw it last. */
  pass = 0;
  /** Its place in the order of the last whole answer. */
  place = -1;
  readonly #followed: Followed | undefined;

  /** `before`: the entry of the same VM in the answer before, if there was one. */
  constructor(vm: JsonObject, vmId: string, at: EntryPlace, host: HostEndpoint, before?: VmEntry) {
    this.vmId = vmId;
    this.index = at.index;
    this.depth = at.depth;
    this.containers = at.containers;
    this.body = at.body;
    this.start = at.start;
    this.size = at.size;
    const problems = new Problems();
    const alike = before?.isAlike(at) === true;
    const plain = decodeVm(new Reader(vm, `vms[${at.index}]`, problems, vmId), {
      ...{ vmId, host, kind: 'poll' },
      sameNics: alike ? before?.report : undefined,
    });
    this.stateProblems = problems.list();
    const sample = plain?.statistics() ?? null;
    plain?.jobs();
    this.figureProblems = problems.list().slice(this.stateProblems.length);
    const readable = this.stateProblems.length + this.figureProblems.length === 0;
    this.#followed =
      plain !== undefined && readable ? followed(plain, sample, this, alike ? before : undefined) : undefined;
    this.report = this.#followed?.report ?? plain;
    this.tape = this.#followed?.tape ?? nothing;
    this.values = this.#followed?.numbers ?? noNumbers;
  }

  /** Whether a later entry of the same VM differs from this one in texts of its state and in figures alone. */
  isAlike({ body, start, size }: EntryPlace): boolean {
    return this.#followed !== undefined && walk(this, body, start, true) === start + size;
  }

  /** After `isAlike`: the tape of that entry, of which this is measured; undefined: it is to be made anew. */
  tapeFor(numbers: Float64Array, measured: boolean, layout: Layout): Tape | undefined {
    const known = this.#followed;
    if (known === undefined || known.measured !== measured) return undefined;
    if (known.numbers.length !== numbers.length || known.usedDisksAt !== layout.usedDisks) return undefined;
    return retaped(this, numbers);
  }

  /**
   * Takes a new entry for this one. Gives where it ends; -1: it is of another VM, or differs in more than figures.
   * `index`: its place in the list, which stands in the names of problems.
   */
  follow(body: Body, at: number, index: number): number {
    if (this.#followed === undefined && index !== this.index) return -1;
    const end = walk(this, body, at);
    if (end < 0) return -1;
    const followed = this.#followed;
    if (followed !== undefined) {
      const highest = takeFound(this, places.timestamp);
      if (highest >= 0) followed.report.figuresDiffer(highest >= followed.usedDisksAt);
    }
    this.body = body;
    this.start = at;
    this.size = end - at;
    return end;
  }
}

const nothing = new Int32Array(0);
const noNumbers = new Float64Array(0);

interface EntryPlace {
  readonly body: Body;
  readonly start: number;
  readonly size: number;
  readonly index: number;
  readonly depth: number;
  readonly containers: number;
}

function followed(
  plain: VmReport,
  sample: VmStatisticsSample | null,
  entry: VmEntry,
  alike: VmEntry | undefined,
): Followed | undefined {
  const measured = sample !== null;
  const layout: Layout = sample === null ? withoutFigures : layoutOf(sample);
  const numbers = sample === null ? onlyTime(plain) : numbersOf(sample, plain.timestamp, layout);
  if (numbers === undefined) return undefined;
  const tape =
    alike?.tapeFor(numbers, measured, layout) ?? makeTape(entry.body.bytes, entry.start, sample, numbers, layout);
  if (tape === undefined) return undefined;
  const figures = sample === null ? null : new VmFigures(sample, numbers, layout);
  return {
    report: new FollowedVmReport(plain, numbers, figures),
    tape,
    numbers,
    usedDisksAt: layout.usedDisks,
    measured,
  };
}

const withoutFigures: Layout = { disks: places.nics, usedDisks: places.nics, size: places.nics };

function onlyTime({ timestamp }: VmReport): Float64Array {
  const numbers = new Float64Array(places.nics).fill(Number.NaN);
  if (timestamp !== null) numbers[places.timestamp] = timestamp;
  return numbers;
}
