import { type CompiledQuery, Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';
import pg from 'pg';
import { type Scheduler, type Telemetry, withDeadline } from '../../kernel/index.js';
import type { Statement, StatementListener } from '../store.js';
import { BoundQuery } from './bound-query.js';
import { clientConfig } from './client-config.js';
import type { PostgresConnection } from './connection.js';
import { CopyOutQuery, CopyQuery } from './copy-query.js';
import { databaseError } from './database-error.js';
import { PipelinedQuery, Prepared } from './pipelined-query.js';

export interface LaneOptions {
  /** postgres://… or its parts. */
  readonly connection: string | PostgresConnection;
  /** For pg_stat_activity. */
  readonly name: string;
  readonly size: number;
  /** No statement, and no wait for the next one inside a transaction, may take longer; 0 = no limit. */
  readonly statementMs: number;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly onStatement?: StatementListener | undefined;
  /** What each connection needs before its first statement. */
  readonly setUp?: ((run: (sql: string) => Promise<unknown>) => Promise<void>) | undefined;
}

/** Given as the only parameter of a query that has COPY … FROM STDIN in it: its data, and the tables these are for. */
export class CopyInput {
  readonly tables: readonly string[];
  readonly data: Buffer;

  constructor(tables: readonly string[], data: Buffer) {
    this.tables = tables;
    this.data = data;
  }
}

/** Given as the only parameter of a COPY … TO STDOUT: who takes its messages, and the table they are of. */
export class CopyOutput {
  readonly table: string;
  readonly onMessage: (message: Buffer) => void;

  constructor(table: string, onMessage: (message: Buffer) => void) {
    this.table = table;
    this.onMessage = onMessage;
  }
}

/** Given as the only parameter of a query: messages that bind and run what the session has prepared, an update of this table. */
export class BoundUpdate {
  readonly table: string;
  readonly messages: Buffer;

  constructor(table: string, messages: Buffer) {
    this.table = table;
    this.messages = messages;
  }
}

/** Given as the only parameter of a query: statements that go in one piece. Its rows are what each is said to have done. */
export class Pipeline {
  readonly statements: readonly CompiledQuery[];
  /** Goes behind them. */
  readonly last: BoundUpdate | null;

  constructor(statements: readonly CompiledQuery[], last: BoundUpdate | null = null) {
    this.statements = statements;
    this.last = last;
  }
}

/** Connections for one purpose, so that readers never wait for the writer or the other way round. */
export class Lane {
  readonly db: Kysely<unknown>;
  readonly #options: LaneOptions;
  readonly #pool: pg.Pool;
  readonly #inUse = new Set<pg.PoolClient>();
  readonly #ready = new WeakSet<pg.PoolClient>();
  readonly #prepared = new Prepared();

  constructor(options: LaneOptions) {
    const { connection, name, size, statementMs, telemetry } = options;
    this.#options = options;
    const pool = new pg.Pool({
      ...clientConfig(connection, name),
      max: size,
      // A connection that is kept costs less than the timer that would close it.
      idleTimeoutMillis: 0,
      ...(statementMs === 0
        ? {}
        : {
            statement_timeout: statementMs,
            idle_in_transaction_session_timeout: statementMs,
            lock_timeout: statementMs,
          }),
    });
    // Without listeners the end of a connection (the server restarts) would end the process: the pool listens while
    // a connection is idle only. What was under way fails by itself.
    const ended = (error: Error): void =>
      telemetry.log('debug', 'A database connection ended', { name, message: error.message });
    pool.on('error', ended);
    pool.on('connect', (client) => client.on('error', ended));
    pool.on('acquire', (client) => this.#inUse.add(client));
    pool.on('release', (_error, client) => this.#inUse.delete(client));
    this.#pool = pool;
    this.db = new Kysely<unknown>({
      dialect: new PostgresDialect({
        pool: {
          connect: () => this.#connect(),
          end: () => pool.end(),
        },
      }),
    });
  }

  async #connect(): Promise<PostgresPoolClient> {
    const client = await this.#pool.connect();
    const { setUp, onStatement } = this.#options;
    if (setUp !== undefined && !this.#ready.has(client)) {
      try {
        await setUp((text) => client.query(text));
      } catch (error) {
        client.release(true);
        throw error;
      }
      this.#ready.add(client);
    }
    return clientOf(client, this.#prepared, onStatement);
  }

  /**
   * Runs `call` and turns what it throws into an error of ours. At the deadline it fails, and every connection of the
   * lane that is in use is cut: only that ends a query whose server is gone without a word.
   */
  async within<T>(ms: number, what: string, call: (db: Kysely<unknown>) => Promise<T>): Promise<T> {
    const options = {
      ms,
      code: 'DATABASE_UNREACHABLE',
      message: `PostgreSQL: ${what} took longer than ${ms} ms`,
      label: `database-${this.#options.name}`,
    } as const;
    try {
      return await withDeadline(this.#options.scheduler, options, (signal) => {
        signal.addEventListener('abort', () => this.cut(), { once: true });
        return call(this.db);
      });
    } catch (error) {
      throw databaseError(error);
    }
  }

  /** Ends all connections in use, whatever they do. */
  cut(): void {
    for (const client of this.#inUse) void (client as unknown as pg.Client).end();
  }

  async end(): Promise<void> {
    await this.#pool.end();
  }
}

/** Statements all pass here, kysely's own included. */
function clientOf(
  client: pg.PoolClient,
  prepared: Prepared,
  listener: StatementListener | undefined,
): PostgresPoolClient {
  const query = async (text: string, parameters: readonly unknown[]): Promise<Partial<pg.QueryResult>> => {
    const [input] = parameters;
    if (input instanceof CopyInput) {
      const tags = await client.query(new CopyQuery(text, input.data)).done;
      if (listener !== undefined) tellCopies(tags, input, listener);
      return { command: 'COPY', rows: [] };
    }
    if (input instanceof CopyOutput) {
      const messages = await client.query(new CopyOutQuery(text, input.onMessage)).done;
      // One of them is the end.
      listener?.({ verb: 'select', table: input.table, rows: Math.max(0, messages - 1), bytes: text.length });
      return { command: 'COPY', rows: [] };
    }
    if (input instanceof BoundUpdate) {
      const rowCount = await client.query(new BoundQuery(input.messages)).done;
      listener?.({ verb: 'update', table: input.table, rows: rowCount, bytes: input.messages.length });
      return { command: 'UPDATE', rowCount, rows: [] };
    }
    if (input instanceof Pipeline) {
      const { statements, last } = input;
      const tags = await client.query(new PipelinedQuery(statements, last?.messages ?? null, prepared)).done;
      if (listener !== undefined) tellPipeline(tags, input, listener);
      return { command: 'PIPELINE', rows: [...tags] };
    }
    const result = await client.query(text, [...parameters]);
    listener?.({ ...said(text, parameters), verb: (result.command ?? '').toLowerCase(), rows: result.rowCount ?? 0 });
    return result;
  };
  return { query: query as unknown as PostgresPoolClient['query'], release: () => client.release() };
}

function said(text: string, parameters: readonly unknown[]): Pick<Statement, 'table' | 'bytes'> {
  const table = /(?:into|update|from)\s+"[^"]+"\."([^"]+)"/i.exec(text)?.[1] ?? null;
  return { table, bytes: parameters.reduce((sum: number, value) => sum + String(value ?? '').length, text.length) };
}

function tellPipeline(tags: readonly string[], { statements, last }: Pipeline, listener: StatementListener): void {
  for (const [i, { sql, parameters }] of statements.entries()) {
    // Of a statement within another one the outer one's tag tells the rows, and not the verb.
    const verb = /^\s*(?:with\s+\w+\s+as\s+\(\s*)?(\w+)/i.exec(sql)?.[1]?.toLowerCase() ?? '';
    listener({ ...said(sql, parameters), verb, rows: rowsOf(tags[i]) });
  }
  if (last === null) return;
  listener({ verb: 'update', table: last.table, rows: rowsOf(tags.at(-1)), bytes: last.messages.length });
}

/** e.g. 498 of INSERT 0 498; 0 of BEGIN. */
export function rowsOf(tag: string | undefined): number {
  return Number(/\d+$/.exec(tag ?? '')?.[0] ?? 0);
}

/** tags: e.g. COPY 500 and INSERT 0 498 of each table; rows count where they are inserted or changed. */
function tellCopies(tags: readonly string[], { tables, data }: CopyInput, listener: StatementListener): void {
  let next = 0;
  for (const tag of tags) {
    const [verb = ''] = tag.toLowerCase().split(' ');
    const isCopy = verb === 'copy';
    if (isCopy) next += 1;
    listener({
      verb,
      table: verb === 'delete' || isCopy ? null : (tables[next - 1] ?? null),
      rows: isCopy || verb === 'delete' ? 0 : Number(tag.split(' ').at(-1)),
      bytes: isCopy && next === 1 ? data.length : 0,
    });
  }
}
