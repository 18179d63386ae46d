import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { T0 } from '../server/fake-monitor.js';
import { Cli, type CliOptions } from './harness.js';

const S = 1000;

/** An incident like that of the mock-up. */
function incident(options: CliOptions = {}): Cli {
  const cli = new Cli(options);
  const { log } = cli.service.monitor;
  log.event('VM_DOWN', { host: 'kvm-01', vm: 'old-01', time: T0 - 86_400_000 });
  log.event('VDS_HOST_NOT_RESPONDING', { host: 'kvm-07', time: T0 - 120 * S, params: { Seconds: '73' } });
  const lost = log.event('VDS_FAILURE', {
    host: 'kvm-07',
    time: T0 - 60 * S,
    params: { Error: 'connect timed out (10.0.4.17:54321)' },
  });
  log.change(lost, [
    { path: 'status', from: 'Connecting', to: 'NonResponsive' },
    { path: 'statusSince', from: T0 - 120 * S, to: T0 - 60 * S },
  ]);
  for (const name of ['web-03', 'web-04', 'db-07', 'db-08']) {
    log.event('VM_SET_TO_UNKNOWN_STATUS', { host: 'kvm-07', vm: name, time: T0 - 60 * S, parent: lost.id });
  }
  return cli;
}

describe('tail', () => {
  it('shows the newest events, the parts of an incident in one line', async () => {
    const { code, out, err } = await incident().run('tail', '--utc');
    expect([code, err]).toEqual([0, '']);
    expect(out).toBe(`2026-01-30 09:00:00.000 NORMAL  VM_DOWN                     vm-old-01  is down
08:58:00.000 WARNING VDS_HOST_NOT_RESPONDING     id-kvm-07  no answer; counts as lost after 73s of silence
08:59:00.000 ERROR   VDS_FAILURE                 id-kvm-07  NonResponsive: connect timed out (10.0.4.17:54321)
08:59:00.000 WARNING  └ VM_SET_TO_UNKNOWN_STATUS  4 VMs: vm-web-03, vm-web-04, vm-db-07 …     (--expand lists them)
`);
  });

  const table: [string[], RegExp][] = [
    [['-n', '1', '--expand'], /^.*vm-db-08 .*\n$/],
    [['-p', 'error'], /^.*VDS_FAILURE.*\n$/],
    [['--type', 'VM_DOWN'], /^.*VM_DOWN .*\n$/],
    [['-S', '08:58:30', '-U', '09:00'], /^.*VDS_FAILURE.*\n.*4 VMs.*\n$/],
    [['-S', '2m ago', '-n', '1', '--expand'], /^.*vm-db-08.*\n$/],
    [['-S', '2m ago', '-p', 'error', '-n', 'all'], /^.*VDS_FAILURE.*\n$/],
    [['-r', '-n', '2', '--expand'], /^.*vm-db-08.*\n.*vm-db-07.*\n$/],
    [['-r', '--type', 'VM_DOWN,VDS_FAILURE'], /^.*VDS_FAILURE.*\n.*VM_DOWN.*\n$/],
    [['-g', 'TIMED'], /^$/],
    [['-g', 'timed out|73s'], /^.*NOT_RESPONDING.*\n.*VDS_FAILURE.*\n$/],
    [['-g', 'down', '-n', '1'], /^.*VM_DOWN .*\n$/],
    [['--after-cursor', 'e3.3', '--expand'], /^(.*VM_SET_TO_UNKNOWN_STATUS.*\n){4}$/],
    [['--after-cursor', 'e3.3', '--expand', '-n', '1'], /^.*vm-db-08.*\n$/],
    [['--after-cursor', 'e3.6', '--expand', '-r'], /^.*vm-db-08.*\n.*vm-db-07.*\n$/],
    [['--after-cursor', 'e3.8'], /^$/],
    [['--after-cursor', 'oldest', '-p', 'error'], /^.*VDS_FAILURE.*\n$/],
    [['-n', '0'], /^$/],
    [['-o', 'name', '-n', '2'], /^event\/e3\.7\nevent\/e3\.8\n$/],
    [['-o', 'wide', '-n', '1'], /\[e3\.8\]\n$/],
  ];
  it.each(table)('%j', async (argv, expected) => {
    const { code, out } = await incident().run('tail', '--utc', ...argv);
    expect([code, out]).toEqual([0, expect.stringMatching(expected)]);
  });

  it('says of events that were held back when that was, in the time of the reader', async () => {
    const cli = new Cli();
    cli.service.monitor.log.event('EVENTS_HELD_BACK', {
      host: 'kvm-22',
      time: T0,
      params: {
        ...{ Event: 'HOST_INTERFACE_STATE_DOWN/HOST_INTERFACE_STATE_UP', Count: '14', Why: 'flap' },
        ...{ From: '2026-01-31T08:58:41.000Z', To: '2026-01-31T08:59:11.000Z', Last: 'ens1f0 went up' },
      },
    });
    expect((await cli.run('tail', '--utc')).out).toContain(
      '… HOST_INTERFACE_STATE_DOWN/HOST_INTERFACE_STATE_UP repeated 14× 08:58:41–08:59:11, held back (flap); the last one: ens1f0 went up\n',
    );
  });

  it('tells the cause under each event', async () => {
    const { out } = await incident().run('tail', '--utc', '-p', 'error', '-x');
    expect(
      out,
    ).toBe(`08:59:00.000 ERROR   VDS_FAILURE                 id-kvm-07  NonResponsive: connect timed out (10.0.4.17:54321)
             rule host.lost · poll 18,204 of id-kvm-07 at 08:59:00 · status Connecting → NonResponsive
`);
  });

  it('gives one event per line to programs', async () => {
    const { out } = await incident().run('tail', '--json');
    const events = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { cursor: string });
    expect(events.map((event) => event.cursor)).toEqual(['e3.1', 'e3.2', 'e3.3', 'e3.5', 'e3.6', 'e3.7', 'e3.8']);
    expect((await incident().run('tail', '-o', 'yaml', '-n', '1')).out).toMatch(/^---\ncursor: e3\.8\n/);
  });

  it('remembers the place in a file, and shows it', async () => {
    const cli = incident();
    const file = join(cli.cwd, 'seen');
    const first = await cli.run('tail', '-o', 'name', '--cursor-file', 'seen', '--show-cursor');
    expect(first.out.split('\n')).toHaveLength(8);
    expect([first.err, readFileSync(file, 'utf8')]).toEqual(['-- cursor: e3.8 --\n', 'e3.8\n']);
    expect((await cli.run('tail', '-o', 'name', '--cursor-file', 'seen')).out).toBe('');
    cli.service.monitor.log.event('VM_DOWN', { vm: 'x' });
    expect((await cli.run('tail', '-o', 'name', '--cursor-file', 'seen')).out).toBe('event/e3.9\n');
    writeFileSync(file, '');
    expect((await cli.run('tail', '-o', 'name', '--cursor-file', 'seen', '-n', '1')).out).toBe('event/e3.9\n');
  });

  it('reads a long log in pages', async () => {
    const cli = new Cli();
    for (let i = 0; i < 2500; i++) cli.service.monitor.log.event('VM_DOWN', { vm: `v${i}` });
    expect((await cli.run('tail', '-o', 'name', '--after-cursor', 'oldest')).out.split('\n')).toHaveLength(2501);
    expect((await cli.run('tail', '-o', 'name', '-n', '1500')).out).toMatch(
      /^event\/e3\.1001\n(.*\n){1498}event\/e3\.2500\n$/,
    );
    expect((await cli.run('tail', '-o', 'name', '-n', '1', '-g', 'v7 ')).out).toBe('event/e3.8\n');
  });
});

