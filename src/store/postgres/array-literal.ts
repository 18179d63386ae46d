/**
 * Arrays as PostgreSQL's text form, one per column, for `unnest`. pg's own encoding takes each value through several
 * checks and copies; over 47 columns and thousands of rows that is most of a flush.
 */

/** Writes one item's value for one column as an element of an array literal. */
export type Element<T> = (item: T) => string;

const ESCAPED = /["\\]/g;

export function textElement(value: string | null): string {
  return value === null ? 'NULL' : `"${value.replace(ESCAPED, '\\$&')}"`;
}

/** `value` has gone through plainValue. */
export function jsonElement(value: unknown): string {
  return value === null || value === undefined ? 'NULL' : textElement(JSON.stringify(value));
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
  /** One array literal per column. */
  readonly literals: readonly string[];
  readonly count: number;
}

/** The items as array literals, a bounded number at a time. Encoded lazily, so that I/O of one chunk goes before the next. */
export function* chunksOf<T>(
  items: readonly T[],
  columns: readonly Element<T>[],
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
        const element = (columns[column] as Element<T>)(item);
        characters += element.length;
        (elements[column] as string[]).push(element);
      }
    }
    yield { literals: elements.map(literalOf), count: to - from };
    from = to;
  }
}

/** Joined in one piece: a brace put before the whole text later would have all of it copied once more by who sends it. */
function literalOf(column: string[]): string {
  column[0] = `{${column[0] ?? ''}`;
  column[column.length - 1] += '}';
  return column.join(',');
}
