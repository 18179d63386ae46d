import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeVdsStats } from '../../../src/fetcher/decode/vds-stats.js';
import { difference } from '../../../src/fetcher/differential/difference.js';
import { freePages, vdsMaps, vdsMembers } from '../../../src/fetcher/differential/members.js';
import { VdsStatsMemory } from '../../../src/fetcher/differential/vds-stats-reader.js';
import { answerOf, objectOf, resultOf } from '../../../src/fetcher/rpc.js';
import { seconds, silentTelemetry, type Telemetry } from '../../../src/kernel/index.js';
import type { VdsStatsReport } from '../../../src/model/index.js';
import { patient } from '../support/calls.js';
import { fixture, host, type Json } from '../support/fixtures.js';
import { mutate } from '../support/mutations.js';
import { answer, simulated } from './answers.js';
import { outcomeOf, ScriptedAgent, text } from './chain.js';
import { brokenBy, type Change, change, moved, oddNumbers, parsedOf, pick, withFigure } from './mutate-answer.js';

const ID = '6f0c9d5e-0000-4000-8000-000000000000';
const soak = process.env['VURTI_SOAK'] === '1';

/** One host asked again and again: each answer is read beside the one before, and plainly. */
class Chain {
  readonly agent: ScriptedAgent;
  last: VdsStatsReport | undefined;

  constructor(telemetry?: Telemetry) {
    this.agent = new ScriptedAgent(ID, telemetry);
  }

  /** What is wrong with how this body was read; null: nothing. */
  async step(body: Buffer | string): Promise<string | null> {
    const { last } = this;
    const before = text(last);
    this.agent.body = Buffer.from(body);
    const [report, error] = await outcomeOf(() => this.agent.getStats(host, patient()));
    const [plain, plainError] = await outcomeOf(async () => plainOf(Buffer.from(body)));
    if (text(last) !== before) return 'the report before was changed';
    if (report === undefined || plain === undefined) {
      return error === plainError ? null : `${error ?? 'no error'} instead of ${plainError ?? 'no error'}`;
    }
    this.last = report;
    return difference('', report, plain);
  }
}

function plainOf(body: Buffer): VdsStatsReport {
  const ask = { host, method: 'Host.getStats' };
  return decodeVdsStats(objectOf(ask, resultOf(ask, ID, answerOf(ask, body))));
}

/** Counts answers that were taken without being decoded. */
function follower() {
  const memory = new VdsStatsMemory();
  let last: VdsStatsReport | undefined;
  return (body: string): VdsStatsReport | undefined => {
    last = memory.take(Buffer.from(body), ID, () => undefined);
    return last;
  };
}

/** What an agent says, and how it says something else next time. */
class Agent {
  #stats: string;
  readonly #whole: string;

  constructor(stats: string) {
    this.#whole = stats;
    this.#stats = stats;
  }

