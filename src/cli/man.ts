import type { Command, Option } from 'commander';
import { examples } from './help.js';

/** What is worth a word beside the tree of commands. */
const exits: readonly (readonly [string, string])[] = [
  ['0', 'yes, done'],
  ['1', 'the answer is no'],
  ['2', 'wrong use or settings'],
  ['3', 'the service cannot be reached'],
  ['4', 'no such host, VM or event'],
  ['5', 'refused'],
  ['70', 'a bug in vurti'],
  ['130', 'Ctrl-C'],
];
const environment: readonly (readonly [string, string])[] = [
  ['VURTI_URL', 'the service to ask, as --url'],
  ['VURTI_TOKEN', 'the token for it'],
  ['VURTI_CONFIG', 'the settings file, as --config'],
  ['VURTI_…', 'every setting: VURTI_POLL_INTERVAL_SECONDS is poll.intervalSeconds'],
  ['NO_COLOR, FORCE_COLOR', 'no colour, colour'],
];
const files: readonly (readonly [string, string])[] = [
  ['vurti.yaml, /etc/vurti/vurti.yaml', 'the settings'],
  ['.vurti/, /var/lib/vurti/', 'database, journal and token of the service'],
];

/** The manual page of section 1, from the same tree as --help. */
export function manPage(root: Command, version: string): string {
  return [
    `.\\" Generated from the commands by npm run docs. Do not edit.`,
    `.TH VURTI 1 "" "vurti ${version}" "User Commands"`,
    '.SH NAME',
    `vurti \\- ${text('monitors virtualization hosts and their VMs')}`,
    '.SH SYNOPSIS',
    '.B vurti',
    '.RI [ options ]\\~ command\\~ [ arguments ]',
    '.SH DESCRIPTION',
    text(root.description()),
    '.SH COMMANDS',
    ...commandsBelow(root).flatMap(section),
    '.SH GLOBAL OPTIONS',
    ...options(root),
    '.SH EXAMPLES',
    '.nf',
    ...(examples['vurti'] ?? []).map(text),
    '.fi',
    '.SH EXIT STATUS',
    ...exits.flatMap(([code, meaning]) => item(text(code), meaning)),
    '.SH ENVIRONMENT',
    ...environment.flatMap(([name, meaning]) => item(text(name), meaning)),
    '.SH FILES',
    ...files.flatMap(([name, meaning]) => item(text(name), meaning)),
    '',
  ].join('\n');
}

/** In the order of --help, each group before its members. */
function commandsBelow(command: Command): Command[] {
  const visible = command
    .createHelp()
    .visibleCommands(command)
    .filter((one) => one.name() !== 'help');
  return visible.flatMap((one) => [one, ...commandsBelow(one)]);
}

function section(command: Command): string[] {
  const path = pathOf(command);
  const help = command.createHelp();
  const lines = [`.SS ${text(`${path} ${command.usage()}`)}`, text(sentence(command.description()))];
  for (const argument of help.visibleArguments(command)) {
    if (argument.description !== '') lines.push(...item(text(`<${argument.name()}>`), argument.description));
  }
  lines.push(...options(command));
  const given = examples[path.replace(/^vurti /, '')];
  if (given !== undefined) lines.push('.PP', '.nf', '.RS 2', ...given.map(text), '.RE', '.fi');
  return lines;
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function options(command: Command): string[] {
  const visible = command.options.filter(({ hidden }) => !hidden);
  return visible.flatMap((option) => item(`\\fB${text(option.flags)}\\fR`, described(option)));
}

function described({ description, argChoices, defaultValue, negate }: Option): string {
  const choices = argChoices === undefined ? '' : ` (${argChoices.join(', ')})`;
  const standard = defaultValue === undefined || negate || defaultValue === true ? '' : ` [${String(defaultValue)}]`;
  return `${description}${choices}${standard}`;
}

const item = (tag: string, meaning: string): string[] => ['.TP', tag, text(sentence(meaning))];

const sentence = (words: string): string =>
  words === '' ? '' : `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.?!]$/.test(words) ? '' : '.'}`;

/** As roff takes it literally; what is not ASCII by its code. */
function text(words: string): string {
  const escaped = words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(
      /[^\t\n -~]/gu,
      (sign) => `\\[u${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
    );
  return escaped.replace(/^(?=[.'])/, '\\&');
}
