import type { Scheduler } from '../kernel/index.js';
import type { NameIndex, NamePlace } from '../repository/index.js';
import type { InventoryEntry, InventoryPage, InventoryPlace, InventoryQuery, Page } from './api.js';
import { pageOf } from './pages.js';
import type { ViewContext } from './views.js';

type Kind = InventoryEntry['entity'];
type Part = (after: NamePlace | null, limit: number) => Promise<Page<InventoryEntry>>;

const order: readonly Kind[] = ['cluster', 'host', 'vm'];

/** All that was said and not measured: clusters, then hosts, then VMs, each by their names. */
export async function inventoryPage(
  { sets, inventory }: ViewContext,
  { entities = order, after = null, limit = Number.POSITIVE_INFINITY }: InventoryQuery,
  scheduler: Pick<Scheduler, 'yield'>,
): Promise<InventoryPage> {
  const indexed =
    (names: NameIndex, view: (id: string) => InventoryEntry | undefined): Part =>
    (from, most) => {
      const source = { names, view, groups: [], indexed: true, matches: () => true };
      return pageOf({ ...source, nameOf: (id) => view(id)?.name }, { after: from, limit: most }, scheduler);
    };
  const parts: Readonly<Record<Kind, Part>> = {
    cluster: async (from, most) => {
      const all = [...inventory.clusters()].map((cluster) => {
        const networks = [...inventory.networks(cluster.id).values()];
        return { entity: 'cluster', ...cluster, networks } as const;
      });
      const rest = all.filter((one) => from === null || compare(one, from) > 0).sort(compare);
      const items = rest.slice(0, most);
      const next = rest.length > items.length ? (items.at(-1) ?? null) : null;
      return { items, total: all.length, matched: all.length, next };
    },
    host: indexed(sets.hostNames, (id) => {
      const host = sets.hosts.get(id);
      return host && { entity: 'host', ...host.static };
    }),
    vm: indexed(sets.vmNames, (id) => {
      const vm = sets.vms.get(id);
      return vm && { entity: 'vm', ...vm.static };
    }),
  };
  const items: InventoryEntry[] = [];
  let [total, matched] = [0, 0];
  let more = false;
  for (const kind of order) {
    const asked = entities.includes(kind);
    const passed = after !== null && order.indexOf(kind) < order.indexOf(after.entity);
    const left = asked && !passed ? limit - items.length : 0;
    const from = after?.entity === kind ? after : null;
    // A page of none still counts, and says whether there is one to come.
    const page = await parts[kind](from, left);
    total += page.total;
    if (!asked) continue;
    matched += page.matched;
    items.push(...page.items);
    if (!passed && (page.next !== null || (left <= 0 && page.total > 0))) more = true;
  }
  const last = items.at(-1);
  return { items, total, matched, next: more && last !== undefined ? placeOf(last) : null };
}

const placeOf = ({ entity, name, id }: InventoryEntry): InventoryPlace => ({ entity, name, id });

const compare = (a: NamePlace, b: NamePlace): number =>
  a.name === b.name ? (a.id < b.id ? -1 : a.id > b.id ? 1 : 0) : a.name < b.name ? -1 : 1;
