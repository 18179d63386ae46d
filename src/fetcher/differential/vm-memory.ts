import type { HostEndpoint, ReportProblem, VmReport, VmStatsReport } from '../../model/index.js';
import { isObject } from '../decode/reader.js';
import { MAX_VMS } from '../decode/vm-stats-report.js';
import { MAX_DEPTH, maxContainersOf, parseJson } from '../json.js';
import { isCleanKey } from '../text.js';
import { type Body, bodyOf, CLOSE_LIST, COMMA, extentOf, OPEN_OBJECT, skipSpace } from './bytes.js';
import { Envelope } from './envelope.js';
import { VmEntry } from './vm-entry.js';

/** More problems than a plain reader keeps are for it to count. */
const MAX_PROBLEMS = 100;
/** Longer ones are for a plain reader to judge. */
const LONGEST_MARKER = 1024;

/** One page that was read: where the next one begins; null: it was the last. */
export class ReadPage {
  readonly paged: boolean;
  readonly next: string | number | null;

  constructor(paged: boolean, next: string | number | null) {
    this.paged = paged;
    this.next = next;
  }
}

/** The VMs of one answer, and of all answers after it in which nothing but figures differs. */
interface Shape {
  readonly ids: ReadonlyMap<string, VmReport | undefined>;
  readonly all: readonly VmReport[];
  readonly problems: readonly ReportProblem[];
}

/** The whole answer of one poll, read beside the one before. */
class FollowedVmStatsReport implements VmStatsReport {
  readonly complete = true;
  readonly #shape: Shape;
  readonly #changed: readonly VmReport[];

  constructor(shape: Shape, changed: readonly VmReport[]) {
    this.#shape = shape;
    this.#changed = changed;
  }

  get size(): number {
    return this.#shape.ids.size;
  }

  get problems(): readonly ReportProblem[] {
    return this.#shape.problems;
  }

  has(vmId: string): boolean {
    return this.#shape.ids.has(vmId);
  }

  ids(): Iterable<string> {
    return this.#shape.ids.keys();
  }

  get(vmId: string): VmReport | undefined {
    return this.#shape.ids.get(vmId);
  }

  all(): readonly VmReport[] {
    return this.#shape.all;
  }

  changed(): readonly VmReport[] {
    return this.#changed;
  }
}

/**
 * What is remembered of one host's answers to Host.getAllVmStats: the bytes of the last one, and by VM where in them the
 * figures stand. A new answer is walked beside it. What differs in figures alone keeps its report; of what differs in more
 * the entry is parsed as a plain reader does. An answer that is not of the form that is known here is not taken at all:
 * it is for a plain reader, and so is what is wrong with it.
 *
 * A pass is all pages of one answer: `begin`, `take` per page, `finish`. A pass that was given up after its first page, or
 * one page of which was not taken, leaves a memory of no use: `forget`.
 */
export class VmMemory {
  #host: HostEndpoint | undefined;
  #byId = new Map<string, VmEntry>();
  #order: readonly VmEntry[] = [];
  #shape: Shape | undefined;
  #pass = 0;
  /** The bytes that entries refer to: of the last answer, and of this pass so far. */
  #bodies: Buffer[] = [];
  #taken: Buffer[] = [];
  /** The entries of this pass so far. Only made when they are not those of the last answer, one by one. */
  #next: VmEntry[] | null = null;
  /** How many entries this pass has seen. */
  #seen = 0;
  /** Where in the last order the next entry is looked for. */
  #place = 0;

