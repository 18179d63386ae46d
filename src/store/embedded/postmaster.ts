import type { Scheduler, Timer } from '../../kernel/index.js';
import { seconds } from '../../kernel/index.js';
import type { Binaries } from './binaries.js';
import { databaseFailure, errorCode } from './failure.js';
import type { Home } from './home.js';
import { findProcess, type ProcessInfo } from './processes.js';
import type { ServerLog } from './server-log.js';
import { type Exit, endOf, spawnAsServer } from './spawn.js';
import { settlesWithin } from './waiting.js';

const WATCH_EVERY_MS = seconds(1);
const WATCH_WHILE_STOPPING_MS = 10;

type Signal = (signal: NodeJS.Signals) => unknown;

/** PostgreSQL's main process: our child, or one that an earlier vurti left running. */
export class Postmaster {
  readonly pid: number;
  readonly adopted: boolean;
  readonly ended: Promise<Exit>;
  readonly #scheduler: Scheduler;
  readonly #signal: Signal;
  readonly #watch: Watch | undefined;

  private constructor(
    parts: { pid: number; ended: Promise<Exit>; signal: Signal; watch?: Watch },
    scheduler: Scheduler,
  ) {
    this.pid = parts.pid;
    this.adopted = parts.watch !== undefined;
    this.ended = parts.ended;
    this.#signal = parts.signal;
    this.#watch = parts.watch;
    this.#scheduler = scheduler;
  }

  /** In a session of its own: Ctrl-C in a terminal reaches all its processes, and we still have to write our last. */
  static async spawn(
    home: Home,
    binaries: Binaries,
    options: { port: number; tag: string; log: ServerLog; scheduler: Scheduler },
  ): Promise<Postmaster> {
    const args = ['-D', home.forServer('data'), '-c', `config_file=${home.forServer('postgresql.conf')}`];
    args.push('-p', String(options.port), ...tagArguments(options.tag));
    const child = await options.log.withDescriptor((fd) =>
      spawnAsServer(home, binaries, 'postgres', args, { to: fd, detached: true }),
    );
    const ended = endOf(child, binaries.postgres);
    if (child.pid === undefined) {
      await ended;
      throw databaseFailure('PostgreSQL was not started');
    }
    return new Postmaster({ pid: child.pid, ended, signal: (signal) => child.kill(signal) }, options.scheduler);
  }

  static adopt(found: ProcessInfo, scheduler: Scheduler): Postmaster {
    const watch = new Watch(found, scheduler);
    const signal = async (name: NodeJS.Signals): Promise<void> => {
      if (!(await isStill(found))) return; // The number may belong to somebody else since.
      try {
        process.kill(found.pid, name);
      } catch (error) {
        if (errorCode(error) !== 'ESRCH') throw error; // Gone just now: the watch will see it.
      }
    };
    return new Postmaster({ pid: found.pid, ended: watch.ended, signal, watch }, scheduler);
  }

  /**
   * Each step is stronger than the one before. SIGINT is the fast shutdown: sessions are cut off, everything is
   * written out. SIGQUIT skips the writing (the next start recovers from the log); it gives PostgreSQL's other
   * processes 5 s to go.
   */
  async stop(fastMs: number = seconds(30)): Promise<void> {
    this.#watch?.quicken();
    const steps = [
      ['SIGINT', fastMs],
      ['SIGQUIT', seconds(8)],
      ['SIGKILL', seconds(5)],
    ] as const;
    for (const [name, ms] of steps) {
      await this.#signal(name);
      if (await settlesWithin(this.#scheduler, this.ended, ms)) return;
    }
    this.#watch?.close();
    throw databaseFailure(`PostgreSQL (process ${this.pid}) does not end, not even by SIGKILL`);
  }
}

/** Nobody tells us of the end of a process that is not our child: it is looked for. */
class Watch {
  readonly ended: Promise<Exit>;
  readonly #process: ProcessInfo;
  readonly #scheduler: Scheduler;
  #resolve: (exit: Exit) => void = () => undefined;
  #every = WATCH_EVERY_MS;
  #timer: Timer | undefined;
  #closed = false;

  constructor(found: ProcessInfo, scheduler: Scheduler) {
    this.#process = found;
    this.#scheduler = scheduler;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#arm();
  }

  quicken(): void {
    this.#every = WATCH_WHILE_STOPPING_MS;
    this.#arm();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#timer?.cancel(); // `quicken` may have armed it while we looked.
    if (this.#closed) return;
    this.#timer = this.#scheduler.after(this.#every, () => void this.#look(), 'embedded-postgres-watch');
  }

  async #look(): Promise<void> {
    // If the process table cannot be read, we know nothing new.
    if (await isStill(this.#process).catch(() => true)) return this.#arm();
    this.#closed = true;
    this.#resolve({ code: null, signal: null });
  }
}

async function isStill(known: ProcessInfo): Promise<boolean> {
  return (await findProcess(known.pid))?.identity === known.identity;
}

/** The last argument, so that it can be recognised; PostgreSQL puts the name into the titles of its other processes. */
function tagArguments(tag: string): string[] {
  return ['-c', `cluster_name=${tag}`];
}

/** Any of a server's processes. */
export function belongsTo(tag: string, uid: number, found: ProcessInfo): boolean {
  if (found.uid !== uid) return false;
  const { command } = found;
  return hasTitle(command) ? command.startsWith(`postgres: ${tag}: `) : command.endsWith(` -c cluster_name=${tag}`);
}

/**
 * The postmaster never has one. A session gets it only when its client has said who it is, until then it shows the
 * arguments of the postmaster.
 */
export function hasTitle(command: string): boolean {
  return command.startsWith('postgres: ');
}
