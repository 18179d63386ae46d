import { describe, expect, it } from 'vitest';
import { type ReloadReport, SettingsError } from '../../src/monitor/index.js';
import { Cli } from './harness.js';

const nothing: ReloadReport = { file: 'vurti.yaml', changes: [], hosts: null };

function cli(answer: ReloadReport | Error, asked: unknown[] = []): Cli {
  const reload = (options: unknown): ReloadReport => {
    asked.push(options);
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return new Cli({ server: { reload } });
}

describe('vurti reload', () => {
  it('says what is in force, what waits for a restart, and what became of the hosts', async () => {
    const result = await cli({
      file: '/etc/vurti/vurti.yaml',
      changes: [
        { path: 'poll.intervalSeconds', from: 15, to: 30, takesEffect: 'now' },
        { path: 'server.listen', from: '127.0.0.1:8680', to: '127.0.0.1:1', takesEffect: 'restart' },
        { path: 'clusters.lab', from: null, to: { grace: { seconds: 9 } }, takesEffect: 'now' },
      ],
      hosts: {
        added: ['kvm-09'],
        changed: [],
        leaving: ['kvm-01', 'kvm-02'],
        returned: [],
        removed: [],
        refused: [{ host: 'kvm-03', because: 'another host bears its name (id x)' }],
        held: [{ source: 'file:/etc/vurti/a.json', missing: 3, known: 4, because: 'halved' }],
      },
    }).run('reload');
    expect(result).toEqual({
      code: 0,
      err: '',
      out: `/etc/vurti/vurti.yaml: read again, in force:
  poll.intervalSeconds  15 → 30
  clusters.lab          - → {"grace":{"seconds":9}}
  1 host added: kvm-09
  2 hosts no longer listed, removed in 10 min: kvm-01, kvm-02
  not taken: kvm-03, another host bears its name (id x)
  /etc/vurti/a.json lacks 3 of 4 hosts: none is removed. If that is right: vurti reload --accept-removals
Takes effect at the next start only:
  server.listen         127.0.0.1:8680 → 127.0.0.1:1
`,
    });
  });

  it('says when there is nothing new', async () => {
    expect((await cli(nothing).run('reload')).out).toBe('vurti.yaml: read again, nothing else is in force.\n');
    const json = await cli({ ...nothing, file: null }).run('reload', '--json');
    expect(JSON.parse(json.out)).toMatchObject({ kind: 'Reload', item: { file: null, changes: [], hosts: null } });
  });

  it('passes on that removals are right', async () => {
    const asked: unknown[] = [];
    await cli(nothing, asked).run('reload', '--accept-removals');
    await cli(nothing, asked).run('reload');
    expect(asked).toEqual([{ acceptRemovals: true }, {}]);
  });

  it('names each fault of wrong settings on a line of its own, exit 2', async () => {
    const wrong = new SettingsError([
      { code: 'CONFIG_UNKNOWN_KEY', where: 'vurti.yaml:3:3', message: 'poll.intervall is not a setting.' },
      { code: 'CONFIG_INVALID', where: 'vurti.yaml:4:8', message: 'mode: "x" is not allowed.' },
    ]);
    expect(await cli(wrong).run('reload')).toEqual({
      code: 2,
      out: '',
      err: 'CONFIG_UNKNOWN_KEY     vurti.yaml:3:3  poll.intervall is not a setting.\nCONFIG_INVALID         vurti.yaml:4:8  mode: "x" is not allowed.\n',
    });
  });

  it('needs the token', async () => {
    const other = cli(nothing);
    other.env['VURTI_TOKEN'] = 'wrong';
    expect((await other.run('reload')).code).toBe(5);
  });
});
