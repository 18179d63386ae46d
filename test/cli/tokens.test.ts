import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TokenBook } from '../../src/server/front/index.js';
import { token as localToken } from '../server/setup.js';
import { Cli } from './harness.js';

const shown = /^vurti_[\w-]{43}\n$/;

describe('vurti tokens', () => {
  it('shows a token once, lists names, takes it back', async () => {
    const cli = new Cli();
    const added = await cli.run('tokens', 'add', 'grafana', '--scope', 'read');
    expect(added).toEqual({
      code: 0,
      out: expect.stringMatching(shown),
      err: 'Token "grafana" (read) is shown this once. A running service takes it from now on.\n',
    });
    const file = join(cli.cwd, '.vurti', 'tokens.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).not.toContain(added.out.trim().slice(6));
    expect((await cli.run('tokens', 'add', 'bot', '--scope', 'admin', '-q')).err).toBe('');
    expect(await cli.run('tokens')).toEqual({
      code: 0,
      out: expect.stringMatching(/^NAME +SCOPE +AGE\ngrafana +read +0s\nbot +admin +0s\n$/),
      err: '',
    });
    expect((await cli.run('tokens', 'list', '-o', 'name')).out).toBe('token/grafana\ntoken/bot\n');
    expect((await cli.run('tokens', 'remove', 'grafana')).code).toBe(0);
    expect(JSON.parse((await cli.run('tokens', 'list', '--json')).out)).toMatchObject({
      kind: 'TokenList',
      items: [{ name: 'bot', scope: 'admin', createdAt: expect.any(String) }],
    });
  });

  it('gives a program the token where it looks for it', async () => {
    const cli = new Cli();
    const { item } = JSON.parse((await cli.run('tokens', 'add', 'a', '--json')).out);
    expect(item).toMatchObject({ name: 'a', scope: 'read', token: expect.stringMatching(/^vurti_/) });
    expect((await cli.run('tokens', 'add', 'b', '-o', 'name')).out).toMatch(shown);
  });

  it('works before the settings do: they may refuse just because there is no token', async () => {
    const cli = new Cli();
    writeFileSync(join(cli.cwd, 'vurti.yaml'), 'dataDir: data\nserver: { listen: "0.0.0.0:8680" }\n');
    expect((await cli.run('tokens', 'add', 'a')).code).toBe(0);
    expect(statSync(join(cli.cwd, 'data', 'tokens.json')).isFile()).toBe(true);
    expect((await cli.run('tokens', 'list', '--data-dir', 'data', '-o', 'name')).out).toBe('token/a\n');
    expect((await cli.run('tokens', 'list', '--data-dir', 'other', '-o', 'name')).out).toBe('');
  });
});

describe('a service that others reach', () => {
  const open = 'server: { listen: "0.0.0.0:8680", tls: { certFile: c.pem, keyFile: k.pem } }\n';

  it('is refused without a token, and accepted with one', async () => {
    const cli = new Cli();
    const certs = await cli.run('certs', 'init', '--agent', 'vurti.example.com');
    expect(certs.code).toBe(0);
    const made = (name: string): string => readFileSync(join(cli.cwd, 'pki/agents/vurti.example.com', name), 'utf8');
    writeFileSync(join(cli.cwd, 'c.pem'), made('vdsmcert.pem'));
    writeFileSync(join(cli.cwd, 'k.pem'), made('vdsmkey.pem'));
    writeFileSync(join(cli.cwd, 'vurti.yaml'), open);
    expect(await cli.run('config', 'check')).toMatchObject({
      code: 2,
      err: expect.stringMatching(
        /^LISTEN_NEEDS_TOKEN +vurti\.yaml:1:\d+ +server\.listen 0\.0\.0\.0:8680 is reachable by others: add a token \(vurti tokens add NAME --scope read\)/,
      ),
    });
    await cli.run('tokens', 'add', 'grafana');
    expect(await cli.run('config', 'check')).toMatchObject({ code: 0 });
    writeFileSync(join(cli.cwd, 'k.pem'), 'nothing');
    expect(await cli.run('config', 'check')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^CONFIG_INVALID +server\.tls: .*c\.pem and .*k\.pem do not go together\. PEM files/),
    });
  });

  it('is asked with the token that is given, reads too; never over plain HTTP', async () => {
    const remote = { listen: { host: '10.0.0.5', port: 8680 }, allowedHosts: ['vurti.example.com'] };
    const cli = new Cli({ env: { VURTI_TOKEN: '', VURTI_URL: 'https://vurti.example.com' }, server: remote });
    expect(await cli.run('status')).toMatchObject({
      code: 5,
      err: expect.stringMatching(/^FORBIDDEN +GET needs the token: .*Use --token-file or VURTI_TOKEN\.\n$/),
    });
    cli.env['VURTI_TOKEN'] = 'wrong';
    expect((await cli.run('status')).code).toBe(5);
    cli.env['VURTI_TOKEN'] = localToken;
    expect((await cli.run('status')).code).toBe(0);
    expect((await cli.run('poke', 'kvm-01')).code).toBe(0);
    cli.env['VURTI_TOKEN'] = '';
    writeFileSync(join(cli.cwd, 'token'), `${localToken}\n`);
    expect((await cli.run('vms', '--token-file', 'token')).code).toBe(0);
    expect((await cli.run('vms', '--token-file', 'token', '--url', 'http://vurti.example.com')).code).toBe(5);
    expect(await cli.run('poke', 'kvm-01', '--token-file', 'token', '--url', 'http://vurti.example.com')).toMatchObject(
      {
        code: 5,
        err: expect.stringMatching(
          /^FORBIDDEN +The token would travel to http:\/\/vurti\.example\.com for all to read\. Use https/,
        ),
      },
    );
  });

  it('lets a token with the scope read look, and says what a write needs', async () => {
    const cli = new Cli();
    const dir = join(cli.cwd, '.vurti');
    mkdirSync(dir);
    const read = (await cli.run('tokens', 'add', 'grafana')).out.trim();
    const tokens = new TokenBook(join(dir, 'tokens.json'), () => undefined);
    const remote = new Cli({
      env: { VURTI_TOKEN: read, VURTI_URL: 'https://10.0.0.5:8680' },
      server: { listen: { host: '10.0.0.5', port: 8680 }, tokens },
    });
    expect((await remote.run('hosts')).code).toBe(0);
    expect(await remote.run('poke', 'kvm-01')).toMatchObject({
      code: 5,
      err: 'FORBIDDEN              POST needs a token of scope admin; "grafana" may only read. vurti tokens add NAME --scope admin\n',
    });
  });
});
