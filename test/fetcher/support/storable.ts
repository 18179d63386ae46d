import type { Field, Fields } from '../../../src/model/index.js';

/** What PostgreSQL refuses inside a text. */
const UNSTORABLE = /[\0\p{Cs}]/u;

/**
 * What of a row does not fit the columns of its fields: type, range, length, texts that cannot be stored. Empty: all fits.
 * Plain checks instead of one `expect` each: fuzzing makes millions.
 */
export function misfits(fields: Fields, row: object): string[] {
  return Object.entries(row).flatMap(([name, value]) => {
    const field = fields[name];
    if (field === undefined) return [`${name} is no field of the table`];
    if (value === null || fits(field, value)) return [];
    return field.kind === 'json' ? dirt(name, value) : [`${name} (${field.kind}): ${String(value).slice(0, 80)}`];
  });
}

function fits(field: Field<unknown>, value: unknown): boolean {
  switch (field.kind) {
    case 'text':
      return typeof value === 'string' && !UNSTORABLE.test(value) && value.length <= (field.max ?? 4_194_304);
    case 'int':
    case 'time':
      return Number.isSafeInteger(value);
    case 'float':
      return Number.isFinite(value);
    case 'bool':
      return typeof value === 'boolean';
    case 'count':
      return typeof value === 'bigint';
    case 'enum':
      return Object.hasOwn(field.ids ?? {}, String(value));
    case 'json':
      return dirt('', value).length === 0;
  }
}

/** Free values: where a text cannot be stored, a number is none, or a key could become a prototype. */
export function dirt(path: string, value: unknown): string[] {
  if (typeof value === 'string') return UNSTORABLE.test(value) ? [`${path}: unstorable text`] : [];
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [`${path}: ${value}`];
  if (typeof value !== 'object' || value === null) return [];
  const prototype: unknown = Object.getPrototypeOf(value);
  const strange = prototype !== Object.prototype && prototype !== Array.prototype ? [`${path}: strange prototype`] : [];
  const members = Object.entries(value).flatMap(([key, member]) => {
    const bad = key === '__proto__' || UNSTORABLE.test(key) ? [`${path}: key ${JSON.stringify(key)}`] : [];
    return [...bad, ...dirt(`${path}.${key}`, member)];
  });
  return [...strange, ...members];
}
