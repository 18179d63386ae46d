import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { databaseFailure } from './failure.js';

/** The operating-system user that PostgreSQL runs as. */
export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Another one than ours: we are root, which PostgreSQL refuses. */
  readonly switched: boolean;
  /** The name of the user that this process runs as. */
  readonly ownName: string;
}

/** `nobody` owns things of other services too, so it is only the last resort. */
const CANDIDATES = ['postgres', 'nobody'];

/** @param data the data folder. If it exists already, its owner goes before all others. */
export async function serverUser(data: string): Promise<ServerUser> {
  const own = ownUser();
  if (own.uid !== 0) return { name: own.username, uid: own.uid, gid: own.gid, switched: false, ownName: own.username };
  const { uid: owner } = await stat(data).catch(() => ({ uid: undefined }));
  const candidates = owner === undefined ? CANDIDATES : [String(owner), ...CANDIDATES];
  for (const candidate of candidates) {
    const [name, uid, gid] = await Promise.all([ask('-un', candidate), ask('-u', candidate), ask('-g', candidate)]);
    if (name !== undefined && Number(uid) > 0 && gid !== undefined) {
      return { name, uid: Number(uid), gid: Number(gid), switched: true, ownName: own.username };
    }
  }
  throw databaseFailure('PostgreSQL refuses to run as root, and there is no user "postgres" or "nobody" to run it as', {
    hint: 'Start vurti as a normal user, create one (useradd --system postgres), or set database.url.',
  });
}

/** A bare number is not enough: initdb and peer authentication look the name up. */
function ownUser(): { username: string; uid: number; gid: number } {
  try {
    return userInfo();
  } catch (error) {
    throw databaseFailure(`User id ${process.geteuid?.()} has no name on this machine; PostgreSQL needs one`, {
      cause: error,
      hint: 'Add a line for it to /etc/passwd, or set database.url.',
    });
  }
}

/** `id` asks all sources of users that the system has, not only /etc/passwd; it takes a name or a number. */
async function ask(what: '-un' | '-u' | '-g', user: string): Promise<string | undefined> {
  return await promisify(execFile)('id', [what, user]).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
}

/** Whether `user` may enter `folder` by its path: every folder on the way must let it pass. */
export async function canEnter(user: ServerUser, folder: string): Promise<boolean> {
  for (let at = folder; ; at = dirname(at)) {
    if (!(await allows(user, at, 0o1))) return false;
    if (at === dirname(at)) return true;
  }
}

/** Whether the mode of `path` itself lets `user` do `bits` (4 read, 1 execute or enter). */
export async function allows(user: ServerUser, path: string, bits: number): Promise<boolean> {
  const { mode, uid, gid } = await stat(path);
  const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0;
  return ((mode >> shift) & bits) === bits;
}
