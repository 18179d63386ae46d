import { hostname } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Simulation, startSimulation } from '../../../src/simulator/index.js';
import { withDatabase } from '../setup/database.js';
import { ask } from '../store/harness.js';
import { ChildService, ensureBuilt } from './child-service.js';

const database = withDatabase();
let simulation: Simulation;
const services: ChildService[] = [];

beforeAll(async () => {
  ensureBuilt();
  simulation = await startSimulation({
    ...{ hosts: 2, vms: 20, seed: 3, life: 'none', faults: 'none', sampleMs: 500, protocol: 'http' },
  });
  for (let i = 0; i < 3; i++) {
    services.push(
      new ChildService(`mode: observer\n${simulation.inventoryYaml()}`, {
        DATABASE_URL: database.url,
        VURTI_POLL_INTERVAL_SECONDS: '1',
        VURTI_POLL_DEADLINE_SECONDS: '0.8',
      }),
    );
  }
});

afterAll(async () => {
  for (const service of services) await service.stop();
  await simulation?.stop();
});

const head = async (): Promise<{ head: number; count: number }> => {
  const [row] = await ask<{ head: number; count: number }>(
    database.url,
    'select head::int, (select count(*)::int from vurti.log_record) as count from vurti.shard',
  );
  return row ?? { head: -1, count: -1 };
};

it('a second service is refused by name; with --take-over it goes on, and the first ends at its next write', async () => {
  const [first, second, third] = services as [ChildService, ChildService, ChildService];
  await first.start();
  await expect.poll(() => first.get('/readyz?level=synced').catch(() => null), { timeout: 20_000 }).not.toBeNull();

  await second.start();
  expect(await second.ended).toBe(2);
  expect(second.said).toContain('DATABASE_IN_USE');
  expect(second.said).toMatch(
    new RegExp(`in use by process ${first.pid} on ${hostname()} \\(since \\d{4}-\\d\\d-\\d\\dT[\\d:]+Z\\)`),
  );
  // The first one was not disturbed.
  expect(first.running).toBe(true);
  const { items } = await first.get('/api/v1/vms?limit=100');
  expect(items).toHaveLength(20);

  await third.start('--take-over');
  await expect.poll(() => third.get('/readyz?level=synced').catch(() => null), { timeout: 20_000 }).not.toBeNull();
  // Something to write for both.
  for (const { name } of simulation.fleet.vms()) simulation.fleet.vm(name).pause('ENOSPC');
  expect(await first.ended).toBe(2);
  expect(first.said).toContain('DATABASE_FENCED');
  expect(first.said).toMatch(new RegExp(`process ${third.pid} on ${hostname()} .*took it over`));
  await expect
    .poll(async () => (await third.get('/api/v1/vms?limit=100')).items.filter((vm) => vm['status'] === 'Paused').length)
    .toBe(20);
  const { head: number, count } = await head();
  expect(count).toBe(number);
});
