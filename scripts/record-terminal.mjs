// npm run docs:recorded: writes docs/terminal.md from a run. A demo is started and stopped; then a simulated fleet in
// which a host falls silent, a disk fills and a VM crashes is served, and commands are run on a terminal of their own.
// What they print is written down as it is. Takes about three minutes; needs script(1) for the terminal.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startSimulation } from '../dist/simulator/index.js';

const COLUMNS = 118;
const SEED = 1;
const root = fileURLToPath(new URL('..', import.meta.url));
const main = join(root, 'dist/cli/main.js');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const folder = mkdtempSync(join(tmpdir(), 'vurti-recorded-'));
const env = { ...process.env, TZ: 'UTC', LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', NO_COLOR: '1', TERM: 'xterm' };
for (const name of Object.keys(env)) if (/^(VURTI_|DATABASE_URL$|npm_)/.test(name)) delete env[name];
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** On a terminal, as a person has it. */
function terminal(line) {
  const command = `vurti() { ${quoted(process.execPath)} ${quoted(main)} "$@"; }; stty cols ${COLUMNS} rows 60; ${line}`;
  const child = spawn('script', ['-qec', `bash -c ${quoted(command)}`, '/dev/null'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return {
    child,
    ended,
    text: () =>
      said
        .replaceAll('\r', '')
        .replaceAll(/\^D\x08\x08/g, '')
        .replaceAll(folder, '~')
        .trimEnd(),
  };
}

/** Ctrl-C. The process on the terminal is not our child: the service's own file tells its number. */
async function end(run, dataDir) {
  const file = join(folder, dataDir, 'service.json');
  if (existsSync(file)) process.kill(JSON.parse(readFileSync(file, 'utf8')).pid, 'SIGINT');
  else run.child.kill('SIGTERM');
  await run.ended;
}

async function until(what, seconds, test) {
  for (let left = seconds; left > 0; left -= 0.5) {
    if (await test()) return;
    await pause(0.5);
  }
  throw new Error(`It never happened: ${what}`);
}

async function shown(line) {
  const run = terminal(line);
  const code = await run.ended;
  console.log(`${line}: exit ${code}`);
  return `$ ${line}\n${run.text()}${code === 0 ? '' : `\n(exit ${code})`}`;
}

const said = [];
const section = (heading, text, ...blocks) => {
  said.push(`## ${heading}\n\n${text}\n\n${blocks.map((block) => `\`\`\`\n${block}\n\`\`\``).join('\n\n')}`);
};

async function demo() {
  const line = `vurti serve --demo --seed ${SEED}`;
  const run = terminal(
    `exec ${quoted(process.execPath)} ${quoted(main)} serve --demo --seed ${SEED} --listen 127.0.0.1:8680 --data-dir .vurti`,
  );
  try {
    await until('the demo is synced', 120, () => /synced +\d/.test(run.text()));
    // What a start has left to write is written by then.
    await pause(10);
    const status = await shown('vurti status');
    await end(run, '.vurti');
    section(
      'The first minute',
      'Nothing is installed or configured: a simulated fleet, an embedded PostgreSQL, the service.',
      `$ ${line}\n${run.text()}`,
      status,
    );
  } finally {
    await end(run, '.vurti');
  }
}

async function trouble() {
  const bind = { kind: 'addresses', port: 54_321 };
  const simulation = await startSimulation({
    hosts: 20,
    vms: 400,
    seed: SEED,
    life: 'none',
    faults: 'none',
    protocol: 'vdsm',
    tls: true,
    bind,
  });
  const { ca, cert, key } = simulation.endpoints()[0].tls;
  mkdirSync(join(folder, 'pki'));
  const files = { caFile: 'pki/ca.pem', certFile: 'pki/vurti.cer', keyFile: 'pki/vurti.key' };
  for (const [file, text] of [
    [files.caFile, ca],
    [files.certFile, cert],
    [files.keyFile, key],
  ])
    writeFileSync(join(folder, file), text, { mode: 0o600 });
  const inventory = simulation.inventoryYaml(files);
  writeFileSync(
    join(folder, 'vurti.yaml'),
    `mode: observer\ndataDir: data\npoll: { intervalSeconds: 5, deadlineSeconds: 4 }\n${inventory}`,
  );
  const run = terminal(`exec ${quoted(process.execPath)} ${quoted(main)} serve`);
  try {
    await until('the fleet is synced', 120, () => /synced +\d/.test(run.text()));
    const { fleet } = simulation;
    const on = (host, n) => fleet.vm(fleet.host(host).vms()[n]);
    await pause(10);
    const full = on('kvm-11', 0);
    full.pause('ENOSPC');
    const crashed = on('kvm-03', 1);
    crashed.crash();
    const lost = on('kvm-07', 0);
    fleet.host('kvm-07').hang();
    const state = async (host) => {
      const url = JSON.parse(readFileSync(join(folder, 'data/service.json'), 'utf8')).url;
      return (await (await fetch(`${url}/api/v1/hosts/${host}`)).json()).item.status;
    };
    await until('kvm-07 is connecting', 60, async () => (await state('kvm-07')) === 'Connecting');
    await pause(45);
    fleet.host('kvm-14').refuse();
    await until('kvm-07 is lost', 240, async () => (await state('kvm-07')) === 'NonResponsive');
    await pause(5);

    section(
      'What is wrong',
      'Twenty hosts. `kvm-07` has fallen silent, `kvm-14` has just begun to refuse connections, a disk is full, a VM has crashed.',
      await shown('vurti status'),
      await shown('vurti hosts --status NonResponsive,Connecting'),
      await shown('vurti vms --status Paused,Unknown'),
    );
    section(
      'What happened',
      'The log, as journalctl shows one. `-x` prints under each event its cause.',
      await shown('vurti tail --since 10m -p warning'),
      await shown('vurti tail -n 2 -x --type VDS_FAILURE,VM_PAUSED_ENOSPC'),
    );
    section(
      'Why',
      'Any status explains itself: the rule, its evidence, what was not done, and what would end it.',
      await shown(`vurti explain vm ${lost.name}`),
      await shown('vurti explain host kvm-07'),
      await shown(`vurti explain vm ${full.name}`),
    );
    section(
      'Where the way to a host ends',
      'Works without a running service.',
      await shown('vurti doctor kvm-07'),
      await shown('vurti doctor --all'),
    );
    fleet.host('kvm-07').recover();
    await until('kvm-07 is up', 120, async () => (await state('kvm-07')) === 'Up');
    section(
      'And when it is back',
      'What is heard of a host counts at once; what was Unknown is known again.',
      await shown('vurti tail --since 15s'),
      await shown(`vurti explain vm ${lost.name}`),
    );
    writeFileSync(
      join(folder, 'wrong.yaml'),
      'mode: observer\npoll:\n  intervalSecond: 20\nserver: { listen: "0.0.0.0:8680" }\n',
    );
    section(
      'What is refused',
      'Code, place, what is wrong, what to do. Each code stands in [errors.md](errors.md).',
      await shown('vurti config check --config wrong.yaml'),
      await shown('vurti serve'),
      await shown('vurti explain vm wbe-03'),
      await shown('vurti statsu'),
      await shown('vurti status --url http://127.0.0.1:8699'),
    );
    section(
      'For others',
      'The rest of the way is in [security.md](security.md).',
      await shown('vurti tokens add grafana --scope read > grafana.token'),
      await shown('vurti tokens list'),
    );
  } finally {
    await end(run, 'data');
    await simulation.stop();
  }
}

try {
  await demo();
  await trouble();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const date = new Date().toISOString().slice(0, 10);
writeFileSync(
  join(root, 'docs/terminal.md'),
  `# On the terminal

<!-- Recorded by scripts/record-terminal.mjs (npm run docs:recorded). Do not edit. -->

Recorded on ${date} with vurti ${version} and Node.js ${process.versions.node}, on a terminal of ${COLUMNS} columns, times in UTC. The fleet is simulated (seed ${SEED}), its agents speak VDSM's protocol over TLS;
all else is the program as it ships. On a colour terminal severities and statuses have colours too.

${said.join('\n\n')}
`,
);
console.log('wrote docs/terminal.md');
