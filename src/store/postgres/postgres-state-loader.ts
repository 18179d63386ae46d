import { CompiledQuery, sql } from 'kysely';
import pg from 'pg';
import type { StateLoader } from '../../events/index.js';
import { messageOf, type Telemetry } from '../../kernel/index.js';
import { type Fields, type Row, type RowKind, rowKinds } from '../../model/index.js';
import { CopyDecoder } from './copy-decoder.js';
import { CopyOutput, type Lane } from './lane.js';
import { fieldOf } from './table-sql.js';
import { isUsage, UsageReader } from './usage-reader.js';

/** Some ms of work, spread over the pieces in which they come from the socket; who asked for them has to go through all. */
const CHUNK = 500;
const READ_MS = 60_000;

type StoredRow = Readonly<Record<string, unknown>>;

/**
 * Reads whole tables, page by page along the primary key, by binary COPY: a row of text takes three times as long. Behind a table
 * for single rows of VMs' usage comes what stands as one row per VM.
 */
export class PostgresStateLoader implements StateLoader {
  readonly #lane: Lane;
  readonly #schema: string;
  readonly #telemetry: Telemetry;
  readonly #usage: UsageReader;

  constructor(lane: Lane, schema: string, telemetry: Telemetry) {
    this.#lane = lane;
    this.#schema = schema;
    this.#telemetry = telemetry;
    this.#usage = new UsageReader(lane, schema, READ_MS);
  }

  async *load<K extends RowKind>(kind: K): AsyncGenerator<readonly Row<K>[]> {
    const decoder = new CopyDecoder(rowKinds[kind].fields);
    let last: StoredRow | undefined;
    do {
      const rows: Row<K>[] = [];
      const page = await this.#page(kind, last, decoder, (row) => rows.push(row as Row<K>));
      if (rows.length > 0) yield rows;
      last = page.rows < CHUNK ? undefined : page.last;
    } while (last !== undefined);
    if (!isUsage(kind)) return;
    const fault = (vmId: string, error: unknown): void => this.#leaveOut('vm_usage', JSON.stringify([vmId]), error);
    yield* this.#usage.load(kind, CHUNK, fault);
  }

  async #page(
    kind: RowKind,
    after: StoredRow | undefined,
    decoder: CopyDecoder,
    onRow: (row: StoredRow) => void,
  ): Promise<{ readonly rows: number; readonly last: StoredRow | undefined }> {
    const { fields, key } = rowKinds[kind] as { fields: Fields; key: readonly string[] };
    let rows = 0;
    let last: StoredRow | undefined;
    const onMessage = (message: Buffer): void => {
      let wrong: unknown;
      const row = decoder.row(message, (error) => {
        wrong ??= error;
      });
      if (row === null) return;
      rows += 1;
      last = row;
      if (wrong === undefined) onRow(row);
      else this.#leaveOut(kind, JSON.stringify(key.map((part) => row[part])), wrong);
    };
    const columns = sql.join(Object.values(fields).map(({ column }) => sql.id(column)));
    const keyColumns = sql.join(key.map((name) => sql.id(fieldOf(fields, name).column)));
    // COPY takes no parameters.
    const place = after === undefined ? null : key.map((name) => sql.raw(literal(after[name])));
    const where = place === null ? sql`` : sql`where (${keyColumns}) > (${sql.join(place)})`;
    decoder.begin();
    await this.#lane.within(READ_MS, `loading ${kind}`, async (db) => {
      const copy = sql`
        copy (select ${columns} from ${sql.id(this.#schema, kind)} ${where} order by ${keyColumns} limit ${sql.raw(String(CHUNK))})
        to stdout (format binary)`;
      await db.executeQuery(CompiledQuery.raw(copy.compile(db).sql, [new CopyOutput(kind, onMessage)]));
    });
    return { rows, last };
  }

  /** One row that somebody else wrote must not keep the service from starting. */
  #leaveOut(table: string, key: string, error: unknown): void {
    const fields = { table, key, message: messageOf(error) };
    this.#telemetry.log('error', 'A stored row is not understood and was left out', fields);
    this.#telemetry.count('vurti_store_rows_not_understood_total', 1, { table });
  }
}

/** Keys are text and whole numbers. */
function literal(value: unknown): string {
  return typeof value === 'number' ? String(value) : pg.escapeLiteral(String(value));
}
