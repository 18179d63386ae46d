import type { Argument, Command, Option } from 'commander';

/** The word by which shells ask. It is no command: it stands in no help. */
export const COMPLETE = '__complete';

export type Names = 'hosts' | 'vms' | 'clusters';

export interface Candidates {
  /** Words of the program itself. */
  readonly words: readonly string[];
  /** Also names that only the service knows. */
  readonly names: Names | undefined;
  /** What stands in the word already, of a list by comma: it stays. */
  readonly before: string;
  /** What the last word, or the last name of its list, begins with. */
  readonly prefix: string;
}

const namesOfOption: Readonly<Record<string, Names>> = { '--host': 'hosts', '--vm': 'vms', '--cluster': 'clusters' };

/** What may stand in place of the last word. `words`: the line without the program's name; the last one may be empty. */
export function candidates(root: Command, words: readonly string[]): Candidates {
  const last = words.at(-1) ?? '';
  let command = root;
  let given: string[] = [];
  let open: Option | undefined;
  // Shells break a line at "=" as well: --host = kvm.
  for (const word of words.slice(0, -1).filter((one) => one !== '=')) {
    if (open !== undefined) {
      open = undefined;
    } else if (word.startsWith('-')) {
      open = valueOption(command, word);
    } else {
      const below: Command | undefined = given.length === 0 ? commandOf(command, word) : undefined;
      if (below === undefined) given.push(word);
      else {
        command = below;
        given = [];
      }
    }
  }
  if (open !== undefined) return ofOption(open, last === '=' ? '' : last);
  const assigned = /^(--[a-z-]+)=(.*)$/.exec(last);
  const option = assigned === null ? undefined : valueOption(command, assigned[1] ?? '', true);
  if (assigned !== null && option !== undefined) {
    const { before, ...rest } = ofOption(option, assigned[2] ?? '');
    return { ...rest, before: `${assigned[1]}=${before}` };
  }
  if (last.startsWith('-')) return plain(flagsOf(command), last);
  return ofArgument(command, given, last);
}

/** Of a list that is already there only what fits. */
export function matching({ words, before, prefix }: Candidates, names: readonly string[]): string[] {
  const fitting = [...words, ...names].filter((word) => word.startsWith(prefix));
  return [...new Set(fitting)].map((word) => `${before}${word}`);
}

const plain = (words: readonly string[], prefix: string): Candidates => ({
  words,
  names: undefined,
  before: '',
  prefix,
});

const commandOf = (command: Command, name: string): Command | undefined =>
  visible(command).find((one) => one.name() === name);

/** Those of `--help`, without `help` itself. */
const visible = (command: Command): readonly Command[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .filter((one) => one.name() !== 'help');

function optionsOf(command: Command): Option[] {
  const options: Option[] = [];
  for (let one: Command | null = command; one !== null; one = one.parent) {
    options.push(...one.options.filter(({ hidden }) => !hidden));
  }
  return options;
}

/** The option of this flag, if its value is to follow. */
function valueOption(command: Command, flag: string, assigned = false): Option | undefined {
  const option = optionsOf(command).find((one) => one.long === flag || one.short === flag);
  return option !== undefined && (option.required || (assigned && option.optional)) ? option : undefined;
}

const flagsOf = (command: Command): string[] => [
  ...optionsOf(command).flatMap(({ long, short }) => (long ?? short) || []),
  '--help',
];

function ofOption(option: Option, word: string): Candidates {
  if (option.argChoices !== undefined) return plain(option.argChoices, word);
  const names = namesOfOption[option.long ?? ''];
  if (names === undefined) return plain([], word);
  const comma = word.lastIndexOf(',') + 1;
  return { words: [], names, before: word.slice(0, comma), prefix: word.slice(comma) };
}

function ofArgument(command: Command, given: readonly string[], prefix: string): Candidates {
  const below = given.length === 0 ? visible(command).map((one) => one.name()) : [];
  const all = command.registeredArguments;
  const lastOne = all.at(-1);
  const argument = all[given.length] ?? (lastOne?.variadic ? lastOne : undefined);
  const choices = argument?.argChoices ?? [];
  const names = argument === undefined ? undefined : namesOfArgument(command, argument, given);
  return { words: [...below, ...choices], names, before: '', prefix };
}

/** Arguments that name a host are called so; `hosts COMMAND <name>` speaks of one, `explain KIND <name>` says of what. */
function namesOfArgument(command: Command, argument: Argument, given: readonly string[]): Names | undefined {
  if (argument.name() === 'host') return 'hosts';
  if (argument.name() !== 'name') return undefined;
  if (command.name() === 'explain') return given[0] === 'vm' ? 'vms' : 'hosts';
  return command.parent?.name() === 'hosts' && command.name() !== 'add' ? 'hosts' : undefined;
}
