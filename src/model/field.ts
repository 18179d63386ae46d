/**
 * Entities are described once, as tables of fields. From these tables follow the TypeScript type, the database column,
 * the comparison that finds what changed, and the documentation: a field added here is compared, stored and shown.
 */
export type FieldKind = 'text' | 'int' | 'float' | 'bool' | 'count' | 'json' | 'time' | 'enum';

export type FieldOwner = 'agent' | 'vurti';

export interface Field<T, O extends FieldOwner = FieldOwner> {
  /** Column in the database; oVirt's name where oVirt has one (monitoring-rules.md §7.1). */
  readonly column: string;
  readonly kind: FieldKind;
  /** Value of a fresh entity. */
  readonly initial: T;
  /** For kind `enum`: stored as the number, shown as the name. */
  readonly ids?: Readonly<Record<string, number>>;
  /** Who decides the value: the agent's reports, or vurti and its manager. Only agent-owned fields are compared with a report. */
  readonly owner: O;
  /** Characters that the column holds at most; longer text is cut when decoded. */
  readonly max?: number;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type RowOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };
export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface Options<O extends FieldOwner> {
  owner?: O;
  max?: number;
}

const field = <T, O extends FieldOwner>(
  column: string,
  kind: FieldKind,
  initial: T,
  o: Options<O> = {},
): Field<T, O> => ({
  column,
  kind,
  initial,
  owner: o.owner ?? ('agent' as O),
  ...(o.max === undefined ? {} : { max: o.max }),
});

type Nullable<T> = <O extends FieldOwner = 'agent'>(column: string, o?: Options<O>) => Field<T | null, O>;
const nullable =
  <T>(kind: FieldKind): Nullable<T> =>
  (column, o) =>
    field(column, kind, null, o);

/** Text, null when unknown. */
export const text: Nullable<string> = nullable('text');
/** Whole number within ±2^53, null when unknown. */
export const int: Nullable<number> = nullable('int');
/** float64, null when unknown. */
export const float: Nullable<number> = nullable('float');
export const bool: Nullable<boolean> = nullable('bool');
/** Counter without an upper limit: BigInt here, `numeric` in the database. */
export const count: Nullable<bigint> = nullable('count');
/** A moment, ms since the epoch here, `timestamptz` in the database. */
export const time: Nullable<number> = nullable('time');
/** Structured value; compared by content. */
export const json = <T>(column: string): Field<T | null, 'agent'> => field<T | null, 'agent'>(column, 'json', null);
/** The same, not agent-owned. */
export const ownJson = <T>(column: string): Field<T | null, 'vurti'> =>
  field<T | null, 'vurti'>(column, 'json', null, { owner: 'vurti' });

/** Text that is always there (keys, names). */
export const label = <O extends FieldOwner = 'agent'>(column: string, o?: Options<O>): Field<string, O> =>
  field(column, 'text', '', o);
/** Whole number with a default. */
export const intOr = <O extends FieldOwner = 'agent'>(
  column: string,
  initial: number,
  o?: Options<O>,
): Field<number, O> => field(column, 'int', initial, o);
export const boolOr = <O extends FieldOwner = 'agent'>(
  column: string,
  initial: boolean,
  o?: Options<O>,
): Field<boolean, O> => field(column, 'bool', initial, o);

export const oneOf = <N extends string, O extends FieldOwner = 'agent'>(
  column: string,
  ids: Readonly<Record<N, number>>,
  initial: NoInfer<N>,
  o?: Options<O>,
): Field<N, O> => ({ ...field<N, O>(column, 'enum', initial, o), ids });

/** A row with every field at its initial value. */
export function initialRow<F extends Fields>(fields: F): RowOf<F> {
  return Object.fromEntries(Object.entries(fields).map(([name, f]) => [name, f.initial])) as RowOf<F>;
}
