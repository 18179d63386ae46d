import { expect, it, vi } from 'vitest';
import { createMonitor } from '../../src/monitor/index.js';
import { VmRepository } from '../../src/repository/index.js';

it.each(['system', 'cluster'] as const)(
  'a status looks at hosts, not at VMs; a page looks at its VMs: sets by %s',
  async (sets) => {
    const monitor = await createMonitor({ mode: 'manager', sets });
    for (const n of [1, 2, 3])
      monitor.hosts.put({ id: `h${n}`, name: `h${n}`, address: '127.0.0.1', cluster: `c${n}` });
    for (let n = 0; n < 3000; n++) {
      monitor.vms.put({ id: `v${n}`, name: `web-${n}`, cluster: `c${1 + (n % 3)}`, ha: true, minMemoryMb: 1024 });
    }
    const looks = [
      vi.spyOn(VmRepository.prototype, 'get'),
      vi.spyOn(VmRepository.prototype, 'freshness'),
      vi.spyOn(VmRepository.prototype, 'heardAt'),
    ];
    const counted = async (call: () => unknown): Promise<number> => {
      for (const look of looks) look.mockClear();
      await call();
      return looks.reduce((sum, look) => sum + look.mock.calls.length, 0);
    };
    expect(monitor.status().vms.total).toBe(3000);
    expect(await counted(() => monitor.status())).toBe(0);
    expect(await counted(() => monitor.vms.page({ limit: 10 }))).toBeLessThan(100);
    expect(await counted(() => monitor.vms.page({ limit: 10, filter: { status: 'Down' } }))).toBeLessThan(100);
    await monitor.stop();
  },
);
