import { expect, it } from 'vitest';
import { VirtualTime } from '../../src/kernel/index.js';
import { createMonitor } from '../../src/monitor/index.js';
import { MemoryStore } from '../../src/store/index.js';

it('a database that is away stands first among what needs somebody, with since when and how much waits', async () => {
  const time = new VirtualTime();
  const store = new MemoryStore({ clock: time, scheduler: time });
  const monitor = await createMonitor({ mode: 'manager', store, clock: time, scheduler: time });
  await monitor.start();
  store.setOutage('the cable is out');
  monitor.hosts.put({ name: 'kvm-01', address: '127.0.0.1', protocol: 'http' });
  monitor.hosts.remove('kvm-01');
  await time.runFor(65_000);
  expect(monitor.status()).toMatchObject({
    condition: 'degraded',
    attention: [
      {
        severity: 'ERROR',
        kind: 'service',
        name: 'database',
        text: expect.stringMatching(/^takes nothing for 1m5s; \d+ records wait in memory: the cable is out$/),
      },
    ],
  });
  store.setOutage(null);
  await time.runFor(65_000);
  expect(monitor.status()).toMatchObject({ condition: 'ready', attention: [] });
  await monitor.stop();
});
