import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, inject } from 'vitest';

/** A database that is prepared once per run and then copied for every test file (some 30 ms). */
export interface Template {
  /** Names what `prepare` makes: two templates of one name are one. Lower-case letters, digits and _. */
  name: string;
  /** Fills an empty database, migrations for example. Must close its connections. */
  prepare(url: string): Promise<void>;
}

export interface TestDatabase {
  readonly url: string;
  /** Ends all sessions in it. */
  drop(): Promise<void>;
}

/** The database of the test file (or `describe`) that calls this; there from `beforeAll` on, dropped at the end. */
export function withDatabase(template?: Template): { readonly url: string } {
  let database: TestDatabase | undefined;
  beforeAll(async () => {
    database = await createDatabase(template);
  });
  afterAll(async () => {
    await database?.drop();
    database = undefined;
  });
  return {
    get url() {
      if (database === undefined) throw new Error('The database exists only within tests and their hooks');
      return database.url;
    },
  };
}

/** For a test that needs one more, or one to break. The caller drops it. */
export async function createDatabase(template?: Template): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await asOwner(async (client) => {
    if (template === undefined) {
      await client.query(`CREATE DATABASE ${name}`);
      return;
    }
    const source = `template_${template.name}`;
    await ensureTemplate(client, source, template);
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${client.escapeIdentifier(source)}`);
  });
  return {
    url: urlOf(name),
    drop: () => asOwner((client) => dropDatabase(client, name)),
  };
}

const FORBIDDEN = '42501';

/** The server's own vacuum may be at work in it: that is nobody's session to end, and it ends soon. */
async function dropDatabase(client: pg.Client, name: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      return;
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || error.code !== FORBIDDEN || tries === 100) throw error;
      await client.query('SELECT pg_sleep(0.1)');
    }
  }
}

/** Any number: locks this work against other test processes. */
const TEMPLATE_LOCK = 7_364_126;

/** A template gets its name when it is finished: one whose preparation failed is prepared anew by the next who asks. */
async function ensureTemplate(client: pg.Client, source: string, template: Template): Promise<void> {
  await client.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [source]);
    if (rowCount !== 0) return;
    const draft = client.escapeIdentifier(`${source}_draft`);
    await dropDatabase(client, draft);
    await client.query(`CREATE DATABASE ${draft}`);
    await template.prepare(urlOf(`${source}_draft`));
    // A database with a session in it can be neither renamed nor copied, and a closed pool's sessions end a moment later.
    await client.query(`ALTER DATABASE ${draft} ALLOW_CONNECTIONS false`);
    await client.query('SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1', [
      `${source}_draft`,
    ]);
    await client.query(`ALTER DATABASE ${draft} RENAME TO ${client.escapeIdentifier(source)}`);
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
  }
}

async function asOwner(work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: inject('databaseUrl') });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

function urlOf(database: string): string {
  const url = new URL(inject('databaseUrl'));
  url.pathname = `/${database}`;
  return url.href;
}
