import { seconds } from '../../../src/kernel/index.js';
import {
  initialLiveness,
  initialRow,
  type RowWrite,
  upOrLeaving,
  vdsDynamicFields,
  vdsStaticFields,
} from '../../../src/model/index.js';
import { FakeFetcher } from '../../../src/testing/index.js';
import {
  type AreaRunner,
  type ConformanceCase,
  type Facts,
  type Failures,
  factsOf,
  isFacts,
  listOf,
  show,
  textOf,
} from './case.js';
import { checkValues, sameOutcome } from './expectations.js';
import { callsOf, H1, hostFacts, putVms, readHost, settingsOf, statusOf } from './host-world.js';
import { World } from './world.js';

const TICK_SECONDS = 3;
/** Enough for a statistics tick to come round, however often it does. */
const USUAL_TICKS = 6;

/** Who is asked what, and when (area host). */
export const runHost: AreaRunner = async (c, failures) => {
  const config = factsOf(c.given['config']);
  const perSave = Number(config['NumberVmRefreshesBeforeSave'] ?? 5);
  const agents = new FakeFetcher({ advance: false });
  const hosts = c.given['hosts'] === undefined ? { [H1]: hostFacts(c.given) } : factsOf(c.given['hosts']);
  for (const [name, facts] of Object.entries(hosts)) {
    const vmCount = factsOf(facts)['vmCount'];
    const vms = name === H1 ? listOf(c.given['vmsOnHost']).map(idOf) : [];
    agents.host(name, {
      cluster: 'C1',
      vms: Object.fromEntries(vms.map((id) => [id, { status: 'Up' }])),
      ...(vmCount === undefined ? {} : { stats: { vmCount } }),
    });
  }
  const rows = Object.entries(hosts).flatMap(([name, facts]) => rowsOf(name, factsOf(facts), c));
  const base = settingsOf(config);
  const world = await World.make({
    agents,
    rows,
    settings: {
      ...base,
      poll: { intervalSeconds: TICK_SECONDS * perSave, deadlineSeconds: 2, ticksPerInterval: perSave },
      ...watchdogOf(config),
    },
    options: { hosts: [] },
  });
  try {
    if (c.reported['engineStart'] !== true) prepare(world, c, hosts);
    putVms(world, c.given['vmsOnHost'], H1);
    checkStale(world, c, hosts, failures);
    await ticks(world, c, failures);
    checkValues('host', c.expect['host'], readHost(world, H1), failures);
  } finally {
    await world.stop();
  }
};

const idOf = (vm: unknown): string => textOf(isFacts(vm) ? vm['id'] : vm);

function watchdogOf(config: Facts): object {
  const interval = config['watchdogIntervalSec'];
  const threshold = config['watchdogThresholdSec'];
  if (interval === undefined && threshold === undefined) return {};
  return {
    watchdog: {
      ...(interval === undefined ? {} : { intervalSeconds: Number(interval) }),
      ...(threshold === undefined ? {} : { thresholdSeconds: Number(threshold) }),
    },
  };
}

function rowsOf(name: string, facts: Facts, c: ConformanceCase): RowWrite[] {
  const vms = listOf(c.given['vmsOnHost']).length;
  return [
    {
      kind: 'vds_static',
      row: { ...initialRow(vdsStaticFields), id: name, name, address: `${name}.example.test`, clusterId: 'C1' },
    },
    {
      kind: 'vds_dynamic',
      row: {
        ...initialRow(vdsDynamicFields),
        id: name,
        status: statusOf(facts),
        vmCount: Number(facts['vmCount'] ?? vms),
        pendingVcpusCount: Number(facts['pendingVcpus'] ?? 0),
      },
    },
  ];
}

