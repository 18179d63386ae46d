import { readFileSync } from 'node:fs';
import type { Context } from './context.js';
import { emit } from './output.js';

/** From package.json, which lies two folders up both in the sources and in what is built of them. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

export function version(context: Context): void {
  const version = packageVersion();
  const { node } = process.versions;
  const { platform, arch } = process;
  emit(context, {
    document: { apiVersion: 'vurti/v1', kind: 'Version', version, node, platform, arch },
    names: [`vurti/${version}`],
    table: () => [`vurti ${version} (node ${node}, ${platform} ${arch})`],
  });
}
