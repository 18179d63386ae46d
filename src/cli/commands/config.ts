import { stringify } from 'yaml';
import { agentAccess, loadSettings, shownSettings, shownTree, sinkAccess } from '../../monitor/settings/index.js';
import { ServerCertificate } from '../../server/front/index.js';
import type { Context } from '../context.js';
import { settingsFile } from '../discover.js';
import { count } from '../human.js';
import { jsonLine } from '../output.js';
import { refuseOpen } from '../serve/exposure.js';
import { renderTable } from '../table.js';
import { escapeInJson } from '../text.js';

export interface ConfigOptions {
  readonly config?: string;
  readonly origin?: boolean;
}

/** Everything that a start would read and refuse, without a start. */
export function checkConfig(context: Context, options: ConfigOptions): void {
  const { io } = context;
  const file = settingsFile(options.config, io);
  const loaded = loadSettings({ file, env: io.env, cwd: io.cwd });
  const { hosts } = agentAccess(loaded);
  sinkAccess(loaded);
  refuseOpen(loaded);
  if (loaded.settings.server.tls !== undefined) new ServerCertificate(loaded.settings.server.tls);
  const what = `mode ${loaded.settings.mode}, ${count(hosts.length)} ${hosts.length === 1 ? 'host' : 'hosts'}`;
  if (!context.globals.quiet) context.print(`${file ?? 'No settings file, the defaults'}: good. ${what}.`);
}

export function showConfig(context: Context, options: ConfigOptions): void {
  const { io } = context;
  const loaded = loadSettings({ file: settingsFile(options.config, io), env: io.env, cwd: io.cwd });
  const shown = shownSettings(loaded);
  switch (context.format) {
    case 'json':
      context.data(escapeInJson(JSON.stringify(options.origin ? shown : shownTree(loaded), null, 2)));
      break;
    case 'ndjson':
      for (const setting of shown) context.data(jsonLine(setting));
      break;
    case 'name':
      for (const setting of shown) context.data(setting.path);
      break;
    case 'yaml':
    case 'table':
    case 'wide':
      if (options.origin && context.format !== 'yaml') {
        context.print(
          renderTable(
            [
              { header: 'SETTING', text: (setting) => setting.path },
              {
                header: 'VALUE',
                text: (setting) => (typeof setting.value === 'string' ? setting.value : JSON.stringify(setting.value)),
              },
              {
                header: 'FROM',
                text: ({ origin }) => (origin.where === '' ? origin.layer : `${origin.layer} ${origin.where}`),
              },
            ],
            shown,
            { ...context.out, columns: null },
            context.globals.headers,
          ),
        );
      } else {
        context.data(stringify(options.origin ? shown : shownTree(loaded), { lineWidth: 0 }));
      }
      break;
  }
}
