import { DataRefused } from './flush-target.js';

export interface Refused<T> {
  readonly item: T;
  readonly message: string;
}

/**
 * The items that `probe` refuses, found by halving: about 2·log2(n) probes for each one. An error other than DataRefused
 * ends the search.
 */
export async function refusedAmong<T>(
  items: readonly T[],
  probe: (items: readonly T[]) => Promise<void>,
): Promise<Refused<T>[]> {
  const [first] = items;
  if (first === undefined) return [];
  try {
    await probe(items);
    return [];
  } catch (error) {
    if (!(error instanceof DataRefused)) throw error;
    if (items.length === 1) return [{ item: first, message: error.message }];
  }
  const half = items.length >> 1;
  const left = await refusedAmong(items.slice(0, half), probe);
  const right = await refusedAmong(items.slice(half), probe);
  return [...left, ...right];
}
