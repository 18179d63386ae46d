import { type Dirent, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { OutgoingHttpHeaders } from 'node:http';
import { request as open } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Command } from 'commander';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Io } from '../../../src/cli/io.js';
import { program } from '../../../src/cli/program.js';
import { withDatabase } from '../setup/database.js';
import { type Ended, ensureBuilt, main, Vurti } from './vurti.js';

/** Every secret that the program is given, under its own mark; what it said, wrote and answered must not hold one. */
const secrets = new Map<string, string>([
  ['the password of the database', 'KanarieDb7xQ'],
  ['the password of a database that is away', 'KanarieAway7xQ'],
  ['a wrong token', 'KanarieBearer7xQ_aaaaaaaaaaaaaaaaaaaaaaaaaaa'],
  ['a secret in a body', 'KanarieBody7xQ'],
  ['a secret in the settings', 'KanarieInline7xQ'],
  ['the secret of a webhook', 'KanarieHookSecret7xQ'],
  ['the address of a webhook', 'KanarieHookUrl7xQ'],
  ['the password in an address', 'KanarieTrace7xQ'],
]);

const database = withDatabase();
let v: Vurti;
let said = '';
const hear = (what: string, { out, err, code }: Ended): void => {
  said += `\n== ${what} (${code})\n${out}${err}`;
};

/** From the middle of a key, so that no header or end of it counts. */
function markOf(file: string): string {
  const [, line = ''] = readFileSync(join(v.dir, file), 'utf8').split('\n');
  expect(line.length).toBeGreaterThan(20);
  return line;
}

function urlWith(password: string): string {
  const url = new URL(database.url);
  url.password = password;
  return url.href;
}

beforeAll(ensureBuilt);
afterAll(() => v?.end());

/** All commands that there are, with an argument for each place that needs one. */
function commandLines(): string[][] {
  const nothing = { write: () => undefined, drained: async () => undefined, isTTY: false, columns: undefined };
  const root = program({ env: {}, stdout: nothing, stderr: nothing } as unknown as Io);
  const given: Readonly<Record<string, string>> = { address: '127.0.0.1', method: 'Host.getStats', level: 'serving' };
  const leaves = (command: Command, path: readonly string[]): string[][] =>
    command.commands.flatMap((one) => {
      const here = [...path, one.name()];
      if (one.commands.length > 0) return leaves(one, here);
      const words = one.registeredArguments.map(
        (argument) => given[argument.name()] ?? argument.argChoices?.at(-1) ?? 'kvm-01',
      );
      return [[...here, ...words]];
    });
  return leaves(root, []).filter(([name]) => name !== 'serve' && name !== 'simulate');
}

function ask(url: string, headers: OutgoingHttpHeaders, method = 'GET', body = ''): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { headers, method, rejectUnauthorized: false, agent: false };
    const request = open(url, options, (response) => {
      said += `\n== ${method} ${url} ${response.statusCode} ${JSON.stringify(response.headers)}\n`;
      response.setEncoding('utf8').on('data', (chunk: string) => {
        said += chunk;
      });
      response.on('close', () => resolve());
      // A stream goes on for ever.
      if (String(response.headers['content-type']).startsWith('text/event-stream')) response.destroy();
    });
    request.on('error', reject);
    request.end(body);
  });
}

