import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { randomInt, SeededRandom } from '../../../src/kernel/index.js';
import { vmStatusFromAgent } from '../../../src/model/index.js';
import { type Simulation, startSimulation } from '../../../src/simulator/index.js';
import { withDatabase } from '../setup/database.js';
import { keepBusy } from './busy-fleet.js';
import { ChildService, ensureBuilt } from './child-service.js';

const KILLS = process.env['VURTI_SOAK'] === '1' ? 50 : 3;
const HOSTS = 4;
const VMS = 60;

const database = withDatabase();
let simulation: Simulation;
let service: ChildService;

beforeAll(async () => {
  ensureBuilt();
  simulation = await startSimulation({ hosts: HOSTS, vms: VMS, seed: 7, life: 'none', faults: 'none', sampleMs: 500 });
  service = new ChildService(`mode: observer\n${simulation.inventoryYaml()}`, {
    DATABASE_URL: database.url,
    VURTI_POLL_INTERVAL_SECONDS: '1',
    VURTI_POLL_DEADLINE_SECONDS: '0.8',
    VURTI_STATISTICS_PERSIST_INTERVAL_SECONDS: '1',
  });
});

afterAll(async () => {
  await service?.stop();
  await simulation?.stop();
});

interface Seen {
  readonly cursor: string;
  readonly text: string;
}

/** Reads the log as a client does, until the service is gone; gives what it was shown. */
async function follow(after: string | null, seen: Seen[]): Promise<string | null> {
  let at = after;
  for (;;) {
    try {
      const query = at === null ? 'after=oldest' : `after=${at}`;
      const page = await service.get(`/api/v1/events?${query}&limit=500&wait=1`);
      for (const item of page.items) {
        at = String(item['cursor']);
        seen.push({ cursor: at, text: JSON.stringify([item['name'], item['vm'], item['time']]) });
      }
      if (typeof page['cursor'] === 'string' && page.items.length > 0) at = String(page.items.at(-1)?.['cursor']);
    } catch {
      if (!service.running) return at;
      // It answers, but its state is still being loaded.
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function log(): Promise<{ seq: number; epoch: number }[]> {
  const client = new pg.Client(database.url);
  await client.connect();
  try {
    const { rows } = await client.query('SELECT seq::int AS seq, 1 AS epoch FROM vurti.log_record ORDER BY seq');
    return rows as { seq: number; epoch: number }[];
  } finally {
    await client.end();
  }
}

it(
  `killed ${KILLS} times at any moment: nothing committed is lost or doubled, and the state is right again`,
  async () => {
    const random = new SeededRandom(42);
    const seen: Seen[] = [];
    let at: string | null = null;
    for (let kill = 0; kill < KILLS; kill++) {
      await service.start();
      const following = follow(at, seen);
      const calm = keepBusy(simulation, random);
      await new Promise((resolve) => setTimeout(resolve, randomInt(random, 1500, 4000)));
      await service.kill();
      calm();
      at = await following;
    }
    await service.start();
    await expect.poll(async () => wrong(), { timeout: 20_000, interval: 250 }).toEqual([]);

    await expect.poll(async () => (await log()).length, { timeout: 20_000 }).toBeGreaterThan(HOSTS + VMS);
    const records = await log();
    expect(records.map((record) => record.seq)).toEqual(Array.from({ length: records.length }, (_, i) => i + 1));
    // What a reader was shown before the kills is still there, once, in the same order.
    const cursors = seen.map((one) => one.cursor);
    expect(new Set(cursors).size).toBe(cursors.length);
    expect(cursors.length).toBeGreaterThan(0);
    const again: Seen[] = [];
    const reading = follow(null, again);
    await expect.poll(() => again.length >= seen.length, { timeout: 10_000, interval: 100 }).toBe(true);
    await service.kill();
    await reading;
    expect(again.slice(0, seen.length)).toEqual(seen);
  },
  KILLS * 20_000 + 60_000,
);

/** VMs of which the service says something else than the fleet. */
async function wrong(): Promise<string[]> {
  const { items } = await service.get('/api/v1/vms?limit=1000').catch(() => ({ items: [] }));
  const said = new Map(items.map((vm) => [String(vm['name']), `${vm['status']} ${vm['host']} ${vm['freshness']}`]));
  return simulation.fleet
    .vms()
    .map((vm) => simulation.fleet.vm(vm.name))
    .filter((vm) => said.get(vm.name) !== `${vmStatusFromAgent(vm.status ?? 'Down')} ${vm.host} live`)
    .map((vm) => `${vm.name}: ${said.get(vm.name)}, but ${vm.status} ${vm.host}`);
}
