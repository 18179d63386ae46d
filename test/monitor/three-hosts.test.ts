import { expect, it } from 'vitest';
import { minutes } from '../../src/kernel/index.js';
import { createTestMonitor, FakeFetcher } from '../../src/testing/index.js';

it('a VM that three hosts report does not go round among them: it is told, and its owner stays (D11)', async () => {
  const agents = new FakeFetcher()
    .host('kvm-01', { vms: { web: { status: 'Up' } } })
    .host('kvm-02')
    .host('kvm-03');
  await using t = await createTestMonitor({ fetcher: agents });
  await t.clock.runFor(minutes(1));
  agents.on('kvm-02').with('web');
  agents.on('kvm-03').with('web');
  await t.clock.runFor(minutes(1));
  const owner = t.vm('web').hostId;
  const records = t.records().length;
  const told = t.events('web').filter(({ name }) => name === 'VM_RUNNING_ON_TWO_HOSTS');
  expect(new Set(told.map(({ hostId }) => hostId)).size).toBe(told.length);
  expect(told.length).toBeGreaterThan(0);
  await t.clock.runFor(minutes(5));
  expect(t.vm('web').hostId).toBe(owner);
  expect(t.records()).toHaveLength(records);
});

it('a VM of which one of two copies ends is not down, and not to be restarted: the other host still has it (D11)', async () => {
  const agents = new FakeFetcher().host('kvm-01', { vms: { web: { status: 'Up', ha: true } } }).host('kvm-02');
  await using t = await createTestMonitor({ fetcher: agents });
  await t.clock.runFor(minutes(1));
  agents.on('kvm-02').with('web', { ha: true });
  await t.clock.runFor(minutes(1));
  agents.on('kvm-02').without('web');
  await t.clock.runFor(minutes(1));
  expect([t.vm('web').hostId, t.vm('web').status]).toEqual(['kvm-01', 'Up']);
  expect(t.events('web').map(({ name }) => name)).toEqual(['VM_RUNNING_ON_TWO_HOSTS']);
});
