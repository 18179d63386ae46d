import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const src = fileURLToPath(new URL('../../../src/', import.meta.url));

/** Modules that are loaded with this one: files below src, and packages. What is imported by a call comes later. */
function loadedWith(entry: string): { readonly files: Set<string>; readonly packages: Set<string> } {
  const [files, packages] = [new Set<string>(), new Set<string>()];
  const open = [join(src, entry)];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    const text = readFileSync(file, 'utf8');
    for (const [, named, bare] of text.matchAll(
      /^(?:import|export) (?!type )[^'";]* from '([^']+)'|^import '([^']+)'/gm,
    )) {
      const from = named ?? bare ?? '';
      if (from.startsWith('node:')) continue;
      if (from.startsWith('.')) open.push(resolve(dirname(file), from.replace(/\.js$/, '.ts')));
      else packages.add(from);
    }
  }
  return { files: new Set([...files].map((file) => relative(src, file))), packages };
}

it('the first answer waits for settings, a log and the sockets, and for nothing else to be loaded', () => {
  const { files, packages } = loadedWith('cli/main.ts');
  const serve = loadedWith('cli/serve/command.ts');
  const rooms = new Set([...files, ...serve.files].map((file) => dirname(file)));
  expect([...rooms].sort()).toEqual([
    'cli',
    'cli/completion',
    'cli/serve',
    'kernel',
    'model',
    'monitor/settings',
    'server/front',
  ]);
  expect([...new Set([...packages, ...serve.packages])].sort()).toEqual(['commander', 'pino', 'yaml', 'zod']);
});