/** The status as given (the start may have changed it), and capabilities read before unless the case says otherwise. */
function prepare(world: World, c: ConformanceCase, hosts: Facts): void {
  const sets = world.part('sets');
  for (const [name, facts] of Object.entries(hosts)) {
    const host = sets.hosts.get(name);
    const set = sets.setOfHost(name);
    if (host === undefined || set === undefined) continue;
    sets.putHost({ ...host, dynamic: { ...host.dynamic, status: statusOf(factsOf(facts)) } });
    const now = world.clock.now();
    const ago = factsOf(facts)['secondsSinceLastUpdate'];
    const heardAt = typeof ago === 'number' ? now - seconds(ago) : now;
    set.vds.setLiveness(name, {
      ...initialLiveness(now),
      capabilitiesRead: c.given['firstRefresh'] !== true,
      heardAt,
      lastAnswerAt: heardAt,
    });
  }
  if (c.given['previousCallPending'] === true) world.agents.on(H1).hang();
  // What is asked in a status is seen while the host stays in it.
  const stays = 'vmPoll' in c.expect && !upOrLeaving.has(statusOf(hostFacts(c.given)));
  if (stays || c.reported['getCapabilities'] === 'fail') world.agents.on(H1).refuse('Host.getCapabilities');
}

/** Runs the wanted number of ticks, counted from the first one that asks anything. */
async function ticks(world: World, c: ConformanceCase, failures: Failures): Promise<void> {
  const { expect } = c;
  const asked = ['vmPoll', 'hostCycle', 'agentCalls', 'getStatsAtTicks', 'getCapabilitiesAtTicks'].some(
    (key) => key in expect,
  );
  if (!asked) return;
  const wanted = Number(c.reported['ticks'] ?? USUAL_TICKS);
  // A host in contact begins at its statistics tick, which may be any of the first interval's.
  await world.clock
    .runUntil(() => callsOf(world, H1).length > 0, { within: seconds(TICK_SECONDS * 6) })
    .catch(() => undefined);
  const start = callsOf(world, H1)[0]?.at ?? world.clock.now();
  if (c.given['previousCallPending'] === true) {
    await pendingTick(world, c, failures);
    return;
  }
  await world.clock.runFor(start + seconds(TICK_SECONDS) * (wanted - 1) + 500 - world.clock.now());
  const calls = callsOf(world, H1);
  const at = (method: string): number[] =>
    calls
      .filter((call) => call.method === method)
      .map((call) => 1 + Math.round((call.at - start) / seconds(TICK_SECONDS)));
  const cycle = calls.filter((call) => call.method !== 'getAllVmStats');
  const seen: Facts = {
    vmPoll: calls.some((call) => call.method === 'getAllVmStats'),
    hostCycle: cycle.length > 0,
    getStatsAtTicks: [...new Set(at('getStats'))],
    getCapabilitiesAtTicks: [...new Set(at('getCapabilities'))],
    agentCalls: named(
      cycle.map((call) => call.method),
      expect['agentCalls'],
    ),
  };
  for (const key of Object.keys(seen)) {
    if (key in expect && !sameOutcome(expect[key], seen[key]))
      failures.push(`${key}: expected ${show(expect[key])}, got ${show(seen[key])}`);
  }
}

/** The next tick while the last call is unanswered, within its time: nothing is asked. */
async function pendingTick(world: World, c: ConformanceCase, failures: Failures): Promise<void> {
  const before = callsOf(world, H1).length;
  await world.clock.runFor(seconds(1));
  const calls = callsOf(world, H1)
    .slice(before)
    .map((call) => call.method);
  if ('agentCalls' in c.expect && !sameOutcome(c.expect['agentCalls'], calls))
    failures.push(`agentCalls: got ${show(calls)}`);
}

/** Calls that a case does not speak of (hardware information goes with capabilities) are left out. */
export function named(calls: readonly string[], expected: unknown): readonly string[] {
  const known = new Set(listOf(expected).map(textOf));
  return known.has('getHardwareInfo') ? calls : calls.filter((call) => call !== 'getHardwareInfo');
}

function checkStale(world: World, c: ConformanceCase, hosts: Facts, failures: Failures): void {
  if (!('staleWarning' in c.expect)) return;
  const stale = world.monitor.staleHosts();
  const expected = c.expect['staleWarning'];
  const got = Array.isArray(expected) ? stale.filter((name) => name in hosts) : stale.includes(H1);
  if (!sameOutcome(expected, got)) failures.push(`staleWarning: expected ${show(expected)}, got ${show(got)}`);
}
