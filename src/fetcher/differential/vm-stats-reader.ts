import { hashOf, type Telemetry } from '../../kernel/index.js';
import type { HostEndpoint, VmStatsReport } from '../../model/index.js';
import { isObject } from '../decode/reader.js';
import { ParsedVmStatsReport } from '../decode/vm-stats-report.js';
import { parseJson } from '../json.js';
import { differenceOf } from './difference.js';
import { ownBytes } from './own-bytes.js';
import { type ReadPage, VmMemory } from './vm-memory.js';

/** One of so many answers of a host is read in both ways. */
const CHECKED = 1000;

/** Reads an answer's body at once; undefined: it is to be parsed, and whatever is wrong with it shows then. */
export type AnswerReader<T extends object = object> = (body: Buffer, id: string) => T | undefined;

interface Known {
  readonly memory: VmMemory;
  /** A pass is under way; another one beside it has no memory. */
  busy: boolean;
  /** Both ways of reading gave different things: this host is read plainly from now on. */
  distrusted: boolean;
  answers: number;
}

/** All pages of one answer, as they come: read beside the last answer where that can be, else parsed. */
export class VmPass {
  readonly #host: HostEndpoint;
  readonly #pages: (Buffer | readonly unknown[])[] = [];
  readonly #recycle: (bytes: Buffer) => void;
  /** null: all is parsed. */
  #memory: VmMemory | null;

  /** `recycle`: where bytes go that are no longer needed, to be read into again. */
  constructor(host: HostEndpoint, memory: VmMemory | null, recycle: (bytes: Buffer) => void) {
    this.#host = host;
    this.#memory = memory;
    this.#recycle = recycle;
    memory?.begin(host);
  }

  /** `paged`: whether the protocol has pages. */
  reader(paged: boolean): AnswerReader<ReadPage> {
    return (bytes, id) => {
      if (this.#memory === null) return undefined;
      const body = ownBytes(bytes);
      const page = this.#memory.take(body, id);
      if (page === undefined || (page.paged && !paged)) {
        this.giveUp();
        return undefined;
      }
      this.#pages.push(body);
      return page;
    };
  }

  /** One page that was parsed. */
  add(items: readonly unknown[]): void {
    this.giveUp();
    this.#pages.push(items);
  }

  giveUp(): void {
    this.#memory?.forget();
    this.#memory = null;
  }

  /** Not all pages came. Without any the memory is as it was. */
  abandon(): void {
    if (this.#pages.length > 0) this.giveUp();
  }

  /** null: only a plain reader can read this answer. */
  finish(): VmStatsReport | null {
    const report = this.#memory?.finish() ?? null;
    if (report === null) this.giveUp();
    else for (const bytes of this.#memory?.freed() ?? []) this.#recycle(bytes);
    return report;
  }

  plain(): VmStatsReport {
    return new ParsedVmStatsReport(
      this.#host,
      this.#pages.flatMap((page) => (Buffer.isBuffer(page) ? entriesOf(page) : page)),
    );
  }
}

/** Answers to Host.getAllVmStats, with a memory per host. */
export class VmStatsReader {
  readonly #telemetry: Telemetry;
  readonly #recycle: (bytes: Buffer) => void;
  readonly #hosts = new Map<string, Known>();

  constructor(telemetry: Telemetry, recycle: (bytes: Buffer) => void) {
    this.#telemetry = telemetry;
    this.#recycle = recycle;
  }

  /** `ask` asks for all pages and gives each to the pass. Rejects as `ask` does. */
  async read(host: HostEndpoint, ask: (pass: VmPass) => Promise<void>): Promise<VmStatsReport> {
    const known = this.#knownOf(host.id);
    const recycle = (bytes: Buffer): void => this.#recycle(bytes);
    if (known.busy || known.distrusted) {
      const pass = new VmPass(host, null, recycle);
      await ask(pass);
      return pass.plain();
    }
    known.busy = true;
    const pass = new VmPass(host, known.memory, recycle);
    try {
      await ask(pass);
    } catch (error) {
      pass.abandon();
      throw error;
    } finally {
      known.busy = false;
    }
    const report = pass.finish();
    known.answers += 1;
    if (report === null) {
      this.#telemetry.count('vurti_vm_answers_parsed_total');
      return pass.plain();
    }
    return known.answers % CHECKED === 0 ? this.#checked(host, known, pass, report) : report;
  }

  release(hostId: string): void {
    this.#hosts.delete(hostId);
  }

  #knownOf(hostId: string): Known {
    let known = this.#hosts.get(hostId);
    if (known === undefined) {
      // Not all hosts in one second.
      const answers = (hashOf(hostId) >>> 0) % CHECKED;
      known = { memory: new VmMemory(), busy: false, distrusted: false, answers };
      this.#hosts.set(hostId, known);
    }
    return known;
  }

  #checked(host: HostEndpoint, known: Known, pass: VmPass, report: VmStatsReport): VmStatsReport {
    const plain = pass.plain();
    const at = differenceOf(report, plain);
    if (at === null) return report;
    known.distrusted = true;
    pass.giveUp();
    this.#telemetry.count('vurti_vm_answer_differences_total');
    const message =
      'an answer read beside the last one differs from the same answer parsed: this host is parsed from now on';
    this.#telemetry.log('error', message, { host: host.id, at });
    return plain;
  }
}

/** The list of a page that was read without being parsed. */
function entriesOf(body: Buffer): readonly unknown[] {
  const answer = parseJson(body);
  const result = isObject(answer) ? answer['result'] : undefined;
  const items = isObject(result) ? result['items'] : result;
  return Array.isArray(items) ? items : [];
}
