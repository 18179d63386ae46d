import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { host, vm } from '../server/fake-monitor.js';
import { Cli } from './harness.js';

function fleet(): Cli {
  const cli = new Cli();
  cli.service.monitor.hostList = [host('kvm-01'), host('kvm-02'), host('lab-01')];
  cli.service.monitor.vmList = [vm('web-03'), vm('web-04'), vm('db-12'), vm('od d'), vm('$(reboot)')];
  return cli;
}

const asked = async (cli: Cli, ...words: string[]): Promise<string[]> => {
  const { code, out, err } = await cli.run('__complete', ...words);
  expect([code, err]).toEqual([0, '']);
  return out === '' ? [] : out.trimEnd().split('\n');
};

describe('completion', () => {
  it.each([
    [['expl'], ['explain']],
    [
      ['hosts', 'a'],
      ['add', 'activate'],
    ],
    [
      ['explain', ''],
      ['vm', 'host'],
    ],
    [
      ['explain', 'vm', 'web'],
      ['web-03', 'web-04'],
    ],
    [
      ['explain', 'host', 'kvm-0'],
      ['kvm-01', 'kvm-02'],
    ],
    [['doctor', 'l'], ['lab-01']],
    [
      ['poke', 'kvm-01', 'kvm-0'],
      ['kvm-01', 'kvm-02'],
    ],
    [['hosts', 'maintenance', 'lab'], ['lab-01']],
    [['hosts', 'add', 'kvm'], []],
    [['raw', 'kvm-02', 'Host.getAllVmStats', '--vm', 'd'], ['db-12']],
    [
      ['vms', '--host', 'kvm'],
      ['kvm-01', 'kvm-02'],
    ],
    [['vms', '--host', 'kvm-01,la'], ['kvm-01,lab-01']],
    [['vms', '--host=kvm-01,la'], ['--host=kvm-01,lab-01']],
    [['vms', '--host', '=', 'lab'], ['lab-01']],
    [
      ['vms', '--host', '='],
      ['kvm-01', 'kvm-02', 'lab-01'],
    ],
    [['vms', '--exp'], ['--expand']],
    [
      ['--color', ''],
      ['auto', 'always', 'never'],
    ],
    [['-o', 'js', 'x'], []],
    [['-o', 'js'], ['json']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['serve', '--config', 'v'], []],
    [['no-such', 'thing', ''], []],
    [[], ['serve']],
  ])('of %j', async (words, expected) => {
    const found = await asked(fleet(), ...words);
    if (words.length === 0) expect(found).toEqual(expect.arrayContaining(expected));
    else expect(found.toSorted()).toEqual(expected.toSorted());
  });

  it('offers no name that a shell would take for something else', async () => {
    expect(await asked(fleet(), 'explain', 'vm', '')).toEqual(['db-12', 'web-03', 'web-04']);
  });

  it('asks nobody for what it knows itself', async () => {
    const cli = fleet();
    await asked(cli, 'explain', '');
    await asked(cli, 'vms', '--h');
    expect(cli.requests).toEqual([]);
  });

  it('gives up after 200 ms, and says nothing then', async () => {
    const cli = fleet();
    cli.outage = 'hangs';
    const { time } = cli.service;
    const began = time.now();
    const pending = asked(cli, 'explain', 'vm', 'web');
    await cli.until(() => time.waiting().size > 0);
    await time.runFor(200);
    expect(await pending).toEqual([]);
    expect(time.now() - began).toBeLessThanOrEqual(200);
    cli.outage = 'refused';
    expect(await asked(cli, 'explain', 'vm', 'web')).toEqual([]);
  });
});

describe('the script for bash', () => {
  /** What bash offers after these words, with a vurti that prints what it was asked. */
  async function offered(words: readonly string[], answer: string): Promise<{ replies: string[]; asked: string[] }> {
    const cli = new Cli();
    const { out } = await cli.run('completion', 'bash');
    const vurti = join(cli.cwd, 'vurti');
    writeFileSync(vurti, `#!/bin/sh\nprintf '%s\\n' "$@" > '${cli.cwd}/asked'\nprintf '${answer}'\n`);
    chmodSync(vurti, 0o755);
    writeFileSync(join(cli.cwd, 'vurti.bash'), out);
    const script = `source '${cli.cwd}/vurti.bash'
COMP_WORDS=(${[vurti, ...words].map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length}
_vurti
printf '%s\\n' "\${COMPREPLY[@]}"
echo --
cat '${cli.cwd}/asked'`;
    const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-u', '-c', script], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    const [replies = '', asked = ''] = stdout.split('--\n');
    return { replies: replies.split('\n').filter(Boolean), asked: asked.split('\n').slice(0, -1) };
  }

  it('passes on what stands before the cursor, and offers what comes back, line by line', async () => {
    expect(await offered(['explain', 'vm', 'web'], 'web-03\\nweb-04\\n')).toEqual({
      replies: ['web-03', 'web-04'],
      asked: ['__complete', 'explain', 'vm', 'web'],
    });
  });

  it('passes on the empty word, and offers nothing when nothing comes back', async () => {
    expect(await offered(['hosts', ''], '')).toEqual({ replies: [], asked: ['__complete', 'hosts', ''] });
  });

  it.each(['zsh', 'fish'] as const)('there is one for %s', async (shell) => {
    const { code, out } = await new Cli().run('completion', shell);
    expect(code).toBe(0);
    expect(out).toContain('__complete');
    if (spawnSync(shell, ['--version']).status !== 0) {
      console.warn(`${shell} is not on PATH: its script is not run`);
      return;
    }
    const { status, stderr } = spawnSync(shell, ['-n', '/dev/stdin'], { input: out, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  });
});
