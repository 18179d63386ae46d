import { randomBytes } from 'node:crypto';
import { lstat, mkdtemp, readFile, readlink, realpath, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, VURTI } from './connection.js';
import { errorCode } from './failure.js';
import type { Home } from './home.js';
import { canEnter } from './server-user.js';

/** Where the server listens. */
export type Endpoint =
  | {
      readonly kind: 'socket';
      /** As this process sees it. */
      readonly folder: string;
      /** As the server sees it. */
      readonly serverFolder: string;
    }
  | { readonly kind: 'tcp'; readonly host: '127.0.0.1' };

/** The number in the socket's name; no TCP port is taken. */
const SOCKET_PORT = 5432;

/** sun_path, less its final zero: 108 on Linux, 104 on macOS and BSD. */
const LONGEST_SOCKET_PATH = process.platform === 'linux' ? 107 : 103;

/**
 * A Unix socket in `socket`, a folder that only the server's user may enter. Where the path is too long or the file
 * system cannot hold sockets, `socket` is a link to such a folder among the temporary files. Where that fails as
 * well: TCP on the loopback address, with a password.
 */
export async function chooseEndpoint(home: Home): Promise<Endpoint> {
  const own = home.at('socket');
  const kept = await existingFolder(home);
  if (kept !== undefined && (await holdsSockets(kept.folder))) return kept;
  await rm(own, { recursive: true, force: true }); // Of a link, the link itself.

  if (fits(own)) {
    await home.makePrivate('socket');
    if (await holdsSockets(own)) return ownFolder(home);
    await rmdir(own);
  }
  const base = join(await realpath(tmpdir()), 'vurti-');
  if (fits(`${base}XXXXXX`)) {
    const folder = await mkdtemp(base); // 0700, under a name that nobody could take before.
    await home.giveToServer(folder);
    if ((await canEnter(home.user, folder)) && (await holdsSockets(folder))) {
      await symlink(folder, own);
      return { kind: 'socket', folder, serverFolder: folder };
    }
    await rmdir(folder);
  }
  return { kind: 'tcp', host: '127.0.0.1' };
}

/** Removes a folder among the temporary files; the one at home stays for the next start. */
export async function tidyEndpoint(home: Home): Promise<void> {
  const found = await existingFolder(home);
  if (found === undefined || found.folder === home.at('socket')) return;
  await rmdir(found.folder).catch(() => undefined);
  await rm(home.at('socket'), { force: true });
}

/** @param port of a TCP endpoint */
export async function connectionOf(endpoint: Endpoint, port: number, home: Home): Promise<Connection> {
  const common = { port, user: VURTI, database: VURTI };
  if (endpoint.kind === 'socket') return { ...common, host: endpoint.folder };
  return { ...common, host: endpoint.host, password: (await readFile(home.at('password'), 'latin1')).trim() };
}

/** The superuser gets it from initdb, vurti's role when it is first needed. The server's user must read it once. */
export async function writePassword(home: Home): Promise<void> {
  await rm(home.at('password'), { force: true });
  await writeFile(home.at('password'), randomBytes(24).toString('base64url'), { mode: 0o600, flag: 'wx' });
  await home.giveToServer(home.at('password'));
}

/** A port that is free now. Should another program be quicker, PostgreSQL says so and the start fails. */
export async function portFor(endpoint: Endpoint): Promise<number> {
  if (endpoint.kind === 'socket') return SOCKET_PORT;
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, endpoint.host, resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new TypeError('A TCP server without a port');
  return address.port;
}

/**
 * Whether a server listens at this home. It may be one whose process we cannot see: vurti in another container that
 * has the same volume.
 */
export async function isServed(home: Home): Promise<boolean> {
  const found = await existingFolder(home);
  if (found === undefined) return false;
  return await new Promise((resolve) => {
    const socket = connect(socketFile(found.folder));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** The socket of a server that is gone, and its lock file: like postmaster.pid that is believed if its number exists. */
export async function removeSocket(endpoint: Endpoint): Promise<void> {
  if (endpoint.kind === 'tcp') return;
  await rm(socketFile(endpoint.folder), { force: true });
  await rm(`${socketFile(endpoint.folder)}.lock`, { force: true });
}

async function existingFolder(home: Home): Promise<Extract<Endpoint, { kind: 'socket' }> | undefined> {
  const own = home.at('socket');
  try {
    const isLink = (await lstat(own)).isSymbolicLink();
    const folder = isLink ? await readlink(own) : own;
    // The temporary folder may be gone since, and its name taken by somebody else.
    const { uid, mode } = await lstat(folder);
    const isPrivate = uid === home.user.uid && (mode & 0o170777) === 0o040700;
    if (!isPrivate || !fits(folder)) return undefined;
    return isLink ? { kind: 'socket', folder, serverFolder: folder } : ownFolder(home);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function ownFolder(home: Home): Extract<Endpoint, { kind: 'socket' }> {
  return { kind: 'socket', folder: home.at('socket'), serverFolder: home.forServer('socket') };
}

function socketFile(folder: string): string {
  return join(folder, `.s.PGSQL.${SOCKET_PORT}`);
}

function fits(folder: string): boolean {
  return Buffer.byteLength(socketFile(folder)) <= LONGEST_SOCKET_PATH;
}

/** Network and shared file systems often hold files but no sockets: the only sure way to know is to make one. */
async function holdsSockets(folder: string): Promise<boolean> {
  const server = createServer();
  const name = `.p${randomBytes(4).toString('hex')}`; // Shorter than PostgreSQL's.
  const made = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(join(folder, name), () => resolve(true));
  });
  if (made) await new Promise<void>((resolve) => server.close(() => resolve()));
  return made;
}
