import type { Count } from '../../model/index.js';
import { cleanText, excerptOf, isCleanKey } from '../text.js';
import type { Problems } from './problems.js';

/** Texts whose column sets no limit of its own. */
const LONGEST_TEXT = 262_144;
/** Entries of one list or map. A host has some hundred nics, a guest some thousand packages. */
const MAX_ENTRIES = 4096;
/** No counter that anything really counts has more digits; BigInt of a million digits would cost seconds. */
const MAX_DIGITS = 40;
/** Far beyond any rate, latency in nanoseconds or time; sums of such numbers stay exact enough and finite. */
const LARGEST_FLOAT = 1e15;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const WHOLE = /^[+-]?\d+(?:\.\d*)?$/;

export type JsonObject = { readonly [key: string]: unknown };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Reads the members of one JSON object the way agents mean them: numbers may be texts, booleans "True", anything may be
 * missing. Every method gives undefined for a member that is absent, null, empty where a number is wanted, or unreadable;
 * only the last is a problem, and is noted as one.
 */
export class Reader {
  readonly #object: JsonObject;
  readonly #path: string;
  readonly #problems: Problems;
  readonly #vmId: string | null;

  constructor(object: JsonObject, path: string, problems: Problems, vmId: string | null = null) {
    this.#object = object;
    this.#path = path;
    this.#problems = problems;
    this.#vmId = vmId;
  }

