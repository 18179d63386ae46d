import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { VurtiError } from '../kernel/index.js';
import type { ClientOptions } from './client.js';
import type { Io } from './io.js';
import { readServiceFile } from './service-file.js';

const defaultUrl = 'http://127.0.0.1:8680';

export interface Wanted {
  readonly url?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly timeoutMs: number;
}

/** The settings file: --config, VURTI_CONFIG, ./vurti.yaml, /etc/vurti/vurti.yaml; undefined = none. */
export function settingsFile(flag: string | undefined, io: Pick<Io, 'env' | 'cwd'>): string | undefined {
  const named = flag ?? io.env['VURTI_CONFIG'];
  if (named !== undefined && named !== '') return named;
  if (existsSync(resolve(io.cwd, 'vurti.yaml'))) return 'vurti.yaml';
  return existsSync('/etc/vurti/vurti.yaml') ? '/etc/vurti/vurti.yaml' : undefined;
}

/**
 * --url, VURTI_URL, else the service that left its service.json in the data directory, else the default address unless
 * a data directory is named.
 */
export function findService(wanted: Wanted, io: Io): ClientOptions {
  const named = wanted.url ?? nonEmpty(io.env['VURTI_URL']);
  if (named !== undefined && !URL.canParse(/^https?:\/\//.test(named) ? named : '')) {
    throw new VurtiError('BAD_ARGUMENT', `"${named}" is not a URL like ${defaultUrl}.`, { hint: '' });
  }
  const { dir, said } = dataDirOf(undefined, io);
  const file = readServiceFile(dir);
  const local = file !== undefined && io.isAlive(file.pid) ? file : undefined;
  if (named === undefined && local === undefined && said) {
    // At the default address another directory's service may answer, and be taken for this one.
    throw new VurtiError('SERVICE_UNREACHABLE', `No vurti runs on the data directory ${dir}.`);
  }
  const url = named ?? local?.url ?? defaultUrl;
  const { timeoutMs } = wanted;
  const given =
    wanted.tokenFile === undefined ? nonEmpty(io.env['VURTI_TOKEN']) : readToken(resolve(io.cwd, wanted.tokenFile));
  if (given !== undefined) return { url, token: given, timeoutMs };
  // The token of the local service is for the local service alone.
  if (local === undefined || local.url !== url || local.tokenFile === '') {
    return { url, token: undefined, timeoutMs };
  }
  try {
    return { url, token: readToken(local.tokenFile), timeoutMs };
  } catch {
    return {
      url,
      token: undefined,
      noTokenBecause: `The token file ${local.tokenFile} is not readable for you`,
      timeoutMs,
    };
  }
}

const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new VurtiError('CONFIG_UNREADABLE', `The token file ${file} cannot be read`, { cause: error });
  }
}

/**
 * Where a service leaves its file. Of the settings this line alone is read, without the rest of vurti: an answer should
 * not wait for that, and broken settings must not keep anybody from asking a service that runs.
 */
export function dataDirOf(config: string | undefined, io: Io): { readonly dir: string; readonly said: boolean } {
  const named = nonEmpty(io.env['VURTI_DATA_DIR']);
  if (named !== undefined) return { dir: resolve(io.cwd, named), said: true };
  const otherwise = { dir: resolve(io.cwd, '.vurti'), said: false };
  const file = settingsFile(config, io);
  if (file === undefined) return otherwise;
  try {
    const tree: unknown = parse(readFileSync(resolve(io.cwd, file), 'utf8'));
    const dir = typeof tree === 'object' && tree !== null && 'dataDir' in tree ? tree.dataDir : undefined;
    return typeof dir === 'string' ? { dir: resolve(io.cwd, dirname(file), dir), said: true } : otherwise;
  } catch {
    return otherwise;
  }
}
