import { Command, InvalidArgumentError, Option } from 'commander';
import type { Act, Run } from './act.js';
import { Context, formats, type Globals } from './context.js';
import { examples } from './help.js';
import type { Io } from './io.js';
import { tokenCommands } from './token-commands.js';
import { packageVersion } from './version.js';

const positive = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
};
const whole = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
};

/**
 * The commands and their flags. What a command does is loaded when it runs: `vurti status` does not wait for a web
 * server and a database driver.
 */
export function program(io: Io): Command {
  const root = new Command('vurti')
    .description('Keeps the state of virtualization hosts and their VMs, and says what is wrong, since when and why.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .option('--url <url>', 'service to ask (default: VURTI_URL, else the local one)')
    .option('--token-file <file>', 'file with a token of the service (default: VURTI_TOKEN, else the local service’s)')
    .addOption(new Option('--timeout <seconds>', 'longest wait for an answer').argParser(positive))
    .addOption(new Option('-o, --output <format>', 'form of the output').choices(formats))
    .option('--json', 'the same as -o json')
    .addOption(new Option('--color <when>', 'colour').choices(['auto', 'always', 'never']).default('auto'))
    .option('--utc', 'times in UTC instead of local time')
    .option('--no-headers', 'no line of headers, no line of counts')
    .option('-q, --quiet', 'only the data')
    .option('-v, --verbose', 'more: causes of errors, rules that are off')
    .option('-y, --yes', 'do not ask')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .exitOverride();

  const context = (command: Command): Context =>
    new Context(io, command.optsWithGlobals<Globals & Record<string, unknown>>());
  const act: Act =
    (run: Run) =>
    async (...given) => {
      const command = given.at(-1) as Command;
      await run(context(command), ...(given.slice(0, -1) as never[]));
    };
  const entityFilters = (command: Command, statuses: string): Command =>
    command
      .option('--status <list>', `only these, by comma: ${statuses}, …`)
      .option('--cluster <list>', 'only in these clusters')
      .option('--freshness <list>', 'only these: live, stale, unknown')
      .option('--limit <n>', 'at most this many');

  root
    .command('serve')
    .description('run the service')
    .option('--config <file>', 'settings (default: VURTI_CONFIG, vurti.yaml, /etc/vurti/vurti.yaml)')
    .option('--listen <address:port>', 'where the HTTP API listens')
    .option('--data-dir <directory>', 'embedded database, token and service file')
    .option('--take-over', 'take the database over from a vurti that is lost')
    .option('--demo', 'serve a simulated fleet instead of real hosts')
    .addOption(new Option('--hosts <n>', 'hosts of the demo').argParser(whole).default(20))
    .addOption(new Option('--vms <n>', 'VMs of the demo').argParser(whole).default(400))
    .addOption(new Option('--seed <n>', 'the same seed gives the same demo').argParser(whole).default(1))
    .addOption(
      new Option('--protocol <name>', 'protocol of the demo’s agents').choices(['vdsm', 'http']).default('vdsm'),
    )
    .action(act(async (c, options: never) => (await import('./serve/command.js')).serve(c, options)));

  root
    .command('simulate')
    .description('run simulated agents only, to be polled by a vurti elsewhere')
    .addOption(new Option('--hosts <n>', 'hosts').argParser(whole).default(20))
    .addOption(new Option('--vms <n>', 'VMs').argParser(whole).default(400))
    .addOption(new Option('--seed <n>', 'the same seed gives the same fleet').argParser(whole).default(1))
    .addOption(new Option('--protocol <name>', 'protocol of the agents').choices(['vdsm', 'http']).default('vdsm'))
    .option('--tls [directory]', 'TLS with client certificates; writes those of the client there (default: lab-pki)')
    .addOption(
      new Option('--port <n>', 'this port on an address per host, 127.0.1.1 …, instead of a port per host').argParser(
        whole,
      ),
    )
    .option('--faults <list>', 'what goes wrong: none, demo, storm, or kinds with their rates per hour: hang=2,cut=10')
    .option('--write <file>', 'write a settings file for these hosts instead of printing it')
    .action(act(async (c, options: never) => (await import('./commands/simulate.js')).simulate(c, options)));

  root
    .command('status')
    .description('the whole fleet on one screen, and what needs you')
    .option('-w, --watch', 'again every 2 s')
    .option('--check', 'exit 1 unless all is well; warnings do not count')
    .action(act(async (c, options: never) => (await import('./commands/status.js')).status(c, options)));

  hostCommands(root, act, entityFilters);

  entityFilters(root.command('vms').description('list VMs'), 'Up, Down, Paused, Unknown')
    .option('--host <list>', 'only on these hosts')
    .option('-w, --watch', 'again every 2 s')
    .option('--expand', 'list VMs of a lost host that a terminal sums up')
    .action(act(async (c, options: never) => (await import('./commands/vms.js')).vms(c, options)));

  intentCommands(root, act);

  root
    .command('tail')
    .description('read the events')
    .option('-f, --follow', 'go on with what is to come')
    .option('-n, --lines <n>', 'this many of the newest, or all (default: 10, with --since or a cursor all)')
    .option('-S, --since <time>', 'from this time: 09:00, "2h ago", yesterday, RFC 3339')
    .option('-U, --until <time>', 'up to this time')
    .option('-p, --severity <name>', 'this and worse: normal, warning, error, alert')
    .option('--type <list>', 'only events of these names (docs/events.md)')
    .option('--host <list>', 'only of these hosts and what runs on them')
    .option('--cluster <list>', 'only in these clusters')
    .option('--vm <list>', 'only of these VMs')
    .option('-g, --grep <pattern>', 'only lines that match; without capitals it does not mind capitals')
    .option('-r, --reverse', 'newest first')
    .option('-x, --explain', 'under each event its cause: rule, poll or push, what changed')
    .option('--expand', 'list the parts of an incident instead of summing them up')
    .option('--after-cursor <cursor>', 'go on after this place; oldest = from the first one kept')
    .option('--show-cursor', 'print the last place on stderr at the end')
    .option(
      '--cursor-file <file>',
      'go on after the place in this file, and keep it up to date; -S counts while there is none',
    )
    .action(act(async (c, options: never) => (await import('./tail/tail.js')).tail(c, options)));

  root
    .command('explain')
    .description('why is it in this status?')
    .addArgument(root.createArgument('<kind>').choices(['vm', 'host']))
    .argument('<name>', 'name, id, or a beginning of an id that only one has')
    .action(act(async (c, kind: never, name: never) => (await import('./commands/explain.js')).explain(c, kind, name)));

  root
    .command('doctor')
    .description('why does a host not answer? Step by step, without a service')
    .argument('[host]', 'name or id, as in the settings')
    .option('--all', 'every host of the settings, the failed ones first')
    .option('--config <file>', 'settings (default: VURTI_CONFIG, vurti.yaml, /etc/vurti/vurti.yaml)')
    .action(
      act(async (c, name: never, options: never) => (await import('./commands/doctor.js')).doctor(c, name, options)),
    );

  root
    .command('raw')
    .description('what an agent really says, without its secrets')
    .argument('<host>', 'name or id')
    .argument('<method>', 'what to ask: Host.getStats, Host.getAllVmStats, Host.getCapabilities, Host.dumpxmls …')
    .option('--vm <name>', 'only about this VM')
    .action(
      act(async (c, host: never, method: never, options: never) =>
        (await import('./commands/raw.js')).raw(c, host, method, options),
      ),
    );

  root
    .command('bundle')
    .description('what somebody needs to look into a problem from afar, in one file, without secrets')
    .option('--host <list>', 'also why these hosts are in their status')
    .option('--vm <list>', 'the same of VMs')
    .option('--file <file>', 'where to write it (default: vurti-bundle-DATE-TIME.tar.gz)')
    .action(act(async (c, options: never) => (await import('./commands/bundle.js')).bundle(c, options)));

  root
    .command('completion')
    .description('completion of commands, flags and names, for a shell')
    .addArgument(root.createArgument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action(act(async (c, shell: never) => (await import('./completion/command.js')).completion(c, shell)));

  root
    .command('poke')
    .description('ask hosts now instead of at their next turn')
    .argument('<host...>')
    .action(act(async (c, names: never) => (await import('./commands/hosts.js')).poke(c, names)));

  root
    .command('sinks')
    .description('how far the receivers of events have come')
    .action(act(async (c) => (await import('./commands/sinks.js')).sinks(c)));

  root
    .command('reload')
    .description('let the service read its settings again; wrong ones change nothing')
    .option('--accept-removals', 'the sources of hosts are right, even where one has lost most of them')
    .action(act(async (c, options: never) => (await import('./commands/reload.js')).reload(c, options)));

  const certs = root.command('certs').description('certificates for a laboratory');
  certs
    .command('init')
    .description('make a CA, our own certificate, and those of agents')
    .argument('[directory]', 'where they are written (default: pki)')
    .option('--agent <name=address...>', 'also for these agents: kvm-01=10.0.4.11')
    .action(
      act(async (c, directory: never, options: never) =>
        (await import('./commands/certs.js')).initCerts(c, directory, options),
      ),
    );

  tokenCommands(root, act);

  const config = root.command('config').description('check and show the settings');
  config
    .command('check')
    .description('name everything that is wrong with the settings')
    .option('--config <file>', 'settings file')
    .action(act(async (c, options: never) => (await import('./commands/config.js')).checkConfig(c, options)));
  config
    .command('show')
    .description('the settings in force, without secrets')
    .option('--config <file>', 'settings file')
    .option('--origin', 'with where each one comes from')
    .action(act(async (c, options: never) => (await import('./commands/config.js')).showConfig(c, options)));

  root
    .command('migrate')
    .description('bring the database’s schema up to date, without a service')
    .option('--plan', 'only show what would be done: steps, rows, locks')
    .option('--config <file>', 'settings (default: VURTI_CONFIG, vurti.yaml, /etc/vurti/vurti.yaml)')
    .option('--data-dir <directory>', 'where the embedded database is, as of serve')
    .action(act(async (c, options: never) => (await import('./commands/migrate.js')).migrate(c, options)));

  root
    .command('wait')
    .description('wait until the service serves, or has heard all hosts; exit 1 after --timeout (60 s)')
    .addArgument(root.createArgument('<level>').choices(['serving', 'synced']))
    .action(act(async (c, level: never) => (await import('./commands/wait.js')).waitFor(c, level)));

  root
    .command('version')
    .description('print the versions')
    .action(act(async (c) => (await import('./version.js')).version(c)));

  for (const command of [root, ...root.commands, ...root.commands.flatMap((one) => one.commands)])
    addExamples(command, root);
  return root;
}

function hostCommands(root: Command, act: Act, filters: (command: Command, statuses: string) => Command): void {
  const hosts = root.command('hosts').description('list hosts, add and remove them, take them out of monitoring');
  filters(
    hosts.command('list', { isDefault: true }).description('list hosts'),
    'Up, Connecting, NonResponsive, Maintenance',
  )
    .option('-w, --watch', 'again every 2 s')
    .action(act(async (c, options: never) => (await import('./commands/hosts.js')).hosts(c, options)));
  hosts
    .command('add')
    .description('monitor a further host')
    .argument('<name>')
    .argument('<address>', 'host name or IP address of its agent')
    .option('--cluster <name>', 'its cluster')
    .option('--id <id>', 'id that never changes (default: the name)')
    .option('--port <n>', 'port of the agent (default: 54321)')
    .addOption(
      new Option('--protocol <name>', 'protocol of the agent (default: agents.protocol)').choices(['vdsm', 'http']),
    )
    .option('--pm', 'power management is set up for it')
    .action(
      act(async (c, name: never, address: never, options: never) =>
        (await import('./commands/hosts.js')).addHost(c, name, address, options),
      ),
    );
  hosts
    .command('remove')
    .description('forget a host')
    .argument('<name>')
    .action(act(async (c, name: never) => (await import('./commands/hosts.js')).removeHost(c, name)));
  hosts
    .command('activate')
    .description('monitor a host again after maintenance or a failure')
    .argument('<name>')
    .action(act(async (c, name: never) => (await import('./commands/hosts.js')).activateHost(c, name)));
  hosts
    .command('confirm-rebooted')
    .description('you have proof that a lost host was off: its VMs do not run (manager mode)')
    .argument('<name>')
    .action(act(async (c, name: never) => (await import('./commands/hosts.js')).confirmRebooted(c, name)));
  hosts
    .command('maintenance')
    .description('do not judge a host for now')
    .argument('<name>')
    .option('--reason <text>', 'for others to read')
    .action(
      act(async (c, name: never, options: never) =>
        (await import('./commands/hosts.js')).maintainHost(c, name, options),
      ),
    );
}

function intentCommands(root: Command, act: Act): void {
  const intents = root.command('intents').description('list the advice that waits for whoever manages the hosts');
  intents
    .command('list', { isDefault: true })
    .description('list the advice that waits')
    .option('--type <list>', 'only of these kinds: destroy, autoRun, fence … (docs/rules.md#advice)')
    .option('--host <list>', 'only about these hosts and what runs there')
    .option('--vm <list>', 'only about these VMs')
    .option('--limit <n>', 'at most so many')
    .option('-w, --watch', 'again every 2 s')
    .action(act(async (c, options: never) => (await import('./commands/intents.js')).intents(c, options)));
  intents
    .command('ack')
    .description('it is done, or shall not be done: do not deliver it any more')
    .argument('<key...>', 'key, or a beginning that only one has')
    .action(act(async (c, keys: never) => (await import('./commands/intents.js')).acknowledge(c, keys)));
}

function addExamples(command: Command, root: Command): void {
  const path =
    command === root
      ? 'vurti'
      : [command.parent === root ? '' : (command.parent?.name() ?? ''), command.name()].join(' ').trim();
  const lines = examples[path];
  if (lines !== undefined) command.addHelpText('before', `Examples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`);
}
