import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../../src/cli/run.js';
import { addToken, tokensFile } from '../../src/server/front/index.js';
import { token } from '../server/setup.js';
import { Cli, type CliOptions } from './harness.js';

interface Case {
  readonly name: string;
  readonly argv: readonly string[];
  readonly code: number;
  /** Of stderr; nothing there when absent. */
  readonly err?: RegExp;
  readonly cli?: CliOptions;
  readonly before?: (cli: Cli) => void;
}

const down = (cli: Cli): void => {
  cli.outage = 'refused';
};
const attention = (severity: 'WARNING' | 'ERROR') => (cli: Cli) => {
  cli.service.monitor.statusNow = { attention: [{ severity, kind: 'host', id: 'x', name: 'kvm-01', text: 'x' }] };
};

const table: Case[] = [
  { name: 'done', argv: ['status'], code: 0 },
  { name: 'help without a command', argv: [], code: 0 },
  { name: 'healthy', argv: ['status', '--check'], code: 0 },
  { name: 'a warning is no illness', argv: ['status', '--check'], before: attention('WARNING'), code: 0 },
  { name: 'not healthy', argv: ['status', '--check'], before: attention('ERROR'), code: 1 },
  {
    name: 'a cursor that is too old',
    argv: ['tail', '--after-cursor', 'e3.1'],
    before: (cli) => Object.assign(cli.service.monitor.log, { removedUpTo: 5 }),
    code: 1,
    err: /^CURSOR_TOO_OLD .*Go on from the oldest: --after-cursor oldest\n$/,
  },
  {
    name: 'a host that exists',
    argv: ['hosts', 'add', 'kvm-01', 'x'],
    code: 1,
    err: /^ALREADY_EXISTS +There is a host kvm-01 \(id-kvm-01\) already\. Choose another one\.\n$/,
  },

  {
    name: 'an unknown command',
    argv: ['statu'],
    code: 2,
    err: /^UNKNOWN_COMMAND +unknown command 'statu'\. Did you mean status\? See vurti --help\.\n$/,
  },
  {
    name: 'an unknown flag',
    argv: ['vms', '--statu', 'Up'],
    code: 2,
    err: /^UNKNOWN_COMMAND +unknown option '--statu'\. Did you mean --status\? See vurti --help\.\n$/,
  },
  {
    name: 'a wrong choice',
    argv: ['vms', '-o', 'xml'],
    code: 2,
    err: /^BAD_ARGUMENT .*Allowed choices are table, wide, json/,
  },
  {
    name: 'a wrong number',
    argv: ['status', '--timeout', 'soon'],
    code: 2,
    err: /^BAD_ARGUMENT .*must be a number above 0/,
  },
  {
    name: 'a missing argument',
    argv: ['explain', 'vm'],
    code: 2,
    err: /^BAD_ARGUMENT +missing required argument 'name'\. See vurti explain --help\.\n$/,
  },
  { name: 'a group without its command', argv: ['config'], code: 2, err: /^Examples:/ },
  { name: 'a wrong status', argv: ['vms', '--status', 'Pausd'], code: 2, err: /^BAD_REQUEST .*did you mean Paused\?/ },
  {
    name: 'a wrong severity',
    argv: ['tail', '-p', 'loud'],
    code: 2,
    err: /^BAD_REQUEST .*NORMAL, WARNING, ERROR, ALERT/,
  },
  { name: 'a wrong time', argv: ['tail', '--since', 'soon'], code: 2, err: /^BAD_ARGUMENT +"soon" is not a time/ },
  {
    name: 'a wrong pattern',
    argv: ['tail', '-g', '('],
    code: 2,
    err: /^BAD_ARGUMENT +-g \(: Invalid regular expression/,
  },
  {
    name: 'a wrong number of lines',
    argv: ['tail', '-n', 'few'],
    code: 2,
    err: /^BAD_ARGUMENT +-n few: a number of lines, or all\.\n$/,
  },
  {
    name: 'flags that exclude each other',
    argv: ['tail', '-f', '-r'],
    code: 2,
    err: /^BAD_ARGUMENT +-f and -r do not go together/,
  },
  { name: 'a wrong cursor', argv: ['tail', '--after-cursor', 'yesterday'], code: 2, err: /^CURSOR_INVALID/ },
  {
    name: 'a wrong URL',
    argv: ['status', '--url', 'ftp://x'],
    code: 2,
    err: /^BAD_ARGUMENT +"ftp:\/\/x" is not a URL like http:\/\/127\.0\.0\.1:8680\.\n$/,
  },
  {
    name: 'a question without a terminal',
    argv: ['hosts', 'remove', 'kvm-01'],
    code: 2,
    err: /^BAD_ARGUMENT +This needs a yes, and there is no terminal to ask at\. Add --yes\.\n$/,
  },
  {
    name: 'wrong settings',
    argv: ['config', 'check'],
    before: (cli) => writeFileSync(join(cli.cwd, 'vurti.yaml'), 'mode: spy\npol: {}\n'),
    code: 2,
    err: /^CONFIG_INVALID +vurti\.yaml:1:7 +mode: "spy" is not allowed.*\nCONFIG_UNKNOWN_KEY +vurti\.yaml:2:1 +pol is not a setting\. Did you mean poll \(a group of settings\)\?\n$/,
  },
  {
    name: 'settings that cannot be read',
    argv: ['config', 'show', '--config', 'none.yaml'],
    code: 2,
    err: /^CONFIG_UNREADABLE +none\.yaml +cannot be read/,
  },
  {
    name: 'a token file that cannot be read',
    argv: ['status', '--token-file', 'none'],
    code: 2,
    err: /^CONFIG_UNREADABLE +The token file .*none cannot be read/,
  },

  {
    name: 'no service',
    argv: ['status'],
    before: down,
    code: 3,
    err: /^SERVICE_UNREACHABLE +No vurti at http:\/\/127\.0\.0\.1:8680 \(connection refused\)\. Start one: vurti serve\. Elsewhere: --url or VURTI_URL\.\n$/,
  },
  {
    name: 'no service, with the cause',
    argv: ['status', '-v'],
    before: down,
    code: 3,
    err: /\n +because: fetch failed\n +because: ECONNREFUSED connect ECONNREFUSED\n$/,
  },
  { name: 'no service to follow', argv: ['tail', '-f'], before: down, code: 3, err: /^SERVICE_UNREACHABLE/ },
  {
    name: 'another service',
    argv: ['vms'],
    before: (cli) => {
      cli.outage = 'other';
    },
    code: 3,
    err: /answers, but not as vurti \(HTTP 200\)/,
  },
  {
    name: 'half an answer',
    argv: ['vms'],
    before: (cli) => {
      cli.outage = 'garbage';
    },
    code: 3,
    err: /broke off its answer/,
  },
  {
    name: 'a service that starts',
    argv: ['vms'],
    cli: { server: { monitor: () => undefined, phase: () => 'the database is opened' } },
    code: 3,
    err: /^NOT_READY +The service is starting: the database is opened\. Try again soon\.\n$/,
  },

  {
    name: 'no such VM',
    argv: ['explain', 'vm', 'nobody'],
    code: 4,
    err: /^NOT_FOUND +There is no VM "nobody"\. Names, ids and unique beginnings of ids are accepted\.\n$/,
  },
  { name: 'several hosts', argv: ['poke', 'id-kvm'], code: 4, err: /^AMBIGUOUS +"id-kvm" may be kvm-01, kvm-02/ },
  { name: 'no such cluster', argv: ['vms', '--cluster', 'moon'], code: 4, err: /^NOT_FOUND/ },

  {
    name: 'no such token',
    argv: ['tokens', 'remove', 'nobody'],
    code: 4,
    err: /^NOT_FOUND +There is no token "nobody"/,
  },
  {
    name: 'a token that is there',
    argv: ['tokens', 'add', 'grafana'],
    before: (cli) => {
      mkdirSync(join(cli.cwd, '.vurti'));
      addToken(tokensFile(join(cli.cwd, '.vurti')), 'grafana', 'read', '');
    },
    code: 1,
    err: /^ALREADY_EXISTS +There is a token "grafana" already/,
  },
  {
    name: 'a scope that there is not',
    argv: ['tokens', 'add', 'grafana', '--scope', 'write'],
    code: 2,
    err: /^BAD_ARGUMENT .*Allowed choices are read, admin/,
  },
  {
    name: 'too many requests',
    argv: ['status'],
    cli: { server: { rate: { perSecond: 1, burst: 0 } } },
    code: 3,
    err: /^TOO_MANY_REQUESTS +This address asks too often; again in 1 s\./,
  },

  {
    name: 'no token',
    argv: ['poke', 'kvm-01'],
    cli: { env: { VURTI_TOKEN: '' } },
    code: 5,
    err: /^FORBIDDEN +No token of the service is known here\. Use --token-file or VURTI_TOKEN\.\n$/,
  },
  {
    name: 'a wrong token',
    argv: ['poke', 'kvm-01'],
    cli: { env: { VURTI_TOKEN: 'wrong' } },
    code: 5,
    err: /^FORBIDDEN +POST needs another token/,
  },
  {
    name: 'an address that the service does not go by',
    argv: ['status', '--url', 'http://vurti.example.com'],
    code: 5,
    err: /^HOST_HEADER_REFUSED/,
  },

  {
    name: 'a bug of ours',
    argv: ['status'],
    before: (cli) => {
      Object.assign(cli.service.monitor, { vmList: null });
    },
    code: 70,
    err: /^INTERNAL .*(its log says more)/,
  },
];

describe('exit codes', () => {
  it.each(table)('$name: $code', async ({ argv, code, err, cli: options, before }) => {
    const cli = new Cli(options);
    before?.(cli);
    const result = await cli.run(...argv);
    expect({ code: result.code, err: result.err }).toEqual({
      code,
      err: err === undefined ? '' : expect.stringMatching(err),
    });
    expect(result.err).not.toMatch(/\n +at /);
  });

  it('70 for a bug in the command itself, with a report to send', async () => {
    const cli = new Cli();
    const io = {
      ...cli.io,
      clock: {
        now: () => {
          throw new RangeError('oh');
        },
        monotonic: () => 0,
      },
    };
    expect(await run(['tail'], io)).toBe(70);
    expect(cli.err).toMatch(/^INTERNAL +oh\. This is a bug in vurti\. Please report it with \/.*vurti-bug-\d+\.txt\n$/);
  });

  it('130 after Ctrl-C, 0 when nobody reads any more', async () => {
    for (const [cause, code] of [
      ['interrupt', 130],
      ['closed-pipe', 0],
      ['terminate', 0],
    ] as const) {
      const cli = new Cli();
      cli.outage = 'hangs';
      const running = cli.run('status');
      await cli.until(() => cli.requests.length > 0);
      cli.interrupt(cause);
      expect(await running).toEqual({ code, out: '', err: '' });
    }
  });

  it('3 when the service does not answer in time', async () => {
    const cli = new Cli();
    cli.outage = 'hangs';
    const running = cli.run('status', '--timeout', '2');
    await cli.until(() => cli.service.time.waiting().has('request'));
    await cli.service.time.runFor(2000);
    expect(await running).toMatchObject({
      code: 3,
      err: expect.stringContaining('No answer from http://127.0.0.1:8680 within 2 s.'),
    });
  });
});

describe('wait', () => {
  it('waits for a service that is still to come', async () => {
    const cli = new Cli();
    cli.outage = 'refused';
    const running = cli.run('wait', 'synced');
    await cli.until(() => cli.requests.length > 3, { label: 'wait', ms: 250 });
    cli.outage = null;
    cli.service.monitor.statusNow = { readiness: 'serving' };
    const before = cli.requests.length;
    await cli.until(() => cli.requests.length > before + 2, { label: 'wait', ms: 250 });
    cli.service.monitor.statusNow = {};
    await cli.until(() => cli.service.time.waiting().size === 0, { label: 'wait', ms: 250 });
    expect(await running).toEqual({ code: 0, out: '', err: '' });
  });

  it('gives up in time, with exit 1 and the reason', async () => {
    const cli = new Cli({ server: { monitor: () => undefined, phase: () => 'the database is opened' } });
    let ended = false;
    const running = cli.run('wait', 'serving', '--timeout', '3').finally(() => {
      ended = true;
    });
    await cli.until(() => ended, { label: 'wait', ms: 250 });
    expect(await running).toEqual({
      code: 1,
      out: '',
      err: 'Not serving within 3 s: The service is starting: the database is opened\n',
    });
  });

  it('does not wait for what no time mends', async () => {
    const cli = new Cli({ env: { VURTI_URL: 'http://elsewhere' } });
    expect(await cli.run('wait', 'serving')).toMatchObject({ code: 5 });
  });
});

it('sends the token of the local service to it alone', async () => {
  const cli = new Cli({ env: { VURTI_TOKEN: '' } });
  const { mkdirSync } = await import('node:fs');
  mkdirSync(join(cli.cwd, '.vurti'));
  writeFileSync(join(cli.cwd, '.vurti', 'token'), token);
  const write = (url: string): void =>
    writeFileSync(
      join(cli.cwd, '.vurti', 'service.json'),
      JSON.stringify({ url, pid: 4711, since: '', tokenFile: join(cli.cwd, '.vurti', 'token'), version: '' }),
    );
  write('http://localhost:8680');
  // The process of the file is gone: the file is stale.
  expect((await cli.run('poke', 'kvm-01')).code).toBe(5);
  cli.alive.add(4711);
  expect((await cli.run('poke', 'kvm-01')).code).toBe(0);
  expect((await cli.run('poke', 'kvm-01', '--url', 'http://127.0.0.1:8680')).code).toBe(5);
  // Broken settings do not keep anybody from asking.
  writeFileSync(join(cli.cwd, 'vurti.yaml'), 'mode: [');
  expect((await cli.run('poke', 'kvm-01')).code).toBe(0);
});

it('does not take the service at the default address for that of a data directory that is named', async () => {
  const cli = new Cli({ env: { VURTI_DATA_DIR: 'data' } });
  expect(await cli.run('status')).toMatchObject({
    code: 3,
    err: expect.stringMatching(/No vurti runs on the data directory .*\/data\./),
  });
  expect((await cli.run('status', '--url', 'http://localhost:8680')).code).toBe(0);
  const byFile = new Cli();
  writeFileSync(join(byFile.cwd, 'vurti.yaml'), 'dataDir: other\n');
  expect(await byFile.run('status')).toMatchObject({ code: 3, err: expect.stringContaining('/other.') });
});
