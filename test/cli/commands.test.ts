import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { explanation } from '../server/explanation.js';
import { host, T0, vm } from '../server/fake-monitor.js';
import { Cli, type CliOptions } from './harness.js';

const lost = {
  status: 'Unknown',
  freshness: 'stale',
  host: 'kvm-07',
  hostId: 'id-kvm-07',
  since: T0 - 371_000,
  heardAt: T0 - 444_000,
  cpuPercent: null,
  memoryPercent: null,
} as const;

/** A fleet with the troubles of the mock-ups. */
function troubled(options: CliOptions = {}): Cli {
  const cli = new Cli(options);
  const { monitor } = cli.service;
  monitor.hostList = [
    host('kvm-07', {
      status: 'NonResponsive',
      freshness: 'unknown',
      since: T0 - 371_000,
      heardAt: T0 - 444_000,
      attempts: 7,
      cpuPercent: null,
      memoryPercent: null,
      networkPercent: null,
    }),
    host('kvm-31'),
    host('kvm-9'),
  ];
  monitor.vmList = [
    vm('db-12', {
      status: 'Paused',
      pause: 'ENOSPC',
      host: 'kvm-31',
      hostId: 'id-kvm-31',
      since: T0 - 41 * 60_000,
      cpuPercent: 0,
    }),
    ...Array.from({ length: 5 }, (_, i) => vm(`web-0${i + 3}`, lost)),
    vm('web-20', { host: 'kvm-31', hostId: 'id-kvm-31', cpuPercent: null, since: null }),
  ];
  monitor.statusNow = {
    condition: 'degraded',
    attention: [
      {
        severity: 'ERROR',
        kind: 'host',
        id: 'id-kvm-07',
        name: 'kvm-07',
        text: 'NonResponsive 6m11s, silent for 7m24s; 5 VMs Unknown',
      },
      { severity: 'ERROR', kind: 'vm', id: 'vm-db-12', name: 'db-12', text: 'Paused ENOSPC 41m on kvm-31' },
    ],
    database: {
      kind: 'postgres',
      waitingRows: 1200,
      waitingRecords: 7,
      setAside: 1,
      failingSince: T0 - 65_000,
      lastError: 'connect ECONNREFUSED',
      flushP99Ms: 9,
      refused: [{ table: 'vm_jobs', key: '["x"]', message: 'too long' }],
      journal: {
        ...{ mode: 'keeping', flushes: 3, bytes: 5 * 1024 * 1024, maxBytes: 512 * 1024 * 1024 },
        ...{ lastError: null, setAside: [] },
      },
    },
    rulesOff: [{ rule: 'host.cpu-level', because: 'the CPU level of the cluster is not known', clusters: ['prod'] }],
  };
  return cli;
}

