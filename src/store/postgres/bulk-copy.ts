import { CompiledQuery, type Kysely, sql } from 'kysely';
import { type Fields, type RowKind, type RowWrite, rowKinds } from '../../model/index.js';
import { type CopyColumn, CopyEncoder, copyColumn } from './copy-encoder.js';
import { CopyInput } from './lane.js';
import { fieldOf, upsertOf } from './table-sql.js';

/** Encoded without a pause, and sent as one query. */
const CHUNK_ROWS = 2000;
const CHUNK_BYTES = 4_000_000;

interface Table {
  readonly kind: RowKind;
  readonly names: readonly string[];
  readonly columns: readonly CopyColumn[];
  /** A temporary table of the same columns, which every commit empties, and the upsert from it, planned once. */
  readonly setUp: string;
  readonly run: string;
  /** The same once more within a transaction. */
  readonly runAgain: string;
}

type StoredRow = Readonly<Record<string, unknown>>;

/**
 * Statistics in bulk: binary COPY into a temporary table, and the upsert from there. The other way, arrays as text, costs
 * us more than twice the CPU per row (docs/adr/0010); what it writes is the same.
 */
export class BulkCopy {
  readonly #tables: ReadonlyMap<RowKind, Table>;
  readonly #encoder = new CopyEncoder();

  constructor(compiler: Kysely<unknown>, schema: string) {
    const kinds = (Object.keys(rowKinds) as RowKind[]).filter((kind) => rowKinds[kind].statistics);
    this.#tables = new Map(kinds.map((kind) => [kind, tableOf(compiler, schema, kind)]));
  }

  /** To be run in each session, outside of any transaction. */
  get setUp(): string {
    return [...this.#tables.values()].map((table) => table.setUp).join('; ');
  }

  takes(kind: RowKind): boolean {
    return this.#tables.has(kind);
  }

  /**
   * Rows of statistics by table, no deletions, each key once, as statements in chunks: one at a time, each written before
   * the next one is asked for.
   */
  *statements(groups: ReadonlyMap<RowKind, readonly RowWrite[]>): Generator<CompiledQuery> {
    const encoder = this.#encoder;
    let parts: { kind: RowKind; run: string }[] = [];
    let rows = 0;
    encoder.clear();
    const chunk = (): CompiledQuery => {
      const kinds = parts.map(({ kind }) => kind);
      return CompiledQuery.raw(parts.map(({ run }) => run).join('; '), [new CopyInput(kinds, encoder.take())]);
    };
    try {
      for (const [kind, writes] of groups) {
        const table = this.#table(kind);
        for (let next = 0; next < writes.length; ) {
          parts.push({ kind, run: next === 0 ? table.run : table.runAgain });
          const from = next;
          encoder.begin();
          for (; next < writes.length && rows + next - from < CHUNK_ROWS && encoder.size < CHUNK_BYTES; next++) {
            encodeRow(encoder, table, writes[next] as RowWrite);
          }
          encoder.end();
          rows += next - from;
          if (rows < CHUNK_ROWS && encoder.size < CHUNK_BYTES) continue;
          yield chunk();
          encoder.clear();
          parts = [];
          rows = 0;
        }
      }
      if (parts.length > 0) yield chunk();
      encoder.clear();
    } finally {
      // Left early: a statement failed, and its data may be on its way.
      if (encoder.size > 0) encoder.renew();
    }
  }

  #table(kind: RowKind): Table {
    const table = this.#tables.get(kind);
    if (table === undefined) throw new TypeError(`${kind} is no table of statistics`);
    return table;
  }
}

function encodeRow(encoder: CopyEncoder, { names, columns }: Table, write: RowWrite): void {
  const row = ('row' in write ? write.row : {}) as StoredRow;
  encoder.row(columns.length);
  for (let i = 0; i < columns.length; i++) (columns[i] as CopyColumn)(encoder, row[names[i] as string]);
}

function tableOf(compiler: Kysely<unknown>, schema: string, kind: RowKind): Table {
  const { fields } = rowKinds[kind] as { fields: Fields };
  const names = Object.keys(fields);
  const columns = sql.join(names.map((name) => sql.id(fieldOf(fields, name).column)));
  const temporary = sql.id('pg_temp', `vurti_${kind}`);
  const upsert = upsertOf(schema, kind, sql`select ${columns} from ${temporary}`).compile(compiler).sql;
  const create = sql`
    create temporary table ${sql.id(`vurti_${kind}`)} (like ${sql.id(schema, kind)}) on commit delete rows`;
  const copy = sql`copy ${temporary} (${columns}) from stdin (format binary)`.compile(compiler).sql;
  return {
    kind,
    names,
    columns: names.map((name) => copyColumn(fieldOf(fields, name))),
    setUp: `${create.compile(compiler).sql}; prepare vurti_${kind} as ${upsert}`,
    run: `${copy}; execute vurti_${kind}`,
    runAgain: `${sql`delete from ${temporary}`.compile(compiler).sql}; ${copy}; execute vurti_${kind}`,
  };
}
