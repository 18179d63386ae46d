import { type RawBuilder, sql } from 'kysely';

/**
 * Lists as text, one per column, for `unnest`. pg's own encoding takes each value through several checks and copies; over
 * 47 columns and thousands of rows that is most of a flush.
 */

/** Writes one item's value for one column as an element of its list. */
export type Element<T> = (item: T) => string;

/**
 * A column, and what its list looks like: a literal of PostgreSQL's, or, of JSON, the texts one after the other with a
 * character between them that none of them holds. In a literal each quote and each backslash of JSON would be doubled.
 */
export interface ListColumn<T> {
  readonly element: Element<T>;
  readonly form: ListForm;
}

interface ListForm {
  readonly open: string;
  readonly between: string;
  readonly close: string;
}

/** JSON.stringify escapes all characters below U+0020. */
const SEPARATOR = '\x1e';
const literal: ListForm = { open: '{', between: ',', close: '}' };
const separated: ListForm = { open: '', between: SEPARATOR, close: '' };

export const literalColumn = <T>(element: Element<T>): ListColumn<T> => ({ element, form: literal });
/** Its elements are JSON as JSON.stringify writes it, or NULL. */
export const jsonColumn = <T>(element: Element<T>): ListColumn<T> => ({ element, form: separated });

/** A statement's parameter for a list, as an array of this type. */
export function listParameter(type: string): RawBuilder<unknown> {
  return type === 'jsonb'
    ? sql`string_to_array(${null}::text, ${sql.lit(SEPARATOR)}, 'NULL')::jsonb[]`
    : sql`${null}::${sql.raw(type)}[]`;
}

const ESCAPED = /["\\]/g;

export function textElement(value: string | null): string {
  return value === null ? 'NULL' : `"${value.replace(ESCAPED, '\\$&')}"`;
}

/** `value` has gone through plainValue. For a `jsonColumn`. */
export function jsonElement(value: unknown): string {
  return value === null || value === undefined ? 'NULL' : JSON.stringify(value);
}

/** Numbers and BigInt; float8 knows NaN and Infinity by these names as well. */
export function numberElement(value: number | bigint | null): string {
  return value === null ? 'NULL' : String(value);
}

export function boolElement(value: boolean | null): string {
  return value === null ? 'NULL' : value ? 't' : 'f';
}

export interface ChunkLimits {
  readonly items: number;
  readonly characters: number;
}

/** A statement of this size is large enough to be efficient, and encoding it keeps the event loop for a few ms at most. */
const chunkLimits: ChunkLimits = { items: 500, characters: 4_000_000 };

export interface Chunk {
  /** One list per column. */
  readonly lists: readonly string[];
  readonly count: number;
}

/** The items as lists, a bounded number at a time. Encoded lazily, so that I/O of one chunk goes before the next. */
export function* chunksOf<T>(
  items: readonly T[],
  columns: readonly ListColumn<T>[],
  limits: ChunkLimits = chunkLimits,
): Generator<Chunk> {
  let from = 0;
  while (from < items.length) {
    const elements: string[][] = columns.map(() => []);
    let characters = 0;
    let to = from;
    for (; to < items.length && to - from < limits.items && characters < limits.characters; to++) {
      const item = items[to] as T;
      for (let column = 0; column < columns.length; column++) {
        const element = (columns[column] as ListColumn<T>).element(item);
        characters += element.length;
        (elements[column] as string[]).push(element);
      }
    }
    yield { lists: columns.map(({ form }, column) => listOf(elements[column] as string[], form)), count: to - from };
    from = to;
  }
}

/** Joined in one piece: a brace put before the whole text later would have all of it copied once more by who sends it. */
function listOf(elements: string[], { open, between, close }: ListForm): string {
  if (open !== '') elements[0] = `${open}${elements[0] ?? ''}`;
  if (close !== '') elements[elements.length - 1] += close;
  return elements.join(between);
}
