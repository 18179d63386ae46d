import { CompiledQuery, type Kysely, type RawBuilder, sql } from 'kysely';
import {
  formatCursor,
  type LogRecord,
  type LogRecordDraft,
  nameOfRecord,
  numberedRecord,
  severityIds,
} from '../../events/index.js';
import {
  chunksOf,
  jsonColumn,
  type ListColumn,
  listParameter,
  literalColumn,
  numberElement,
  textElement,
} from './value-lists.js';

/** Stored in databases: added to, never changed. */
const kindIds = { change: 0, event: 1, intent: 2 } as const;
const kindsById = new Map<number, LogRecordDraft['kind']>(
  Object.entries(kindIds).map(([kind, id]) => [id, kind as LogRecordDraft['kind']]),
);

const columnFields: ReadonlySet<string> = new Set(['kind', 'time', 'hostId', 'vmId', 'clusterId', 'correlation']);

/** What has no column of its own, whatever later versions add to records, as JSON. */
function payloadOf(draft: LogRecordDraft): string {
  let text = '';
  for (const field of Object.keys(draft)) {
    if (columnFields.has(field)) continue;
    const value = JSON.stringify(draft[field as keyof LogRecordDraft]);
    if (value !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(field)}:${value}`;
  }
  return `{${text}}`;
}

/** Columns are for filters and retention; the payload has the rest. */
const columns: readonly { name: string; type: string; column: ListColumn<LogRecordDraft> }[] = [
  { name: 'kind', type: 'smallint', column: literalColumn((draft) => numberElement(kindIds[draft.kind])) },
  { name: 'name', type: 'text', column: literalColumn((draft) => textElement(nameOfRecord(draft))) },
  {
    name: 'severity',
    type: 'smallint',
    column: literalColumn((draft) => numberElement(draft.kind === 'event' ? severityIds[draft.severity] : null)),
  },
  { name: 'time', type: 'double precision', column: literalColumn((draft) => numberElement(draft.time)) },
  { name: 'host_id', type: 'text', column: literalColumn((draft) => textElement(draft.hostId ?? null)) },
  { name: 'vm_id', type: 'text', column: literalColumn((draft) => textElement(draft.vmId ?? null)) },
  { name: 'cluster_id', type: 'text', column: literalColumn((draft) => textElement(draft.clusterId ?? null)) },
  { name: 'correlation', type: 'text', column: literalColumn((draft) => textElement(draft.correlation ?? null)) },
  { name: 'payload', type: 'jsonb', column: jsonColumn(payloadOf) },
];

/** The INSERT into the log, made once. */
export class RecordSql {
  readonly #insert: string;

  constructor(compiler: Kysely<unknown>, schema: string) {
    const ids = columns.map(({ name }) => sql.id(name));
    const values = columns.map(({ name }) =>
      name === 'time' ? sql`to_timestamp(${sql.id(name)} / 1000.0)` : sql.id(name),
    );
    const arrays = columns.map(({ type }) => listParameter(type));
    this.#insert = sql`
      insert into ${sql.id(schema, 'log_record')} (${sql.join(ids)}, seq, epoch)
      select ${sql.join(values)}, ${null}::bigint + n, ${null}::integer
      from unnest(${sql.join(arrays)}) with ordinality as r (${sql.join(ids)}, n)`.compile(compiler).sql;
  }

  /** `before` is the number before the first record's. */
  *statements(drafts: readonly LogRecordDraft[], before: number, epoch: number): Generator<CompiledQuery> {
    let done = before;
    const lists = columns.map(({ column }) => column);
    for (const chunk of chunksOf(drafts, lists)) {
      // The statement's parameters in order of their places: the two numbers stand before the lists.
      yield CompiledQuery.raw(this.#insert, [done, epoch, ...chunk.lists]);
      done += chunk.count;
    }
  }
}

/** The drafts with the numbers they were committed under. */
export function numbered(drafts: readonly LogRecordDraft[], before: number, epoch: number): LogRecord[] {
  return drafts.map((draft, index) => {
    const seq = before + index + 1;
    return numberedRecord(draft, seq, formatCursor({ epoch, seq }));
  });
}

export interface RecordRow {
  readonly seq: number;
  readonly epoch: number;
  readonly kind: number;
  readonly time: number;
  readonly host_id: string | null;
  readonly vm_id: string | null;
  readonly cluster_id: string | null;
  readonly correlation: string | null;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** The columns that `recordOf` needs. */
export const recordColumns: RawBuilder<unknown> = sql`
  seq, epoch, kind, (extract(epoch from time) * 1000)::double precision as time,
  host_id, vm_id, cluster_id, correlation, payload`;

export function recordOf(row: RecordRow): LogRecord {
  const kind = kindsById.get(row.kind);
  if (kind === undefined) throw new TypeError(`Record ${row.seq} is of the unknown kind ${row.kind}`);
  return {
    kind,
    time: Math.round(row.time),
    hostId: row.host_id,
    vmId: row.vm_id,
    clusterId: row.cluster_id,
    correlation: row.correlation,
    ...row.payload,
    seq: row.seq,
    cursor: formatCursor({ epoch: row.epoch, seq: row.seq }),
  } as unknown as LogRecord;
}