it('no secret leaves the program, whatever it is asked', async () => {
  v = new Vurti({
    DATABASE_URL: urlWith(secrets.get('the password of the database') as string),
    VURTI_SERVER_LISTEN: '',
  });
  const fleet = v.start('simulate', '--hosts', '2', '--vms', '6', '--tls', 'pki', '--write', 'lab.yaml');
  await fleet.said('Ctrl-C stops');
  await v.run('certs', 'init', 'own', '--agent', 'vurti.example.com=127.0.0.1');
  const own = 'own/agents/vurti.example.com';
  const lab = readFileSync(join(v.dir, 'lab.yaml'), 'utf8');
  const server = `server: { listen: "0.0.0.0:0", tls: { certFile: ${own}/vdsmcert.pem, keyFile: ${own}/vdsmkey.pem } }`;
  const hook = `http://127.0.0.1:1/${secrets.get('the address of a webhook')}`;
  const sinks = `sinks: [{ name: chat, type: webhook, url: "${hook}", secretFile: hook.key, severity: normal }]`;
  const tracing = `tracing: { endpoint: "http://me:${secrets.get('the password in an address')}@127.0.0.1:1" }`;
  writeFileSync(join(v.dir, 'hook.key'), secrets.get('the secret of a webhook') as string);
  writeFileSync(join(v.dir, 'vurti.yaml'), [lab, server, sinks, tracing, ''].join('\n'));
  secrets.set('the key of the API', markOf(`${own}/vdsmkey.pem`));
  secrets.set('the key for the agents', markOf('pki/client.key'));

  const token = async (scope: string): Promise<string> => {
    const made = (await v.run('tokens', 'add', `my-${scope}`, '--scope', scope)).out.trim();
    secrets.set(`a token of scope ${scope}`, made.slice('vurti_'.length));
    return made;
  };
  const [read, admin] = [await token('read'), await token('admin')];

  const service = v.start('serve', '--config', 'vurti.yaml', '--verbose');
  await service.said('2/2 hosts answered');
  secrets.set('the token of the service itself', readFileSync(join(v.dir, 'data/token'), 'utf8').trim());
  const url = /https:\/\/0\.0\.0\.0:(\d+)/.exec(service.err)?.[0].replace('0.0.0.0', '127.0.0.1') ?? '';

  // The API, with right and wrong tokens.
  const wrong = secrets.get('a wrong token');
  const body = JSON.stringify({ name: 'a', address: 'b', password: secrets.get('a secret in a body') });
  const paths = [
    '/',
    '/openapi.json',
    '/metrics',
    '/api/v1/settings',
    '/api/v1/status',
    '/api/v1/hosts',
    '/api/v1/vms',
  ];
  for (const path of [...paths, '/api/v1/events', '/api/v1/events/stream', '/api/v1/explain/host/kvm-01']) {
    for (const given of [read, wrong]) await ask(`${url}${path}`, { authorization: `Bearer ${given}` });
  }
  for (const given of [admin, read, wrong]) {
    const headers = { authorization: `Bearer ${given}`, 'content-type': 'application/json' };
    await ask(`${url}/api/v1/hosts`, headers, 'POST', body);
    await ask(`${url}/api/v1/hosts/kvm-01/poke`, headers, 'POST');
    await ask(`${url}/api/v1/hosts/nobody`, headers, 'DELETE', body.slice(0, -3));
  }

  // Each command that there is, telling all it can.
  writeFileSync(join(v.dir, 'token'), admin);
  const lines = commandLines();
  expect(lines.length).toBeGreaterThan(20);
  for (let i = 0; i < lines.length; i += 4) {
    const some = lines.slice(i, i + 4);
    const flags = ['--verbose', '--yes', '--timeout', '5', '--token-file', 'token'];
    const ended = await Promise.all(some.map((line) => v.run(...line, ...flags)));
    ended.forEach((one, n) => {
      hear(some[n]?.join(' ') ?? '', one);
    });
  }
  for (const how of [['-o', 'json'], ['-o', 'yaml'], ['--origin'], ['--origin', '-o', 'ndjson']])
    hear('config show', await v.run('config', 'show', '--config', 'vurti.yaml', ...how));

  // What goes wrong.
  const away = secrets.get('the password of a database that is away');
  const inline = secrets.get('a secret in the settings');
  writeFileSync(
    join(v.dir, 'inline.yaml'),
    `database: { url: "postgres://u:${inline}@db/x", password: ${inline} }\nagents: { tls: { keyPassword: ${inline} } }\n`,
  );
  hear('inline', await v.run('config', 'check', '--config', 'inline.yaml', '-v'));
  hear('inline', await v.run('serve', '--config', 'inline.yaml', '-v'));
  for (const wrongUrl of [
    `postgres://u:${away}@127.0.0.1:1/none`,
    `mysql://u:${away}@h/x`,
    `postgres://u:${away}@[x/y`,
  ]) {
    const text = `DATABASE_URL='${wrongUrl}' VURTI_DATA_DIR=none VURTI_LOG_LEVEL=debug vurti`;
    hear(wrongUrl.slice(0, 5), await v.shell(`${text} migrate --plan -v`));
    hear(wrongUrl.slice(0, 5), await v.shell(`${text} config show`));
  }

  // A service waits for a database that is away, and says so.
  const waiting = `DATABASE_URL='postgres://u:${away}@127.0.0.1:1/none' VURTI_DATA_DIR=none`;
  hear('away', await v.shell(`${waiting} timeout 5 "${process.execPath}" "${main}" serve --listen 127.0.0.1:0 -v`));

  service.signal('SIGTERM');
  hear('serve', await service.ended);
  fleet.signal('SIGTERM');
  hear('simulate', await fleet.ended);

  // And all files that are not the secrets' own.
  const kept = /\/(pki|own)\/|\/data\/token$|\/token$|\/(inline|vurti)\.yaml$|\/hook\.key$/;
  const files = readdirSync(v.dir, { recursive: true, withFileTypes: true })
    .filter((entry: Dirent) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !kept.test(file));
  const bugs = readdirSync(tmpdir()).filter((name) => name.startsWith('vurti-bug-'));
  for (const file of [...files, ...bugs.map((name) => join(tmpdir(), name))]) {
    const bytes = readFileSync(file);
    said += `\n== ${file}\n${(bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('latin1')}`;
  }
  expect(files.some((file) => file.endsWith('tokens.json'))).toBe(true);

  for (const [what, secret] of secrets) {
    const at = said.indexOf(secret);
    const around =
      at < 0 ? '' : `${said.slice(0, at).split('\n== ').at(-1)?.slice(0, 200)} … ${said.slice(at - 100, at)}`;
    expect(around, what).toBe('');
  }
  // It was really spoken to.
  for (const sign of [
    '"audit":true',
    '"value":"(set)"',
    'SettingList',
    'vurti_build_info',
    'CONFIG_SECRET_INLINE',
    'DATABASE_UNREACHABLE',
    'FORBIDDEN',
  ])
    expect(said, sign).toContain(sign);
}, 400_000);
