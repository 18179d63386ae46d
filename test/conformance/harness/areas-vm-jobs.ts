import type { VmDisk, VmJob } from '../../../src/model/index.js';
import { type AreaRunner, type ConformanceCase, type Facts, type Failures, factsOf, listOf, textOf } from './case.js';
import { sameOutcome } from './expectations.js';
import { H1, polled, V1, vmWorld } from './vm-world.js';
import type { World } from './world.js';

/** Between two numbers of a case that follow one on the other. */
const STEP_MS = 1000;

/** Block jobs: known ones, and lists of them. */
export const runJobs: AreaRunner = async (c, failures) => {
  const known = new Map(
    Object.entries({ ...factsOf(c.given['dbJobs']), ...factsOf(c.given['jobs']) }).map(
      ([vm, jobs]): [string, string[]] => [vm, listOf(jobs).map(textOf)],
    ),
  );
  const lists = factsOf(c.reported['vms']);
  const startTimes = factsOf(c.given['startTimes']);
  const ids = [...new Set([V1, ...known.keys(), ...Object.keys(lists)])];
  const world = await vmWorld({
    vms: ids.map((id) => ({
      id,
      jobs: (known.get(id) ?? []).filter((job) => !(job in startTimes)).map((job) => storedJob(id, job)),
    })),
  });
  try {
    const agent = world.agents.on(H1);
    for (const id of ids) agent.with(id, { fields: { vmJobs: undefined } });
    await world.poke(H1);
    world.forget();
    for (const id of ids) {
      const list = lists[id];
      if (Array.isArray(list)) agent.with(id, { fields: { vmJobs: Object.fromEntries(list.map(reportedJob)) } });
    }
    const begin = (job: string): void => {
      const vm = ids.find((id) => known.get(id)?.includes(job)) ?? V1;
      world.monitor.vms.jobStarted(vm, storedJob(vm, job));
    };
    if (c.reported['vmDeleted'] !== undefined) world.monitor.vms.remove(textOf(c.reported['vmDeleted']));
    else if (c.reported['engineStart'] !== true) await inOrder(world, startTimes, c.reported['fetchTime'], begin);
    check(world, c, ids, known, failures);
  } finally {
    await world.stop();
  }
};

/** Jobs begin, and the host is asked, in the order of the case's times; its answer comes when all has happened. */
async function inOrder(
  world: World,
  startTimes: Facts,
  fetchTime: unknown,
  begin: (job: string) => void,
): Promise<void> {
  const starts = Object.entries(startTimes).map(([job, at]) => ({ job, at: Number(at) }));
  const asked = typeof fetchTime === 'number' ? fetchTime : Math.max(0, ...starts.map(({ at }) => at)) + 1;
  const times = [...new Set([asked, ...starts.map(({ at }) => at)])].sort((a, b) => a - b);
  const delayOf = (at: number): number => times.indexOf(at) * STEP_MS;
  // Asked first, should both be due at once: what begins in the same moment was not there when it was asked.
  world.clock.after(delayOf(asked), () => world.monitor.poke(H1), 'case');
  for (const { job, at } of starts) {
    world.clock.after(
      delayOf(at),
      () => {
        begin(job);
        // Its begin is known; what is written from now on is what the answer makes of it.
        world.forget();
      },
      'case',
    );
  }
  world.agents.on(H1).slow(Math.max(1, times.length * STEP_MS - delayOf(asked)), 'Host.getAllVmStats');
  await world.clock.runFor((times.length + 2) * STEP_MS);
}

function storedJob(vmId: string, id: string): VmJob {
  const kind = { jobState: 'NORMAL', jobType: 'block', blockJobType: 'commit', imageGroupId: `disk-of-${id}` };
  return { id, vmId, ...kind, bandwidth: 0n, cursorCur: 100n, cursorEnd: 1000n };
}

/** `"ID same"`, `"ID changed"`, `"ID new"`. */
function reportedJob(entry: unknown): [string, Facts] {
  const [id = '', how = 'same'] = textOf(entry).split(' ');
  const kind = { id, jobType: 'block', blockJobType: 'commit', bandwidth: 0, imgUUID: `disk-of-${id}` };
  return [id, { ...kind, cur: how === 'changed' ? '500' : '100', end: '1000' }];
}

function check(
  world: World,
  c: ConformanceCase,
  vms: readonly string[],
  known: ReadonlyMap<string, readonly string[]>,
  failures: Failures,
): void {
  const { expect } = c;
  const before = new Set([...known.values()].flat());
  const after = new Map(
    vms.map((id) => [
      id,
      world
        .part('sets')
        .vms.get(id)
        ?.jobs.map((job) => job.id) ?? [],
    ]),
  );
  const written = world.spy.rows.flatMap((write) => (write.kind === 'vm_jobs' && 'row' in write ? [write.row.id] : []));
  const deleted = world.spy.rows.flatMap((write) =>
    write.kind === 'vm_jobs' && 'deleted' in write ? [textOf(write.deleted[0])] : [],
  );
  const reported = Object.values(factsOf(c.reported['vms']))
    .flatMap(listOf)
    .map((entry) => textOf(entry).split(' ')[0] ?? '');
  const left = new Set([...after.values()].flat());
  const outcome: Readonly<Record<string, readonly string[]>> = {
    removed: deleted,
    updated: written.filter((id) => before.has(id)),
    ignored: reported.filter((id) => !before.has(id) && !left.has(id)),
  };
  const compare = (what: string, wanted: unknown, got: readonly string[]): void => {
    if (!sameOutcome([...listOf(wanted)].map(textOf).sort(), [...got].sort())) {
      failures.push(`${what}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`);
    }
  };
  for (const [what, got] of Object.entries(outcome)) if (what in expect) compare(what, expect[what], got);
  for (const [vm, jobs] of Object.entries(factsOf(expect['jobs']))) compare(`jobs.${vm}`, jobs, after.get(vm) ?? []);
}

const GIB = 2 ** 30;

/** Sizes of LUNs in the report of a VM that powers up, or not. */
export const runLuns: AreaRunner = async (c, failures) => {
  const disks = Object.entries(factsOf(c.given['dbLunSizesGb'])).map(
    ([lunId, size]): VmDisk => ({
      ...{ imageId: `disk-${lunId}`, lunId, alias: null },
      lunSizeGb: typeof size === 'number' ? size : null,
    }),
  );
  const status = c.given['poweringUp'] === true ? 'WaitForLaunch' : 'Up';
  const world = await vmWorld({ vms: [{ static: { disks }, dynamic: { status } }] });
  try {
    const sizes = c.reported['lunSizesGb'];
    const reported = Object.entries(factsOf(sizes)).map(([lunGUID, size], i): [string, Facts] => [
      `sd${'abcdefghijklmnop'[i]}`,
      { lunGUID, truesize: typeof size === 'number' ? String(size * GIB) : null },
    ]);
    await polled(world, { fields: { disks: sizes === null ? undefined : Object.fromEntries(reported) } });
    const after = world.part('sets').vms.get(V1)?.static.disks ?? [];
    const updated = Object.fromEntries(
      after
        .filter((disk, i) => disk !== disks[i] && disk.lunSizeGb !== disks[i]?.lunSizeGb)
        .map((disk) => [disk.lunId, disk.lunSizeGb]),
    );
    if (!('updatedLuns' in c.expect)) return;
    if (!sameOutcome(factsOf(c.expect['updatedLuns']), updated)) {
      failures.push(`updatedLuns: expected ${JSON.stringify(c.expect['updatedLuns'])}, got ${JSON.stringify(updated)}`);
    }
  } finally {
    await world.stop();
  }
};
