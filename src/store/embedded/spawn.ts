import { type ChildProcess, type IOType, spawn } from 'node:child_process';
import type { Binaries } from './binaries.js';
import { databaseFailure, errorCode } from './failure.js';
import { exists } from './files.js';
import type { Home } from './home.js';

export interface Exit {
  /** null if a signal ended it, or if it was not our child and nobody knows. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Starts one of PostgreSQL's programs as the server's user.
 *
 * The environment is our own: PGDATA, PGPORT, PGOPTIONS and their kin would change what the programs do. LC_ALL keeps
 * messages in English, TZ spares initdb a search through all time zones.
 */
export function spawnAsServer(
  home: Home,
  binaries: Binaries,
  program: 'initdb' | 'postgres',
  args: readonly string[],
  output: { to: IOType | number; detached: boolean },
): ChildProcess {
  const { uid, gid, switched } = home.user;
  return home.withDescriptors((extra) =>
    spawn(binaries[program], args, {
      cwd: '/', // Ours may be closed to the server's user.
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', ...binaries.environment },
      stdio: ['ignore', output.to, output.to, ...extra],
      detached: output.detached,
      ...(switched ? { uid, gid } : {}),
    }),
  );
}

/** Settles when the process is gone and all its output is read; fails if it could not be started. */
export function endOf(child: ChildProcess, binary: string): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once('close', (code, signal) => {
      if (child.pid !== undefined) resolve({ code, signal }); // Node closes also what it could not start.
    });
    // Without a listener this event would end our whole process.
    child.on('error', (error) => {
      if (child.pid === undefined) notStarted(binary, error).then(reject, reject);
    });
  });
}

async function notStarted(binary: string, error: Error): Promise<Error> {
  // The kernel says ENOENT also when the loader that the program names does not exist.
  const otherLibc = errorCode(error) === 'ENOENT' && (await exists(binary));
  return databaseFailure(`${binary} cannot be run: ${error.message}`, {
    cause: error,
    hint: otherLibc
      ? 'It needs glibc, which this system (Alpine?) does not have: set database.url instead.'
      : 'Install the npm packages again, or set database.url.',
  });
}