  /** The member as it came. Inherited names are no members. */
  raw(key: string): unknown {
    if (!Object.hasOwn(this.#object, key)) return undefined;
    return this.#object[key] ?? undefined;
  }

  /** The member is there, and says that there is no value. */
  isNull(key: string): boolean {
    return Object.hasOwn(this.#object, key) && this.#object[key] === null;
  }

  has(key: string): boolean {
    return this.raw(key) !== undefined;
  }

  get size(): number {
    return Object.keys(this.#object).length;
  }

  problem(key: string, message: string): void {
    this.#problems.add(this.#pathOf(key), message, this.#vmId);
  }

  text(key: string, max = LONGEST_TEXT): string | undefined {
    const value = this.raw(key);
    if (typeof value === 'string') return cleanText(value, max);
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    return this.#unreadable(key, value, 'not a text');
  }

  /** A text that becomes part of a key: used as it is, or not at all. */
  key(key: string): string | undefined {
    const value = this.raw(key);
    if (value === undefined || value === '') return undefined;
    return typeof value === 'string' && isCleanKey(value)
      ? value
      : this.#unreadable(key, value, 'not usable as a name');
  }

  /** Cut at the decimal point. */
  int(key: string): number | undefined {
    const value = this.raw(key);
    if (isBlank(value)) return undefined;
    const number = Math.trunc(toNumber(value)) + 0;
    return Number.isSafeInteger(number) ? number : this.#unreadable(key, value, 'not a whole number within ±2^53');
  }

  float(key: string, largest = LARGEST_FLOAT): number | undefined {
    const value = this.raw(key);
    if (isBlank(value)) return undefined;
    const number = toNumber(value);
    return Math.abs(number) <= largest ? number : this.#unreadable(key, value, `not a number within ±${largest}`);
  }

  /** A counter or a size: never negative; -1 is how agents say that they do not know. */
  count(key: string): Count | undefined {
    const value = this.raw(key);
    if (isBlank(value)) return undefined;
    const count = toCount(value);
    if (count === -1) return undefined;
    return count === undefined || count < 0 ? this.#unreadable(key, value, 'not a counter') : count;
  }

  bool(key: string): boolean | undefined {
    const value = this.raw(key);
    if (typeof value === 'boolean') return value;
    if (isBlank(value)) return undefined;
    // Only what is a word already is read as one: an object may carry a `toString` that is no function.
    const word = typeof value === 'string' ? value.trim().toLowerCase() : value;
    if (word === 'true' || word === '1' || word === 1) return true;
    if (word === 'false' || word === '0' || word === 0) return false;
    return this.#unreadable(key, value, 'not true or false');
  }

  object(key: string): Reader | undefined {
    const value = this.raw(key);
    if (isObject(value)) return new Reader(value, this.#pathOf(key), this.#problems, this.#vmId);
    return this.#unreadable(key, value, 'not an object');
  }

  /** A map from names to objects, in its order. Entries that are no objects are left out. */
  entries(key: string): [name: string, entry: Reader][] | undefined {
    const map = this.object(key);
    if (map === undefined) return undefined;
    const result: [string, Reader][] = [];
    for (const name of map.names()) {
      const entry = map.object(name);
      if (entry !== undefined) result.push([name, entry]);
    }
    return result;
  }

  /** The names of all members that can be names in a report too. `__proto__` cannot: copying it would set a prototype. */
  names(): string[] {
    const names: string[] = [];
    for (const name of Object.keys(this.#object)) {
      if (name === '__proto__' || !isCleanKey(name)) this.problem(excerptOf(name), 'not usable as a name');
      else if (names.length < MAX_ENTRIES) names.push(name);
      else {
        this.#problems.add(this.#path, `more than ${MAX_ENTRIES} entries`, this.#vmId);
        break;
      }
    }
    return names;
  }

  list(key: string): readonly unknown[] | undefined {
    const value = this.raw(key);
    if (!Array.isArray(value)) return this.#unreadable(key, value, 'not a list');
    if (value.length <= MAX_ENTRIES) return value;
    this.problem(key, `more than ${MAX_ENTRIES} entries`);
    return value.slice(0, MAX_ENTRIES);
  }

  /** A list of objects; entries that are none are left out. */
  objects(key: string): Reader[] | undefined {
    const list = this.list(key);
    if (list === undefined) return undefined;
    const result: Reader[] = [];
    for (let index = 0; index < list.length; index++) {
      const value = list[index];
      const path = `${key}[${index}]`;
      if (isObject(value)) result.push(new Reader(value, this.#pathOf(path), this.#problems, this.#vmId));
      else this.problem(path, `not an object: ${excerptOf(value)}`);
    }
    return result;
  }

  /** A list of texts; numbers are taken as texts, other entries are left out. */
  texts(key: string, max = LONGEST_TEXT): string[] | undefined {
    const list = this.list(key);
    if (list === undefined) return undefined;
    const result: string[] = [];
    for (let index = 0; index < list.length; index++) {
      const value = list[index];
      if (typeof value === 'string') result.push(cleanText(value, max));
      else if (typeof value === 'number') result.push(String(value));
      else this.problem(`${key}[${index}]`, `not a text: ${excerptOf(value)}`);
    }
    return result;
  }

  #unreadable(key: string, value: unknown, message: string): undefined {
    if (value !== undefined) this.problem(key, `${message}: ${excerptOf(value)}`);
    return undefined;
  }

  #pathOf(key: string): string {
    return this.#path === '' ? key : `${this.#path}.${key}`;
  }
}

function isBlank(value: unknown): boolean {
  return value === undefined || (typeof value === 'string' && value.trim() === '');
}

/** NaN for what is no number. */
function toNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || value.length > 64) return Number.NaN;
  const text = value.trim();
  return NUMBER.test(text) ? Number(text) : Number.NaN;
}

/** Whole numbers of so many digits are exact as numbers. */
const SAFE_DIGITS = /^\d{1,15}$/;

function toCount(value: unknown): Count | undefined {
  if (typeof value === 'string' && SAFE_DIGITS.test(value)) return Number(value);
  const count = toBigInt(value);
  if (count === undefined || count < Number.MIN_SAFE_INTEGER || count > Number.MAX_SAFE_INTEGER) return count;
  return Number(count);
}

function toBigInt(value: unknown): bigint | undefined {
  if (typeof value === 'number') return Math.abs(value) < 10 ** MAX_DIGITS ? BigInt(Math.trunc(value)) : undefined;
  if (typeof value !== 'string' || value.length > 2 * MAX_DIGITS) return undefined;
  const text = value.trim();
  if (!WHOLE.test(text)) return undefined;
  const digits = (text.split('.', 1)[0] as string).replace(/^\+/, '');
  return digits.length > MAX_DIGITS ? undefined : BigInt(digits);
}
