import { type Field, type Fields, type RowWrite, rowKinds } from '../model/index.js';
import { cutText, EARLIEST, LATEST, plainValue } from './plain-value.js';

export type Storable = { readonly write: RowWrite } | { readonly refused: string };

/**
 * The write as the database will hold it, or why no database of ours would take it. Both stores see rows only through
 * here, so what one of them holds, the other one would hold too.
 */
export function storable(write: RowWrite): Storable {
  const { fields, key } = rowKinds[write.kind] as { fields: Fields; key: readonly string[] };
  if ('deleted' in write) {
    const refused =
      write.deleted.length === key.length ? null : `key has ${write.deleted.length} parts, not ${key.length}`;
    if (refused !== null) return { refused };
    const deleted = write.deleted.map((part) => (typeof part === 'string' ? cutText(part, undefined) : part));
    return { write: { ...write, deleted } };
  }
  const row = write.row as Readonly<Record<string, unknown>>;
  let copy: Record<string, unknown> | null = null;
  for (const name in fields) {
    const field = fields[name] as Field<unknown>;
    const value = row[name];
    const stored = value === undefined ? null : storedValue(field, value);
    if (stored === UNFIT || (stored === null && field.initial !== null)) {
      return { refused: `${field.column}: ${shown(value)} is not ${wanted[field.kind]}` };
    }
    if (stored === value) continue;
    copy ??= { ...row };
    copy[name] = stored;
  }
  return copy === null ? { write } : { write: { kind: write.kind, row: copy } as unknown as RowWrite };
}

const UNFIT = Symbol('unfit');

function storedValue(field: Field<unknown>, value: unknown): unknown {
  if (value === null) return null;
  switch (field.kind) {
    case 'text':
      return typeof value === 'string' ? cutText(value, field.max) : UNFIT;
    case 'int':
      return Number.isSafeInteger(value) ? value : UNFIT;
    case 'float':
      return typeof value === 'number' ? value : UNFIT;
    case 'bool':
      return typeof value === 'boolean' ? value : UNFIT;
    case 'count':
      return typeof value === 'bigint' ? value : UNFIT;
    case 'time':
      return typeof value === 'number' && value >= EARLIEST && value <= LATEST ? Math.round(value) : UNFIT;
    case 'json':
      return plainValue(value);
    case 'enum':
      return typeof value === 'string' && Object.hasOwn(field.ids ?? {}, value) ? value : UNFIT;
  }
}

const wanted: Readonly<Record<Field<unknown>['kind'], string>> = {
  text: 'text',
  int: 'a whole number within ±2^53',
  float: 'a number',
  bool: 'true or false',
  count: 'a BigInt',
  json: 'a JSON value',
  time: 'a time of the years 1 to 9999',
  enum: 'a known name',
};

function shown(value: unknown): string {
  if (typeof value === 'string') return `"${value.slice(0, 40)}"`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value).slice(0, 40);
}
