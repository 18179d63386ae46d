import { readFile } from 'node:fs/promises';
import { messageOf, VurtiError } from '../kernel/index.js';
import type { AgentTls } from '../model/index.js';
import type { AgentTlsOptions } from './options.js';

/** Reads the PEM files that are named. @throws CONFIG_UNREADABLE */
export async function loadAgentTls(options: AgentTlsOptions | AgentTls | undefined): Promise<AgentTls | null> {
  if (options === undefined) return null;
  const files = options as AgentTlsOptions;
  const [ca, cert, key] = await Promise.all([
    pem(options.ca, files.caFile),
    pem(options.cert, files.certFile),
    pem(options.key, files.keyFile),
  ]);
  return {
    checkHostName: options.checkHostName ?? false,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

async function pem(text: string | undefined, file: string | undefined): Promise<string | undefined> {
  if (text !== undefined || file === undefined) return text;
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new VurtiError('CONFIG_UNREADABLE', `${file}: ${messageOf(error)}`, { cause: error });
  }
}