describe('status', () => {
  it('says that all is well', async () => {
    const { code, out } = await new Cli().run('status');
    expect(code).toBe(0);
    expect(out).toBe(`vurti 0.1.0 · observer · ready · up 3d4h · cursor e3.0
Hosts         2   Up 2
VMs           2   Up 1 · Paused 1
Fresh     2 live       oldest live report 14s
Log          1h   41 normal · 33 warning · 3 error · 0 alert
Everything answers; nothing needs you.
Polls     on time, p99 12ms late · 4 of 18,204 failed · 1 in flight
Pushes    47/47 healthy, 0 gaps in 1h
Database  ok, flush p99 9ms, 0 rows waiting
`);
  });

  it('ranks what needs somebody, and says what next', async () => {
    const { out } = await troubled().run('status', '-v', '--utc');
    expect(out).toBe(`vurti 0.1.0 · observer · degraded · up 3d4h · cursor e3.0
Hosts         3   Up 2 · NonResponsive 1
VMs           7   Unknown 5 · Paused 1 · Up 1
Fresh     2 live · 5 stale (kvm-07 5)       oldest live report 14s
Log          1h   41 normal · 33 warning · 3 error · 0 alert
Needs attention
  ERROR    kvm-07  NonResponsive 6m11s, silent for 7m24s; 5 VMs Unknown
  ERROR    db-12   Paused ENOSPC 41m on kvm-31
  → vurti explain host kvm-07
Polls     on time, p99 12ms late · 4 of 18,204 failed · 1 in flight
Pushes    47/47 healthy, 0 gaps in 1h
Database  failing since 08:58:55 (1m5s), 1,200 rows waiting, 7 records, kept in the journal (5 of 512 MiB), 1 rows refused and set aside, connect ECONNREFUSED
Kept      the newest 30 days, at most 10,000,000 records · 12,000 removed since the start
Rules off host.cpu-level: the CPU level of the cluster is not known (prod)
`);
  });

  it.each([
    ['keeping', 104_000, 'kept in the journal (0.1 of 1 MiB)'],
    ['keeping', 12.1 * 1_048_576, 'kept in the journal (13 of 1 MiB)'],
    ['full', 1_048_576, 'journal full (1 of 1 MiB): in memory only'],
  ] as const)('says how full the journal is: %s, %i bytes', async (mode, bytes, text) => {
    const cli = troubled();
    const { statusNow } = cli.service.monitor;
    const { database } = statusNow;
    const journal = { mode, bytes, flushes: 3, maxBytes: 1_048_576, lastError: null, setAside: [] };
    cli.service.monitor.statusNow = { ...statusNow, database: { ...database, journal } } as typeof statusNow;
    expect((await cli.run('status')).out).toContain(text);
  });

  it('cuts a long list, and says how to see the rest', async () => {
    const cli = new Cli();
    cli.service.monitor.statusNow = {
      attention: Array.from({ length: 22 }, (_, i) => ({
        severity: 'WARNING' as const,
        kind: 'service' as const,
        id: '',
        name: `n${i}`,
        text: 'late\u001b[2J',
      })),
      polls: { inFlight: 0, total: 5, failed: 0, skipped: 3, latenessP99Ms: 2300 },
      pushes: { enabled: true, hosts: 0, healthy: 0, gapsLastHour: 0 },
      database: {
        kind: 'memory',
        waitingRows: 0,
        waitingRecords: 0,
        setAside: 0,
        failingSince: null,
        lastError: null,
        flushP99Ms: null,
        refused: [],
        journal: null,
      },
    };
    const { out } = await cli.run('status');
    expect(out.match(/WARNING/g)).toHaveLength(8);
    expect(out).toContain('  and 14 more → vurti tail -p warning --since 1h\n');
    expect(out).toContain('WARNING  n0  late\\x1b[2J\n');
    expect(out).not.toContain('vurti explain');
    expect(out).toContain(
      'Polls     late, p99 2.3s late · 0 of 5 failed · 3 skipped · 0 in flight\nPushes    no host pushes: polls only\n',
    );
    expect(out).toContain('Database  in memory, nothing is kept\n');
  });

  it('is coloured on a terminal, and plain ASCII without UTF-8', async () => {
    expect((await new Cli({ isTTY: true }).run('status')).out).toContain('\u001b[32mready\u001b[0m');
    const { out } = await troubled({ env: { LANG: 'C' } }).run('status');
    expect(out).toMatch(/^[\x20-\x7e\n]*$/);
    expect(out).toContain('  -> vurti explain host kvm-07');
  });

  it('repeats with -w until Ctrl-C', async () => {
    const cli = new Cli({ isTTY: true });
    const running = cli.run('status', '-w', '--color', 'never');
    await cli.until(() => cli.out.split('vurti 0.1.0').length > 3, { label: 'watch', ms: 2000 });
    cli.interrupt();
    expect((await running).code).toBe(130);
    expect(cli.out.startsWith('\u001b[H\u001b[2Jvurti 0.1.0')).toBe(true);
  });
});

