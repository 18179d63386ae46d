import { relative, resolve } from 'node:path';

/** As short as it can be said: relative to the working directory, unless that leads out of it. */
export function shortName(cwd: string, file: string): string {
  const short = relative(cwd, resolve(cwd, file));
  return short.startsWith('..') || short === '' ? file : short;
}
