import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { type Clock, VurtiError } from '../../kernel/index.js';
import { databaseFailure, errorCode } from './failure.js';
import { findProcess, processSpace } from './processes.js';

interface Holder {
  readonly pid: number;
  readonly identity: string;
  /** Where that pid means something: see `processSpace`. */
  readonly space: string;
  /** ms since the epoch. */
  readonly since: number;
  /** Unique per attempt: tells one lock from the next at the same path. */
  readonly token: string;
}

interface Wanted {
  /** For messages: what the lock stands for. */
  readonly folder: string;
  /** Asked if the holder is in another container, where its process cannot be seen: whether it seems to work. */
  readonly answers: () => Promise<boolean>;
  /** Our own lock, still under another name. */
  readonly draft: string;
  readonly space: string;
}

/**
 * One process per folder, by a file that names its holder.
 *
 * The file is written under another name and then linked into place: a link fails if the name is taken, and nobody
 * ever sees a lock that is only half written. A lock is stale when its holder does not run: the pid is gone, is a
 * zombie, or belongs to a process that was started at another time.
 *
 * A stale lock is never deleted (two finders could each delete, and the slower one would delete the faster one's new
 * lock). It is replaced, and the right to replace it is itself such a lock, whose name contains the stale one's token.
 */
export class FolderLock {
  /** Whether the former holder ended without releasing it: what it had running may still run. */
  readonly wasStale: boolean;
  readonly #path: string;
  readonly #token: string;

  private constructor(path: string, token: string, wasStale: boolean) {
    this.#path = path;
    this.#token = token;
    this.wasStale = wasStale;
  }

  /** Fails with ALREADY_RUNNING, naming the holder, if it runs. */
  static async acquire(
    path: string,
    { clock, ...asked }: Pick<Wanted, 'folder' | 'answers'> & { clock: Clock },
  ): Promise<FolderLock> {
    const [self, space] = await Promise.all([findProcess(process.pid), processSpace()]);
    if (self === undefined) throw databaseFailure('This process cannot see itself in the process table');
    const token = randomBytes(8).toString('hex');
    const mine: Holder = { pid: self.pid, identity: self.identity, space, since: clock.now(), token };
    const draft = `${path}.${token}`;
    await writeFile(draft, JSON.stringify(mine), { mode: 0o600, flag: 'wx', flush: true });
    try {
      return new FolderLock(path, token, await take(path, { ...asked, draft, space }));
    } finally {
      await rm(draft, { force: true });
    }
  }

  async release(): Promise<void> {
    const holder = await read(this.#path);
    if (holder?.token === this.#token) await rm(this.#path, { force: true });
  }
}

/** Whether a stale one was replaced. */
async function take(path: string, wanted: Wanted): Promise<boolean> {
  for (;;) {
    try {
      await link(wanted.draft, path);
      return false;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
    const holder = await read(path);
    if (holder === undefined) continue; // Released just now.
    if (await runs(holder, wanted)) throw alreadyRunning(holder, wanted);
    const right = `${path}.after-${holder.token}`;
    await take(right, wanted);
    // The one who replaced this very lock before us gave the right back by doing so: look again before using it.
    if ((await read(path))?.token === holder.token) {
      await rename(right, path);
      return true;
    }
    await unlink(right);
  }
}

async function runs(holder: Holder, wanted: Wanted): Promise<boolean> {
  if (holder.space !== wanted.space) return await wanted.answers();
  return (await findProcess(holder.pid))?.identity === holder.identity;
}

async function read(path: string): Promise<Holder | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { pid, identity, space, since, token } = JSON.parse(text) as Partial<Record<keyof Holder, unknown>>;
    const isWho = typeof pid === 'number' && typeof identity === 'string' && typeof space === 'string';
    if (isWho && typeof since === 'number' && isToken(token)) return { pid, identity, space, since, token };
  } catch {
    // Falls through: not JSON.
  }
  throw databaseFailure(`${path} is not a lock of vurti`, {
    hint: 'Make sure that no vurti runs here, then delete it.',
  });
}

/** The token becomes part of a file name. */
function isToken(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);
}

function alreadyRunning({ pid, since, space }: Holder, wanted: Wanted): VurtiError {
  const who = space === wanted.space ? `process ${pid}` : `process ${pid} of another container`;
  const message = `${wanted.folder} is in use by ${who} since ${new Date(since).toISOString()}`;
  return new VurtiError('ALREADY_RUNNING', message, { details: { pid, since, folder: wanted.folder } });
}
