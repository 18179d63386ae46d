// npm run package:check: the package as a consumer gets it. Packs what was built, looks through what is in it, lets
// publint look too, and compiles the examples of the README against it, under both ways to resolve modules.
// Needs no network: the consumer's dependencies are those of this checkout.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
const pkg = JSON.parse(readFileSync('package.json', 'utf8'));
const folder = mkdtempSync(join(tmpdir(), 'vurti-package-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

let problems = 0;
const problem = (text) => {
  problems += 1;
  console.error(`FAIL  ${text}`);
};
const kib = (bytes) => `${Math.round(bytes / 1024).toLocaleString('en')} KiB`;

// dist is what was built before: `npm pack` alone would build it again.
const [packed] = JSON.parse(
  execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }),
);
const tarball = join(folder, packed.filename);

// What is in it
const files = packed.files.map(({ path }) => path);
const rooms = new Map();
for (const { path, size } of packed.files) {
  const room = path.includes('/') ? path.slice(0, path.indexOf('/')) : '.';
  rooms.set(room, (rooms.get(room) ?? 0) + size);
}
const wanted = [
  'LICENSE',
  'README.md',
  ...[pkg.exports['.'], pkg.exports['./testing']].flatMap((entry) => [entry.types, entry.default]),
  ...Object.values(pkg.bin),
  ...readdirSync('docs')
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
].map((file) => file.replace(/^\.\//, ''));
for (const file of wanted) if (!files.includes(file)) problem(`${file} is not in the package`);
const strange = /(^|\/)(test|bench|scripts|node_modules|\.\w+)(\/|$)|\.test\.[jt]s|\.tsbuildinfo$|\.tgz$|\.pem$|\.key$/;
for (const file of files) if (strange.test(file)) problem(`${file} does not belong into the package`);
const bin = packed.files.find(({ path }) => path === pkg.bin.vurti);
if ((bin?.mode & 0o111) === 0) problem(`${pkg.bin.vurti} cannot be executed`);

// What npm's own rules say
const bytes = readFileSync(tarball);
const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
const { messages } = await publint({ pack: { tarball: buffer }, strict: true });
for (const message of messages) problem(`publint: ${formatMessage(message, pkg, { color: false })}`);

// What a consumer's compiler says
const consumer = join(folder, 'consumer');
const modules = join(consumer, 'node_modules');
mkdirSync(join(modules, 'vurti'), { recursive: true });
execFileSync('tar', ['-xzf', tarball, '-C', join(modules, 'vurti'), '--strip-components=1']);
for (const name of [...Object.keys(pkg.dependencies), '@types/node']) {
  mkdirSync(dirname(join(modules, name)), { recursive: true });
  symlinkSync(join(root, 'node_modules', name), join(modules, name));
}
const readme = readFileSync('README.md', 'utf8');
const examples = [...readme.matchAll(/```ts\n(.*?)```/gs)].map((match) => match[1]);
if (examples.length < 2) problem('README.md has lost its examples');
const usedIn = ['vurti', 'vurti/testing'].filter((name) => examples.some((code) => code.includes(`from '${name}'`)));
if (usedIn.length < 2) problem('The examples of README.md no longer import vurti and vurti/testing');
// The embedder's own parts, of which the examples speak.
const theirs = `
declare const inventory: { vms(): Promise<import('vurti').VmSpec[]> };
declare const ui: { push(id: string, from: string, to: string, rule: string): void };
declare const scheduler: { start(vmId: string | null, options: { once: string }): Promise<void> };
declare const audit: { cursor(): Promise<string>; append(cursor: string, record: unknown): Promise<void> };
declare const expect: (value: unknown) => { toBe(value: unknown): void };
`;
for (const [i, code] of examples.entries()) writeFileSync(join(consumer, `example-${i + 1}.ts`), `${theirs}${code}`);
writeFileSync(join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
const resolutions = { bundler: 'esnext', node16: 'node16' };
for (const [moduleResolution, module] of Object.entries(resolutions)) {
  const config = join(consumer, `tsconfig.${moduleResolution}.json`);
  const compilerOptions = {
    ...{ module, moduleResolution, target: 'es2022', lib: ['es2023', 'esnext.disposable'], types: ['node'] },
    ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noEmit: true },
    // Declarations are checked too: ours are what this is about.
    skipLibCheck: false,
  };
  writeFileSync(config, JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', config], { cwd: consumer, encoding: 'utf8' });
  if (status === 0)
    console.log(`ok    ${examples.length} examples of README.md compile (moduleResolution ${moduleResolution})`);
  else problem(`the examples of README.md do not compile (moduleResolution ${moduleResolution})\n${stdout}`);
}

// And what happens when it runs: an import opens nothing, so the process ends by itself.
const run = (what, args) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: consumer,
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status === 0 && stderr === '') console.log(`ok    ${what}: ${stdout.trim()}`);
  else problem(`${what}: exit ${status}\n${stdout}${stderr}`);
};
const script =
  "const a = await import('vurti'); const b = await import('vurti/testing'); console.log(Object.keys(a).length, 'and', Object.keys(b).length, 'exports');";
run('import', ['--input-type=module', '-e', script]);
run('vurti --version', [join(modules, 'vurti', pkg.bin.vurti), '--version']);

const sizes = [...rooms].sort((a, b) => b[1] - a[1]).map(([room, size]) => `${room} ${kib(size)}`);
console.log(
  `\n${packed.filename}: ${kib(packed.size)}, unpacked ${kib(packed.unpackedSize)} in ${files.length} files (${sizes.join(', ')})`,
);
if (problems > 0) process.exitCode = 1;
