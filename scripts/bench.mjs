// npm run bench -- [name…]: compiles src and bench as they would ship and runs the compiled files of bench/ one by one.
// npm run bench -- name --flag …: one of them, with flags of its own (--help names them).
// Run through a test runner, its module loader would be measured too.
import { spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

function run(command, args) {
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

const known = readdirSync('bench')
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'));
const given = process.argv.slice(2);
const firstFlag = given.findIndex((argument) => argument.startsWith('-'));
const wanted = firstFlag < 0 ? given : given.slice(0, firstFlag);
const flags = firstFlag < 0 ? [] : given.slice(firstFlag);
if (flags.length > 0 && wanted.length !== 1) {
  console.error('Flags belong to one bench: name it first.');
  process.exit(2);
}
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`No bench named ${unknown.join(', ')}. There are: ${known.join(', ')}`);
  process.exit(2);
}

run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.bench.json']);
// The command line reads its version there.
copyFileSync('package.json', '.bench/package.json');
for (const name of wanted.length > 0 ? wanted : known) {
  console.log(`\n== ${name}`);
  run(process.execPath, ['--expose-gc', '--enable-source-maps', `.bench/bench/${name}.js`, ...flags]);
}
