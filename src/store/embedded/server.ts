import { type Clock, type Scheduler, seconds, type Telemetry, VurtiError } from '../../kernel/index.js';
import { findBinaries } from './binaries.js';
import { clusterTag, ensureCluster } from './cluster.js';
import { Configuration } from './configuration.js';
import { type Connection, createDatabase, endOtherSessions, ensureDatabase } from './connection.js';
import {
  chooseEndpoint,
  connectionOf,
  type Endpoint,
  isServed,
  portFor,
  removeSocket,
  tidyEndpoint,
} from './endpoint.js';
import { asDatabaseFailure, databaseFailure } from './failure.js';
import { exists } from './files.js';
import type { Home } from './home.js';
import { endServants, findLeftover } from './leftover.js';
import { disownPidFile, pidFilePath, readPidFile } from './pid-file.js';
import { Postmaster } from './postmaster.js';
import { becomesReady } from './readiness.js';
import type { ServerLog } from './server-log.js';

export interface ServerContext {
  readonly home: Home;
  readonly log: ServerLog;
  readonly settings: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

export interface Server {
  readonly postmaster: Postmaster;
  readonly connection: Connection;
  readonly tag: string;
}

const SESSION_MS = seconds(10);
/** For the fast shutdown of a server that does not answer: it will hardly do that in order. */
const PATIENCE_WITH_SILENT_MS = seconds(5);

/** @param afterKill whether the last user of the home was killed, so that its server may still run */
export async function startServer(context: ServerContext, afterKill: boolean): Promise<Server> {
  const { home, settings, telemetry } = context;
  const binaries = await findBinaries(home, telemetry);
  const endpoint = await chooseEndpoint(home);
  const configuration = new Configuration(home, binaries, endpoint, settings);

  const tagBefore = await clusterTag(home);
  if (tagBefore !== undefined && (afterKill || (await exists(pidFilePath(home))))) {
    const left = await takeOver(context, tagBefore, endpoint, configuration);
    if (left !== undefined) return left;
  }

  const durable = settings.fsync !== 'off';
  const { tag, isNew } = await ensureCluster(home, binaries, { durable, scheduler: context.scheduler });
  await configuration.write();
  const port = await portFor(endpoint);
  const postmaster = await Postmaster.spawn(home, binaries, { ...context, port, tag });
  try {
    const readiness = await becomesReady(postmaster, home, context);
    if (readiness !== 'ready') throw databaseFailure(`PostgreSQL does not start (${readiness})`);
    const connection = await connectionOf(endpoint, port, home);
    if (isNew) await createDatabase(connection, context.scheduler, SESSION_MS);
    else await ensureDatabase(connection, context.scheduler, SESSION_MS);
    return { postmaster, connection, tag };
  } catch (error) {
    const said = await context.log.tail();
    await endServer(context, { postmaster, tag }, PATIENCE_WITH_SILENT_MS);
    const { message, hint } = asDatabaseFailure(error);
    throw databaseFailure(message, { said, hint, cause: error });
  }
}

/** Stops the server and sees to it that none of its processes and none of its temporary files is left. */
export async function endServer(
  { home, scheduler }: ServerContext,
  { postmaster, tag }: Pick<Server, 'postmaster' | 'tag'>,
  fastMs?: number,
): Promise<void> {
  await postmaster.stop(fastMs);
  await endServants(home, tag, scheduler);
  await tidyEndpoint(home);
}

/** The server that a killed vurti left, or undefined when nothing stands in the way of a new one any more. */
async function takeOver(
  context: ServerContext,
  tag: string,
  endpoint: Endpoint,
  configuration: Configuration,
): Promise<Server | undefined> {
  const { home, scheduler, telemetry } = context;
  const postmaster = await findLeftover(home, tag, scheduler);
  if (postmaster === undefined) {
    if (await isServed(home)) throw servedElsewhere(home);
  } else {
    let silent = false;
    if (await configuration.isUnchanged()) {
      try {
        return { postmaster, tag, connection: await reconnect(context, postmaster, endpoint) };
      } catch (error) {
        silent = true;
        telemetry.log('warn', asDatabaseFailure(error).message, { pid: postmaster.pid });
      }
    }
    telemetry.log('info', 'The PostgreSQL that was left running is stopped', { pid: postmaster.pid, silent });
    await postmaster.stop(silent ? PATIENCE_WITH_SILENT_MS : undefined);
  }
  await endServants(home, tag, scheduler);
  await disownPidFile(home);
  await removeSocket(endpoint);
  return undefined;
}

async function reconnect(context: ServerContext, postmaster: Postmaster, endpoint: Endpoint): Promise<Connection> {
  const { home, scheduler } = context;
  const readiness = await becomesReady(postmaster, home, context);
  const port = (await readPidFile(home))?.port;
  if (readiness !== 'ready' || port === undefined)
    throw databaseFailure(`The PostgreSQL that was left running is not ready (${readiness})`);
  const connection = await connectionOf(endpoint, port, home);
  await ensureDatabase(connection, scheduler, SESSION_MS);
  await endOtherSessions(connection, scheduler, SESSION_MS);
  return connection;
}

function servedElsewhere(home: Home): VurtiError {
  const message = `${home.path} is in use by a PostgreSQL whose process cannot be seen from here`;
  return new VurtiError('ALREADY_RUNNING', message, {
    hint: 'Does another container use the same volume? Stop it, or use another --data-dir.',
    details: { folder: home.path },
  });
}
