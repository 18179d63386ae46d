import type { Clock, Scheduler, Telemetry } from '../../kernel/index.js';
import { type Connection, urlOf } from './connection.js';
import { isServed } from './endpoint.js';
import { asDatabaseFailure, databaseFailure } from './failure.js';
import { Home } from './home.js';
import { FolderLock } from './lock.js';
import { endServer, type Server, type ServerContext, startServer } from './server.js';
import { ServerLog } from './server-log.js';
import type { Exit } from './spawn.js';

export interface EmbeddedPostgresOptions {
  /** vurti's data directory; the database lies in its folder `postgresql`. Made if it does not exist. */
  dataDir: string;
  clock: Clock;
  scheduler: Scheduler;
  telemetry: Telemetry;
  /** Settings of postgresql.conf that differ from vurti's own (see configuration.ts). */
  settings?: Readonly<Record<string, string>>;
}

/**
 * A real PostgreSQL of our own, one per data directory, without any installation.
 *
 * Contract: from `start` to the end of `stop` no other process serves the directory (ALREADY_RUNNING). What was
 * committed is kept whatever is killed: this process, the server, or both. A server that outlived its vurti is taken
 * over if it answers and is configured as asked, else it is stopped and a new one started. The server runs in a
 * session of its own, so signals from the terminal do not reach it: `stop` must be called, and after it nothing of the
 * server runs. Until then this process does not exit by itself.
 */
export class EmbeddedPostgres {
  readonly connection: Connection;
  /** The same as a connection string. Holds the password, if there is one. */
  readonly url: string;
  readonly pid: number;
  /** Whether the server was running already, left by a vurti that was killed. */
  readonly adopted: boolean;
  /** Settles only if the server ends by itself, never after `stop`. It is not started again; call `stop` to tidy up. */
  readonly exited: Promise<Exit>;
  readonly #context: ServerContext;
  readonly #server: Server;
  readonly #lock: FolderLock;
  #stopping: Promise<void> | undefined;

  private constructor(context: ServerContext, server: Server, lock: FolderLock) {
    this.#context = context;
    this.#server = server;
    this.#lock = lock;
    this.connection = server.connection;
    this.url = urlOf(server.connection);
    this.pid = server.postmaster.pid;
    this.adopted = server.postmaster.adopted;
    this.exited = new Promise((resolve) => {
      void server.postmaster.ended.then(async (exit) => {
        if (this.#stopping !== undefined) return;
        resolve(exit);
        context.telemetry.log('error', 'PostgreSQL ended by itself', { ...exit, log: await context.log.tail() });
      });
    });
    context.log.keepSmall(context.scheduler, context.telemetry);
  }

  static async start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
    const { clock, scheduler, telemetry, settings = {} } = options;
    if (process.platform === 'win32') {
      throw databaseFailure('The embedded PostgreSQL does not run on Windows', { hint: 'Set database.url.' });
    }
    const began = clock.monotonic();
    try {
      const home = await Home.prepare(options.dataDir);
      const context = { home, log: new ServerLog(home.at('server.log')), settings, clock, scheduler, telemetry };
      const answers = (): Promise<boolean> => isServed(home);
      const lock = await FolderLock.acquire(home.at('lock'), { folder: home.path, answers, clock });
      try {
        const started = new EmbeddedPostgres(context, await startServer(context, lock.wasStale), lock);
        started.#announce(clock.monotonic() - began);
        return started;
      } catch (error) {
        await lock.release();
        throw error;
      }
    } catch (error) {
      throw asDatabaseFailure(error);
    }
  }

  /** Fast shutdown; stronger means if that takes too long. Calling it again waits for the same end. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const { log, telemetry } = this.#context;
    try {
      await endServer(this.#context, this.#server);
      telemetry.log('info', 'PostgreSQL stopped', { pid: this.pid });
    } finally {
      log.close();
      await this.#lock.release();
    }
  }

  #announce(ms: number): void {
    const { home, telemetry } = this.#context;
    telemetry.observe('vurti_embedded_database_start_seconds', ms / 1000);
    const message = this.adopted ? 'PostgreSQL was running and is taken over' : 'PostgreSQL started';
    telemetry.log('info', message, { pid: this.pid, folder: home.path, user: home.user.name, ms: Math.round(ms) });
  }
}
