import type { Command } from 'commander';
import { COMPLETE } from './completion/complete.js';
import type { Globals } from './context.js';
import { exitCodes, report } from './errors.js';
import type { Io } from './io.js';
import { program } from './program.js';
import { finish, styleOf } from './style.js';

/** Runs one command line and gives its exit code. Never throws. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  let usage = '';
  const root = program(io);
  const help = (text: string): void => io.stdout.write(finish(styleOf(io.stdout, io.env, 'never'), text));
  const configure = (command: Command): void => {
    command.exitOverride().configureOutput({
      writeOut: help,
      writeErr: (text) => {
        usage += text;
      },
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
    });
    for (const below of command.commands) configure(below);
  };
  configure(root);
  if (argv[0] === COMPLETE) {
    await (await import('./completion/command.js')).complete(io, root, argv.slice(1));
    return exitCodes.ok;
  }
  try {
    if (argv.length === 0) {
      root.outputHelp();
      return exitCodes.ok;
    }
    await root.parseAsync([...argv], { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    // Commander prints the help of a group that lacks its command as an error.
    if (usage.startsWith('Examples:') || usage.startsWith('Usage:')) {
      io.stderr.write(finish(styleOf(io.stderr, io.env, 'never'), usage));
      return exitCodes.usage;
    }
    const command = argv.find((word) => root.commands.some((known) => known.name() === word));
    return report(error, io, root.opts<Globals>().verbose ?? false, usage, command);
  }
}
