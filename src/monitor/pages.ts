import type { Scheduler } from '../kernel/index.js';
import type { NameIndex, NamePlace } from '../repository/index.js';
import type { Page, PageQuery } from './api.js';

/** So many candidates are looked through and sorted in one turn of the loop; of more, the order of names is walked. */
const FEW = 2000;
/** Work between two turns of the loop: about 1 ms. */
const SLICE = 1000;
/** What a view costs beside a look. */
const VIEW_COST = 4;

export interface PageSource<V> {
  readonly names: NameIndex;
  /** Per property that is filtered by and indexed: the ids that have it, in sets that have none in common. */
  readonly groups: readonly (readonly ReadonlySet<string>[])[];
  /** Whether the groups say it all. */
  readonly indexed: boolean;
  readonly nameOf: (id: string) => string | undefined;
  readonly matches: (id: string) => boolean;
  readonly view: (id: string) => V | undefined;
}

const sizeOf = (group: readonly ReadonlySet<string>[]): number => group.reduce((sum, { size }) => sum + size, 0);

/**
 * A page in the order of names, without a look at every entity where an index tells what matches, and with pauses where a
 * filter needs one.
 */
export async function pageOf<V>(
  source: PageSource<V>,
  { after = null, limit = Number.POSITIVE_INFINITY }: Omit<PageQuery<never>, 'filter'>,
  scheduler: Pick<Scheduler, 'yield'>,
): Promise<Page<V>> {
  const { names, groups, indexed, matches, view } = source;
  const smallest = groups.toSorted((a, b) => sizeOf(a) - sizeOf(b))[0];
  const known = !indexed || groups.length > 1 ? null : smallest === undefined ? names.size : sizeOf(smallest);
  const few = smallest !== undefined && sizeOf(smallest) <= FEW ? sorted(source, smallest) : null;
  const begin = known === null || few !== null ? null : after;
  const items: V[] = [];
  let matched = 0;
  let last: NamePlace | null = null;
  let next: NamePlace | null = null;
  let left = SLICE;
  for (const place of few ?? names.after(begin)) {
    left -= 1;
    if (left <= 0) {
      await scheduler.yield();
      left = SLICE;
    }
    if (!matches(place.id)) continue;
    matched += 1;
    if (next !== null || (after !== null && !isAfter(place, after))) continue;
    if (items.length >= limit) {
      next = last;
      if (known !== null && few === null) break;
      continue;
    }
    const shown = view(place.id);
    if (shown === undefined) continue;
    left -= VIEW_COST;
    items.push(shown);
    last = place;
  }
  return { items, total: names.size, matched: few === null ? (known ?? matched) : matched, next };
}

function sorted<V>({ nameOf }: PageSource<V>, group: readonly ReadonlySet<string>[]): NamePlace[] {
  return group
    .flatMap((ids) => [...ids].map((id) => ({ id, name: nameOf(id) ?? '' })))
    .sort((a, b) => (isAfter(a, b) ? 1 : -1));
}

const isAfter = (a: NamePlace, b: NamePlace): boolean => a.name > b.name || (a.name === b.name && a.id > b.id);

/** The values of a filter: one, several, or all (undefined). */
export function wanted<T>(value: T | readonly T[] | undefined): ReadonlySet<T> | undefined {
  if (value === undefined) return undefined;
  return new Set(Array.isArray(value) ? (value as readonly T[]) : [value as T]);
}
