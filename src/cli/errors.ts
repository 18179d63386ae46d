import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { messageOf, VurtiError, withoutSecrets } from '../kernel/index.js';
import type { SettingsProblem } from '../monitor/index.js';
import { type Io, Stopped } from './io.js';
import { finish, paint, styleOf } from './style.js';
import { escapeControl } from './text.js';

export const exitCodes = {
  ok: 0,
  no: 1,
  usage: 2,
  unreachable: 3,
  notFound: 4,
  refused: 5,
  bug: 70,
  interrupted: 130,
} as const;

/** The command did what it should, and its answer is no. */
export class Answer extends Error {
  readonly exit: number;

  constructor(exit: number) {
    super('');
    this.exit = exit;
  }
}

const CODE_WIDTH = 22;

/** Tells an error on stderr, and gives the exit code that belongs to it. `command`: the one that was called, if it is known. */
export function report(error: unknown, io: Io, verbose: boolean, quietUsage = '', command?: string): number {
  if (error instanceof Answer) return error.exit;
  if (error instanceof Stopped) return error.cause === 'interrupt' ? exitCodes.interrupted : exitCodes.ok;
  if (error instanceof CommanderError) return usage(error, io, quietUsage, command);
  if (!(error instanceof VurtiError)) return bug(error, io);
  const problems = error.details['problems'];
  if (Array.isArray(problems)) {
    for (const problem of problems as SettingsProblem[])
      line(io, problem.code, `${problem.where}  ${problem.message}`.trim());
  } else {
    line(io, error.code, sentence(error.message, error.hint));
  }
  if (error.code === 'INTERNAL') return bug(error, io);
  if (verbose) for (const cause of causes(error)) line(io, '', `because: ${cause}`);
  return error.entry.exit;
}

function line(io: Io, code: string, text: string): void {
  const style = styleOf(io.stderr, io.env, 'auto');
  const head = paint(style, code === '' ? undefined : 'red', code.padEnd(CODE_WIDTH));
  io.stderr.write(`${finish(style, `${head} ${escapeControl(withoutSecrets(text))}`)}\n`);
}

/** The hint follows, unless the message says it already. */
function sentence(message: string, hint: string): string {
  const ended = /[.?!]$/.test(message) ? message : `${message}.`;
  return ended.includes(hint) || hint === '' ? ended : `${ended} ${hint}`;
}

function* causes(error: Error): Generator<string> {
  let at: unknown = error.cause;
  for (let depth = 0; at !== undefined && at !== null && depth < 10; depth++) {
    const code = (at as { code?: unknown }).code;
    yield typeof code === 'string' ? `${code} ${messageOf(at)}` : messageOf(at);
    at = (at as { cause?: unknown }).cause;
  }
}

function usage(error: CommanderError, io: Io, text: string, command?: string): number {
  if (error.exitCode === 0) return exitCodes.ok;
  const said = text
    .replace(/^error: /, '')
    .trim()
    .replace(/\n+\((Did you mean [^)]*)\)$/, '. $1');
  const code = /unknown (command|option)/.test(said) ? 'UNKNOWN_COMMAND' : 'BAD_ARGUMENT';
  // Which arguments a command takes, its own help says, with examples.
  const of = code === 'BAD_ARGUMENT' && command !== undefined ? ` ${command}` : '';
  line(io, code, `${said}${/[.?]$/.test(said) ? '' : '.'} See vurti${of} --help.`);
  return exitCodes.usage;
}

/** Nobody should see a stack, but whoever mends it needs one. */
function bug(error: unknown, io: Io): number {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const file = join(tmpdir(), `vurti-bug-${process.pid}.txt`);
  let where = file;
  try {
    const text = `${stack}\n${error instanceof Error ? [...causes(error)].join('\n') : ''}\n`;
    writeFileSync(file, withoutSecrets(text), { mode: 0o600 });
  } catch {
    where = `here:\n${stack}`;
  }
  line(io, 'INTERNAL', `${messageOf(error)}. This is a bug in vurti. Please report it with ${where}`);
  return exitCodes.bug;
}
