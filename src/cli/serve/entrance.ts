import { join } from 'node:path';
import { type Clock, type Scheduler, type Telemetry, VurtiError } from '../../kernel/index.js';
import { type LoadedSettings, parseListen } from '../../monitor/settings/index.js';
import { ensureToken, Front } from '../../server/front/index.js';
import { removeServiceFile, writeServiceFile } from '../service-file.js';
import { packageVersion } from '../version.js';
import { refuseOpen } from './exposure.js';

/** Connections beside those that follow the log. */
const OTHER_CONNECTIONS = 1024;

/** Where the service is asked, open before its parts are loaded. */
export interface Entrance {
  readonly front: Front;
  readonly url: string;
  /** Of the service's own token file: it may do everything. */
  readonly token: string;
  /** Takes the service file away, and the sockets if they are open still. */
  close(): Promise<void>;
}

/** @throws LISTEN_FAILED, LISTEN_NEEDS_TOKEN, CONFIG_INVALID, CONFIG_UNREADABLE */
export async function openEntrance(
  loaded: LoadedSettings,
  ports: {
    readonly phase: () => string;
    readonly clock: Clock;
    readonly scheduler: Scheduler;
    readonly telemetry: Telemetry;
  },
): Promise<Entrance> {
  const { server, dataDir } = loaded.settings;
  const listen = parseListen(server.listen);
  if (listen === undefined) throw new VurtiError('CONFIG_INVALID', `server.listen: ${server.listen}`);
  refuseOpen(loaded);
  const tokenFile = join(dataDir, 'token');
  const token = ensureToken(tokenFile);
  const front = new Front({
    listen,
    allowedHosts: server.allowedHosts,
    ...(server.tls === undefined ? {} : { tls: server.tls }),
    maxConnections: OTHER_CONNECTIONS + server.maxEventStreams,
    ...ports,
  });
  const close = async (): Promise<void> => {
    removeServiceFile(dataDir, process.pid);
    await front.close();
  };
  try {
    const url = await front.listen();
    const since = new Date(ports.clock.now()).toISOString();
    const file = { url: front.localUrl, pid: process.pid, since, tokenFile, version: packageVersion() };
    writeServiceFile(dataDir, file);
    return { front, url, token, close };
  } catch (error) {
    await close();
    throw error;
  }
}