describe('tail -f', () => {
  /** Runs until the first long poll waits. */
  async function following(cli: Cli, ...argv: string[]): Promise<{ ended: Promise<{ code: number }> }> {
    const ended = cli.run('tail', '-f', '--utc', ...argv);
    await cli.until(() => cli.service.time.waiting().has('long-poll'));
    return { ended };
  }

  it('goes on with what comes, and leaves with 130', async () => {
    const cli = incident();
    const { ended } = await following(cli, '-n', '1', '-p', 'error', '--show-cursor');
    cli.service.monitor.log.event('VM_PAUSED_ENOSPC', { vm: 'db-12', time: T0 });
    cli.service.monitor.log.event('VM_DOWN', { vm: 'x', time: T0 });
    await cli.until(() => cli.out.includes('VM_PAUSED_ENOSPC'));
    cli.interrupt();
    expect((await ended).code).toBe(130);
    expect(
      cli.out,
    ).toBe(`08:59:00.000 ERROR   VDS_FAILURE                 id-kvm-07  NonResponsive: connect timed out (10.0.4.17:54321)
09:00:00.000 ERROR   VM_PAUSED_ENOSPC            db-12      is paused: no storage space left
`);
    expect(cli.err).toBe('-- cursor: e3.10 --\n');
  });

  it('asks again and again while nothing comes', async () => {
    const cli = incident();
    await following(cli);
    const polls = (): number => cli.requests.filter((request) => request.includes('wait=25')).length;
    await cli.until(() => polls() >= 3, { label: 'long-poll', ms: 25_000 });
    expect(cli.err).toBe('');
    cli.interrupt();
  });

  it('resumes after a restart, says so on stderr, and misses nothing', async () => {
    const cli = incident();
    const { monitor, time } = cli.service;
    const { ended } = await following(cli, '-n', '0', '--cursor-file', 'seen');
    cli.outage = 'refused';
    await time.runFor(25_000);
    await cli.until(() => cli.err.includes('connection lost'));
    const before = cli.requests.length;
    await cli.until(() => cli.requests.length > before + 4, { label: 'tail', ms: 5000 });
    monitor.log.event('VDS_FAILURE', { host: 'kvm-22', time: T0, params: { Error: 'x' } });
    monitor.statusNow = { startedAt: T0 };
    cli.outage = null;
    await cli.until(() => cli.out.includes('VDS_FAILURE'), { label: 'tail', ms: 5000 });
    expect(cli.err).toMatch(
      /^-- 09:00:\d\d connection lost; waiting for the service --\n-- 09:\d\d:\d\d service restarted; resumed after e3\.8, nothing missed --\n$/,
    );
    expect(cli.out.match(/VDS_FAILURE/g)).toHaveLength(1);
    await cli.until(() => time.waiting().has('long-poll'));
    monitor.log.event('VM_DOWN', { vm: 'later', time: T0 });
    await cli.until(() => cli.out.includes('later'));
    expect(readFileSync(join(cli.cwd, 'seen'), 'utf8')).toBe('e3.10\n');
    cli.interrupt();
    expect((await ended).code).toBe(130);
  });

  it('tells a lost connection from a restart, and both from a service that still starts', async () => {
    const cli = incident();
    const { monitor, time } = cli.service;
    await following(cli, '-n', '0');
    monitor.statusNow = { readiness: 'loading' };
    await time.runFor(25_000);
    await cli.until(() => cli.err.includes('service is starting; waiting'), { label: 'long-poll', ms: 25_000 });
    monitor.statusNow = {};
    await cli.until(() => cli.err.includes('connected again; resumed after e3.8, nothing missed'), {
      label: 'tail',
      ms: 5000,
    });
    expect(cli.err).not.toContain('restarted');
    cli.interrupt();
  });

  it('says when the log lost what it had not read, and goes on', async () => {
    const cli = incident();
    const { log } = cli.service.monitor;
    await following(cli, '-n', '0');
    cli.outage = 'refused';
    await cli.service.time.runFor(25_000);
    await cli.until(() => cli.err.includes('connection lost'));
    log.event('VM_DOWN', { vm: 'gone' });
    log.event('VM_DOWN', { vm: 'kept' });
    log.removedUpTo = 9;
    cli.outage = null;
    await cli.until(() => cli.out.includes('kept'), { label: 'tail', ms: 5000 });
    expect(cli.err).toContain('events after e3.8 were removed before they were read: there is a gap --\n');
    expect(cli.err).not.toContain('nothing missed');
    expect(cli.out).not.toContain('gone');
    cli.interrupt();
  });

  it('ends when no patience helps', async () => {
    const cli = incident();
    const { ended } = await following(cli, '-n', '0');
    // Another database: the cursor means nothing there.
    cli.service.monitor.log.records.length = 2;
    cli.service.monitor.log.forget();
    await cli.until(() => cli.err !== '', { label: 'long-poll', ms: 25_000 });
    expect((await ended).code).toBe(2);
    expect(cli.err).toMatch(/^CURSOR_INVALID/);
  });
});
