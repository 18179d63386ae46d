import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Monitor, NamePlace, Page, VmFilter, VmView } from '../../src/monitor/index.js';
import { createMonitor } from '../../src/monitor/index.js';
import { pageOf } from '../../src/monitor/pages.js';
import { NameIndex } from '../../src/repository/index.js';

const names = ({ items }: Page<{ readonly name: string }>): string[] => items.map(({ name }) => name);

async function fleet(sets: 'system' | 'cluster' = 'system'): Promise<Monitor> {
  const monitor = await createMonitor({ mode: 'manager', sets });
  for (const n of [3, 1, 2]) {
    monitor.hosts.put({ id: `h${n}`, name: `kvm-${n}`, address: '127.0.0.1', cluster: n === 3 ? 'lab' : 'prod' });
  }
  for (let n = 0; n < 40; n++) {
    monitor.vms.put({ id: `v${n}`, name: `web-${(n * 7) % 20}`, cluster: n % 4 === 0 ? 'lab' : 'prod' });
  }
  return monitor;
}

describe('pages', () => {
  it.each(['system', 'cluster'] as const)('go through all in the order of names: sets by %s', async (sets) => {
    const monitor = await fleet(sets);
    const all = monitor.vms.list().toSorted((a, b) => (a.name < b.name || (a.name === b.name && a.id < b.id) ? -1 : 1));
    const seen: VmView[] = [];
    let after: NamePlace | null = null;
    do {
      const page: Page<VmView> = await monitor.vms.page({ after, limit: 7 });
      expect([page.total, page.matched]).toEqual([40, 40]);
      seen.push(...page.items);
      after = page.next;
    } while (after !== null);
    expect(seen).toEqual(all);
    expect(names(await monitor.hosts.page())).toEqual(['kvm-1', 'kvm-2', 'kvm-3']);
    await monitor.stop();
  });

  it('hold what a filter takes, as a look at each would find it', async () => {
    const monitor = await fleet();
    const all = monitor.vms.list();
    const some = <T>(...values: T[]) => fc.option(fc.subarray(values), { nil: undefined });
    const filters: fc.Arbitrary<VmFilter> = fc.record({
      id: some('v1', 'v5', 'gone'),
      status: some('Unknown' as const, 'Down' as const, 'Up' as const),
      hostId: some<string | null>(null, 'h1'),
      clusterId: some<string | null>('prod', 'lab', null),
      freshness: some('unknown' as const, 'stale' as const, 'live' as const),
    });
    await fc.assert(
      fc.asyncProperty(filters, fc.nat(12), async (filter, limit) => {
        const found = monitor.vms.where(filter).map(({ id }) => id);
        const page = await monitor.vms.page({ filter, limit: limit + 1 });
        expect(page.matched).toBe(found.length);
        expect(page.items.length).toBe(Math.min(found.length, limit + 1));
        expect(page.next === null).toBe(found.length <= limit + 1);
        const rest = await monitor.vms.page({ filter, after: page.next ?? { name: 'zzz', id: '' } });
        const ids = [...page.items, ...rest.items].map(({ id }) => id);
        expect(ids.toSorted()).toEqual(found.toSorted());
      }),
    );
    expect(all.length).toBe(40);
    await monitor.stop();
  });

  it('of hosts are filtered alike', async () => {
    const monitor = await fleet();
    expect(names(await monitor.hosts.page({ filter: { clusterId: 'prod', status: ['Unassigned', 'Up'] } }))).toEqual(
      names({ items: monitor.hosts.where({ clusterId: 'prod' }) } as never).toSorted(),
    );
    expect(await monitor.hosts.page({ filter: { id: ['h2', 'gone'], freshness: 'live' } })).toMatchObject({
      ...{ total: 3, matched: 0, items: [], next: null },
    });
    await monitor.stop();
  });
});

describe('the cost of a page of 100,000', () => {
  function source(
    groups: readonly (readonly ReadonlySet<string>[])[],
    indexed: boolean,
    takes: (n: number) => boolean,
  ) {
    const index = new NameIndex();
    for (let n = 0; n < 100_000; n++) index.move(`v${n}`, null, `web-${100_000 + n}`);
    const cost = { looks: 0, longestTurn: 0, views: 0 };
    let turn = 0;
    const scheduler = {
      yield: async () => {
        turn = 0;
      },
    };
    const look = (): void => {
      cost.looks += 1;
      turn += 1;
      cost.longestTurn = Math.max(cost.longestTurn, turn);
    };
    const view = (id: string): string => {
      cost.views += 1;
      return id;
    };
    return {
      cost,
      page: (query: { limit: number; after?: NamePlace }) =>
        pageOf(
          {
            ...{ names: index, groups, indexed, view },
            nameOf: (id) => `web-${100_000 + Number(id.slice(1))}`,
            matches: (id) => {
              look();
              return takes(Number(id.slice(1)));
            },
          },
          query,
          scheduler,
        ),
    };
  }

  it('without a filter is the page', async () => {
    const { cost, page } = source([], true, () => true);
    const { matched, next } = await page({ limit: 100, after: { name: 'web-150000', id: 'v50000' } });
    expect([matched, next]).toEqual([100_000, { name: 'web-150100', id: 'v50100' }]);
    expect(cost).toEqual({ looks: 101, longestTurn: 101, views: 100 });
  });

  it('with a filter that an index knows is what the index has', async () => {
    const few = new Set(Array.from({ length: 500 }, (_, n) => `v${n * 10}`));
    const { cost, page } = source([[few]], true, (n) => few.has(`v${n}`));
    expect((await page({ limit: 100 })).matched).toBe(500);
    expect([cost.looks, cost.views]).toEqual([500, 100]);
  });

  it('with another filter is a look at each, in short turns', async () => {
    const { cost, page } = source([], false, (n) => n % 2 === 0);
    expect((await page({ limit: 100 })).matched).toBe(50_000);
    expect([cost.looks, cost.views]).toEqual([100_000, 100]);
    expect(cost.longestTurn).toBeLessThanOrEqual(1000);
  });
});
