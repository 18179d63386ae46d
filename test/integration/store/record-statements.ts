import { isDeepStrictEqual } from 'node:util';
import pg from 'pg';
import { type RowKind, type RowWrite, rowKinds } from '../../../src/model/index.js';
import { UsageTable } from '../../../src/repository/usage-table.js';
import type { PostgresStore, PostgresStoreOptions } from '../../../src/store/index.js';
import { deletionOf, fullRow, intent, T0, usageOf, vmChange, vmEvent } from '../../store/samples.js';
import { openStore } from './harness.js';

/** One statement as a store sent it, with its parameters and the number of rows it touched. */
export interface Sent {
  readonly text: string;
  readonly values?: readonly unknown[];
  readonly rows: number | null;
}

const kinds = Object.keys(rowKinds) as RowKind[];

/** Always the same names: only the number of the lock, made of the database's name, differs from recording to recording. */
const fixed = (writer: string): Partial<PostgresStoreOptions> => ({
  version: '0.2.0',
  ids: { uuid: () => writer } as NonNullable<PostgresStoreOptions['ids']>,
  holder: { host: 'host-a', pid: 7 },
  // COPY … FROM STDIN could not be sent again without its data. The upsert behind it is the same as that of arrays.
  bulkRows: Number.POSITIVE_INFINITY,
});

/** An empty database as the recorded store finds it: migrated, and let go by its first writer. */
export async function prepare(url: string): Promise<void> {
  await (await openStore(url, fixed('first'))).close();
}

/** What the store of this tree sends, from its claim on a prepared database to its letting go. */
export async function recordStatements(url: string): Promise<readonly Sent[]> {
  const watch = watchClients();
  try {
    const store = await openStore(url, fixed('second'));
    try {
      await write(store);
      await read(store);
      await keepBooks(store);
    } finally {
      await store.close();
    }
    return watch.sent();
  } finally {
    watch.end();
  }
}

/** One statement per line: a difference between two schemas can be read. */
export const textOf = (sent: readonly Sent[]): string =>
  `[${sent.map(({ text, values, rows }) => JSON.stringify({ text, values, rows })).join(',\n')}]\n`;

/** Rows of every kind new, as they were, changed, and deleted; records of every kind. */
async function write({ committer }: PostgresStore): Promise<void> {
  const put = (index: number): RowWrite[] => kinds.map((kind) => fullRow(kind, index));
  committer.commit({
    rows: [...put(0), ...put(1)],
    records: [vmChange('vm-1', 'a'), vmEvent('vm-1', 'paused'), intent('key-1')],
  });
  await committer.flushed();
  committer.commit({ rows: [...put(0), ...kinds.map(changed), ...put(2)], records: [vmChange('vm-2', 'b')] });
  await committer.flushed();
  committer.commit({ rows: put(1).map(deletionOf), records: [] });
  await committer.flushed();
  const table = new UsageTable();
  committer.usage(
    ['vm-8', 'vm-9'].map((id) => {
      const columns = table.create(id);
      table.load(columns, usageOf(id, ['aa'], [`image of ${id}`]));
      return columns;
    }),
  );
  await committer.flushed();
  committer.commit({ rows: [{ kind: 'vm_statistics', deleted: ['vm-9'] }], records: [] });
  await committer.flushed();
}

/** The second row with the values of the third: those two differ in every kind. */
function changed(kind: RowKind): RowWrite {
  const [was, other] = [fullRow(kind, 1), fullRow(kind, 2)] as { row: Readonly<Record<string, unknown>> }[];
  const key = Object.fromEntries(rowKinds[kind].key.map((name) => [name, was?.row[name]]));
  return { kind, row: { ...other?.row, ...key } } as unknown as RowWrite;
}

async function read({ stateLoader, logReader, epoch }: PostgresStore): Promise<void> {
  for (const kind of kinds) for await (const _ of stateLoader.load(kind));
  await logReader.bounds();
  await logReader.read({ epoch, seq: 0 }, 100);
  await logReader.read({ epoch, seq: 2 }, 1);
  await logReader.readBackwards(null, 2);
  await logReader.readBackwards({ epoch, seq: 4 }, 2);
  await logReader.peek(2);
}

async function keepBooks(store: PostgresStore): Promise<void> {
  await store.backfills.progress();
  await store.backfills.step();
  await store.removeRecords({ keep: 2 });
  await store.removeRecords({ olderThan: T0 - 1 });
  await store.bookmarks.save('sink', '1.2');
  await store.bookmarks.save('sink', '1.3');
  await store.bookmarks.load();
}

/** pg's own `query` of a text, and of an object that speaks the protocol itself: our COPY … TO STDOUT. */
type Query = (this: pg.Client, query: string | Spoken, values?: readonly unknown[]) => unknown;

interface Spoken {
  submit(connection: { query(text: string): void }): void;
  handleCommandComplete(message: { readonly text: string }): void;
}

type Draft = { text: string; values?: readonly unknown[]; rows: number | null };

function watchClients(): { sent(): readonly Sent[]; end(): void } {
  const prototype = pg.Client.prototype as unknown as { query: Query };
  const original = prototype.query;
  const sent: Draft[] = [];
  prototype.query = function (query, values) {
    const draft: Draft = { text: '', rows: null };
    sent.push(draft);
    if (typeof query !== 'string') {
      listen(query, draft);
      return original.call(this, query);
    }
    draft.text = query;
    if (values !== undefined && values.length > 0) draft.values = asRecorded(query, values);
    const answer = original.call(this, query, values) as Promise<pg.QueryResult>;
    return answer.then((result) => {
      draft.rows = result.rowCount;
      return result;
    });
  };
  return {
    sent: () => sent,
    end: () => {
      prototype.query = original;
    },
  };
}

/** Sent again as a text, it touches as many rows: pg passes over the data of a COPY … TO STDOUT. */
function listen(query: Spoken, draft: Draft): void {
  const submit = query.submit.bind(query);
  const complete = query.handleCommandComplete.bind(query);
  query.submit = (connection) =>
    submit({
      query: (text) => {
        draft.text = text;
        connection.query(text);
      },
    });
  query.handleCommandComplete = (message) => {
    draft.rows = Number(message.text.split(' ').at(-1));
    complete(message);
  };
}

function asRecorded(text: string, values: readonly unknown[]): readonly unknown[] {
  const copy = JSON.parse(JSON.stringify(values)) as unknown[];
  if (!isDeepStrictEqual(copy, [...values])) throw new Error(`A file of JSON cannot hold the parameters of: ${text}`);
  return copy;
}
