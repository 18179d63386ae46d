import { type Command, Option } from 'commander';
import type { Act } from './act.js';

/** For programs and people that ask the service from elsewhere. */
export function tokenCommands(root: Command, act: Act): void {
  const tokens = root.command('tokens').description('tokens for those who ask the service from elsewhere');
  const common = (command: Command): Command =>
    command
      .option('--config <file>', 'settings (default: VURTI_CONFIG, vurti.yaml, /etc/vurti/vurti.yaml)')
      .option('--data-dir <directory>', 'data directory of the service (default: dataDir of the settings)');
  common(tokens.command('add').description('make a token, and show it once'))
    .argument('<name>', 'whose it is: grafana')
    .addOption(new Option('--scope <scope>', 'read: ask; admin: change too').choices(['read', 'admin']).default('read'))
    .action(
      act(async (c, name: never, options: never) => (await import('./commands/tokens.js')).add(c, name, options)),
    );
  common(tokens.command('list', { isDefault: true }).description('list names and scopes')).action(
    act(async (c, options: never) => (await import('./commands/tokens.js')).list(c, options)),
  );
  common(tokens.command('remove').description('take a token back'))
    .argument('<name>')
    .action(
      act(async (c, name: never, options: never) => (await import('./commands/tokens.js')).remove(c, name, options)),
    );
}
