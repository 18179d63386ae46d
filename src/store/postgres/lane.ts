import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';
import pg from 'pg';
import { type Scheduler, type Telemetry, withDeadline } from '../../kernel/index.js';
import type { StatementListener } from '../store.js';
import { clientConfig } from './client-config.js';
import type { PostgresConnection } from './connection.js';
import { databaseError } from './database-error.js';

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
}

/** Connections for one purpose, so that readers never wait for the writer or the other way round. */
export class Lane {
  readonly db: Kysely<unknown>;
  readonly #scheduler: Scheduler;
  readonly #name: string;
  readonly #pool: pg.Pool;
  readonly #inUse = new Set<pg.PoolClient>();

  constructor(options: LaneOptions) {
    const { connection, name, size, statementMs, telemetry, onStatement } = options;
    this.#scheduler = options.scheduler;
    this.#name = name;
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
          connect: async () => {
            const client = await pool.connect();
            return onStatement === undefined ? (client as PostgresPoolClient) : counted(client, onStatement);
          },
          end: () => pool.end(),
        },
      }),
    });
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
      label: `database-${this.#name}`,
    } as const;
    try {
      return await withDeadline(this.#scheduler, options, (signal) => {
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
function counted(client: pg.PoolClient, listener: StatementListener): PostgresPoolClient {
  const query = async (text: string, parameters: readonly unknown[]): Promise<pg.QueryResult> => {
    const result = await client.query(text, [...parameters]);
    const table = /(?:into|update|from)\s+"[^"]+"\."([^"]+)"/i.exec(text)?.[1] ?? null;
    listener({ verb: (result.command ?? '').toLowerCase(), table, rows: result.rowCount ?? 0 });
    return result;
  };
  return { query: query as unknown as PostgresPoolClient['query'], release: () => client.release() };
}
