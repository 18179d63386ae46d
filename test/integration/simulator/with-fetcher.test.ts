import { expect, it } from 'vitest';
import { HttpFetcher } from '../../../src/fetcher/index.js';
import { CountedIds, minutes, VurtiError } from '../../../src/kernel/index.js';
import type { VmReport } from '../../../src/model/index.js';
import { serve } from './support.js';

const signal = new AbortController().signal;

/** The simulator is of use only if the product reads it as it would read a real agent: whole, and without a complaint. */
it('the product’s own fetcher reads every answer without a problem', async () => {
  await using served = await serve({
    hosts: 4,
    vms: 80,
    life: 'demo',
    faults: { crash: 500, enospc: 500, migration: 200 },
    maxPage: 7,
  });
  const fetcher = new HttpFetcher({ ids: new CountedIds() });
  const seen = new Set<string>();
  try {
    for (let round = 0; round < 20; round++) {
      await served.time.runFor(minutes(3) + 777);
      for (const endpoint of served.server.endpoints()) {
        const stats = await fetcher.getStats(endpoint, { signal });
        const capabilities = await fetcher.getCapabilities(endpoint, { signal });
        const vms = await fetcher.getAllVmStats(endpoint, { signal });
        expect([...stats.problems, ...capabilities.problems, ...vms.problems]).toEqual([]);
        expect(vms.complete).toBe(true);
        expect(vms.size).toBe(stats.dynamic.vmCount);
        const ids = [...vms.ids()];
        const reports = ids.map((id) => vms.get(id)).filter((report): report is VmReport => report !== undefined);
        expect(reports).toHaveLength(ids.length);
        for (const report of reports) {
          seen.add(report.status);
          report.statistics();
          report.guestInterfaces();
          report.jobs();
        }
        const running = reports.filter((report) => report.status !== 'Down').map((report) => report.vmId);
        expect((await fetcher.dumpXmls(endpoint, running, { signal })).size).toBe(running.length);
        expect((await fetcher.getVmList(endpoint, { signal })).vms).toHaveLength(ids.length);
      }
    }
    expect([...seen].sort()).toEqual(expect.arrayContaining(['Down', 'MigratingFrom', 'MigratingTo', 'Paused', 'Up']));
    expect(seen.has('Unassigned')).toBe(false);
  } finally {
    await fetcher.close();
  }
});

it.each([
  ['refuse', 'AGENT_UNREACHABLE'],
  ['garbage', 'AGENT_BAD_ANSWER'],
  ['cut', 'AGENT_UNREACHABLE'],
] as const)('it takes %s for what it is', async (fault, code) => {
  await using served = await serve({ hosts: 1, vms: 1 });
  const fetcher = new HttpFetcher({ ids: new CountedIds() });
  const [endpoint] = served.server.endpoints();
  if (endpoint === undefined) throw new Error('no endpoint');
  served.fleet.host('kvm-01')[fault]();
  await new Promise((resolve) => setTimeout(resolve, 20));
  for (let i = 0; i < 5; i++) {
    const error: unknown = await fetcher.getAllVmStats(endpoint, { signal }).catch((reason: unknown) => reason);
    expect(error instanceof VurtiError && error.code).toBe(code);
  }
  await fetcher.close();
});
