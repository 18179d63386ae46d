import { minutes, seconds, VurtiError } from '../../../src/kernel/index.js';
import type { AgentMethod, VdsLiveness } from '../../../src/model/index.js';
import { defaultSettings, type SpmStatus } from '../../../src/model/index.js';
import { graceSeconds } from '../../../src/rules/index.js';
import { named } from './areas-host.js';
import {
  type AreaRunner,
  type ConformanceCase,
  type Facts,
  type Failures,
  factsOf,
  isFacts,
  listOf,
  show,
} from './case.js';
import { checkActions, checkEvents, checkValues, sameOutcome } from './expectations.js';
import { callsOf, H1, hostFacts, hostWorld, layOver, putVms, readHost } from './host-world.js';
import { dynamicNames } from './vm-facts.js';
import type { World } from './world.js';

/** Failed and successful calls, grace, recovery (area host-failure). */
export const runHostFailure: AreaRunner = async (c, failures) => {
  const facts = hostFacts(c.given);
  if ('graceSeconds' in c.expect) {
    const got = graceSeconds(
      defaultSettings.grace,
      Number(facts['vmCount'] ?? 0),
      (facts['spm'] ?? 'None') as SpmStatus,
    );
    if (got !== c.expect['graceSeconds']) failures.push(`graceSeconds: got ${got}`);
    if (Object.keys(c.expect).length === 1) return;
  }
  const world = await hostWorld({ given: c.given, others: { H2: {} } });
  try {
    putVms(world, c.given['vms'], H1);
    layOver(world, H1, facts);
    await special(world, facts);
    await world.part('statistics').write();
    await world.settle();
    world.forget();
    const before = callsOf(world, H1).length;
    const restarts = await happen(world, c);
    await world.part('statistics').write();
    await world.settle();
    check(world, c, before, restarts, failures);
  } finally {
    await world.stop();
  }
};

async function special(world: World, facts: Facts): Promise<void> {
  const set = world.part('sets').setOfHost(H1);
  const liveness = set?.vds.liveness(H1) as VdsLiveness;
  if (facts['recoveryTimerPending'] === true) {
    set?.vds.setLiveness(H1, { ...liveness, recoveringSince: world.clock.now() });
    if (facts['status'] === 'Initializing') stillRecovers(world);
  }
  if (facts['inServerRebootTimeout'] === true) world.monitor.hosts.rebooting(H1, seconds(600));
}

interface Restart {
  readonly atFailure: number;
  readonly vms: readonly (string | null)[];
}

async function happen(world: World, c: ConformanceCase): Promise<readonly Restart[]> {
  const { reported } = c;
  const agent = world.agents.on(H1);
  const restarts: Restart[] = [];
  if (typeof reported['failuresOutOfGrace'] === 'number') {
    // Used up but for the first of these failures.
    layOver(world, H1, { ...hostFacts(c.given), attemptsBefore: 2, secondsSinceLastUpdate: 1000 });
    agent.refuse();
    for (let n = 1; n <= reported['failuresOutOfGrace']; n++) {
      const known = world.intents().length;
      await world.poke(H1);
      const tried = world
        .intents()
        .slice(known)
        .filter((intent) => intent.intent === 'restartOnLease');
      if (tried.length > 0) restarts.push({ atFailure: n, vms: tried.map((intent) => intent.vmId) });
    }
    return restarts;
  }
  if (reported['failure'] === 'unknown host name') unknownName(world);
  else if (reported['failure'] !== undefined) {
    if (reported['failure'] === 'network') agent.refuse();
    else agent.code(17);
    await world.poke(H1);
  } else if (
    reported['cycle'] !== undefined ||
    reported['getStats'] !== undefined ||
    reported['getCapabilities'] !== undefined
  ) {
    answers(world, 'Host.getStats', reported['getStats']);
    answers(world, 'Host.getCapabilities', reported['getCapabilities']);
    await world.poke(H1);
    if (reported['getStats'] === 'timeout' || reported['getCapabilities'] === 'timeout')
      await world.clock.runFor(seconds(70));
  }
  if (typeof reported['thenMinutes'] === 'number') await world.clock.runFor(minutes(reported['thenMinutes']) + 200);
  return restarts;
}

