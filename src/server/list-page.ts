import { VurtiError } from '../kernel/index.js';

/** The place of an item in its list: what it is sorted by, then what it alone has. */
export type Place = readonly (string | number)[];

export interface ListPage<V> {
  /** Those there are, and those that pass the filters, on all pages. */
  readonly total: number;
  readonly matched: number;
  readonly items: readonly V[];
  /** Place of the last item when there are more. */
  readonly next: Place | null;
}

/**
 * A cursor is a place and not a number: what comes or goes between two pages shifts nothing, so that no item that stays
 * is left out or comes twice.
 */
export const cursorOf = (place: Place): string => Buffer.from(JSON.stringify(place)).toString('base64url');

/** @throws CURSOR_INVALID when it is not a cursor of a list with such places */
export function placeOf<P extends Place>(cursor: string, like: { readonly [K in keyof P]: 'string' | 'number' }): P {
  try {
    const place = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown;
    const fits = Array.isArray(place) && place.length === like.length;
    if (fits && like.every((type, i) => typeof place[i] === type)) return place as unknown as P;
  } catch {
    // Told below.
  }
  throw new VurtiError('CURSOR_INVALID', 'query.after: it is not `next` of a page of this list');
}

type Key = readonly [string | number, string];

function compare(a: Key, b: Key): number {
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
  return a[1] === b[1] ? 0 : a[1] < b[1] ? -1 : 1;
}

/** A page of what is in memory and not much. */
export function pageOf<V>(
  found: readonly V[],
  total: number,
  { limit = Number.POSITIVE_INFINITY, after }: { readonly limit?: number | undefined; readonly after: Key | undefined },
  keyOf: (item: V) => Key,
): ListPage<V> {
  const rest = found
    .map((item) => ({ item, key: keyOf(item) }))
    .filter(({ key }) => after === undefined || compare(key, after) > 0)
    .sort((a, b) => compare(a.key, b.key));
  const items = rest.slice(0, limit);
  const next = rest.length > items.length ? (items.at(-1)?.key ?? null) : null;
  return { total, matched: found.length, items: items.map(({ item }) => item), next };
}

/** Keys that were asked for, in the order of the item. */
export function picked<T extends object>(item: T, fields: readonly string[] | undefined): Partial<T> {
  if (fields === undefined) return item;
  const wanted = new Set(fields);
  return Object.fromEntries(Object.entries(item).filter(([key]) => wanted.has(key))) as Partial<T>;
}
