import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { RealTime, silentTelemetry } from '../../src/kernel/index.js';
import { EmbeddedPostgres } from '../../src/store/embedded/index.js';

export interface BenchDatabase {
  readonly url: string;
  /** Of PostgreSQL's main process. */
  readonly pid: number;
  readonly version: string;
  /** One statement in a session of its own. */
  ask<R extends pg.QueryResultRow>(sql: string): Promise<R[]>;
}

/**
 * The embedded PostgreSQL with the settings of the product, fsync included, in a temporary folder; gone afterwards.
 * `like`: a folder of `keptDatabase`, of which the database is a copy.
 */
export async function withDatabase<T>(work: (database: BenchDatabase) => Promise<T>, like?: string): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'vurti-bench-'));
  if (like !== undefined) copy(like, folder);
  return await served(folder, work, () => rm(folder, { recursive: true, force: true }));
}

/** Fills a database once and keeps its folder, for runs that all begin alike and do not wait for it. */
export async function keptDatabase(folder: string, fill: (database: BenchDatabase) => Promise<void>): Promise<string> {
  if (existsSync(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const part = await mkdtemp(join(dirname(folder), 'part-'));
  await served(part, fill, async () => undefined);
  await rename(part, folder);
  return folder;
}

/** With owners, as the server's files have another one; on the disk before anything is measured. */
function copy(from: string, to: string): void {
  const { status } = spawnSync('sh', ['-c', 'cp -a "$1/." "$2" && sync', 'sh', from, to], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`${from} could not be copied`);
}

async function served<T>(
  folder: string,
  work: (database: BenchDatabase) => Promise<T>,
  afterwards: () => Promise<void>,
): Promise<T> {
  const time = new RealTime();
  let database: EmbeddedPostgres | undefined;
  const end = async (): Promise<void> => {
    await database?.stop();
    await afterwards();
  };
  // The server is in a session of its own and would outlive a Ctrl-C.
  const onSignal = (): void => void end().finally(() => process.exit(130));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    await chmod(folder, 0o711); // For root, whose PostgreSQL runs as another user.
    database = await EmbeddedPostgres.start({
      dataDir: folder,
      clock: time,
      scheduler: time,
      telemetry: silentTelemetry,
    });
    const { url, pid } = database;
    const ask = <R extends pg.QueryResultRow>(sql: string): Promise<R[]> => askAt<R>(url, sql);
    const [row] = await ask<{ server_version: string }>('SHOW server_version');
    return await work({ url, pid, ask, version: row?.server_version ?? 'unknown' });
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await end();
  }
}

async function askAt<R extends pg.QueryResultRow>(url: string, sql: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<R>(sql)).rows;
  } finally {
    await client.end();
  }
}
