import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { host, T0, vm } from '../server/fake-monitor.js';
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
    // Between pages the service gives way to others: its clock has to run.
    const all = cli.run('tail', '-o', 'name', '--after-cursor', 'oldest');
    await cli.until(() => cli.out.includes('e3.2500'));
    expect((await all).out.split('\n')).toHaveLength(2501);
    expect((await cli.run('tail', '-o', 'name', '-n', '1500')).out).toMatch(
      /^event\/e3\.1001\n(.*\n){1498}event\/e3\.2500\n$/,
    );
    expect((await cli.run('tail', '-o', 'name', '-n', '1', '-g', 'v7 ')).out).toBe('event/e3.8\n');
  });
});

describe('tail, flags together', () => {
  it.each<[string[], RegExp]>([
    [['-f', '-r'], /-f and -r/],
    [['-f', '-U', '09:00'], /-f and -U/],
    [['--after-cursor', 'e3.1', '-S', '08:00'], /--after-cursor and -S/],
    [['-S', '09:00', '-U', '08:00'], /-S is later than -U/],
    [['-n', 'some'], /-n some/],
    [['-n', '-3'], /-n -3/],
    [['-g', '('], /-g \(/],
    [['-S', 'soon'], /"soon" is not a time/],
    [['-p', 'loud'], /severity/],
    [['--type', 'VM_DOWNN'], /did you mean VM_DOWN\?/],
    [['--after-cursor', 'yesterday'], /CURSOR_INVALID/],
    [['--after-cursor', 'e9.1'], /CURSOR_INVALID/],
    [['-f', '--after-cursor', 'e9.1'], /CURSOR_INVALID/],
    [['--cursor-file', 'no/such/folder/seen'], /CONFIG_UNREADABLE/],
    [['--cursor-file', '.'], /CONFIG_UNREADABLE/],
  ])('%j is refused', async (argv, message) => {
    const { code, out, err } = await incident().run('tail', '--utc', ...argv);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(message);
  });

  it.each<[string[], string[]]>([
    [['-n', 'all', '-p', 'error'], ['e3.3']],
    [
      ['-n', 'all', '-r', '--type', 'VM_DOWN,VDS_FAILURE'],
      ['e3.3', 'e3.1'],
    ],
    [['--cluster', 'prod'], []],
    [['--vm', 'web-03', '-n', '2'], ['e3.5']],
    [['--host', 'kvm-07', '-p', 'error'], ['e3.3']],
    [['-S', '08:58:30', '-U', '08:59:00', '-p', 'error', '-x'], ['e3.3']],
    [
      ['-S', '08:58:30', '-r', '-n', '2'],
      ['e3.8', 'e3.7'],
    ],
    [['--after-cursor', 'e3.2', '-p', 'error', '-n', '5', '-r'], ['e3.3']],
    [['--after-cursor', 'e3.2', '-n', '0'], []],
    [['--after-cursor', 'e3.2', '-U', '08:58:59'], []],
    [['--cursor-file', 'new', '-S', '08:58:30', '-n', 'all', '-p', 'error'], ['e3.3']],
  ])('%j', async (argv, expected) => {
    const cli = incident();
    cli.service.monitor.hostList = [host('kvm-07')];
    cli.service.monitor.vmList = [vm('web-03')];
    const { code, out, err } = await cli.run('tail', '--utc', '-o', 'name', ...argv);
    expect([code, err, out.split('\n').slice(0, -1)]).toEqual([0, '', expected.map((cursor) => `event/${cursor}`)]);
  });

  it('a cursor file too old is told of, and does not stop the reader for ever', async () => {
    const cli = incident();
    writeFileSync(join(cli.cwd, 'seen'), 'e3.1\n');
    cli.service.monitor.log.removedUpTo = 7;
    const { code, out, err } = await cli.run('tail', '--utc', '-o', 'name', '--cursor-file', 'seen');
    expect([code, out]).toEqual([0, 'event/e3.8\n']);
    expect(err).toBe('-- 09:00:00 gap: 6 records after e3.1 removed before they were read; going on after e3.7 --\n');
    expect(readFileSync(join(cli.cwd, 'seen'), 'utf8')).toBe('e3.8\n');
  });

  it('the cursor file does not move past what nobody took', async () => {
    const cli = incident();
    writeFileSync(join(cli.cwd, 'seen'), 'e3.1\n');
    cli.closedPipe = true;
    expect((await cli.run('tail', '--cursor-file', 'seen')).code).toBe(0);
    expect(readFileSync(join(cli.cwd, 'seen'), 'utf8')).toBe('e3.1\n');
  });
});

describe('tail -f', () => {
  /** Runs until the stream has begun. */
  async function following(cli: Cli, ...argv: string[]): Promise<{ ended: Promise<{ code: number }> }> {
    const ended = cli.run('tail', '-f', '--utc', ...argv);
    await cli.until(() => cli.service.time.waiting().has('stream-beat'));
    for (let i = 0; i < 20; i++) await cli.service.time.runFor(0);
    return { ended };
  }

  it('goes on with what comes, and leaves with 130', async () => {
    const cli = incident();
    const { ended } = await following(cli, '-n', '1', '-p', 'error', '--show-cursor');
    cli.service.monitor.log.event('VM_PAUSED_ENOSPC', { vm: 'db-12', time: T0 });
    await cli.until(() => cli.out.includes('VM_PAUSED_ENOSPC'));
    cli.service.monitor.log.event('VM_DOWN', { vm: 'x', time: T0 });
    await cli.until(() => false, { label: 'stream-beat', ms: 16_000 }, 20);
    cli.interrupt();
    expect((await ended).code).toBe(130);
    expect(
      cli.out,
    ).toBe(`08:59:00.000 ERROR   VDS_FAILURE                 id-kvm-07  NonResponsive: connect timed out (10.0.4.17:54321)
09:00:00.000 ERROR   VM_PAUSED_ENOSPC            db-12      is paused: no storage space left
`);
    // What did not pass was looked at, too: a checkpoint has told so.
    expect(cli.err).toBe('-- cursor: e3.10 --\n');
    expect(cli.requests.filter((request) => request.includes('/stream'))).toHaveLength(1);
  });

  it('resumes after a restart, says so on stderr, and misses nothing', async () => {
    const cli = incident();
    const { monitor } = cli.service;
    const { ended } = await following(cli, '-n', '0', '--cursor-file', 'seen');
    cli.outage = 'refused';
    await cli.until(() => cli.err.includes('connection lost'));
    const before = cli.requests.length;
    await cli.until(() => cli.requests.length > before + 4, { label: 'tail', ms: 5000 });
    monitor.log.event('VDS_FAILURE', { host: 'kvm-22', time: T0, params: { Error: 'x' } });
    monitor.statusNow = { startedAt: T0 };
    monitor.log.forget();
    cli.outage = null;
    await cli.until(() => cli.out.includes('VDS_FAILURE'), { label: 'tail', ms: 5000 });
    expect(cli.err).toMatch(
      /^-- 09:00:\d\d connection lost; waiting for the service --\n-- 09:00:\d\d service restarted; resumed after e3\.8, nothing missed --\n$/,
    );
    expect(cli.out.match(/VDS_FAILURE/g)).toHaveLength(1);
    monitor.log.event('VM_DOWN', { vm: 'later', time: T0 });
    await cli.until(() => cli.out.includes('later'));
    await cli.until(() => readFileSync(join(cli.cwd, 'seen'), 'utf8') === 'e3.10\n');
    cli.interrupt();
    expect((await ended).code).toBe(130);
  });

  it('tells a lost connection from a restart, and both from a service that still starts', async () => {
    const cli = incident();
    const { monitor } = cli.service;
    const { ended } = await following(cli, '-n', '0');
    monitor.statusNow = { readiness: 'loading' };
    cli.outage = 'refused';
    cli.outage = null;
    await cli.until(() => cli.err.includes('connection lost; waiting'));
    await cli.until(() => cli.requests.filter((one) => one.includes('/stream')).length > 2, {
      label: 'tail',
      ms: 5000,
    });
    monitor.statusNow = {};
    await cli.until(() => cli.err.includes('connected again; resumed after e3.8, nothing missed'), {
      label: 'tail',
      ms: 5000,
    });
    expect(cli.err).not.toContain('restarted');
    cli.interrupt();
    expect((await ended).code).toBe(130);
  });

  it('a connection that says nothing any more is given up', async () => {
    const cli = incident();
    const { ended } = await following(cli, '-n', '0');
    cli.mute();
    await cli.until(() => cli.err.includes('connection lost'), { label: 'stream-silence', ms: 46_000 });
    await cli.until(() => cli.err.includes('connected again'), { label: 'tail', ms: 5000 });
    cli.interrupt();
    expect((await ended).code).toBe(130);
  });

  it('says when the log lost what it had not read, and goes on', async () => {
    const cli = incident();
    const { log } = cli.service.monitor;
    const { ended } = await following(cli, '-n', '0');
    cli.outage = 'refused';
    await cli.until(() => cli.err.includes('connection lost'));
    log.event('VM_DOWN', { vm: 'gone' });
    log.event('VM_DOWN', { vm: 'kept' });
    log.removedUpTo = 9;
    cli.outage = null;
    await cli.until(() => cli.out.includes('kept'), { label: 'tail', ms: 5000 });
    expect(cli.err).toContain('gap: 1 record after e3.8 removed before they were read; going on after e3.9 --\n');
    expect(cli.err).not.toContain('nothing missed');
    expect(cli.out).not.toContain('gone');
    cli.interrupt();
    expect((await ended).code).toBe(130);
  });

  it('says when it comes back to another log', async () => {
    const cli = incident();
    const { log } = cli.service.monitor;
    const { ended } = await following(cli, '-n', '0');
    cli.outage = 'refused';
    await cli.until(() => cli.err.includes('connection lost'));
    log.records.length = 2;
    log.forget();
    cli.outage = null;
    await cli.until(() => cli.out.includes('NOT_RESPONDING'), { label: 'tail', ms: 5000 });
    expect(cli.err).toContain(
      'gap: e3.8 is not a place in this log: it is another database, or a backup was restored; going on after e3.0, events may come again --',
    );
    cli.interrupt();
    expect((await ended).code).toBe(130);
  });

  it('ends when no service is there to begin with', async () => {
    const cli = incident();
    cli.outage = 'refused';
    expect((await cli.run('tail', '-f', '--after-cursor', 'e3.1')).code).toBe(3);
  });
});
