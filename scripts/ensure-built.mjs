// Builds dist only when it is missing or older than its sources. npm runs this after an install, before `npm start`,
// and npm 10 before every `npx vurti` in a checkout: it has to be quick when there is nothing to do.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
// A directory is newer than its files when one of them was removed or renamed.
const sources = [
  'tsconfig.json',
  'tsconfig.build.json',
  'src',
  ...readdirSync('src', { recursive: true }).map((path) => `src/${path}`),
];

const builtAt = modified('dist/cli/main.js');
if (sources.some((path) => modified(path) > builtAt)) {
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit', shell: true });
  process.exitCode = status ?? 1;
}