  next(list: readonly Change[]): Buffer {
    if (parsedOf(this.#stats) === undefined) this.#stats = this.#whole;
    const broken = list.filter((one) => !this.#apply(one));
    let bytes = Buffer.from(answer(this.#stats));
    for (const one of broken) bytes = Buffer.from(brokenBy(one, bytes));
    return bytes;
  }

  #apply({ kind, to, value, text: odd, mutation }: Change): boolean {
    const stats = this.#stats;
    switch (kind) {
      case 'figure':
      case 'figures':
        for (let n = 0; n < (kind === 'figure' ? 1 : 12); n++) {
          this.#stats = withFigure(this.#stats, (to * (n + 1) * 7.31) % 1, (old) => moved(old, to * n));
        }
        return true;
      case 'oddFigure':
        this.#stats = withFigure(stats, to, (old) => (old.startsWith('"') ? JSON.stringify(odd) : odd));
        return true;
      case 'state':
        this.#stats = stats.replace(/T\d\d:\d\d:\d\d/, `T0${pick(to, 10)}:59:${pick(to, 60) + 10}`);
        return true;
      case 'replaced':
        this.#stats = this.#whole;
        return true;
      case 'removed':
      case 'hostile':
      case 'mutated':
      case 'keyMoved': {
        const parsed = parsedOf(stats) ?? {};
        const names = Object.keys(parsed).filter((name) => name !== '__proto__');
        const name = names[pick(to, names.length)] ?? 'x';
        const member = parsed[name];
        if (kind === 'mutated') mutate(parsed, mutation, []);
        else if (kind === 'hostile') parsed[name] = value;
        else delete parsed[name];
        if (kind === 'keyMoved') parsed[name] = member;
        this.#stats = JSON.stringify(parsed);
        return true;
      }
      case 'spaces':
      case 'moved':
      case 'added':
      case 'listedTwice':
      case 'nothing':
        return true;
      default:
        return false;
    }
  }
}

/** Three answers: as composed, as captured, and one with all that any agent says. */
const full = (): Json => ({
  ...fixture('Host.getStats'),
  ...{ haScore: '3400', anonHugePages: '1', ksmCpu: 2, ksmPages: 3, memShared: 4, swapFree: '5', swapTotal: 6 },
  numaNodeMemFree: {
    '0': { memFree: '100', memPercent: 3, hugepages: { '4': { freePages: 7 }, '2048': { freePages: '8' } } },
    '1': { memFree: '101', memPercent: '4', hugepages: {} },
  },
  cpuStatistics: Object.fromEntries(
    Array.from({ length: 5 }, (_, i) => [
      String((i * 7) % 5),
      { nodeIndex: i % 2, cpuUser: '12.55', cpuSys: `${i}.25`, cpuIdle: '80.20' },
    ]),
  ),
  diskStats: { '/var/log': { free: '9120' }, '/tmp': { free: 17 } },
  multipathHealth: { a: { valid_paths: 2, failed_paths: [] } },
});
const all = [fixture('Host.getStats'), fixture('captured/Host.getStats'), full()].map((stats) => JSON.stringify(stats));

describe('a host’s statistics read beside the answer before', () => {
  it('are the same as that answer decoded, whatever was changed', async () => {
    const steps = fc.array(fc.array(change, { minLength: 1, maxLength: 2 }), { minLength: 40, maxLength: 40 });
    const runs = soak ? 60_000 : 150;
    let read = 0;
    let same = 0;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...all), steps, async (start, list) => {
        const chain = new Chain();
        const agent = new Agent(start);
        for (const changes of list) {
          const body = agent.next(changes);
          const before = chain.last?.dynamic;
          const wrong = await chain.step(body);
          if (wrong !== null) throw new Error(`${wrong}\nof ${body.toString()}`);
          if (chain.last?.dynamic === before) same += 1;
        }
        read += chain.agent.read;
      }),
      { numRuns: runs },
    );
    // Most of them must have been read in the way that is on trial, and many beside the one before.
    expect(read).toBeGreaterThan(runs * 20);
    expect(same).toBeGreaterThan(runs * 10);
  });

  it.each(all)('every number takes every form (%#)', async (stats) => {
    const chain = new Chain();
    const places = [...stats.matchAll(/"(?:-?\d+(?:\.\d+)?)"(?!:)|(?<=[:[,])-?\d+(?:\.\d+)?/g)];
    expect(places.length).toBeGreaterThan(30);
    for (const [index, place] of places.entries()) {
      for (const [turn, odd] of oddNumbers.entries()) {
        if (!soak && (turn + index) % 5 > 0) continue;
        for (const form of [JSON.stringify(odd), odd]) {
          expect(await chain.step(answer(stats))).toBeNull();
          const body = `${stats.slice(0, place.index)}${form}${stats.slice(place.index + place[0].length)}`;
          const wrong = await chain.step(answer(body));
          if (wrong !== null) expect.fail(`${wrong} for ${form} at ${stats.slice(place.index - 20, place.index)}`);
        }
      }
    }
  });

  it('of a simulated host are followed, and parts of them that do not differ are the same objects', async () => {
    const bodies = await simulated(40, 8, seconds(15), 'Host.getStats');
    const chain = new Chain();
    for (const body of bodies) expect(await chain.step(body)).toBeNull();
    const take = follower();
    // A rate needs two samples: from then on nothing but numbers differs.
    const reports = bodies.slice(4).map((body) => take(body));
    const [first, ...rest] = reports;
    expect(rest.every((report) => report !== undefined && report.dynamic === first?.dynamic)).toBe(true);
    expect(rest.every((report) => report?.diskFreeMb === first?.diskFreeMb)).toBe(true);
    expect(new Set(rest.map((report) => report?.agentTime)).size).toBe(rest.length);
    const again = take(bodies.at(-1) ?? '');
    expect(again).toBe(rest.at(-1));
  });

  it('with something wrong in it are decoded each time', async () => {
    const stats = JSON.stringify({ ...full(), memFree: 'much' });
    const take = follower();
    const [one, other] = [take(answer(stats)), take(answer(stats))];
    expect(one).not.toBe(other);
    expect(one?.problems).toMatchObject([{ path: 'memFree' }]);
  });

  it('a NUMA node under another name than its number is not followed', () => {
    const node = (free: number) => answer(JSON.stringify({ numaNodeMemFree: { '01': { memFree: String(free) } } }));
    const take = follower();
    expect([10, 11].map((free) => take(node(free))?.numaNodes[0]?.memFree)).toEqual([10, 11]);
  });

  it('bytes that nobody refers to any more are given back', () => {
    const memory = new VdsStatsMemory();
    const freed: Buffer[] = [];
    const bodies = [all[2], all[2], all[0], '{"memFree":"x"}'].map((stats) => Buffer.from(answer(stats ?? '')));
    for (const body of bodies) memory.take(body, ID, (bytes) => freed.push(bytes));
    expect(freed.map((bytes) => (bodies as Buffer[]).indexOf(bytes))).toEqual([0, 1, 2, 3]);
  });

  it('a difference between both ways of reading is found, and the host is read plainly from then on', async () => {
    const counted: string[] = [];
    const logged: unknown[] = [];
    const telemetry: Telemetry = {
      ...silentTelemetry,
      count: (name) => counted.push(name),
      log: (level, _, fields) => logged.push([level, fields]),
    };
    const agent = new ScriptedAgent(ID, telemetry);
    const ask = (stats: Json): Promise<VdsStatsReport> => {
      agent.body = Buffer.from(answer(JSON.stringify(stats)));
      return agent.getStats(host, patient());
    };
    await ask({ thpState: 'always' });
    // Bytes that change under the reader's hands.
    agent.body.write('never', agent.body.indexOf('always'));
    const tampered = { thpState: 'nevers' };
    expect((await ask(tampered)).dynamic.transparentHugepagesState).toBe('always');
    for (let n = 0; n < 1000; n++) await ask(tampered);
    expect((await ask(tampered)).dynamic.transparentHugepagesState).toBe('nevers');
    expect(counted).toEqual(['vurti_host_answer_differences_total']);
    expect(logged).toEqual([['error', { host: host.id, at: '.dynamic.transparentHugepagesState' }]]);
    const { read } = agent;
    await ask(tampered);
    expect(agent.read).toBe(read);
  });
});

it('every member of a host’s statistics that the decoder looks at is known as measured or as state', () => {
  const asked = new Map<string, Set<string>>();
  const watched = (path: string, value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    const names = asked.get(path) ?? new Set();
    asked.set(path, names);
    const copy = Object.fromEntries(
      Object.entries(value).map(([name, member]) => [name, watched(`${path}.${name}`, member)]),
    );
    return new Proxy(copy, {
      get: (target, name) => {
        names.add(String(name));
        return Reflect.get(target, name) as unknown;
      },
    });
  };
  for (const more of [{}, { haStats: undefined }]) decodeVdsStats(watched('', { ...full(), ...more }) as Json);
  const namesOf = ({ measured, state }: typeof vdsMembers): string[] => [...measured.keys(), ...state];
  const top = new Set([...namesOf(vdsMembers), ...vdsMaps.keys()]);
  expect([...(asked.get('') ?? [])].filter((name) => !top.has(name))).toEqual([]);
  for (const [map, members] of vdsMaps) {
    const known = new Set([...namesOf(members), ...(map === 'numaNodeMemFree' ? ['hugepages'] : [])]);
    const entries = [...asked].filter(([path]) => new RegExp(`^\\.${map}\\.[^.]+$`).test(path));
    expect(entries.length).toBeGreaterThan(0);
    for (const [, names] of entries) expect([...names].filter((name) => !known.has(name))).toEqual([]);
  }
  const pages = asked.get('.numaNodeMemFree.0.hugepages.4') ?? new Set();
  expect([...pages]).toEqual(namesOf(freePages));
});
