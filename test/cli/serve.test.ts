import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeDataDir, refuseSecond } from '../../src/cli/serve/data-dir.js';
import { takeDemo } from '../../src/cli/serve/inventory.js';
import { logTelemetry } from '../../src/cli/serve/log.js';
import { readServiceFile, removeServiceFile, writeServiceFile } from '../../src/cli/service-file.js';
import type { LogLevel } from '../../src/kernel/index.js';
import { fakeMonitor, host, vm } from '../server/fake-monitor.js';
import { Cli } from './harness.js';

const spec = (name: string, id = `id-${name}`) => ({ id, name, address: name, source: 'settings' });

it('a demo starts from its own fleet, whatever an earlier one left', () => {
  const monitor = fakeMonitor();
  monitor.hostList = [host('old'), host('kvm-01')];
  monitor.vmList = [vm('old'), vm('web-01')];
  const removed: string[] = [];
  monitor.vms.remove = (ref) => removed.push(ref);
  takeDemo(monitor, [spec('kvm-01')], [{ id: 'vm-web-01', name: 'web-01' }]);
  expect(monitor.calls.map((call) => call.slice(0, 13))).toEqual(['remove id-old', 'put host {"id', 'put vm {"id":']);
  expect(removed).toEqual(['vm-old']);
});

describe('the data directory', () => {
  it('is made for its owner; others may pass, not look', () => {
    const dir = join(new Cli().cwd, 'a', 'b');
    makeDataDir(dir);
    expect(statSync(dir).mode & 0o077).toBe(0o011);
    makeDataDir(dir);
  });

  it('that cannot be made is named', () => {
    const { cwd } = new Cli();
    writeFileSync(join(cwd, 'file'), '');
    expect(() => makeDataDir(join(cwd, 'file', 'x'))).toThrow(/file\/x cannot be made/);
  });

  it('belongs to the service that answers at its address', async () => {
    const cli = new Cli();
    const refuse = (): Promise<void> => refuseSecond(cli.cwd, '.vurti', cli.io);
    await refuse();
    writeServiceFile(cli.cwd, {
      url: 'http://127.0.0.1:8680',
      pid: 4711,
      since: '2026-01-31T08:12:30.000Z',
      tokenFile: '',
      version: '',
    });
    // Its process is gone.
    await refuse();
    cli.alive.add(4711);
    await expect(refuse()).rejects.toMatchObject({
      code: 'ALREADY_RUNNING',
      message: expect.stringMatching(/^Data directory \.vurti is in use by vurti \(pid 4711, since \d\d:12\)\.$/),
    });
    // The number belongs to another process by now.
    cli.outage = 'other';
    await refuse();
    cli.outage = 'refused';
    await refuse();
    // In a container the former life had our own number.
    cli.outage = null;
    cli.alive.add(process.pid);
    writeServiceFile(cli.cwd, {
      url: 'http://127.0.0.1:8680',
      pid: process.pid,
      since: '',
      tokenFile: '',
      version: '',
    });
    await refuse();
  });
});

describe('service.json', () => {
  it('is read whole or not at all', () => {
    const { cwd } = new Cli();
    expect(readServiceFile(cwd)).toBeUndefined();
    for (const text of ['', '{', '[]', '{"url":1,"pid":2}', '{"url":"x","pid":-1}', '{"url":"x","pid":1.5}']) {
      writeFileSync(join(cwd, 'service.json'), text);
      expect([text, readServiceFile(cwd)]).toEqual([text, undefined]);
    }
    const file = { url: 'http://x', pid: 7, since: 's', tokenFile: 't', version: 'v' };
    writeServiceFile(cwd, file);
    expect(readServiceFile(cwd)).toEqual(file);
  });

  it('is taken away by its owner alone', () => {
    const { cwd } = new Cli();
    const file = { url: 'http://x', pid: 7, since: 's', tokenFile: 't', version: 'v' };
    writeServiceFile(cwd, file);
    removeServiceFile(cwd, 8);
    expect(readServiceFile(cwd)).toEqual(file);
    removeServiceFile(cwd, 7);
    expect(readServiceFile(cwd)).toBeUndefined();
    removeServiceFile(cwd, 7);
  });
});

