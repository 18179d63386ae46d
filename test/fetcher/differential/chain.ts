import { AgentFetcher, type AgentQuestion } from '../../../src/fetcher/agent-fetcher.js';
import { ParsedVmStatsReport } from '../../../src/fetcher/decode/vm-stats-report.js';
import { differenceOf } from '../../../src/fetcher/differential/difference.js';
import { answerOf, listOf, resultOf } from '../../../src/fetcher/rpc.js';
import { type Telemetry, VurtiError } from '../../../src/kernel/index.js';
import { agentMethods, type HostEndpoint, type VmReport, type VmStatsReport } from '../../../src/model/index.js';
import { patient } from '../support/calls.js';

const question = (host: HostEndpoint) => ({ host, method: 'Host.getAllVmStats' });

/** An agent that answers with the bytes it is given. */
export class ScriptedAgent extends AgentFetcher {
  body: Buffer = Buffer.alloc(0);
  readonly #id: string;
  /** How many answers were read without being parsed. */
  read = 0;

  constructor(id: string, telemetry?: Telemetry) {
    super(new Set(agentMethods), telemetry);
    this.#id = id;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  protected async ask(asked: AgentQuestion): Promise<unknown> {
    const page = asked.read?.(this.body, this.#id);
    if (page !== undefined) this.read += 1;
    return page ?? resultOf(asked, this.#id, answerOf(asked, this.body));
  }
}

interface Snapshot {
  readonly figuresVersion: number;
  readonly state: string;
  readonly figures: string;
}

export const text = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) => {
    if (typeof member === 'bigint') return `${member}n`;
    return Object.is(member, -0) ? '-0' : member;
  });

/** The same host asked again and again: each answer is read beside the one before, and plainly. */
export class Chain {
  readonly agent: ScriptedAgent;
  readonly #host: HostEndpoint;
  readonly #id: string;
  #before: VmStatsReport | undefined;
  readonly #snapshots = new Map<VmReport, Snapshot>();

  constructor(host: HostEndpoint, id: string, telemetry?: Telemetry) {
    this.#host = host;
    this.#id = id;
    this.agent = new ScriptedAgent(id, telemetry);
  }

  /** What is wrong with how this body was read; null: nothing. */
  async step(body: Buffer): Promise<string | null> {
    this.agent.body = Buffer.from(body);
    const [report, error] = await outcomeOf(() => this.agent.getAllVmStats(this.#host, patient()));
    const [plain, plainError] = await outcomeOf(() => this.#plain(body));
    if (report === undefined || plain === undefined) {
      // An answer that failed is none.
      return error === plainError ? null : `${error ?? 'no error'} instead of ${plainError ?? 'no error'}`;
    }
    return differenceOf(report, plain) ?? this.#contractOf(report, plain);
  }

  /** Objects that stay say only what may be said of objects that stay. */
  #contractOf(report: VmStatsReport, plain: VmStatsReport): string | null {
    const before = this.#before;
    const changed = new Set(report.changed());
    for (const vm of report.all()) {
      const said = plain.get(vm.vmId);
      const state = text([said?.dynamic, said?.jobs(), said?.guestInterfaces(), said?.deviceHash, said?.vmName]);
      const figures = text(said?.statistics());
      const known = this.#snapshots.get(vm);
      const same = before?.get(vm.vmId) === vm;
      if (!same && !changed.has(vm)) return `${vm.vmId} is new and not among the changed`;
      if (known !== undefined && known.state !== state) return `${vm.vmId} has another state`;
      const sameFigures = known?.figuresVersion === vm.figuresVersion;
      if (known !== undefined && sameFigures !== (known.figures === figures)) return `figures of ${vm.vmId}`;
      this.#snapshots.set(vm, { figuresVersion: vm.figuresVersion, state, figures });
    }
    for (const vm of this.#snapshots.keys()) if (report.get(vm.vmId) !== vm) this.#snapshots.delete(vm);
    this.#before = report;
    return null;
  }

  async #plain(body: Buffer): Promise<VmStatsReport> {
    const ask = question(this.#host);
    const result = resultOf(ask, this.#id, answerOf(ask, body));
    return new ParsedVmStatsReport(this.#host, listOf(ask, result));
  }
}

export async function outcomeOf<T>(call: () => Promise<T>): Promise<[T | undefined, string | undefined]> {
  try {
    return [await call(), undefined];
  } catch (error) {
    if (error instanceof VurtiError) return [undefined, `${error.code} ${error.message}`];
    throw error;
  }
}
