import { isLoopback } from '../../kernel/index.js';
import { type LoadedSettings, parseListen, SettingsError } from '../../monitor/settings/index.js';
import { readTokens, tokensFile } from '../../server/front/index.js';

/** An address that others reach is of no use while nobody has a token. TLS is the settings' own matter. @throws LISTEN_NEEDS_TOKEN */
export function refuseOpen(loaded: LoadedSettings): void {
  const { server, dataDir } = loaded.settings;
  const listen = parseListen(server.listen);
  if (listen === undefined || isLoopback(listen.host) || readTokens(tokensFile(dataDir)).length > 0) return;
  throw new SettingsError([
    {
      code: 'LISTEN_NEEDS_TOKEN',
      where: loaded.origin(['server', 'listen']).where,
      message: `server.listen ${server.listen} is reachable by others: add a token (vurti tokens add NAME --scope read). server.tls is set.`,
    },
  ]);
}
