import type { Fields } from './field.js';

/** One field that has another value than before. `path` is the field's name in the model. */
export interface FieldChange {
  readonly path: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** Equality by content for the values that fields hold: primitives, BigInt, arrays and plain objects of them. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return typeof a === 'number' && typeof b === 'number' && Number.isNaN(a) && Number.isNaN(b);
  }
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keysOfA = Object.keys(a);
  if (keysOfA.length !== Object.keys(b).length) return false;
  for (const key of keysOfA) {
    if (!Object.hasOwn(b, key)) return false;
    if (!sameValue((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key])) return false;
  }
  return true;
}

/** The fields of `next` that differ from `current`, in the order of the table. A field absent from `next` has not changed. */
export function diffOf<R extends object>(fields: Fields, current: R, next: Partial<R>): FieldChange[] {
  const changes: FieldChange[] = [];
  if (next === current) return changes;
  for (const path in fields) {
    const to = next[path as keyof R];
    if (to === undefined) continue;
    const from = current[path as keyof R];
    if (!sameValue(from, to)) changes.push({ path, from, to });
  }
  return changes;
}

/** Whether `diffOf` would find anything; stops at the first difference and allocates nothing. */
export function differs<R extends object>(fields: Fields, current: R, next: Partial<R>): boolean {
  for (const path in fields) {
    const to = next[path as keyof R];
    if (to !== undefined && !sameValue(current[path as keyof R], to)) return true;
  }
  return false;
}