describe('vms', () => {
  it('shows what is not known as unknown, and what is not live as last known', async () => {
    expect(
      (await troubled().run('vms')).out,
    ).toBe(`NAME    STATUS         HOST     FOR    REPORT       CPU  MEM  CLUSTER
db-12   Paused ENOSPC  kvm-31   41m    live 4s       0%  71%  prod
web-03  Unknown        kvm-07*  6m11s  stale 7m24s    -    -  prod
web-04  Unknown        kvm-07*  6m11s  stale 7m24s    -    -  prod
web-05  Unknown        kvm-07*  6m11s  stale 7m24s    -    -  prod
web-06  Unknown        kvm-07*  6m11s  stale 7m24s    -    -  prod
web-07  Unknown        kvm-07*  6m11s  stale 7m24s    -    -  prod
web-20  Up             kvm-31   -      live 4s        -  71%  prod
7 of 7 VMs   * last known
`);
  });

  it('sums up a lost host on a terminal', async () => {
    const { out } = await troubled({ isTTY: true }).run('vms', '--color', 'never', '--status', 'Paused,Unknown');
    expect(out).toBe(`NAME    STATUS         HOST     FOR    REPORT       CPU  MEM  CLUSTER
db-12   Paused ENOSPC  kvm-31   41m    live 4s       0%  71%  prod
web-03  Unknown        kvm-07*  6m11s  stale 7m24s    -    -  prod
web-04  Unknown        kvm-07*  6m11s  stale 7m24s    -    -  prod      … 3 more like this
6 of 7 VMs   * last known   (--expand lists all)
`);
    expect((await troubled({ isTTY: true }).run('vms', '--expand')).out).toContain('web-07');
  });

  it('drops columns on a narrow terminal', async () => {
    const { out } = await troubled({ isTTY: true, columns: 40 }).run('vms', '--color', 'never', '--host', 'kvm-31');
    expect(out).toBe(`NAME    STATUS         HOST    FOR
db-12   Paused ENOSPC  kvm-31  41m
web-20  Up             kvm-31  -
2 of 7 VMs
`);
  });

  it('has more with -o wide, and says how much of the whole it is', async () => {
    const { out } = await troubled().run('vms', '-o', 'wide', '--status', 'Up,Paused', '--limit', '1');
    expect(
      out,
    ).toBe(`NAME   STATUS         HOST    FOR  REPORT   CPU  MEM  CLUSTER  ID        IP        FQDN               UPTIME  OS
db-12  Paused ENOSPC  kvm-31  41m  live 4s   0%  71%  prod     vm-db-12  10.1.0.5  db-12.example.com  24h     Linux
2 of 7 VMs   the first 1 shown
`);
  });

  it('gives names, lines and documents to programs', async () => {
    const cli = troubled();
    expect((await cli.run('vms', '-o', 'name', '--status', 'Paused')).out).toBe('vm/db-12\n');
    const lines = (await cli.run('vms', '-o', 'ndjson')).out.trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { name: string }).name)).toEqual([
      'db-12',
      'web-03',
      'web-04',
      'web-05',
      'web-06',
      'web-07',
      'web-20',
    ]);
    const json = JSON.parse((await cli.run('vms', '--json', '--limit', '1')).out) as object;
    expect(json).toMatchObject({
      apiVersion: 'vurti/v1',
      kind: 'VmList',
      asOf: '2026-01-31T09:00:00.000Z',
      status: 'degraded',
      total: 7,
      items: [{ name: 'db-12', since: '2026-01-31T08:19:00.000Z' }],
    });
    expect(parse((await cli.run('vms', '-o', 'yaml', '--limit', '1')).out)).toEqual(json);
    expect((await cli.run('vms', '--no-headers', '--status', 'Paused')).out).toBe(
      'db-12  Paused ENOSPC  kvm-31  41m  live 4s  0%  71%  prod\n',
    );
    expect((await cli.run('vms', '--status', 'Down')).out).toBe('0 of 7 VMs\n');
  });

  it('keeps control characters out of every form', async () => {
    const cli = new Cli();
    cli.service.monitor.vmList = [vm('a\u001b[2J\u009b\u202eb')];
    for (const format of ['table', 'wide', 'json', 'ndjson', 'yaml', 'name']) {
      const { out } = await cli.run('vms', '-o', format);
      expect([format, /[^\P{C}\n]/u.test(out)]).toEqual([format, false]);
    }
  });
});

