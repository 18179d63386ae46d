// npm run conformance -- [FILES or FOLDERS] [--json OUT]: compiles the harness and runs cases through it.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function run(args, options) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit', ...options });
  if (status !== 0) process.exit(status ?? 1);
}

run(['node_modules/typescript/bin/tsc', '-p', 'tsconfig.conformance.json'], { cwd: root });
// Paths count from where the command was given, which npm tells.
run(['--enable-source-maps', `${root}.conformance/test/conformance/main.js`, ...process.argv.slice(2)], {
  cwd: process.env.INIT_CWD ?? process.cwd(),
});
