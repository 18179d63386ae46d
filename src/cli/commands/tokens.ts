import { resolve } from 'node:path';
import { VurtiError } from '../../kernel/index.js';
import { loadSettings } from '../../monitor/settings/index.js';
import { addToken, readTokens, removeToken, type Scope, tokensFile } from '../../server/front/index.js';
import type { Context } from '../context.js';
import { dataDirOf, settingsFile } from '../discover.js';
import { sinceText } from '../human.js';
import { emit } from '../output.js';
import { makeDataDir } from '../serve/data-dir.js';
import { renderTable } from '../table.js';

export interface TokensOptions {
  readonly config?: string;
  readonly dataDir?: string;
}

const envelope = { apiVersion: 'vurti/v1' } as const;

/** Tokens are kept beside the data of the service, as hashes; it takes a change up by itself. */
export function add(context: Context, name: string, options: TokensOptions & { readonly scope: Scope }): void {
  const dir = dataDir(context, options);
  makeDataDir(dir);
  const createdAt = new Date(context.io.clock.now()).toISOString();
  const token = addToken(tokensFile(dir), name, options.scope, createdAt);
  emit(context, {
    document: { ...envelope, kind: 'Token', item: { name, scope: options.scope, createdAt, token } },
    items: [{ name, scope: options.scope, createdAt, token }],
    names: [token],
    table: () => [token],
  });
  context.note(`Token "${name}" (${options.scope}) is shown this once. A running service takes it from now on.`);
}

export function list(context: Context, options: TokensOptions): void {
  const tokens = readTokens(tokensFile(dataDir(context, options)));
  const items = tokens.map(({ name, scope, createdAt }) => ({ name, scope, createdAt }));
  emit(context, {
    document: { ...envelope, kind: 'TokenList', total: items.length, matched: items.length, items },
    items,
    names: items.map(({ name }) => `token/${name}`),
    table: () =>
      renderTable(
        [
          { header: 'NAME', text: ({ name }) => name },
          { header: 'SCOPE', text: ({ scope }) => scope },
          { header: 'AGE', text: ({ createdAt }) => sinceText(createdAt, context.io.clock.now()) },
        ],
        items,
        context.out,
        context.globals.headers,
      ),
  });
}

export function remove(context: Context, name: string, options: TokensOptions): void {
  removeToken(tokensFile(dataDir(context, options)), name);
  context.note(`Token "${name}" is removed. A running service refuses it from now on.`);
}

/** Tokens are made before a service may listen, so settings that lack one must not keep anybody from making it. */
function dataDir({ io }: Context, options: TokensOptions): string {
  if (options.dataDir !== undefined) return resolve(io.cwd, options.dataDir);
  try {
    const file = settingsFile(options.config, io);
    return loadSettings({ file, env: io.env, cwd: io.cwd }).settings.dataDir;
  } catch (error) {
    if (!(error instanceof VurtiError)) throw error;
    return dataDirOf(options.config, io).dir;
  }
}