describe('hosts', () => {
  it('lists them in the order of their numbers', async () => {
    expect(
      (await troubled().run('hosts')).out,
    ).toBe(`NAME    STATUS         FOR    REPORT         VMS  CPU  MEM  NET  CLUSTER  ADDRESS
kvm-07  NonResponsive  6m11s  unknown 7m24s    2    -    -    -  prod     kvm-07.example.com:54321
kvm-9   Up             1h     live 4s          2  12%  34%   1%  prod     kvm-9.example.com:54321
kvm-31  Up             1h     live 4s          2  12%  34%   1%  prod     kvm-31.example.com:54321
3 of 3 hosts
`);
    expect((await troubled().run('hosts', 'list', '-o', 'wide', '--status', 'NonResponsive')).out).toContain(
      'id-kvm-07  settings       7  256 GiB    64  4.5   CentOS Stream 9\n',
    );
  });

  it('changes what the operator says', async () => {
    const cli = troubled();
    const said: [string[], string, string][] = [
      [
        ['hosts', 'add', 'kvm-40', '10.0.0.40', '--cluster', 'prod', '--port', '99', '--pm'],
        'put host {"name":"kvm-40","address":"10.0.0.40","port":99,"cluster":"prod","pmEnabled":true,"source":"api"}',
        'kvm-40 added to cluster prod: 10.0.0.40:54321 is asked from now on.\n',
      ],
      [
        ['hosts', 'maintenance', 'kvm-9', '--reason', 'new disks'],
        'maintenance kvm-9 new disks',
        'kvm-9 is in Maintenance: it is not judged until vurti hosts activate kvm-9\n',
      ],
      [['hosts', 'activate', 'kvm-9'], 'activate kvm-9', 'kvm-9 is monitored again: Up.\n'],
      [
        ['hosts', 'confirm-rebooted', 'kvm-07', '--yes'],
        'confirmRebooted id-kvm-07',
        'kvm-07 was off: its VMs do not run any more.\n',
      ],
      [['hosts', 'remove', 'kvm-9', '--yes'], 'remove id-kvm-9', 'kvm-9 removed.\n'],
      [['poke', 'kvm-31'], 'poke id-kvm-31', 'kvm-31 is asked now.\n'],
    ];
    for (const [argv, call, out] of said) {
      cli.service.monitor.calls.length = 0;
      expect(await cli.run(...argv)).toEqual({ code: 0, out, err: '' });
      expect(cli.service.monitor.calls).toEqual([call]);
    }
    expect((await cli.run('hosts', 'activate', 'kvm-9', '-q')).out).toBe('');
    expect(JSON.parse((await cli.run('hosts', 'activate', 'kvm-9', '--json')).out)).toMatchObject({
      kind: 'Host',
      item: { name: 'kvm-9' },
    });
  });

  it('takes a host for dead only after a yes', async () => {
    const no = troubled({ isTTY: true, answer: '' });
    expect((await no.run('hosts', 'confirm-rebooted', 'kvm-07')).code).toBe(2);
    expect(no.service.monitor.calls).toEqual([]);
  });

  it('removes only after a yes', async () => {
    const yes = troubled({ isTTY: true, answer: 'y' });
    expect((await yes.run('hosts', 'remove', 'kvm-9')).code).toBe(0);
    const no = troubled({ isTTY: true, answer: '' });
    expect(await no.run('hosts', 'remove', 'kvm-9')).toMatchObject({
      code: 2,
      err: expect.stringContaining('Not done.'),
    });
    expect(no.service.monitor.calls).toEqual([]);
  });
});

