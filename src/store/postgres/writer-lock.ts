import pg from 'pg';
import {
  hashOf,
  messageOf,
  type Random,
  type Scheduler,
  type Telemetry,
  type Timer,
  withDeadline,
} from '../../kernel/index.js';
import { backoffMs } from '../backoff.js';
import { clientConfig } from './client-config.js';
import type { PostgresConnection } from './connection.js';
import { databaseError } from './database-error.js';

/** "vurt": keeps our locks apart from those of other programs in the database. */
const LOCK_CLASS = 0x76757274;
const ASK_MS = 15_000;
const RETRY = { firstMs: 200, mostMs: 10_000 };

/** A session of the server. A pid alone may be given again after a restart. */
interface Session {
  readonly pid: number;
  readonly start: string | null;
}

export interface WriterLockOptions {
  readonly connection: string | PostgresConnection;
  readonly schema: string;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly telemetry: Telemetry;
  /** The lock was lost and is held again. False = the log is somebody else's: let go. */
  readonly onRegained: () => Promise<boolean>;
  /** While the lock is somebody else's: false = give up, the log is theirs. */
  readonly stillMine: () => Promise<boolean>;
}

/**
 * The advisory lock that keeps a second writer from starting, in a session of its own. It is a courtesy: what keeps a
 * second writer from writing is the Shard. A lost session (the server restarts) is replaced.
 */
export class WriterLock {
  readonly #options: WriterLockOptions;
  #session: pg.Client | null = null;
  /** Ours, or the one that was lost: its server side may live on. */
  #mine: Session | null = null;
  #seeking = false;
  #closed = false;
  #endWait: (() => void) | null = null;

  constructor(options: WriterLockOptions) {
    this.#options = options;
  }

  /** Null when the lock is ours now, else the session that has it. */
  async tryTake(): Promise<Session | null> {
    return await this.#ask('taking the lock', async (client) => {
      const { rows } = await client.query<{ database: string }>('select current_database() as database');
      const key = [LOCK_CLASS, hashOf(`${rows[0]?.database}.${this.#options.schema}`) | 0];
      const taken = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1, $2) as taken', key);
      if (taken.rows[0]?.taken === true) {
        await client.query(KEEP_ALIVE);
        this.#mine = (await client.query<Session>(OWN_SESSION)).rows[0] ?? null;
        this.#session = client;
        return null;
      }
      const holder = (await client.query<Session>(HOLDER, key)).rows[0];
      // None: gone between the two questions, the next try will see.
      return holder ?? { pid: 0, start: null };
    });
  }

  /** Ends the session that has the lock, as far as this role may. */
  async evict(holder: Session): Promise<void> {
    try {
      await this.#ask('ending a session', (client) => client.query(EVICT, [holder.pid, holder.start]));
    } catch (error) {
      const fields = { pid: holder.pid, message: messageOf(error) };
      this.#options.telemetry.log('warn', 'The session that holds the lock could not be ended', fields);
    }
  }

  /** Runs `work` in a session of its own, which ends with it unless it became the one that has the lock. */
  async #ask<T>(what: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client(clientConfig(this.#options.connection, 'lock'));
    client.on('error', () => this.#lost(client));
    client.on('end', () => this.#lost(client));
    const deadline = {
      ms: ASK_MS,
      code: 'DATABASE_UNREACHABLE',
      message: `PostgreSQL: ${what} took longer than ${ASK_MS} ms`,
      label: 'database-lock',
    } as const;
    try {
      return await withDeadline(this.#options.scheduler, deadline, async () => {
        await client.connect();
        return await work(client);
      });
    } catch (error) {
      if (this.#session === client) this.#session = null;
      throw databaseError(error);
    } finally {
      // With a query under way this cuts the connection; nobody needs to wait for the goodbye.
      if (this.#session !== client) void client.end();
    }
  }

  /** Tries for the lock until it is ours, it turns out that the log is not, or `close`. */
  async seek(): Promise<void> {
    if (this.#seeking) return;
    this.#seeking = true;
    try {
      for (let failures = 0; !this.#closed && !(await this.#sought()); failures += 1) {
        await this.#wait(backoffMs(failures, RETRY, this.#options.random));
      }
    } finally {
      this.#seeking = false;
    }
  }

  /** Lets go of the lock, as soon as the server hears of it. */
  close(): void {
    this.#closed = true;
    this.#endWait?.();
    this.#drop();
  }

  #drop(): void {
    const session = this.#session;
    this.#session = null;
    void session?.end();
  }

  #lost(client: pg.Client): void {
    if (this.#session !== client) return;
    this.#drop();
    if (this.#closed) return;
    this.#options.telemetry.log('warn', 'The session that holds the lock was lost; it is taken again');
    void this.seek();
  }

  /** Whether the search is over. */
  async #sought(): Promise<boolean> {
    const { telemetry, onRegained, stillMine } = this.#options;
    try {
      const before = this.#mine;
      const holder = await this.tryTake();
      if (this.#closed) {
        this.close();
        return true;
      }
      if (holder === null) {
        if (!(await onRegained())) this.close();
        return true;
      }
      if (!(await stillMine())) return true;
      // The server has not noticed yet that our old session is gone.
      if (before !== null && before.pid === holder.pid && before.start === holder.start) await this.evict(holder);
    } catch (error) {
      telemetry.log('debug', 'The lock could not be taken', { message: messageOf(error) });
      this.#drop();
    }
    return false;
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      this.#endWait = () => {
        timer?.cancel();
        this.#endWait = null;
        resolve();
      };
      timer = this.#options.scheduler.after(ms, () => this.#endWait?.(), 'database-lock');
    });
  }
}

/** A host that vanishes must not hold the lock for hours. Names that this server does not know are passed over. */
const KEEP_ALIVE = `
  select set_config(s.name, v.value, false)
  from (values ('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3'),
    ('idle_session_timeout', '0')) as v (name, value)
  join pg_catalog.pg_settings s using (name)`;

const OWN_SESSION = `
  select pid, backend_start::text as start from pg_catalog.pg_stat_activity where pid = pg_backend_pid()`;

const HOLDER = `
  select l.pid, a.backend_start::text as start
  from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a using (pid)
  where l.locktype = 'advisory' and l.granted and l.objsubid = 2
    and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
    and l.classid = $1::bigint::oid and l.objid = ($2::bigint & 4294967295)::oid
  limit 1`;

const EVICT = `
  select pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
  where pid = $1 and backend_start::text is not distinct from $2`;
