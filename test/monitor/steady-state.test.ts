import { expect, it } from 'vitest';
import { hours, minutes, seconds, VirtualTime } from '../../src/kernel/index.js';
import { createTestMonitor, FakeFetcher, MemoryStore } from '../../src/testing/index.js';

const soak = process.env['VURTI_SOAK'] === '1';
const HOSTS = soak ? 200 : 4;
/** Real time; the fleet's own is virtual. */
const TIMEOUT = soak ? 3_600_000 : 60_000;
const VMS = soak ? 50 : 20;

function fleet(advance: boolean, pushes = false): FakeFetcher {
  const agents = new FakeFetcher({ advance, pushes });
  for (let h = 0; h < HOSTS; h++) {
    const vms = Object.fromEntries(Array.from({ length: VMS }, (_, v) => [`vm-${h}-${v}`, { status: 'Up' } as const]));
    agents.host(`kvm-${h}`, { vms });
  }
  return agents;
}

it(
  `${HOSTS} hosts × ${VMS} VMs that stay as they are: no write of state, no record, statistics at their pace`,
  async () => {
    const clock = new VirtualTime();
    const written = new Map<string, number>();
    const store = new MemoryStore({
      clock,
      scheduler: clock,
      onStatement: ({ table, rows }) => {
        if (table !== null && rows > 0) written.set(table, (written.get(table) ?? 0) + rows);
      },
    });
    await using t = await createTestMonitor({ fetcher: fleet(true), store, clock });
    await clock.runFor(minutes(2));
    expect(t.monitor.status().hosts.byStatus).toEqual({ Up: HOSTS });
    expect(t.monitor.status().vms.byFreshness).toEqual({ live: HOSTS * VMS, stale: 0, unknown: 0 });

    const records = t.records().length;
    written.clear();
    await clock.runFor(hours(1));

    expect(t.records()).toHaveLength(records);
    const tables = [...written.keys()].sort();
    expect(tables).toEqual(
      ['vds_interface_statistics', 'vds_statistics', 'vm_usage'].filter((table) => tables.includes(table)),
    );
    // Once a minute for an hour, each row that changed, and each has: counters and uptimes move on.
    expect(written.get('vm_usage')).toBe(60 * HOSTS * VMS);
    const { polls } = t.monitor.status();
    expect(polls.skipped).toBe(0);
  },
  TIMEOUT,
);

it(
  `${HOSTS} hosts that push, with nothing to say: no write of state, no record, a quarter of the polls`,
  async () => {
    const clock = new VirtualTime();
    const agents = fleet(true, true);
    await using t = await createTestMonitor({ fetcher: agents, clock });
    await clock.runFor(minutes(10));
    expect(t.monitor.status().pushes).toEqual({ enabled: true, hosts: HOSTS, healthy: HOSTS, gapsLastHour: 0 });
    const records = t.records().length;
    const polls = agents.on('kvm-0').count('Host.getAllVmStats');
    await clock.runFor(hours(1));
    expect(t.records()).toHaveLength(records);
    expect(agents.on('kvm-0').count('Host.getAllVmStats') - polls).toBe(60);
    expect(t.monitor.status().vms.byFreshness).toEqual({ live: HOSTS * VMS, stale: 0, unknown: 0 });
    // Said again and again, the same is nothing new.
    for (const name of agents.hosts()) for (const id of agents.on(name).vms.keys()) agents.on(name).announce(id);
    await clock.runFor(minutes(1));
    expect(t.records()).toHaveLength(records);
  },
  TIMEOUT,
);

it.each([false, true])(
  'timers and subscriptions do not grow with hosts, and everything is gone with them; they push: %s',
  async (pushes) => {
    const agents = fleet(false, pushes);
    const clock = new VirtualTime();
    await using t = await createTestMonitor({ fetcher: agents, clock });
    await clock.runFor(minutes(1));
    const timers = [...clock.waiting().values()].reduce((a, b) => a + b, 0);
    expect(timers).toBeLessThanOrEqual(5);
    for (const name of agents.hosts()) t.monitor.hosts.remove(name);
    for (const vm of t.monitor.vms.list()) t.monitor.vms.remove(vm.id);
    await clock.runFor(seconds(30));
    expect(t.monitor.status()).toMatchObject({ hosts: { total: 0 }, vms: { total: 0 }, polls: { inFlight: 0 } });
  },
  TIMEOUT,
);