  begin(host: HostEndpoint): void {
    // Consoles that listen everywhere are reported at the host's own address.
    if (this.#host?.address !== host.address) this.forget();
    this.#host = host;
    this.#pass += 1;
    this.#next = null;
    this.#seen = 0;
    this.#place = 0;
    this.#taken = [];
  }

  forget(): void {
    this.#byId = new Map();
    this.#order = [];
    this.#shape = undefined;
    this.#bodies = [];
  }

  /** After `finish`: the bytes of the answer before, which nothing refers to any more. Given once. */
  freed(): readonly Buffer[] {
    const freed = this.#bodies;
    this.#bodies = this.#taken;
    this.#taken = [];
    return freed;
  }

  /** Reads one page. undefined: not of a form that is known here; then nothing of the pass may be used. */
  take(bytes: Buffer, id: string): ReadPage | undefined {
    const envelope = new Envelope(bytes);
    let at = envelope.open();
    if (at < 0) return undefined;
    const body = bodyOf(bytes);
    let containers = envelope.depth;
    if (bytes[at] === CLOSE_LIST) at += 1;
    else {
      for (;;) {
        if (bytes[at] !== OPEN_OBJECT) return undefined;
        const entry = this.#follow(body, at) ?? this.#meet(body, at);
        if (entry === undefined || envelope.depth + entry.depth > MAX_DEPTH) return undefined;
        containers += entry.containers;
        at = skipSpace(bytes, entry.start + entry.size);
        const byte = bytes[at];
        at += 1;
        if (byte === CLOSE_LIST) break;
        if (byte !== COMMA) return undefined;
        at = skipSpace(bytes, at);
      }
    }
    if (!envelope.close(at) || envelope.id !== id || (envelope.error ?? null) !== null) return undefined;
    if (containers > maxContainersOf(bytes.length)) return undefined;
    const next = envelope.next ?? null;
    this.#taken.push(bytes);
    if (typeof next === 'boolean' || (typeof next === 'string' && next.length > LONGEST_MARKER)) return undefined;
    return new ReadPage(envelope.paged, next === '' ? null : next);
  }

  /** The answer of this pass; undefined: it is for a plain reader. */
  finish(): VmStatsReport | undefined {
    const known = this.#shape;
    if (known !== undefined && this.#next === null && this.#seen === this.#order.length) {
      return new FollowedVmStatsReport(known, []);
    }
    const order = this.#next ?? this.#order.slice(0, this.#seen);
    if (order.length > MAX_VMS) return undefined;
    const shape = shapeOf(order);
    if (shape.problems.length > MAX_PROBLEMS) return undefined;
    for (const [place, entry] of order.entries()) entry.place = place;
    // An entry that is not in the answer holds on to the bytes of the one before.
    for (const entry of this.#byId.values()) if (entry.pass !== this.#pass) this.#byId.delete(entry.vmId);
    this.#order = order;
    this.#shape = shape;
    const before = known?.ids;
    return new FollowedVmStatsReport(
      shape,
      shape.all.filter((report) => before?.get(report.vmId) !== report),
    );
  }

  /** The entry that stood here in the last answer, if this is its successor. */
  #follow(body: Body, at: number): VmEntry | undefined {
    while (this.#order[this.#place]?.pass === this.#pass) this.#place += 1;
    const entry = this.#order[this.#place];
    if (entry === undefined) return undefined;
    if (entry.follow(body, at, this.#seen) < 0) {
      if (entry.retext(body, at) < 0) return undefined;
      // Its report is another object.
      this.#leaveOrder();
    }
    return this.#see(entry);
  }

  /** An entry that is not what was expected: of another VM, or of another state. */
  #meet(body: Body, at: number): VmEntry | undefined {
    const { bytes } = body;
    const { end, depth, containers } = extentOf(bytes, at);
    if (end < 0 || this.#host === undefined) return undefined;
    const vm = parsed(bytes.subarray(at, end));
    if (!isObject(vm)) return undefined;
    const { vmId } = vm;
    if (typeof vmId !== 'string' || !isCleanKey(vmId)) return undefined;
    const known = this.#byId.get(vmId);
    // Listed twice: a plain reader says so.
    if (known?.pass === this.#pass) return undefined;
    const expected = this.#order[this.#place];
    this.#leaveOrder();
    if (known !== undefined) {
      this.#place = known.place;
      if (known !== expected && known.follow(body, at, this.#seen) >= 0) return this.#see(known);
    }
    const place = { body, start: at, size: end - at, index: this.#seen, depth, containers };
    if (known?.restate(vm, place, this.#host)) return this.#see(known);
    const entry = new VmEntry(vm, vmId, place, this.#host);
    this.#byId.set(vmId, entry);
    if (known === undefined) {
      // A new VM stands between two that are known.
      this.#place -= 1;
    } else {
      entry.place = known.place;
      // The old entry is over: nothing is walked beside it any more.
      known.pass = this.#pass;
    }
    return this.#see(entry);
  }

  #see(entry: VmEntry): VmEntry {
    entry.pass = this.#pass;
    this.#next?.push(entry);
    this.#seen += 1;
    this.#place += 1;
    return entry;
  }

  /** From here on the entries are not those of the last answer, one by one. */
  #leaveOrder(): void {
    this.#next ??= this.#order.slice(0, this.#seen);
  }
}

function shapeOf(order: readonly VmEntry[]): Shape {
  const ids = new Map<string, VmReport | undefined>();
  const all: VmReport[] = [];
  for (const { vmId, report } of order) {
    ids.set(vmId, report);
    if (report !== undefined) all.push(report);
  }
  const problems = [
    ...order.flatMap(({ stateProblems }) => stateProblems),
    ...order.flatMap(({ figureProblems }) => figureProblems),
  ];
  return { ids, all, problems };
}

function parsed(bytes: Buffer): unknown {
  try {
    return parseJson(bytes);
  } catch {
    // What is wrong with it shows when the whole body is parsed.
    return undefined;
  }
}
