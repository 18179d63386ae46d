import { seconds } from '../../../src/kernel/index.js';
import { balloonFollows } from '../../../src/rules/index.js';
import { type AreaRunner, type ConformanceCase, type Failures, factsOf, listOf, textOf } from './case.js';
import { checkEvents, checkValues, sameOutcome } from './expectations.js';
import { polled, type VmWorldOptions, vmWorld } from './vm-world.js';
import type { World } from './world.js';

/** Longer than any flood time: what is asserted is what is raised. */
const BETWEEN_POLLS_MS = seconds(1000);
const MAX_KIB = 4_194_304;

/** Balloons and what they leave of a VM's memory. */
export const runBalloon: AreaRunner = async (c, failures) => {
  if ('balloonWorking' in c.expect) return runFollowing(c, failures);
  if ('balloonCurrentKiB' in c.reported) return runGuarantee(c, failures);
  return runPolls(c, failures);
};

/** One computation: where the balloon was, where it is, and where it was told to go. */
async function runFollowing(c: ConformanceCase, failures: Failures): Promise<void> {
  const [last, current, target] = [c.given['last'], c.reported['current'], c.reported['target']].map(Number);
  const max = Math.max(last ?? 0, current ?? 0, target ?? 0) + 1;
  const follows = balloonFollows(last ?? 0, { current: current ?? 0, target: target ?? 0, max });
  checkValues('balloon', { balloonWorking: c.expect['balloonWorking'] }, () => follows, failures);
}

async function runGuarantee(c: ConformanceCase, failures: Failures): Promise<void> {
  const minimum = factsOf(c.given['vm'])['minAllocatedMemMb'];
  const minMemoryMb = typeof minimum === 'number' ? minimum : null;
  await inWorld({ vms: [{ static: { minMemoryMb } }] }, async (world) => {
    await polled(world, { fields: { balloonInfo: undefined } });
    world.forget();
    const current = c.reported['balloonCurrentKiB'];
    await polled(world, { fields: { balloonInfo: current === null ? undefined : balloon(Number(current), MAX_KIB) } });
    checkEvents(c.expect, world.events(), failures);
  });
}

/** Poll after poll of a balloon that goes where it was told to, or stays where it is. */
async function runPolls(c: ConformanceCase, failures: Failures): Promise<void> {
  const { IterationsWithBalloonProblem: iterations } = factsOf(c.given['config']);
  const count = Number(c.reported['consecutiveBadPolls'] ?? 0);
  const polls = [...listOf(c.reported['polls']).map(textOf), ...Array.from({ length: count }, () => 'bad')];
  const options: VmWorldOptions = {
    vms: [{ static: { minMemoryMb: 256, memoryMb: MAX_KIB / 1024 } }],
    cluster: { ballooning: true },
    ...(typeof iterations === 'number' ? { settings: { balloon: { iterations } } } : {}),
  };
  await inWorld(options, async (world) => {
    let current = MAX_KIB - 1024;
    const target = MAX_KIB / 2;
    // A previous value is known (D14).
    await polled(world, { fields: { balloonInfo: balloon(current, target) } });
    world.forget();
    const raisedAt = new Map<string, number[]>();
    for (const [i, outcome] of polls.entries()) {
      const before = world.events().length;
      await world.clock.runFor(BETWEEN_POLLS_MS);
      if (outcome === 'good') current -= 1024;
      await polled(world, { fields: { balloonInfo: balloon(current, target) } });
      for (const { name } of world.events().slice(before)) raisedAt.set(name, [...(raisedAt.get(name) ?? []), i + 1]);
    }
    checkEvents(c.expect, world.events(), failures);
    for (const [name, wanted] of Object.entries(factsOf(c.expect['eventsAtPolls']))) {
      const got = raisedAt.get(name) ?? [];
      if (!sameOutcome(listOf(wanted), got))
        failures.push(`${name}: expected at ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`);
    }
  });
}

/** The agent's part about the balloon, in KiB. */
function balloon(current: number, target: number): Readonly<Record<string, unknown>> {
  const values = { balloon_cur: current, balloon_target: target, balloon_max: MAX_KIB, balloon_min: 262_144 };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

async function inWorld(options: VmWorldOptions, then: (world: World) => Promise<void>): Promise<void> {
  const world = await vmWorld(options);
  try {
    await then(world);
  } finally {
    await world.stop();
  }
}
