/**
 * Entities are described once, as tables of fields. From these tables follow the TypeScript type, the database column,
 * the comparison that finds what changed, and the documentation: a field added here is compared, stored and shown.
 */
export type FieldKind = 'text' | 'int' | 'float' | 'bool' | 'count' | 'json' | 'time' | 'enum';

export interface Field<T> {
  /** Column in the database; oVirt's name where oVirt has one (monitoring-rules.md §7.1). */
  readonly column: string;
  readonly kind: FieldKind;
  /** Value of a fresh entity. */
  readonly initial: T;
  /** For kind `enum`: stored as the number, shown as the name. */
  readonly ids?: Readonly<Record<string, number>>;
  /** Who decides the value: the agent's reports, or vurti and its manager. Only agent-owned fields are compared with a report. */
  readonly owner: 'agent' | 'vurti';
  /** Characters that the column holds at most; longer text is cut when decoded. */
  readonly max?: number;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type RowOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };
export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

type Owner = { owner?: Field<unknown>['owner']; max?: number };

const field = <T>(column: string, kind: FieldKind, initial: T, o: Owner = {}): Field<T> => ({
  column,
  kind,
  initial,
  owner: o.owner ?? 'agent',
  ...(o.max === undefined ? {} : { max: o.max }),
});

/** Text, null when unknown. */
export const text = (column: string, o?: Owner): Field<string | null> => field<string | null>(column, 'text', null, o);
/** Text that is always there (keys, names). */
export const label = (column: string, o?: Owner): Field<string> => field<string>(column, 'text', '', o);
/** Whole number within ±2^53, null when unknown. */
export const int = (column: string, o?: Owner): Field<number | null> => field<number | null>(column, 'int', null, o);
/** Whole number with a default. */
export const intOr = (column: string, initial: number, o?: Owner): Field<number> => field(column, 'int', initial, o);
/** float64, null when unknown. */
export const float = (column: string, o?: Owner): Field<number | null> => field<number | null>(column, 'float', null, o);
export const bool = (column: string, o?: Owner): Field<boolean | null> => field<boolean | null>(column, 'bool', null, o);
export const boolOr = (column: string, initial: boolean, o?: Owner): Field<boolean> => field(column, 'bool', initial, o);
/** Counter without an upper limit: BigInt here, `numeric` in the database. */
export const count = (column: string, o?: Owner): Field<bigint | null> => field<bigint | null>(column, 'count', null, o);
/** A moment, ms since the epoch here, `timestamptz` in the database. */
export const time = (column: string, o?: Owner): Field<number | null> => field<number | null>(column, 'time', null, o);
/** Structured value; compared by content. */
export const json = <T>(column: string, o?: Owner): Field<T | null> => field<T | null>(column, 'json', null, o);

export const oneOf = <N extends string>(
  column: string,
  ids: Readonly<Record<N, number>>,
  initial: NoInfer<N>,
  o?: Owner,
): Field<N> => ({ ...field<N>(column, 'enum', initial, o), ids });

/** A row with every field at its initial value. */
export function initialRow<F extends Fields>(fields: F): RowOf<F> {
  return Object.fromEntries(Object.entries(fields).map(([name, f]) => [name, f.initial])) as RowOf<F>;
}
