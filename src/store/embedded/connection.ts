import { Socket } from 'node:net';
import pg from 'pg';
import { type Scheduler, VurtiError, withDeadline } from '../../kernel/index.js';
import { errorCode } from './failure.js';

export interface Connection {
  /** The folder of the Unix socket, or 127.0.0.1. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password?: string;
}

/** The name of vurti's database, and of the role that owns it and may create others. */
export const VURTI = 'vurti';
export const SUPERUSER = 'postgres';

/** Understood by pg, by libpq (psql) and by WHATWG's URL. Encryption is off whatever PGSSLMODE says: nothing leaves this machine. */
export function urlOf({ host, port, user, database, password }: Connection): string {
  const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`;
  return `postgresql://${user}${secret}@${encodeURIComponent(host)}:${port}/${database}?sslmode=disable`;
}

/** One session with a deadline over all of it, connecting included. */
async function withSession<T>(
  connection: Connection,
  scheduler: Scheduler,
  ms: number,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const options = {
    ms,
    code: 'EMBEDDED_DATABASE',
    message: `The embedded PostgreSQL did not answer within ${ms} ms`,
    label: 'embedded-postgres',
  } as const;
  return await withDeadline(scheduler, options, async (signal) => {
    const socket = new Socket();
    signal.addEventListener('abort', () => socket.destroy(), { once: true });
    const client = new pg.Client({ ...connection, ssl: false, stream: () => socket });
    client.on('error', () => undefined); // The query that is under way fails with it; there is nobody else to tell.
    try {
      await client.connect();
      return await work(client);
    } finally {
      await client.end().catch(() => undefined);
      socket.destroy();
    }
  });
}

/** Makes sure that the server answers and has our role and database, whatever moment an earlier start was killed at. */
export async function ensureDatabase(connection: Connection, scheduler: Scheduler, ms: number): Promise<void> {
  try {
    await connects(connection, scheduler, ms);
  } catch (error) {
    if (!isMissing(error)) throw error;
    await createDatabase(connection, scheduler, ms);
    await connects(connection, scheduler, ms);
  }
}

/** The database is initdb's own empty one under another name: creating a further one costs hundreds of syncs. */
export async function createDatabase(connection: Connection, scheduler: Scheduler, ms: number): Promise<void> {
  const setup = { ...connection, user: SUPERUSER, database: 'template1' };
  await withSession(setup, scheduler, ms, async (client) => {
    const { rows: roles } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [VURTI]);
    const { rows } = await client.query<{ datname: string }>('SELECT datname FROM pg_database');
    const databases = rows.map((row) => row.datname);
    const secret = connection.password === undefined ? '' : ` PASSWORD ${client.escapeLiteral(connection.password)}`;
    const role = `${roles.length === 0 ? 'CREATE' : 'ALTER'} ROLE ${VURTI} LOGIN CREATEDB${secret};`;
    if (databases.includes(VURTI)) {
      await client.query(role);
    } else if (databases.includes('postgres')) {
      // Several statements in one query are one transaction: a database that bears the name has its owner.
      const rename = `ALTER DATABASE postgres RENAME TO ${VURTI}; ALTER DATABASE ${VURTI} OWNER TO ${VURTI}`;
      await client.query(`${role} ${rename}`);
    } else {
      await client.query(role);
      await client.query(`CREATE DATABASE ${VURTI} OWNER ${VURTI}`);
    }
  });
}

async function connects(connection: Connection, scheduler: Scheduler, ms: number): Promise<void> {
  await withSession(connection, scheduler, ms, async () => undefined);
}

/** The sessions of a killed vurti end when they notice. Until then they hold their locks: they are told. */
export async function endOtherSessions(connection: Connection, scheduler: Scheduler, ms: number): Promise<void> {
  await withSession(connection, scheduler, ms, async (client) => {
    const others = 'usename = current_user AND pid <> pg_backend_pid()';
    await client.query(`SELECT pg_terminate_backend(pid, ${Math.ceil(ms / 2)}) FROM pg_stat_activity WHERE ${others}`);
  });
}

/** invalid_authorization_specification, invalid_password, invalid_catalog_name: the role or the database is missing. */
function isMissing(error: unknown): boolean {
  return !(error instanceof VurtiError) && ['28000', '28P01', '3D000'].includes(errorCode(error) ?? '');
}