describe('messages', () => {
  const style = { color: false, utf8: true, columns: null, isTTY: false };
  function log(pretty: boolean, level: LogLevel): string[] {
    const lines: string[] = [];
    const output = { write: (text: string) => lines.push(text), isTTY: pretty, columns: undefined };
    const telemetry = logTelemetry({ level, pretty, output, style });
    telemetry.log('info', 'started\u001b[2J', { ms: 5, nothing: null, what: 'a\u0007b' });
    telemetry.log('debug', 'detail');
    telemetry.log('error', 'broken');
    telemetry.count('x');
    telemetry.gauge('x', 1);
    telemetry.observe('x', 1);
    telemetry.setLevel('error');
    telemetry.log('warn', 'not any more');
    return lines;
  }

  it('are JSON lines for collectors', () => {
    expect(log(false, 'info').map((line) => JSON.parse(line) as object)).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        ms: 5,
        nothing: null,
        what: 'a\u0007b',
        msg: 'started\u001b[2J',
      },
      { level: 'error', time: expect.any(String), msg: 'broken' },
    ]);
  });

  it('are one line each for people, without control characters', () => {
    expect(log(true, 'debug').map((line) => line.replace(/^\d\d:\d\d:\d\d\.\d{3} /, ''))).toEqual([
      'info  started\\x1b[2J  ms=5 what=a\\x07b\n',
      'debug detail\n',
      'error broken\n',
    ]);
  });
});

describe('serve refuses before it starts anything', () => {
  it.each([
    ['wrong settings', ['serve', '--listen', '0.0.0.0:1'], /^LISTEN_NEEDS_TOKEN +--listen/],
    [
      'a demo beside real hosts',
      ['serve', '--demo', '--config', 'real.yaml'],
      /^BAD_ARGUMENT +The settings list real hosts; --demo does not go with them\. Leave out/,
    ],
    ['a wrong number', ['serve', '--demo', '--hosts', 'many'], /^BAD_ARGUMENT .*must be a whole number/],
  ])('%s', async (_, argv, err) => {
    const cli = new Cli();
    mkdirSync(join(cli.cwd, 'x'));
    writeFileSync(join(cli.cwd, 'real.yaml'), 'inventory: { hosts: [{ name: a, address: b, protocol: http }] }');
    const result = await cli.run(...argv);
    expect([result.code, result.out]).toEqual([2, '']);
    expect(result.err).toMatch(err);
  });
});

describe('config', () => {
  it('checks', async () => {
    const cli = new Cli();
    expect(await cli.run('config', 'check')).toEqual({
      code: 0,
      out: 'No settings file, the defaults: good. mode observer, 0 hosts.\n',
      err: '',
    });
    writeFileSync(
      join(cli.cwd, 'vurti.yaml'),
      'mode: manager\ninventory: { hosts: [{ name: a, address: b, protocol: http }] }\n',
    );
    expect((await cli.run('config', 'check')).out).toBe('vurti.yaml: good. mode manager, 1 host.\n');
    expect((await cli.run('config', 'check', '-q')).out).toBe('');
  });

  it('shows what is in force, and where it comes from', async () => {
    const cli = new Cli({ env: { DATABASE_URL: 'postgres://u:geheim@db/x', VURTI_GRACE_SECONDS: '90' } });
    writeFileSync(join(cli.cwd, 'own.yaml'), 'mode: manager\n');
    const show = async (...argv: string[]): Promise<string> =>
      (await cli.run('config', 'show', '--config', 'own.yaml', ...argv)).out;
    expect(await show()).toMatch(/^mode: manager\ndataDir: .*\ndatabase:\n {2}url: \(set\)\n {2}schema: vurti\n/);
    const origins = await show('--origin');
    expect(origins).toMatch(/\nmode +manager +file own\.yaml:1:7\n/);
    expect(origins).toMatch(/\ndatabase\.url +\(set\) +environment DATABASE_URL\n/);
    expect(origins).toMatch(/\ngrace\.seconds +90 +environment VURTI_GRACE_SECONDS\n/);
    expect(origins).toMatch(/\nabsence\.misses +2 +default\n/);
    expect(JSON.parse(await show('--json'))).toMatchObject({
      mode: 'manager',
      grace: { seconds: 90 },
      database: { url: '(set)' },
    });
    expect(JSON.parse(await show('--json', '--origin'))).toContainEqual({
      path: 'mode',
      value: 'manager',
      origin: { layer: 'file', where: 'own.yaml:1:7' },
    });
    expect((await show('-o', 'ndjson')).split('\n')[0]).toBe(
      '{"path":"mode","value":"manager","origin":{"layer":"file","where":"own.yaml:1:7"}}',
    );
    expect(await show('-o', 'name')).toMatch(/^mode\ndataDir\n/);
    for (const form of [[], ['--origin'], ['--json'], ['-o', 'yaml', '--origin']])
      expect(await show(...form)).not.toContain('geheim');
  });
});
