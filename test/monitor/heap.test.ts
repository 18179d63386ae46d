import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { parseCursor } from '../../src/events/index.js';
import { createMonitor } from '../../src/index.js';
import { CountedIds, minutes, VirtualTime } from '../../src/kernel/index.js';
import { FakeFetcher, MemoryStore } from '../../src/testing/index.js';

/** src/tail holds no more. */
const RECENT_RECORDS = 8192;
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
    // The planner's, for all hosts, and the one of events that may turn out to flap.
    expect(countTimers(clock) - timers).toBeLessThanOrEqual(2);
    for (const host of monitor.hosts.list()) monitor.hosts.remove(host.id);
    // Until nothing flaps any more.
    await clock.runFor(minutes(11));
    expect(monitor.status()).toMatchObject({ hosts: { total: 0 }, vms: { total: 0 }, polls: { inFlight: 0 } });
    expect(countTimers(clock)).toBe(timers);
  };
  // What runs for the first time is compiled and cached, and the newest records are held for readers, so many of them:
  // that is no leak.
  const written = (): number => parseCursor(monitor.log.head()).seq;
  while (written() < 2 * RECENT_RECORDS) await round();
  const before = heapUsed();
  for (let i = 0; i < 5; i++) await round();
  const grownPerVm = (heapUsed() - before) / (5 * HOSTS * VMS);
  // A VM that stayed would cost some 5 KB; intent keys of the past and the tally are a few bytes.
  expect(grownPerVm).toBeLessThan(300);
  await monitor.stop();
  expect(countTimers(clock)).toBe(0);
}, 60_000);
