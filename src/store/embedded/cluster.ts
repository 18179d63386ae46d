import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { minutes, type Scheduler } from '../../kernel/index.js';
import { type Binaries, majorVersion } from './binaries.js';
import { SUPERUSER } from './connection.js';
import { writePassword } from './endpoint.js';
import { databaseFailure } from './failure.js';
import { exists, syncFolder } from './files.js';
import type { Home } from './home.js';
import { lastLines } from './server-log.js';
import { endOf, spawnAsServer } from './spawn.js';
import { settlesWithin } from './waiting.js';

const INITDB_MS = minutes(2);

interface Cluster {
  /** See `clusterTag`. */
  readonly tag: string;
  readonly isNew: boolean;
}

/**
 * Makes the data folder if there is none.
 *
 * initdb works in a folder of another name, which gets its final one when everything in it is on the disk: whenever
 * a kill or a power cut comes, `data` is whole or not there. initdb writes without syncing and syncs all at its end,
 * which is the quickest safe way; `durable: false` leaves that out.
 */
export async function ensureCluster(
  home: Home,
  binaries: Binaries,
  options: { durable: boolean; scheduler: Scheduler },
): Promise<Cluster> {
  const found = await clusterVersion(home);
  if (found !== undefined) {
    if (found !== majorVersion(binaries)) {
      throw databaseFailure(`${home.at('data')} was made by PostgreSQL ${found}, this is ${majorVersion(binaries)}`, {
        hint: 'Start the version of vurti that made it, or move the folder away to begin anew.',
      });
    }
    return { tag: await tagOf(home), isNew: false };
  }
  await removeDrafts(home);
  await writePassword(home);
  const draft = `data.new-${randomBytes(6).toString('hex')}` as const;
  await home.makePrivate(draft);
  try {
    await initdb(home, binaries, draft, options);
    await rename(home.at(draft), home.at('data'));
  } catch (error) {
    await removeDrafts(home);
    throw error;
  }
  if (options.durable) {
    await syncFolder(home.path);
    await syncFolder(dirname(home.path));
  }
  return { tag: await tagOf(home), isNew: true };
}

/** Names the data folder on this machine, also after it was renamed; a copy of it has another name. */
export async function clusterTag(home: Home): Promise<string | undefined> {
  return (await exists(home.at('data'))) ? await tagOf(home) : undefined;
}

async function tagOf(home: Home): Promise<string> {
  const { dev, ino } = await stat(home.at('data'), { bigint: true });
  return `vurti-${dev.toString(16)}-${ino.toString(16)}`;
}

async function clusterVersion(home: Home): Promise<string | undefined> {
  if (!(await exists(home.at('data')))) return undefined;
  const version = await readFile(join(home.at('data'), 'PG_VERSION'), 'latin1').catch((error: unknown) => {
    throw databaseFailure(`${home.at('data')} holds no PostgreSQL database`, {
      cause: error,
      hint: 'Move the folder away to begin anew, or bring its files back from a backup.',
    });
  });
  return version.trim();
}

/** Of starts that were killed. What cannot be removed now (an initdb may still write there) goes next time. */
async function removeDrafts(home: Home): Promise<void> {
  const drafts = (await readdir(home.path)).filter((name) => name.startsWith('data.new-'));
  for (const name of drafts) await rm(join(home.path, name), { recursive: true, force: true }).catch(() => undefined);
}

async function initdb(
  home: Home,
  binaries: Binaries,
  folder: `data.new-${string}`,
  { durable, scheduler }: { durable: boolean; scheduler: Scheduler },
): Promise<void> {
  const args = [
    `--pgdata=${home.forServer(folder)}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${home.forServer('password')}`,
    '--auth-local=peer',
    '--auth-host=scram-sha-256',
    '--encoding=UTF8',
    // Unicode's letters in order of their code points, by PostgreSQL itself: an update of the operating system cannot
    // change the order under an index, and comparing is as quick as it gets.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--no-instructions',
    ...(durable ? [] : ['--no-sync']),
  ];
  // Not detached: Ctrl-C ends it, and it tidies up by itself.
  const child = spawnAsServer(home, binaries, 'initdb', args, { to: 'pipe', detached: false });
  let said = '';
  const hear = (chunk: Buffer): void => {
    said = (said + chunk.toString('utf8')).slice(-8192);
  };
  child.stdout?.on('data', hear);
  child.stderr?.on('data', hear);
  const ended = endOf(child, binaries.initdb);
  if (!(await settlesWithin(scheduler, ended, INITDB_MS))) {
    child.kill('SIGKILL');
    throw databaseFailure(`initdb did not end within ${INITDB_MS / 1000} s`, { said: lastLines(said) });
  }
  const { code, signal } = await ended;
  if (code === 0) return;
  throw databaseFailure(`initdb ended with ${signal ?? `code ${code}`}`, { said: lastLines(said) });
}
