import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { createMonitor } from '../../src/index.js';
import { CountedIds, minutes, seconds, VirtualTime } from '../../src/kernel/index.js';
import { FakeFetcher, MemoryStore } from '../../src/testing/index.js';

const HOSTS = 10;
const VMS = 50;

/** Bytes that somebody still holds. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

const countTimers = (clock: VirtualTime): number => [...clock.waiting().values()].reduce((a, b) => a + b, 0);

it('timers do not grow with hosts, and hosts that are removed leave nothing behind', async () => {
  const agents = new FakeFetcher({ advance: true });
  for (let h = 0; h < HOSTS; h++) {
    agents.host(`kvm-${h}`, {
      // That all paths are well is an event of the first answer, and would be watched for a while.
      stats: { multipathHealth: undefined },
      vms: Object.fromEntries(Array.from({ length: VMS }, (_, v) => [`vm-${h}-${v}`, { status: 'Up' } as const])),
    });
  }
  const clock = new VirtualTime();
  agents.bind(clock, clock);
  const monitor = await createMonitor({
    fetcher: agents,
    // The log is kept on purpose; here it may not hide a leak.
    store: new MemoryStore({ clock, scheduler: clock, maxRecords: 10 }),
    clock,
    scheduler: clock,
    ids: new CountedIds(),
  });
  await monitor.start();
  await clock.runFor(1);
  const timers = countTimers(clock);
  const round = async (): Promise<void> => {
    for (const host of agents.inventory().hosts) monitor.hosts.put(host);
    await clock.runFor(minutes(1));
    expect(monitor.status().vms.total).toBe(HOSTS * VMS);
    // One more: the planner's, for all hosts.
    expect(countTimers(clock) - timers).toBeLessThanOrEqual(1);
    for (const host of monitor.hosts.list()) monitor.hosts.remove(host.id);
    await clock.runFor(seconds(30));
    expect(monitor.status()).toMatchObject({ hosts: { total: 0 }, vms: { total: 0 }, polls: { inFlight: 0 } });
    expect(countTimers(clock)).toBe(timers);
  };
  // What runs for the first time is compiled and cached; that is no leak.
  for (let i = 0; i < 3; i++) await round();
  const before = heapUsed();
  for (let i = 0; i < 5; i++) await round();
  const grownPerVm = (heapUsed() - before) / (5 * HOSTS * VMS);
  // A VM that stayed would cost some 5 KB; intent keys of the past and the tally are a few bytes.
  expect(grownPerVm).toBeLessThan(300);
  await monitor.stop();
  expect(countTimers(clock)).toBe(0);
}, 60_000);