/** The agent's last word before the case begins; the timer runs. */
function stillRecovers(world: World): void {
  world.part('streams').evidence.publish({
    name: 'VdsRecovering',
    host: H1,
    error: new VurtiError('AGENT_RECOVERING', 'Recovering from crash or Initializing'),
    stamp: {
      host: H1,
      session: 1,
      kind: 'poll',
      seq: 999_999,
      requestedAt: world.clock.monotonic(),
      receivedAt: world.clock.now(),
      complete: false,
    },
  });
}

/** A fake host's name always resolves; that it does not is told as the push-adapter would. */
function unknownName(world: World): void {
  const now = world.clock.now();
  world.part('streams').evidence.publish({
    name: 'VdsUnreachable',
    host: H1,
    error: new VurtiError('AGENT_UNKNOWN_HOST', `${H1} cannot be reached: the name does not resolve`),
    stamp: {
      host: H1,
      session: 1,
      kind: 'poll',
      seq: 1_000_000,
      requestedAt: world.clock.monotonic(),
      receivedAt: now,
      complete: false,
    },
  });
}

function answers(world: World, method: AgentMethod, how: unknown): void {
  const agent = world.agents.on(H1);
  // A case speaks of the host's cycle: its other calls end as the one it names.
  const others: AgentMethod[] = method === 'Host.getStats' ? ['Host.getAllVmStats'] : ['Host.getHardwareInfo'];
  if (how === 'timeout') agent.hang(method, ...others);
  if (how === 'fail') agent.refuse(method, ...others);
  if (isFacts(how) && typeof how['code'] === 'number') {
    if (how['code'] === 99) agent.code(99);
    else if (how['code'] === 5022) agent.code(5022);
    else agent.code(how['code'], method, ...others);
  }
}

function check(
  world: World,
  c: ConformanceCase,
  before: number,
  restarts: readonly Restart[],
  failures: Failures,
): void {
  const { expect } = c;
  checkValues('host', expect['host'], readHost(world, H1), failures);
  const sets = world.part('sets');
  for (const [id, facts] of Object.entries(factsOf(expect['vms']))) {
    checkValues(id, facts, (key) => sets.vms.get(id)?.dynamic[dynamicNames[key] ?? 'status'] ?? null, failures);
  }
  checkEvents(expect, world.events(), failures);
  checkActions(expect, world.actions(), failures);
  if ('agentCalls' in expect) {
    const calls = callsOf(world, H1)
      .slice(before)
      .map((call) => call.method);
    const got = named(
      calls.filter((call) => call !== 'getAllVmStats'),
      expect['agentCalls'],
    );
    if (!sameOutcome(expect['agentCalls'], got))
      failures.push(`agentCalls: expected ${show(expect['agentCalls'])}, got ${show(got)}`);
  }
  checkWrites(world, expect, failures);
  if ('restartCalls' in expect && !sameOutcome(expect['restartCalls'], restarts))
    failures.push(`restartCalls: got ${show(restarts)}`);
  const at = restarts.map((restart) => restart.atFailure);
  if ('restartAtFailures' in expect && !sameOutcome(expect['restartAtFailures'], at))
    failures.push(`restartAtFailures: got ${show(at)}`);
}

/** Each kind that is listed is written; an empty list asks for none at all. */
export function checkWrites(world: World, expect: Facts, failures: Failures): void {
  if (!Array.isArray(expect['dbWrites'])) return;
  const kinds = new Set<string>(world.spy.rows.map((write) => write.kind));
  const wanted = listOf(expect['dbWrites']).filter((entry) => typeof entry === 'string');
  if (expect['dbWrites'].length === 0 && kinds.size > 0)
    failures.push(`dbWrites: none expected, got ${[...kinds].join(', ')}`);
  for (const kind of wanted)
    if (!kinds.has(String(kind))) failures.push(`dbWrites: ${String(kind)} is missing; got ${[...kinds].join(', ')}`);
}