describe('explain', () => {
  it('tells why, by which rule, on what evidence, what was not done, what would end it, and what next', async () => {
    const cli = troubled();
    const { log } = cli.service.monitor;
    log.event('VDS_FAILURE', { host: 'kvm-07', time: T0 - 371_000, params: { Error: 'connect timed out' } });
    log.event('VM_SET_TO_UNKNOWN_STATUS', { host: 'kvm-07', vm: 'web-03', time: T0 - 371_000, parent: 'ev-1' });
    const line = { rule: 'host.failure.in-grace', becomes: [], times: 1 };
    cli.service.monitor.explain = () =>
      explanation({
        ...{ id: 'vm-web-03', name: 'web-03', status: 'Unknown', previous: 'Up', host: 'kvm-07', freshness: 'unknown' },
        ...{ since: T0 - 371_000, heardAt: T0 - 444_000 },
        ...{
          rule: 'host.lost.vms-unknown',
          doc: 'docs/rules.md#host-lost-vms-unknown',
          why: 'Its host is NonResponsive.',
        },
        evidence: [
          { ...line, at: T0 - 420_000, lastAt: T0 - 390_000, times: 3, text: 'no answer within 10s' },
          {
            ...line,
            ...{ at: T0 - 371_000, lastAt: T0 - 371_000, text: '5 failed attempts' },
            becomes: [
              { name: 'kvm-07', from: 'Connecting', to: 'NonResponsive' },
              { name: 'web-03', from: 'Up', to: 'Unknown' },
            ],
          },
        ],
        notDone: [
          { what: 'Down by absence', why: 'needs 2 complete reports' },
          { what: 'HA restart', why: 'no proof that kvm-07 is off' },
        ],
        endsWhen: ['kvm-07 lists it → that status', 'another host lists it → it moves there'],
        next: [
          { text: 'next attempt', at: T0 + 6000 },
          { text: 'vurti explain host kvm-07', at: null },
        ],
        rulesOff: [{ rule: 'vm.ha-restart', because: 'not known: which VMs are highly available' }],
      });
    expect((await cli.run('explain', 'vm', 'web-03', '--utc')).out).toBe(`\
web-03 is Unknown for 6m11s · was Up on kvm-07 · last heard 08:52:36 (7m24s ago)

Why        Its host is NonResponsive.
Rule       host.lost.vms-unknown                     docs/rules.md#host-lost-vms-unknown
Evidence   08:53:00  3 times until 08:53:30: no answer within 10s
           08:53:49  5 failed attempts · kvm-07 Connecting → NonResponsive · web-03 Up → Unknown
Not done   Down by absence  needs 2 complete reports
           HA restart       no proof that kvm-07 is off
Ends when  kvm-07 lists it → that status
           another host lists it → it moves there
Next       next attempt at 09:00:06 (in 6s) · vurti explain host kvm-07
Off        not known: which VMs are highly available (vm.ha-restart)
Events     08:53:49.000 WARNING VM_SET_TO_UNKNOWN_STATUS  web-03  was set to Unknown
`);
    expect(JSON.parse((await cli.run('explain', 'vm', 'web-03', '--json')).out)).toMatchObject({
      kind: 'Explanation',
      item: {
        ...{ rule: 'host.lost.vms-unknown', heardAt: '2026-01-31T08:52:36.000Z' },
        evidence: [{ at: '2026-01-31T08:53:00.000Z', times: 3 }, {}],
        next: [{ at: '2026-01-31T09:00:06.000Z' }, { at: null }],
      },
    });
  });

  it('shows the last calls of a host that gives no reason to ask', async () => {
    const cli = troubled();
    cli.service.monitor.explain = () =>
      explanation({
        ...{
          kind: 'host',
          id: 'id-kvm-9',
          name: 'kvm-9',
          rule: 'host.up',
          doc: 'docs/rules.md#host-up',
          why: 'It is Up.',
        },
        calls: [{ at: T0 - 4000, method: 'Host.getStats', outcome: 'answered', durationMs: 12, code: null }],
        next: [{ text: 'asked next', at: T0 + 11_000 }],
      });
    expect((await cli.run('explain', 'host', 'kvm-9', '--utc')).out).toBe(`\
kvm-9 is Up · not heard by this service yet

Why        It is Up.
Rule       host.up                                   docs/rules.md#host-up
Calls      08:59:56  Host.getStats answered in 12ms
Next       asked next at 09:00:11 (in 11s)
Events     none in the log
`);
  });

  it('breaks long texts at the width of the terminal, under what leads them in', async () => {
    const cli = new Cli({ isTTY: true, columns: 40 });
    cli.service.monitor.explain = () =>
      explanation({ notDone: [{ what: 'fence', why: 'the service has run for less than 300s' }] });
    const { out } = await cli.run('explain', 'vm', 'web-01', '--color', 'never');
    expect(out).toContain(
      'Why        It was in this status when\n           the service started; nothing\n           has changed it since.\n',
    );
    expect(out).toContain('Not done   fence  the service has run\n                  for less than 300s\n');
  });

  it('counts the rules that are off where there are many', async () => {
    const cli = new Cli();
    const rulesOff = ['a', 'b', 'c', 'c'].map((fact, i) => ({ rule: `r${i}`, because: `not known: ${fact}` }));
    cli.service.monitor.explain = () => explanation({ rulesOff });
    expect((await cli.run('explain', 'vm', 'web-01')).out).toContain(
      'Off        4 rules, for want of 3 facts: vurti status -v\n',
    );
  });

  it('escapes what agents say', async () => {
    const cli = new Cli();
    cli.service.monitor.explain = () =>
      explanation({
        evidence: [{ at: T0, lastAt: T0, times: 1, rule: null, text: 'evil \u001b[2J', becomes: [] }],
      });
    expect((await cli.run('explain', 'vm', 'web-01', '--utc')).out).toContain('evil \\x1b[2J');
  });
});

describe('version, help', () => {
  it('prints the version', async () => {
    const cli = new Cli();
    expect((await cli.run('version')).out).toMatch(/^vurti \d+\.\d+\.\d+ \(node \d+\.\d+\.\d+, \w+ \w+\)\n$/);
    expect((await cli.run('--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(JSON.parse((await cli.run('version', '--json')).out)).toMatchObject({
      kind: 'Version',
      node: process.versions.node,
    });
  });

  const commands = [
    '',
    'serve',
    'simulate',
    'status',
    'hosts',
    'hosts list',
    'hosts add',
    'hosts remove',
    'hosts activate',
    'hosts confirm-rebooted',
    'hosts maintenance',
    'vms',
    'tail',
    'explain',
    'poke',
    'config',
    'config check',
    'config show',
    'migrate',
    'wait',
    'version',
  ];
  it.each(commands)('vurti %s --help begins with three examples', async (command) => {
    const { code, out, err } = await new Cli().run(...command.split(' ').filter((word) => word !== ''), '--help');
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^Examples:\n( {2}vurti .*\n){3}\nUsage: vurti/);
  });
});
