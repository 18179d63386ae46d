import { CompiledQuery, type Kysely, type RawBuilder, sql } from 'kysely';
import { type Field, type FieldKind, type Fields, type RowKind, type RowWrite, rowKinds } from '../../model/index.js';
import {
  boolElement,
  chunksOf,
  jsonColumn,
  jsonElement,
  type ListColumn,
  listParameter,
  literalColumn,
  numberElement,
  textElement,
} from './value-lists.js';

/** Column types by kind of field; the migrations are written by hand and tested against this. */
const columnTypes: Readonly<Record<FieldKind, string>> = {
  text: 'text',
  int: 'bigint',
  float: 'double precision',
  bool: 'boolean',
  count: 'numeric',
  json: 'jsonb',
  time: 'timestamptz',
  enum: 'smallint',
};

type StoredRow = Readonly<Record<string, unknown>>;

/**
 * The upsert of rows that `source` gives, in the order of the table's fields; rows that are equal are left alone. (Measured
 * against UPDATE … FROM plus INSERT and against MERGE: as fast as these within 6 % at best, and the join of an UPDATE needs
 * statistics that a temporary table does not have; MERGE needs PostgreSQL 15.)
 */
export function upsertOf(schema: string, kind: RowKind, source: RawBuilder<unknown>): RawBuilder<unknown> {
  const { fields, key } = rowKinds[kind] as { fields: Fields; key: readonly string[] };
  const names = Object.keys(fields);
  const id = (name: string) => sql.id(fieldOf(fields, name).column);
  const rest = names.filter((name) => !key.includes(name));
  return sql`
    insert into ${sql.id(schema, kind)} as t (${list(names.map(id))})
    ${source}
    on conflict (${list(key.map(id))}) do update
    set ${list(rest.map((name) => sql`${id(name)} = excluded.${id(name)}`))}
    where (${list(rest.map((name) => sql`t.${id(name)}`))})
      is distinct from (${list(rest.map((name) => sql`excluded.${id(name)}`))})`;
}

/** The statements of one table, made once from its field table. */
export class TableSql {
  readonly #upsert: string;
  readonly #upsertColumns: readonly ListColumn<StoredRow>[];
  readonly #remove: string;
  readonly #removeColumns: readonly ListColumn<readonly (string | number)[]>[];

  constructor(compiler: Kysely<unknown>, schema: string, kind: RowKind) {
    const { fields, key } = rowKinds[kind] as { fields: Fields; key: readonly string[] };
    const names = Object.keys(fields);
    const column = (name: string): string => fieldOf(fields, name).column;
    const id = (name: string) => sql.id(column(name));

    const values = names.map((name) =>
      fieldOf(fields, name).kind === 'time' ? sql`to_timestamp(${id(name)} / 1000.0)` : id(name),
    );
    const source = sql`select ${list(values)} from unnest(${arrays(names, fields)}) as i (${list(names.map(id))})`;
    this.#upsert = upsertOf(schema, kind, source).compile(compiler).sql;
    this.#upsertColumns = names.map((name) => columnOf(fieldOf(fields, name), (row) => row[name]));

    const matches = key.map((name) => sql`t.${id(name)} = d.${id(name)}`);
    this.#remove = sql`
      delete from ${sql.id(schema, kind)} t using unnest(${arrays(key, fields)}) as d (${list(key.map(id))})
      where ${sql.join(matches, sql` and `)}`.compile(compiler).sql;
    this.#removeColumns = key.map((name, index) => columnOf(fieldOf(fields, name), (parts) => parts[index]));
  }

  /** Writes of this table as statements, in chunks. Each key may occur once only. */
  *statements(writes: readonly RowWrite[]): Generator<CompiledQuery> {
    const rows: StoredRow[] = [];
    const deleted: (readonly (string | number)[])[] = [];
    for (const write of writes) {
      if ('deleted' in write) deleted.push(write.deleted);
      else rows.push(write.row as unknown as StoredRow);
    }
    for (const { lists } of chunksOf(rows, this.#upsertColumns)) yield CompiledQuery.raw(this.#upsert, [...lists]);
    for (const { lists } of chunksOf(deleted, this.#removeColumns)) yield CompiledQuery.raw(this.#remove, [...lists]);
  }
}

export function fieldOf(fields: Fields, name: string): Field<unknown> {
  const field = fields[name];
  if (field === undefined) throw new TypeError(`no field ${name}`);
  return field;
}

function list(parts: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return sql.join(parts);
}

/** A parameter per field, as an array. Times travel as milliseconds. */
function arrays(names: readonly string[], fields: Fields): RawBuilder<unknown> {
  return list(
    names.map((name) => {
      const { kind } = fieldOf(fields, name);
      return listParameter(kind === 'time' ? 'double precision' : columnTypes[kind]);
    }),
  );
}

/** The values have gone through `storable`: they are of the field's kind. */
function columnOf<T>(field: Field<unknown>, read: (item: T) => unknown): ListColumn<T> {
  switch (field.kind) {
    case 'text':
      return literalColumn((item) => textElement(read(item) as string | null));
    case 'int':
    case 'float':
    case 'time':
    case 'count':
      return literalColumn((item) => numberElement(read(item) as number | bigint | null));
    case 'bool':
      return literalColumn((item) => boolElement(read(item) as boolean | null));
    case 'json':
      return jsonColumn((item) => jsonElement(read(item)));
    case 'enum': {
      const ids = field.ids ?? {};
      return literalColumn((item) => numberElement(ids[read(item) as string] ?? null));
    }
  }
}
