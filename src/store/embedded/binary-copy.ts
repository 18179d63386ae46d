import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, lstat, mkdir, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Telemetry } from '../../kernel/index.js';
import { databaseFailure, errorCode } from './failure.js';

interface File {
  /** Relative to the folder that is copied. */
  readonly path: string;
  readonly size: number;
  readonly mode: number;
}

/**
 * Only for root, whose node_modules may lie in a closed folder (`/root/vurti`) while PostgreSQL runs as another user:
 * a copy of its binaries (some 60 MB, made once per version) that everybody may read.
 *
 * It lies in a folder that root alone can write, all the way up: whoever could replace a file there would run code in
 * PostgreSQL's name. A temporary folder with a name that can be guessed would not do.
 */
export async function copyForEverybody(native: string, name: string, telemetry: Telemetry): Promise<string> {
  const files = await list(native);
  // systemd's CacheDirectory= arrives in this variable, as a list.
  const cache = await trustedFolder(process.env.CACHE_DIRECTORY?.split(':')[0] ?? '/var/cache/vurti');
  const target = join(cache, name);
  if (await isWhole(target, files)) return target;

  const draft = `${target}.new-${randomBytes(6).toString('hex')}`;
  const old = `${target}.old-${randomBytes(6).toString('hex')}`;
  try {
    await copy(native, draft, files);
    await rename(target, old).catch((error) => {
      if (errorCode(error) !== 'ENOENT') throw error;
    });
    await rename(draft, target).catch(async (error) => {
      if (!(await isWhole(target, files))) throw error; // Else another process was as fast with the same copy.
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
    await rm(old, { recursive: true, force: true });
  }
  telemetry.log('info', 'PostgreSQL was copied to where its user can read it', { from: native, to: target });
  return target;
}

/** Without static libraries, which nothing loads, and without links, which are made anew in the copy. */
async function list(folder: string): Promise<File[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile() && !/\.(a|pc)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  return await Promise.all(
    names.map(async (name) => {
      const { size, mode } = await stat(name);
      return { path: relative(folder, name), size, mode: (mode & 0o100) === 0 ? 0o644 : 0o755 };
    }),
  );
}

/** After a power cut a file of a finished copy may be empty: its size tells. */
async function isWhole(folder: string, files: readonly File[]): Promise<boolean> {
  const sizes = await Promise.all(files.map(({ path }) => stat(join(folder, path)).catch(() => undefined)));
  return sizes.every((found, i) => found?.size === files[i]?.size);
}

async function copy(from: string, to: string, files: readonly File[]): Promise<void> {
  const folders = new Set(files.map(({ path }) => dirname(join(to, path))));
  for (const folder of folders) await mkdir(folder, { recursive: true });
  await Promise.all(
    files.map(async ({ path, mode }) => {
      await copyFile(join(from, path), join(to, path), constants.COPYFILE_FICLONE);
      await chmod(join(to, path), mode); // Whatever the umask was.
    }),
  );
  const made = await readdir(to, { recursive: true, withFileTypes: true });
  for (const entry of made) if (entry.isDirectory()) await chmod(join(entry.parentPath, entry.name), 0o755);
  await chmod(to, 0o755);
}

async function trustedFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o755 });
  const folder = await realpath(path);
  for (let at = folder; ; at = dirname(at)) {
    const { uid, mode } = await lstat(at);
    // In a sticky folder above (/tmp) nobody else can rename or remove what is root's.
    const writable = (mode & 0o022) !== 0 && (at === folder || (mode & 0o1000) === 0);
    if (uid !== 0 || writable || (mode & 0o001) === 0) {
      throw databaseFailure(`${at} must belong to root, be writable by root alone and open to all users`, {
        hint:
          'PostgreSQL does not run as root, and its user cannot read node_modules where it is. ' +
          'Mend the folder, name another one in CACHE_DIRECTORY, or install vurti where all may read it.',
      });
    }
    if (at === dirname(at)) return folder;
  }
}
