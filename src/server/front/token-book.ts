import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chownSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf, VurtiError } from '../../kernel/index.js';

/** read: every answer; admin: writes too. */
const scopes = ['read', 'admin'] as const;
export type Scope = (typeof scopes)[number];

export interface TokenEntry {
  readonly name: string;
  readonly scope: Scope;
  /** RFC 3339 */
  readonly createdAt: string;
  /** SHA-256 of the token, in hex. The token is 256 random bits: nobody guesses it from that, and no salt is needed. */
  readonly sha256: string;
}

/** The name that writes with the token file of the service itself bear in the audit. */
export const LOCAL = 'local';
const reserved: ReadonlySet<string> = new Set([LOCAL, 'anonymous']);

export const tokensFile = (dataDir: string): string => join(dataDir, 'tokens.json');

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** @throws CONFIG_UNREADABLE */
export function readTokens(file: string): readonly TokenEntry[] {
  let text: string;
  try {
    // Who may write it may let himself in.
    if ((statSync(file).mode & 0o022) !== 0) throw new Error('others may write it');
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw unusable(file, error);
  }
  try {
    const { tokens } = JSON.parse(text) as { tokens: readonly TokenEntry[] };
    const isEntry = (one: TokenEntry): boolean =>
      typeof one.name === 'string' && scopes.includes(one.scope) && /^[\da-f]{64}$/.test(one.sha256);
    if (!tokens.every(isEntry)) throw new Error('an entry is not understood');
    return tokens;
  } catch (error) {
    throw unusable(file, error);
  }
}

/** Makes a token and keeps its hash. The token itself is given here, and nowhere else again. @throws ALREADY_EXISTS */
export function addToken(file: string, name: string, scope: Scope, createdAt: string): string {
  if (!/^[a-zA-Z0-9][\w.@-]{0,63}$/.test(name) || reserved.has(name)) {
    throw new VurtiError('BAD_ARGUMENT', `"${name}" is no name for a token`, {
      hint: 'Letters, digits and . _ - @, at most 64; "local" and "anonymous" are taken.',
    });
  }
  const token = `vurti_${randomBytes(32).toString('base64url')}`;
  change(file, (tokens) => {
    if (tokens.some((one) => one.name === name)) {
      throw new VurtiError('ALREADY_EXISTS', `There is a token "${name}" already`, {
        hint: 'It cannot be shown again: vurti tokens remove it first, or choose another name.',
      });
    }
    return [...tokens, { name, scope, createdAt, sha256: digest(token).toString('hex') }];
  });
  return token;
}

/** @throws NOT_FOUND */
export function removeToken(file: string, name: string): void {
  if (!readTokens(file).some((one) => one.name === name)) {
    throw new VurtiError('NOT_FOUND', `There is no token "${name}"`, { hint: 'vurti tokens list names them.' });
  }
  change(file, (tokens) => tokens.filter((one) => one.name !== name));
}

/** The new file is the lock: two commands at once do not lose each other's change. */
function change(file: string, edit: (tokens: readonly TokenEntry[]) => readonly TokenEntry[]): void {
  const next = `${file}.new`;
  try {
    writeFileSync(next, '', { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new VurtiError('CONFIG_UNREADABLE', `${next} cannot be written: ${messageOf(error)}`, {
      hint: taken ? 'Another vurti tokens is at work; if there is none, remove that file.' : '',
      cause: error,
    });
  }
  try {
    writeFileSync(next, `${JSON.stringify({ tokens: edit(readTokens(file)) }, null, 2)}\n`);
    // Made by root, the file would be closed to the service.
    const { uid, gid } = statSync(dirname(file));
    if (process.getuid?.() === 0) chownSync(next, uid, gid);
    renameSync(next, file);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  }
}

function unusable(file: string, cause: unknown): VurtiError {
  return new VurtiError('CONFIG_UNREADABLE', `The tokens in ${file} cannot be used: ${messageOf(cause)}`, {
    hint: 'It belongs to the service alone (mode 0600). Mend it, or remove it and add the tokens anew.',
    cause,
  });
}

/** The tokens of a running service: a change of the file counts from the next request on. */
export class TokenBook {
  readonly #file: string;
  readonly #onProblem: (error: VurtiError) => void;
  #stamp = '';
  #tokens: readonly { readonly entry: TokenEntry; readonly hash: Buffer }[] = [];

  constructor(file: string, onProblem: (error: VurtiError) => void) {
    this.#file = file;
    this.#onProblem = onProblem;
  }

  /** Looks at all of them, whichever fits: the time says nothing about which one was nearly right. */
  find(token: string): TokenEntry | undefined {
    this.#refresh();
    const given = digest(token);
    let found: TokenEntry | undefined;
    for (const { entry, hash } of this.#tokens) if (timingSafeEqual(given, hash)) found = entry;
    return found;
  }

  /** A file that cannot be read lets nobody in. */
  #refresh(): void {
    const stamp = this.#stampNow();
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    try {
      this.#tokens = readTokens(this.#file).map((entry) => ({ entry, hash: Buffer.from(entry.sha256, 'hex') }));
    } catch (error) {
      this.#tokens = [];
      this.#onProblem(error as VurtiError);
    }
  }

  #stampNow(): string {
    const stat = statSync(this.#file, { throwIfNoEntry: false, bigint: true });
    return stat === undefined ? 'none' : `${stat.ino}:${stat.mtimeNs}:${stat.size}:${stat.mode}`;
  }
}
