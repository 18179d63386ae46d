import type { Command } from 'commander';
import { Client } from '../client.js';
import type { Context, Globals } from '../context.js';
import { findService } from '../discover.js';
import type { Io } from '../io.js';
import { candidates, matching, type Names } from './complete.js';
import { scripts } from './scripts.js';

/** Whoever presses Tab waits no longer; then there are no names. */
const PATIENCE_MS = 200;
/** More names than that help nobody. */
const MOST_NAMES = 1000;

export function completion(context: Context, shell: keyof typeof scripts): void {
  context.data(scripts[shell]);
}

/** Prints the candidates, one a line. Whatever goes wrong, there are none: nobody wants to read an error in a command line. */
export async function complete(io: Io, root: Command, words: readonly string[]): Promise<void> {
  try {
    const found = candidates(root, words);
    const names = found.names === undefined ? [] : await namesOf(io, found.names, found.prefix, globalsIn(words));
    // What a shell would take for several words, or worse, is not offered.
    const safe = matching(found, names).filter((word) => !/[\s\p{Cc}"'\\$`]/u.test(word));
    if (safe.length > 0) io.stdout.write(`${safe.join('\n')}\n`);
  } catch {
    return;
  }
}

/** --url and --token-file say whom to ask, wherever they stand. */
function globalsIn(words: readonly string[]): Pick<Globals, 'url' | 'tokenFile'> {
  const valueAfter = (flag: string): string | undefined => {
    const at = words.lastIndexOf(flag);
    if (at >= 0) return words[at + 1] === '=' ? words[at + 2] : words[at + 1];
    return words.findLast((word) => word.startsWith(`${flag}=`))?.slice(flag.length + 1);
  };
  const url = valueAfter('--url');
  const tokenFile = valueAfter('--token-file');
  return { ...(url === undefined ? {} : { url }), ...(tokenFile === undefined ? {} : { tokenFile }) };
}

async function namesOf(
  io: Io,
  names: Names,
  prefix: string,
  globals: Pick<Globals, 'url' | 'tokenFile'>,
): Promise<string[]> {
  const { url, tokenFile } = globals;
  const client = new Client(io, findService({ url, tokenFile, timeoutMs: PATIENCE_MS }, io));
  const { items } = await client.get<{ readonly items: readonly { readonly name: string }[] }>(`/api/v1/${names}`);
  return items
    .map(({ name }) => name)
    .filter((name) => name.startsWith(prefix))
    .slice(0, MOST_NAMES);
}
