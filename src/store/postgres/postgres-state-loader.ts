import { type RawBuilder, sql } from 'kysely';
import type { StateLoader } from '../../events/index.js';
import { messageOf, type Telemetry } from '../../kernel/index.js';
import { type Field, type Fields, type Row, type RowKind, rowKinds } from '../../model/index.js';
import type { Lane } from './lane.js';
import { fieldOf } from './table-sql.js';

/** Decoded without a pause: some 10 ms. */
const CHUNK = 500;
const READ_MS = 60_000;

type StoredRow = Readonly<Record<string, unknown>>;

/** Reads whole tables, page by page along the primary key. */
export class PostgresStateLoader implements StateLoader {
  readonly #lane: Lane;
  readonly #schema: string;
  readonly #telemetry: Telemetry;

  constructor(lane: Lane, schema: string, telemetry: Telemetry) {
    this.#lane = lane;
    this.#schema = schema;
    this.#telemetry = telemetry;
  }

  async *load<K extends RowKind>(kind: K): AsyncGenerator<readonly Row<K>[]> {
    const { key } = rowKinds[kind] as { key: readonly string[] };
    const names = enumNames(rowKinds[kind].fields);
    let last: StoredRow | undefined;
    do {
      const page = await this.#page(kind, last);
      const rows: Row<K>[] = [];
      for (const stored of page) {
        try {
          rows.push(rowOf(rowKinds[kind].fields, names, stored) as Row<K>);
        } catch (error) {
          // One row that somebody else wrote must not keep the service from starting.
          const name = JSON.stringify(key.map((part) => stored[part]));
          const fields = { table: kind, key: name, message: messageOf(error) };
          this.#telemetry.log('error', 'A stored row is not understood and was left out', fields);
          this.#telemetry.count('vurti_store_rows_not_understood_total', 1, { table: kind });
        }
      }
      if (rows.length > 0) yield rows;
      last = page.length < CHUNK ? undefined : page.at(-1);
    } while (last !== undefined);
  }

  async #page(kind: RowKind, after: StoredRow | undefined): Promise<readonly StoredRow[]> {
    const { fields, key } = rowKinds[kind] as { fields: Fields; key: readonly string[] };
    const columns = Object.entries(fields).map(([name, field]) => sql`${selected(field)} as ${sql.id(name)}`);
    const keyColumns = sql.join(key.map((name) => sql.id(fieldOf(fields, name).column)));
    const where =
      after === undefined ? sql`` : sql`where (${keyColumns}) > (${sql.join(key.map((name) => after[name]))})`;
    return await this.#lane.within(READ_MS, `loading ${kind}`, async (db) => {
      const { rows } = await sql<StoredRow>`
        select ${sql.join(columns)} from ${sql.id(this.#schema, kind)} ${where}
        order by ${keyColumns} limit ${CHUNK}`.execute(db);
      return rows;
    });
  }
}

/** Times come as milliseconds, not as text that would have to be parsed. */
function selected({ column, kind }: Field<unknown>): RawBuilder<unknown> {
  return kind === 'time' ? sql`(extract(epoch from ${sql.id(column)}) * 1000)::double precision` : sql.id(column);
}

/** Of each field that is an enum, its names by the id that is stored. */
type EnumNames = ReadonlyMap<string, ReadonlyMap<unknown, string>>;

function enumNames(fields: Fields): EnumNames {
  const byId = ({ ids = {} }: Field<unknown>) =>
    new Map(Object.entries(ids).map(([name, id]) => [id as unknown, name]));
  return new Map(Object.entries(fields).map(([name, field]) => [name, byId(field)]));
}

/** @throws Error naming the column whose value is not understood */
function rowOf(fields: Fields, names: EnumNames, stored: StoredRow): StoredRow {
  const row: Record<string, unknown> = {};
  for (const name in fields) row[name] = decoded(fieldOf(fields, name), stored[name], names.get(name));
  return row;
}

function decoded(field: Field<unknown>, value: unknown, names: ReadonlyMap<unknown, string> | undefined): unknown {
  if (value === null) return null;
  switch (field.kind) {
    case 'int':
      if (!Number.isSafeInteger(value)) throw new RangeError(`${field.column}: ${value} is not within ±2^53`);
      return value;
    case 'count':
      if (!/^-?\d+$/.test(String(value))) throw new RangeError(`${field.column}: ${value} is not a whole number`);
      return BigInt(String(value));
    case 'time':
      return Math.round(Number(value));
    case 'enum': {
      const found = names?.get(value);
      if (found === undefined) throw new RangeError(`${field.column}: nothing is known by the id ${value}`);
      return found;
    }
    default:
      return value;
  }
}
