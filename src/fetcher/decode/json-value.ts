import { cleanText, isCleanKey } from '../text.js';

const MAX_DEPTH = 8;
const MAX_VALUES = 4096;
const LONGEST_TEXT = 4096;

/**
 * A value of free form that is stored as JSON: the same value with storable texts and without members that cannot be
 * names. Undefined when it is larger than any real one.
 */
export function cleanJson(value: unknown): unknown {
  const budget = { left: MAX_VALUES };
  try {
    return clean(value, MAX_DEPTH, budget);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function clean(value: unknown, depth: number, budget: { left: number }): unknown {
  budget.left -= 1;
  if (depth === 0 || budget.left < 0) throw new RangeError('too large');
  if (typeof value === 'string') return cleanText(value, LONGEST_TEXT);
  // JSON has no other numbers, but 1e999 reads as Infinity and would be stored as null without a word.
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (Array.isArray(value)) return value.map((item) => clean(item, depth - 1, budget));
  if (typeof value !== 'object' || value === null) return value;
  const result: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    if (name === '__proto__' || !isCleanKey(name)) continue;
    result[name] = clean(member, depth - 1, budget);
  }
  return result;
}
