// docs/commands.md, from the tree of commands that the program itself parses with.
import { examples } from '../dist/cli/help.js';
import { program } from '../dist/cli/program.js';

const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
/** Descriptions on the terminal begin small and end without a full stop. */
const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?…]$/.test(text) ? '' : '.'}`;
const visible = (command) => command.commands.filter((one) => one.name() !== 'help' && one._hidden !== true);

function optionRow(option) {
  const choices = option.argChoices === undefined ? '' : `One of ${option.argChoices.join(', ')}.`;
  const plain = ['string', 'number'].includes(typeof option.defaultValue);
  const fallback = plain ? `Default: ${option.defaultValue}.` : '';
  return `| \`${cell(option.flags)}\` | ${cell([sentence(option.description), choices, fallback].filter((part) => part !== '').join(' '))} |`;
}

const optionTable = (options) => ['| flag | meaning |', '|---|---|', ...options.map(optionRow)].join('\n');

function usageOf(path, command) {
  const words = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '…' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  const options = command.options.some((option) => !option.hidden) ? ['[flags]'] : [];
  return ['vurti', path, ...words, ...options].join(' ');
}

function section(path, command) {
  const options = command.options.filter((option) => !option.hidden);
  const about = command.registeredArguments
    .filter((argument) => argument.description !== '' || argument.argChoices !== undefined)
    .map((argument) => {
      const what = [argument.description, argument.argChoices?.join(' | ')].filter(Boolean).join(': ');
      return `- \`${argument.name()}\`: ${what}`;
    });
  const lines = examples[path] ?? [];
  return [
    `### vurti ${path}`,
    sentence(command.description()),
    `\`\`\`\n${usageOf(path, command)}\n\`\`\``,
    about.join('\n'),
    options.length === 0 ? '' : optionTable(options),
    lines.length === 0 ? '' : `\`\`\`sh\n${lines.join('\n')}\n\`\`\``,
  ].filter((part) => part !== '');
}

function sections(command, path) {
  return visible(command).flatMap((one) => {
    const below = [...path, one.name()];
    const name = below.join(' ');
    const inner = sections(one, below);
    // A group alone does nothing: its commands say it all.
    const isDefault = visible(one).some((child) => child.name() === one._defaultCommandName);
    const group = visible(one).length > 0;
    const note = isDefault ? [`\`vurti ${name}\` alone is \`vurti ${name} ${one._defaultCommandName}\`.`] : [];
    return group ? [`### vurti ${name}`, sentence(one.description()), ...note, ...inner] : section(name, one);
  });
}

export function commandsPage(generated) {
  // Building the tree touches nothing outside; what a command does is loaded when it runs.
  const root = program({ env: {}, stdout: {}, stderr: {} });
  return `# Commands

${generated}

\`vurti COMMAND --help\` says the same on the terminal. Names, ids and unique beginnings of ids are accepted everywhere. Data goes to stdout, all else to stderr.

Exit codes: 0 done, yes · 1 the answer is no · 2 wrong use or settings · 3 service not reachable · 4 no such entity · 5 refused · 70 a bug in vurti · 130 Ctrl-C. What an error's code means: [errors.md](errors.md).

A service is found by \`--url\`, else \`VURTI_URL\`, else it is the one of the data directory. Its token comes from \`--token-file\`, else \`VURTI_TOKEN\`, else it is the local service's own. A token travels over TLS or loopback only.

## Flags of every command

${optionTable(root.options)}

## Commands

${sections(root, []).join('\n\n')}
`;
}
