import {
  type HostEndpoint,
  type ReportedVmDynamic,
  type ReportProblem,
  sameValue,
  type VmJob,
  type VmReport,
  type VmStatisticsSample,
  type VmStatus,
} from '../../model/index.js';
import { Problems } from '../decode/problems.js';
import { type JsonObject, Reader } from '../decode/reader.js';
import { withTexts } from '../decode/vm-dynamic.js';
import type { GuestNic } from '../decode/vm-guest.js';
import { decodeVm } from '../decode/vm-report.js';
import type { Body } from './bytes.js';
import { makeTape } from './make-tape.js';
import { foundTexts, type Tape, takeFound, walk } from './slots.js';
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

  /**
   * `before`: the report of the same VM in the answer before, if texts of its state alone are others than there;
   * `dynamic`: `plain` with another one.
   */
  constructor(
    plain: VmReport,
    numbers: Float64Array,
    figures: VmFigures | null,
    before?: VmReport,
    dynamic: ReportedVmDynamic = before === undefined ? plain.dynamic : sharing(plain.dynamic, before.dynamic),
  ) {
    this.vmId = plain.vmId;
    this.vmName = plain.vmName;
    this.status = plain.status;
    this.dynamic = dynamic;
    this.deviceHash = plain.deviceHash;
    this.tpmHash = plain.tpmHash;
    this.nvramHash = plain.nvramHash;
    this.#guestNics = plain.guestInterfaces();
    this.#jobs = (before ?? plain).jobs();
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
  report: FollowedVmReport;
  readonly tape: Tape;
  readonly numbers: Float64Array;
  readonly figures: VmFigures | null;
  readonly usedDisksAt: number;
}

/** Of what is equal the value of before stays: the other one need not be kept. `fresh` is nobody else's: it is filled in place. */
function sharing(fresh: ReportedVmDynamic, before: ReportedVmDynamic): ReportedVmDynamic {
  const shared: Record<string, unknown> = fresh;
  for (const name in shared) {
    const value = before[name as keyof ReportedVmDynamic];
    if (sameValue(shared[name], value)) shared[name] = value;
  }
  return shared as ReportedVmDynamic;
}

/** One VM's entry as it was last read. */
export class VmEntry {
  readonly vmId: string;
  readonly index: number;
  readonly depth: number;
  readonly containers: number;
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
  #report: VmReport | undefined;
  readonly #followed: Followed | undefined;

  constructor(vm: JsonObject, vmId: string, at: EntryPlace, host: HostEndpoint) {
    this.vmId = vmId;
    this.index = at.index;
    this.depth = at.depth;
    this.containers = at.containers;
    this.body = at.body;
    this.start = at.start;
    this.size = at.size;
    const problems = new Problems();
    const plain = decodeVm(new Reader(vm, `vms[${at.index}]`, problems, vmId), { vmId, host, kind: 'poll' });
    this.stateProblems = problems.list();
    const sample = plain?.statistics() ?? null;
    plain?.jobs();
    this.figureProblems = problems.list().slice(this.stateProblems.length);
    const readable = this.stateProblems.length + this.figureProblems.length === 0;
    this.#followed = plain !== undefined && readable ? followed(plain, sample, this) : undefined;
    this.#report = this.#followed?.report ?? plain;
    this.tape = this.#followed?.tape ?? nothing;
    this.values = this.#followed?.numbers ?? noNumbers;
  }

  get report(): VmReport | undefined {
    return this.#report;
  }

  /**
   * Takes a later entry of the same VM for this one, if texts of its state and figures are all that differs: then its state
   * is read from `vm`, and nothing else is made anew. false: it is another one, and nothing has changed here.
   */
  restate(vm: JsonObject, at: EntryPlace, host: HostEndpoint): boolean {
    const known = this.#followed;
    const { vmId } = this;
    if (known === undefined || walk(this, at.body, at.start, true) !== at.start + at.size) return false;
    const problems = new Problems();
    const before = known.report;
    const reader = new Reader(vm, `vms[${at.index}]`, problems, vmId);
    const plain = decodeVm(reader, { vmId, host, kind: 'poll', sameNics: before });
    if (plain === undefined || problems.list().length > 0) return false;
    // Of a VM that is Down nothing is measured, whatever its entry has.
    if ((plain.status === 'Down') !== (before.status === 'Down')) return false;
    this.#takeReport(known, new FollowedVmReport(plain, known.numbers, known.figures, before));
    this.#move(at.body, at.start, at.size);
    return true;
  }

  /**
   * Takes a new entry for this one, in which texts differ that say one thing each (who is logged on, from where), and figures:
   * only these are read, and nothing is parsed. Gives where it ends; -1: it is of another VM, or differs in more.
   */
  retext(body: Body, at: number): number {
    const known = this.#followed;
    const end = known === undefined ? -1 : walk(this, body, at, true);
    if (known === undefined || end < 0) return -1;
    const texts = foundTexts(this, body);
    const problems = new Problems();
    const reader = new Reader(Object.fromEntries(texts), '', problems);
    const dynamic = withTexts(known.report.dynamic, reader, [...texts.keys()]);
    if (dynamic === undefined || problems.list().length > 0) return -1;
    this.#takeReport(known, new FollowedVmReport(known.report, known.numbers, known.figures, undefined, dynamic));
    this.#move(body, at, end - at);
    return end;
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
    this.#move(body, at, end - at);
    return end;
  }

  /** With the figures that the last walk found. */
  #takeReport(known: Followed, report: FollowedVmReport): void {
    const highest = takeFound(this, places.timestamp);
    if (highest >= known.usedDisksAt) known.figures?.outdateDisksUsage();
    known.report = report;
    this.#report = report;
  }

  #move(body: Body, start: number, size: number): void {
    this.body = body;
    this.start = start;
    this.size = size;
  }
}

const nothing = new Uint16Array(0);
const noNumbers = new Float64Array(0);

interface EntryPlace {
  readonly body: Body;
  readonly start: number;
  readonly size: number;
  readonly index: number;
  readonly depth: number;
  readonly containers: number;
}

function followed(plain: VmReport, sample: VmStatisticsSample | null, entry: VmEntry): Followed | undefined {
  const layout: Layout = sample === null ? withoutFigures : layoutOf(sample);
  const numbers = sample === null ? onlyTime(plain) : numbersOf(sample, plain.timestamp, layout);
  if (numbers === undefined) return undefined;
  const tape = makeTape(entry.body.bytes, entry.start, sample, numbers, layout);
  if (tape === undefined) return undefined;
  const figures = sample === null ? null : new VmFigures(sample, numbers, layout);
  const report = new FollowedVmReport(plain, numbers, figures);
  return { report, tape, numbers, figures, usedDisksAt: layout.usedDisks };
}

const withoutFigures: Layout = { disks: places.nics, usedDisks: places.nics, size: places.nics };

function onlyTime({ timestamp }: VmReport): Float64Array {
  const numbers = new Float64Array(places.nics).fill(Number.NaN);
  if (timestamp !== null) numbers[places.timestamp] = timestamp;
  return numbers;
}
