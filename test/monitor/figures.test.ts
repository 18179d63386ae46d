import { expect, it } from 'vitest';
import { minutes, seconds } from '../../src/kernel/index.js';
import { createTestMonitor, FakeFetcher } from '../../src/testing/index.js';

it('figures say what waits, and of a host what is known of its agent', async () => {
  const agents = new FakeFetcher();
  for (let n = 1; n <= 8; n += 1) agents.host(`kvm-${n}`, { vms: {} });
  await using t = await createTestMonitor({ fetcher: agents, settings: { poll: { concurrency: 2 } } });
  await t.clock.runFor(seconds(30));
  expect(t.monitor.figures()).toEqual({ callsWaiting: 0, evidenceWaiting: 0, certificateExpiresAt: null });
  for (let n = 1; n <= 8; n += 1) agents.on(`kvm-${n}`).hang();
  // Two calls hang for ten seconds each, while every host is due each quarter of a minute.
  await t.clock.runFor(seconds(20));
  const waiting = t.monitor.figures().callsWaiting;
  expect(waiting).toBeGreaterThan(4);
  for (let n = 1; n <= 8; n += 1) agents.on(`kvm-${n}`).recover();
  await t.clock.runFor(minutes(5));
  expect(t.monitor.figures().callsWaiting).toBe(0);
  expect(t.monitor.agent('kvm-7')).toEqual({ pushes: null, certificateExpiresAt: null });
  expect(() => t.monitor.agent('kvm-99')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
});
