/**
 * What a poll costs between socket and store: a whole monitor on a virtual clock, whose agents' answers are there already,
 * as bytes. CPU µs per host and per VM, beside JSON.parse of the same bytes.
 */
import { AgentFetcher, type AgentQuestion } from '../src/fetcher/agent-fetcher.js';
import { ReadPage } from '../src/fetcher/differential/vm-memory.js';
import type { VmPass } from '../src/fetcher/differential/vm-stats-reader.js';
import { parseJson } from '../src/fetcher/json.js';
import { CountedIds, SeededRandom, seconds, VirtualTime } from '../src/kernel/index.js';
import { agentMethods } from '../src/model/index.js';
import { createMonitor } from '../src/monitor/index.js';
import { Fleet } from '../src/simulator/index.js';
import { readFlags } from './support/flags.js';
import { ANSWER_ID, bodyOf } from './support/fleet.js';
import { CpuProfile, summary } from './support/profile.js';
import { Report } from './support/report.js';
import { compare } from './support/rounds.js';

const { flags, json } = readFlags({
  hosts: { value: 30, doc: 'hosts of the fleet' },
  vms: { value: 50, doc: 'VMs per host' },
  polls: { value: 6, doc: 'polls of each host per round: their answers are all made beforehand' },
  rounds: { value: 7, doc: 'rounds; the median counts' },
  top: { value: 40, doc: 'functions of the profile' },
  profile: { value: false, doc: 'one more round under the profiler: who takes the CPU' },
});

type Asked = 'Host.getStats' | 'Host.getAllVmStats';
type Bodies = ReadonlyMap<string, Readonly<Record<Asked, readonly Buffer[]>>>;

/** Answers at once, with what is at hand. */
class CannedFetcher extends AgentFetcher {
  readonly #bodies: Bodies;
  readonly #others: (host: string, method: string, params: object) => unknown;
  readonly #turns = new Map<string, number>();

  constructor(bodies: Bodies, others: (host: string, method: string, params: object) => unknown) {
    super(new Set(agentMethods));
    this.#bodies = bodies;
    this.#others = others;
  }

  async close(): Promise<void> {}

  protected async ask({ host, method, params, read }: AgentQuestion): Promise<unknown> {
    if (method !== 'Host.getStats') return this.#others(host.id, method, params);
    const body = this.#next(host.id, method);
    return read?.(body, ANSWER_ID) ?? (parseJson(body) as { result: unknown }).result;
  }

  protected override async askVms({ host }: AgentQuestion, pass: VmPass): Promise<void> {
    const body = this.#next(host.id, 'Host.getAllVmStats');
    const page = pass.reader(false)(body, ANSWER_ID);
    if (!(page instanceof ReadPage)) pass.add((parseJson(body) as { result: unknown[] }).result);
  }

  #next(host: string, method: Asked): Buffer {
    const bodies = this.#bodies.get(host)?.[method] ?? [];
    const turn = this.#turns.get(`${host} ${method}`) ?? 0;
    this.#turns.set(`${host} ${method}`, turn + 1);
    // After the last one nothing is new.
    return bodies[Math.min(turn, bodies.length - 1)] as Buffer;
  }
}

const INTERVAL = 5;
const time = new VirtualTime();
const fleet = new Fleet({ clock: time, scheduler: time, hosts: flags.hosts, vms: flags.hosts * flags.vms });
const bodies: Map<string, Record<Asked, Buffer[]>> = new Map(
  fleet.hosts().map(({ id }) => [id, { 'Host.getStats': [], 'Host.getAllVmStats': [] }]),
);
const WARM_UP = 10;
const answers = WARM_UP + (flags.rounds + (flags.profile ? flags.rounds : 0)) * flags.polls + 2;
for (let n = 0; n < answers; n++) {
  await time.runFor(seconds(15));
  for (const [id, of] of bodies) {
    of['Host.getAllVmStats'].push(Buffer.from(bodyOf(fleet, id)));
    of['Host.getStats'].push(Buffer.from(answerTo(id, 'Host.getStats')));
  }
}
const fetcher = new CannedFetcher(bodies, (id, method, params) => {
  return (JSON.parse(answerTo(id, method, params)) as { result: unknown }).result;
});
const clock = new VirtualTime();
const monitor = await createMonitor({
  mode: 'manager',
  hosts: fleet.hosts().map(({ id, name }) => ({ id, name, address: '127.0.0.1', protocol: 'http' as const })),
  vms: fleet.vms().map(({ id, name, cluster }) => ({ id, name, cluster })),
  ...{ fetcher, clock, scheduler: clock, random: new SeededRandom(1), ids: new CountedIds() },
  settings: {
    poll: { intervalSeconds: INTERVAL, maxIntervalSeconds: INTERVAL, deadlineSeconds: 4 },
    statistics: { persistIntervalSeconds: 0 },
  },
});
await monitor.start();
await clock.runFor(seconds(WARM_UP * INTERVAL));

const times: number[] = [];
const profiler = flags.profile ? new CpuProfile() : undefined;
for (let round = 0; round < flags.rounds; round++) {
  globalThis.gc?.();
  const before = process.cpuUsage();
  await clock.runFor(seconds(flags.polls * INTERVAL));
  const { user, system } = process.cpuUsage(before);
  times.push((user + system) / (flags.polls * flags.hosts));
}
const own = times.sort((a, b) => a - b)[times.length >> 1] as number;
const parse = compare(
  [
    {
      name: 'parse',
      prepare: () => ({
        units: flags.hosts,
        run: () => {
          for (const of of bodies.values()) JSON.parse((of['Host.getAllVmStats'][0] as Buffer).toString());
        },
      }),
    },
  ],
  flags.rounds,
).get('parse') as number;

const report = new Report('poll', flags);
if (profiler !== undefined) {
  await profiler.start();
  await clock.runFor(seconds(flags.rounds * flags.polls * INTERVAL));
  const { parts, functions } = summary(await profiler.stop(), flags.top);
  report.table('Where the CPU goes: parts', parts);
  report.table('Where the CPU goes: functions', functions);
}
report.table(`One poll of a host with ${flags.vms} VMs, ${flags.hosts} hosts`, [
  {
    'µs per host': own,
    'µs per VM': own / flags.vms,
    'JSON.parse µs per VM': parse / flags.vms,
    '÷ JSON.parse': own / parse,
  },
]);
report.end(json);
await monitor.stop();

function answerTo(host: string, method: string, params = {}): string {
  const answer = fleet.host(host).ask(method, params);
  if ('error' in answer) throw new Error(answer.error.message);
  return `{"jsonrpc":"2.0","id":"${ANSWER_ID}","result":${answer.result}}`;
}
