import { closeSync, constants, openSync } from 'node:fs';
import { chmod, chown, lstat, mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { databaseFailure } from './failure.js';
import { canEnter, type ServerUser, serverUser } from './server-user.js';

/** The number under which a server that cannot walk to its home finds it open. */
const HOME_FD = 3;

export type HomeFile =
  | 'data'
  | 'lib'
  | 'lock'
  | 'password'
  | 'pg_hba.conf'
  | 'pg_ident.conf'
  | 'postgresql.conf'
  | 'server.log'
  | 'socket';

/**
 * The folder `postgresql` in vurti's data directory. It holds all that belongs to the embedded database:
 * `data` (PostgreSQL's own), `socket`, the configuration, `server.log`, `lock`, `password`.
 *
 * It is always ours. If we are root, only `data` and `socket` (and `password`) belong to the server's user. Our files lie
 * beside those, and in them we follow no link: one planted there must not lead root's pen elsewhere.
 *
 * Root's folders are often closed to others (`/root/vurti/.vurti`). The server then gets the open folder as file
 * descriptor 3 and calls it /proc/self/fd/3: access goes by the descriptor, and no folder above it is opened to
 * anyone. See docs/adr/0003-embedded-postgresql.md.
 */
export class Home {
  readonly path: string;
  readonly user: ServerUser;
  readonly #closed: boolean;

  private constructor(path: string, user: ServerUser, closed: boolean) {
    this.path = path;
    this.user = user;
    this.#closed = closed;
  }

  static async prepare(dataDir: string): Promise<Home> {
    const user = await serverUser(join(dataDir, 'postgresql', 'data'));
    const mode = user.switched ? 0o711 : 0o700;
    await mkdir(dataDir, { recursive: true, mode });
    const path = join(await realpath(dataDir), 'postgresql');
    await mkdir(path, { recursive: true, mode });
    const found = await lstat(path);
    if (!found.isDirectory() || found.uid !== process.geteuid?.()) {
      throw databaseFailure(`${path} is not a folder of user ${user.ownName}, who runs this process`, {
        hint: 'Start vurti as the user who owns it, or use another --data-dir.',
      });
    }
    await chmod(path, mode); // mkdir's mode is cut by the umask.
    const closed = user.switched && !(await canEnter(user, path));
    if (closed && process.platform !== 'linux') {
      throw databaseFailure(`User ${user.name}, who runs PostgreSQL, cannot reach ${path}`, {
        hint: 'Use a --data-dir that others may enter, such as /var/lib/vurti, or start vurti as a normal user.',
      });
    }
    return new Home(path, user, closed);
  }

  /** A path as this process sees it. */
  at(name: HomeFile | `data.new-${string}`): string {
    return join(this.path, name);
  }

  /** The same file as the server sees it. */
  forServer(name: HomeFile | `data.new-${string}`): string {
    return this.#closed ? `/proc/self/fd/${HOME_FD}/${name}` : this.at(name);
  }

  /** Calls `spawn` with what belongs behind stdin, stdout and stderr in its `stdio`. */
  withDescriptors<T>(spawn: (extra: readonly number[]) => T): T {
    if (!this.#closed) return spawn([]);
    const fd = openSync(this.path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      return spawn([fd]); // The child has its own copy when spawn returns.
    } finally {
      closeSync(fd);
    }
  }

  /** Creates a folder that only the server's user (and root) may enter. */
  async makePrivate(name: 'socket' | `data.new-${string}`): Promise<string> {
    const path = this.at(name);
    await mkdir(path, { mode: 0o700 });
    await this.giveToServer(path);
    return path;
  }

  async giveToServer(path: string): Promise<void> {
    if (this.user.switched) await chown(path, this.user.uid, this.user.gid);
  }
}
