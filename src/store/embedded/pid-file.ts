import { constants } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from './failure.js';
import type { Home } from './home.js';

/** PostgreSQL's own note in its data folder, `postmaster.pid`, as far as we need it. */
export interface PidFile {
  readonly pid: number;
  readonly port: number | undefined;
  readonly status: 'starting' | 'ready' | 'stopping' | 'standby' | undefined;
}

export function pidFilePath(home: Home): string {
  return join(home.at('data'), 'postmaster.pid');
}

export async function readPidFile(home: Home): Promise<PidFile | undefined> {
  const text = await withFile(home, constants.O_RDONLY, (handle) => handle.readFile('latin1'));
  return text === undefined ? undefined : parsePidFile(text);
}

/** Lines: pid, data folder, start time, port, socket folder, listen address, shared memory key, status. */
export function parsePidFile(text: string): PidFile | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined; // Written at this moment, or by a single-user server.
  const port = Number(lines[3]);
  const status = (['starting', 'ready', 'stopping', 'standby'] as const).find((known) => known === lines[7]);
  return { pid, port: Number.isSafeInteger(port) && port > 0 ? port : undefined, status };
}

/**
 * Makes PostgreSQL treat the file as stale. It asks only whether a process of that number exists, and would refuse to
 * start beside a zombie or a stranger that got the number. The number of its own parent, which is us, it takes for
 * stale. Deleting the file would lose the key of the shared memory, by which PostgreSQL makes sure that no process of
 * the former server is left; only an empty file, which a power cut can leave, has nothing to lose.
 */
export async function disownPidFile(home: Home): Promise<void> {
  const isEmpty = await withFile(home, constants.O_RDWR, async (handle) => {
    const [, ...rest] = (await handle.readFile('latin1')).split('\n');
    if (rest.length === 0) return true;
    await handle.truncate(0);
    await handle.write([process.pid, ...rest].join('\n'), 0, 'latin1');
    return false;
  });
  if (isEmpty === true) await rm(pidFilePath(home), { force: true });
}

type Handle = Awaited<ReturnType<typeof open>>;

/** The folder belongs to the server's user; if that is not us, no link in it may lead us elsewhere. */
async function withFile<T>(home: Home, flags: number, use: (handle: Handle) => Promise<T>): Promise<T | undefined> {
  let handle: Handle;
  try {
    handle = await open(pidFilePath(home), flags | constants.O_NOFOLLOW);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}
